# What the rules share: the checked config, paths, and the functions that rules name as inputs and params.
# Needs: config/ and the library.
# Gives: CONFIG, LAYOUT and the functions below, a few lines each; what is longer belongs in the library.

import os
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

from snakemake import jobs
from snakemake.exceptions import WorkflowError
from snakemake.sourcecache import HostingProviderFile

STARTED = time.time()


def folder_of(source):
    """The folder of a source; of one on a server, `github(...)`, a copy: Snakemake brings its rules, not the library."""
    if not isinstance(source, HostingProviderFile):
        folder = Path(source.get_path_or_uri(secret_free=True)).resolve()
        if not (folder.parent / "calotype").is_dir():
            raise WorkflowError(
                f"{source}: there is no library beside these rules.\nHint: name a clone or a git submodule, `snakefile: "
                '"calotype/Snakefile"`, or a git server, `snakefile: github("<owner>/calotype", path="Snakefile", ...)`.'
            )
        return folder
    repository = source.hosted_repo.repo
    commit = repository.commit(source.ref).hexsha
    copies = Path(".snakemake/calotype")
    copies.mkdir(parents=True, exist_ok=True)
    if not (copies / commit).exists():
        with tempfile.TemporaryFile() as archive, tempfile.TemporaryDirectory(dir=copies) as aside:
            repository.archive(archive, commit)
            archive.seek(0)
            with tarfile.open(fileobj=archive) as files:
                files.extractall(Path(aside, "copy"), filter="data")
            os.replace(Path(aside, "copy"), copies / commit)
    # Paths by another name than the commit's: another commit makes nothing again whose code and inputs are the same.
    if not (copies / "current").exists() or (copies / "current").resolve().name != commit:
        Path(copies, commit, "link").symlink_to(commit)
        os.replace(copies / commit / "link", copies / "current")
    return copies / "current" / source.path


# The folder of the rules, scripts and library: of this file, and not of a Snakefile that takes them in as a module.
WORKFLOW = folder_of(workflow.current_basedir).parent
# Scripts run in processes of their own and find the library there; so does this file.
LIBRARY = str(WORKFLOW.resolve())
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [LIBRARY, os.environ.get("PYTHONPATH")])))
sys.path.insert(0, LIBRARY)

from calotype import config as calotype_config, provenance
from calotype.checks import check_studies
from calotype.console import would_fail_again
from calotype.errors import CalotypeError
from calotype.files import check_writable, contents
from calotype.layout import Layout
from calotype.postmortem import explain
from calotype.recipe import SCIKIT_LEARN
from calotype.steps import Own, before_measuring, plain_steps
from calotype.validation import read_yaml

try:
    for file in workflow.configfiles:
        if Path(file).suffix in (".yaml", ".yml"):
            read_yaml(Path(file))  # Snakemake, which has read it, takes the last of two keys of one name
    CONFIG = calotype_config.load(config, " + ".join(os.path.relpath(file) for file in workflow.configfiles))
    check_studies(CONFIG)
    LAYOUT = Layout(CONFIG)
    DATA, RESULTS, PACK = LAYOUT.data, LAYOUT.results, LAYOUT.pack
    for key, folder in (("data", DATA), ("results", RESULTS)):
        check_writable(Path(folder), key)
except CalotypeError as error:
    raise WorkflowError(str(error)) from None

# Scripts see these, and a change of them runs nothing again, as that of a param would.
config["checkpoint_minutes"] = CONFIG.settings.checkpoint_minutes
config["stream_above"] = CONFIG.settings.stream_above

# How many small rules of a group work at a time in the Slurm job that they share: the Slurm profile has each of them
# claim it. A limit in a profile would not reach the job on its node, which would then ask for more cores than it has.
workflow.register_resource("at_once", 1)

LOGS, BENCHMARKS = f"{RESULTS}/logs", f"{RESULTS}/benchmarks"
ENVIRONMENT = "../../envs/cpu.yaml"
# Captions, template and style. Relative, so that a project that was moved is still up to date.
REPORT = Path(os.path.relpath(WORKFLOW / "report"))


