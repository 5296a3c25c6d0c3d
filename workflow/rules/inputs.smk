# Inputs: each function takes the wildcards, or gives a function of them, and names files.
# Needs: common.smk, and of params.smk which split of a study is meant.
# Gives: the paths of what a rule reads; where each file lies, the library's Layout knows.


def everything(report):
    """All files that a call for a report makes; where it cannot be made, the reason, once it is asked for."""

    def paths(wildcards):
        try:
            return targets.files_of(LAYOUT, report)
        except CalotypeError as error:
            raise SystemExit(f"error: {error}") from None  # Snakemake shows a traceback of any other

    return paths


def raw(wildcards):
    """What says which raw images a split has: the folder that was drawn, checksums of files, or a manifest."""
    return LAYOUT.raw(wildcards.dataset, wildcards.split)


def catalogued(wildcards):
    """The catalogue of a user's own images, beside its manifest; of others none."""
    return [LAYOUT.catalogue(wildcards.dataset, ".csv")] if wildcards.dataset in LAYOUT.own() else []


def measured(wildcards):
    """What was measured for the preparation of a dataset: a file, or none."""
    return LAYOUT.measured(wildcards.dataset)


def all_prepared(suffix):
    """The prepared splits of the studies of the report."""

    def paths(wildcards):
        studies = CONFIG.settings.studies
        splits = [(study, split) for study in studies for split in CONFIG.splits_of(study)]
        return list(dict.fromkeys(LAYOUT.prepared(study, split, suffix) for study, split in splits))

    return paths


def rehearsal(wildcards):
    """What says that a model of the user's own was tried; nothing for one that comes along."""
    own = ":" in study_of(wildcards).variants[wildcards.variant].model
    return [f"{RESULTS}/{wildcards.study}/{wildcards.variant}/rehearsal.json"] if own else []


def step_sheets(studies):
    """The figures of the preparation of each split that some studies use, as an input function."""

    def paths(wildcards):
        return LAYOUT.step_sheets(dict.fromkeys(studies))

    return paths


def files_of_variant(wildcards):
    """The files that the model function of a variant reads."""
    return study_of(wildcards).variants[wildcards.variant].files


def files_of_steps(wildcards):
    """The files that the user's own preparation steps of a dataset read."""
    steps = CONFIG.datasets[wildcards.dataset].prepare
    return [file for step in steps if isinstance(step, Own) for file in step.files]


def splits_of_variant(suffix):
    """The prepared splits of a variant: that of training, and that of validation if it has one."""

    def paths(wildcards):
        splits = study_of(wildcards).variants[wildcards.variant].splits
        return [LAYOUT.prepared(wildcards.study, split, suffix) for split in splits]

    return paths


def prepared_tests(suffix):
    """The prepared test splits of a study."""

    def paths(wildcards):
        return [LAYOUT.prepared(wildcards.study, split, suffix) for split in tests(wildcards)]

    return paths


def prepared_split(suffix):
    """The prepared split of a study that the wildcard names."""

    def path(wildcards):
        return LAYOUT.prepared(wildcards.study, wildcards.split, suffix)

    return path


def predictions(wildcards):
    """The predictions of a study, a file for each of its test splits."""
    return LAYOUT.predictions(wildcards.study)


def of_all_packs(name):
    """A file of each pack of a study."""

    def paths(wildcards):
        return LAYOUT.pack_paths(wildcards.study, name)

    return paths


def feature_models(wildcards):
    """The models of the pack with seed 0 of the variant whose feature maps a study shows; none where it shows none."""
    shown = LAYOUT.shown_in_figures(wildcards.study)["feature_maps"]
    return shown[1:] if shown else []


def report_tables(name):
    """A table of each study of a report."""

    def paths(wildcards):
        return LAYOUT.tables(LAYOUT.reports()[wildcards.report], [name])

    return paths


def report_figures(wildcards):
    """The figures of a report: files, and folders of files."""
    return LAYOUT.figure_outputs(LAYOUT.reports()[wildcards.report], [".svg"])


def report_sheets(wildcards):
    """The figures of the preparation of the user's own images, in a report."""
    sheets = LAYOUT.report_sheets(LAYOUT.reports()[wildcards.report])
    return list(dict.fromkeys(file for _, _, file in sheets))


def report_costs(wildcards):
    """What each figure of a report cost."""
    return [f"{BENCHMARKS}/figures/{study}.csv" for study in LAYOUT.reports()[wildcards.report]]


def report_benchmarks(wildcards):
    """What each job of a report cost."""
    return [f"{BENCHMARKS}/{stage}/{what}.tsv" for stage, what in LAYOUT.jobs(LAYOUT.reports()[wildcards.report])]