def one_of(names):
    """A pattern for wildcards that takes these names and no others; where there are none, nothing."""
    return "|".join(sorted(names)) or "(?!)"


wildcard_constraints:
    dataset=one_of(CONFIG.datasets),
    split=one_of({split for dataset in CONFIG.datasets.values() for split in dataset.splits}),
    study=one_of(CONFIG.studies),
    variant=one_of({variant for study in CONFIG.studies.values() for variant in study.variants}),
    report=one_of(LAYOUT.reports()),
    first=r"\d\d\d+",
    last=r"\d\d\d+",


def code_digest(script, without=()):
    """The code of a stage, as a param: what changes it makes the stage run again (see profiles/default)."""
    try:
        return provenance.code_digest(WORKFLOW / "scripts" / script, tuple(without))
    except CalotypeError as error:
        raise WorkflowError(str(error)) from None


def retries_of(job):
    """How often Snakemake tries a job again: one that a bug or a wrong input has ended, never."""
    new = [Path(log) for log in job.log if os.path.exists(log) and os.stat(log).st_mtime >= STARTED]
    return 0 if any(map(would_fail_again, new)) else job.rule.restart_times


def retries_of_group(group):
    """How often Snakemake tries a group again: not if that would not help one of its jobs."""
    return min(map(retries_of, group.jobs))


# Snakemake knows no difference between a job that was killed, which more memory or another node may help, and one that
# would fail each time. It asks these when a job has failed.
jobs.Job.restart_times = property(retries_of)
jobs.GroupJob.restart_times = property(retries_of_group)


# ---- Params: the part of the config that a result depends on ----


def drawing(wildcards):
    """Everything that decides what is drawn."""
    dataset = CONFIG.datasets[wildcards.dataset]
    return dataset.drawing.model_dump() | dataset.splits[wildcards.split].model_dump()


def checksums(wildcards):
    """The files of a dataset, each with its SHA-256."""
    return CONFIG.datasets[wildcards.dataset].fetch.files


def catalogue_entry(wildcards):
    """Everything that decides which images of a user's own there are, their labels and their splits."""
    return CONFIG.datasets[wildcards.dataset].catalogue()


def images_there(wildcards):
    """What lies in the folder of a user's own images; or why that cannot be said, which the job will say, too."""
    dataset = CONFIG.datasets[wildcards.dataset]
    where, known = dataset.place(), Path(".snakemake/contents", f"{wildcards.dataset}.json")
    try:
        return contents(Path(where["folder"]), where.get("ignore", []), known, dataset.files())
    except CalotypeError as error:
        return str(error)


def place(wildcards, output):
    """Where a user's own images lie; nothing of others.

    Snakemake compares no param that is derived from `output`, which this function asks for, and does not use: images that
    were moved are the same.
    """
    dataset = CONFIG.datasets[wildcards.dataset]
    return dataset.place() if wildcards.dataset in LAYOUT.own() else {}


def preparation(wildcards):
    """Everything that decides how a split is prepared, and what its labels may be."""
    return CONFIG.datasets[wildcards.dataset].preparation(wildcards.split)


def measuring(wildcards):
    """Everything that decides what is measured on a split: its images, and the steps before `normalise`."""
    steps = before_measuring(CONFIG.datasets[wildcards.dataset].prepare)
    return preparation(wildcards) | {"steps": plain_steps(steps)}


def class_names(wildcards):
    """The names of the classes of a dataset; none where it has numbers instead."""
    return CONFIG.class_names(wildcards.dataset)


def own_steps(before=False):
    """The code of the user's own steps of a dataset; or of those before `normalise`."""

    def digests(wildcards):
        steps = CONFIG.datasets[wildcards.dataset].prepare
        steps = before_measuring(steps) if before else steps
        return [provenance.own_code(step.function) for step in steps if isinstance(step, Own)]

    return digests


def recipe(wildcards):
    """The part of a variant that its weights and predictions depend on."""
    return CONFIG.studies[wildcards.study].variants[wildcards.variant].recipe()


def training_code(wildcards):
    """The code of a training: that of the library that trains it, not of the other."""
    model = CONFIG.studies[wildcards.study].variants[wildcards.variant].model
    other = ("backend", "training") if model in SCIKIT_LEARN else ("scikit",)
    return code_digest("train.py", [f"calotype.{module}" for module in other])


def recipe_threads(wildcards):
    """The threads of a training are part of its recipe, not of the machine."""
    return CONFIG.studies[wildcards.study].variants[wildcards.variant].threads


def own_model(wildcards):
    """The code of a user's own model file; None for the models that come along."""
    return provenance.own_code(CONFIG.studies[wildcards.study].variants[wildcards.variant].model)


def study_of(wildcards):
    """The study that a job belongs to."""
    return CONFIG.studies[wildcards.study]


def tests(wildcards):
    """The test splits of a study."""
    return study_of(wildcards).tests


def first_test(wildcards):
    """The test split of the contact sheet, and of the example."""
    return tests(wildcards)[0]


def last_test(wildcards):
    """The test split of the figures over all images: the last, and with that the place for the largest."""
    return tests(wildcards)[-1]


def task(wildcards):
    """The task of a study."""
    return study_of(wildcards).task


def headline(wildcards):
    """The metric of a study's figures over seeds."""
    return study_of(wildcards).headline


def shown_metrics(wildcards):
    """The metrics of a study's tables, the headline first."""
    return study_of(wildcards).shown


def training_splits(wildcards):
    """The split that each variant of a study is trained on."""
    return {name: variant.train for name, variant in study_of(wildcards).variants.items()}


def classes(wildcards):
    """The names of the classes of a study."""
    return CONFIG.classes(wildcards.study)


def example(wildcards):
    """The number of the test image that a study shows."""
    return study_of(wildcards).example


def trainings(studies):
    """The code that trains each variant of some studies: the workflow's, and the user's own."""

    def digests(_):
        found = {}
        for study in studies:
            for variant in CONFIG.studies[study].variants:
                of = SimpleNamespace(study=study, variant=variant)
                found[f"{study}/{variant}"] = training_code(of), own_model(of)
        return found

    return digests


def must_not_diverge(wildcards):
    """The file of a study that says that none of its trainings may diverge; None where they may."""
    file = f"{CONFIG.settings.study_files}/{wildcards.study}.yaml"
    return None if study_of(wildcards).may_diverge else file


def feature_variant(wildcards):
    """The variant whose feature maps a study shows."""
    return study_of(wildcards).feature_maps


def claims(wildcards):
    """The claims of a study, as plain data."""
    return [claim.model_dump() for claim in study_of(wildcards).claims]


def same_images(wildcards):
    """Whether the source of a study tested on the images that we test on; it cannot have where we draw our own."""
    return LAYOUT.same_images(wildcards.study)


def variants(wildcards):
    """The variants of a study."""
    return list(study_of(wildcards).variants)


def pack_variants(wildcards):
    """The variant of each pack of a study, in the order of `study_packs`."""
    return [variant for variant, _, _ in LAYOUT.study_packs(wildcards.study)]


def variant_seeds(wildcards):
    """The number of seeds of each variant of a study."""
    return {variant: CONFIG.seeds(wildcards.study, variant) for variant in study_of(wildcards).variants}


def variant_labels(wildcards):
    """How figures and tables call the variants of a study."""
    return study_of(wildcards).labels()


def runs_on(choose):
    """What a figure has to know of a study's runs on the test split that `choose` picks, as `predicted` takes it."""

    def runs(wildcards):
        return {
            "split": choose(wildcards),
            "variants": pack_variants(wildcards),
            "seeds": variant_seeds(wildcards),
            "labels": variant_labels(wildcards),
        }

    return runs


def title(wildcards):
    """The heading of a study."""
    return study_of(wildcards).title


def of_report(describe):
    """What `describe` says of the studies of a report."""

    def value(wildcards):
        return describe(LAYOUT.reports()[wildcards.report])

    return value


def svg_figures(studies):
    """(study, name, name of the caption, file) of each figure."""
    figures = LAYOUT.figures(studies)
    return [(figure.study, figure.name, figure.rule, LAYOUT.figure_file(figure, ".svg")) for figure in figures]


# ---- Input functions: each takes the wildcards, or gives a function of them ----


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


def splits_of_variant(suffix):
    """The prepared splits of a variant: that of training, that of validation if it has one, and those of tests."""

    def paths(wildcards):
        splits = study_of(wildcards).variants[wildcards.variant].splits
        return [LAYOUT.prepared(wildcards.study, split, suffix) for split in (*splits, *tests(wildcards))]

    return paths


def prepared_tests(suffix):
    """The prepared test splits of a study."""

    def paths(wildcards):
        return [LAYOUT.prepared(wildcards.study, split, suffix) for split in tests(wildcards)]

    return paths


def prepared_test(choose, suffix):
    """The prepared test split of a study that `choose` picks."""

    def path(wildcards):
        return LAYOUT.prepared(wildcards.study, choose(wildcards), suffix)

    return path


def of_all_packs(name):
    """A file of each pack of a study."""

    def paths(wildcards):
        return LAYOUT.pack_paths(wildcards.study, name)

    return paths


def of_first_packs(name):
    """A file of the pack that holds seed 0 of each variant of a study, in the order of `variants`."""

    def paths(wildcards):
        return [LAYOUT.pack_paths(wildcards.study, name, variant)[0] for variant in variants(wildcards)]

    return paths


def feature_models(wildcards):
    """The models of the pack with seed 0 of the variant whose feature maps a study shows."""
    return LAYOUT.pack_paths(wildcards.study, "models", feature_variant(wildcards))[0]


def feature_history(wildcards):
    """The history of the pack with seed 0 of the variant whose feature maps a study shows."""
    return LAYOUT.pack_paths(wildcards.study, "history.csv", feature_variant(wildcards))[0]


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


def report_packs(name):
    """A file of each pack of a report."""

    def paths(wildcards):
        return [path for study in LAYOUT.reports()[wildcards.report] for path in LAYOUT.pack_paths(study, name)]

    return paths


def report_benchmarks(wildcards):
    """What each job of a report cost."""
    return [f"{BENCHMARKS}/{stage}/{what}.tsv" for stage, what in LAYOUT.jobs(LAYOUT.reports()[wildcards.report])]


def everything(report):
    """All files that a call for a report brings; where it cannot be made, the reason, once it is asked for."""

    def paths(wildcards):
        if report in CONFIG.broken:
            raise SystemExit(f"error: {CONFIG.broken[report]}")  # Snakemake shows a traceback of any other
        if not LAYOUT.reports()[report]:
            key, hint = "studies" if report == "report" else report, "name some; `new_study` writes a first one."
            raise SystemExit(f"error: config: {key}: names no study.\nHint: {hint}")
        return LAYOUT.everything(report)

    return paths


def rule_names(wildcards):
    """The names that a study cannot have, as they are those of other targets."""
    return [known.name for known in workflow.rules]


def own_targets():
    """The studies, each a target by its name. Called when all other rules are there: their names are taken."""
    taken = [known.name for known in workflow.rules]
    for study in (*CONFIG.studies, *CONFIG.broken):
        if study in taken:
            file = f"{CONFIG.settings.study_files}/{study}.yaml"
            raise WorkflowError(
                f"{file}: a study cannot be called `{study}`: that name is taken.\nHint: rename the file."
            )
    return (*CONFIG.studies, *CONFIG.broken)


def print_findings():
    """End a run by saying what was found and where to look."""
    for report in LAYOUT.reports():
        findings = Path(RESULTS, f"{report}.txt")
        if findings.is_file() and findings.stat().st_mtime >= STARTED:  # not those of an earlier call
            print(f"\n{findings.read_text(encoding='utf-8')}\nReport: {RESULTS}/{report}.html", file=sys.stderr)


def print_deaths():
    """End a run that failed by saying what is known of trainings that were killed."""
    told = explain(Path(RESULTS, "checkpoints"), Path(BENCHMARKS, "train"), STARTED)
    if told:
        print("\n" + "\n".join(told), file=sys.stderr)
        print("What they had trained is kept: the same command goes on from there.", file=sys.stderr)
