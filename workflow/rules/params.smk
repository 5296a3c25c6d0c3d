# Params: each function takes the wildcards, or gives a function of them, and picks a part of the config.
# Needs: common.smk.
# Gives: what results depend on, so that a change of it makes them again; what figures show; which training goes first.

from functools import cache
from types import SimpleNamespace

from calotype.util import code_digest as digests
from calotype.util.code_digest import own_code, with_values
from calotype.util.files import contents, declared_contents
from calotype.config.recipe import SCIKIT_LEARN
from calotype.steps.custom import Own
from calotype.steps.sequence import before_measuring, plain_steps

DIGESTS = digests.KeptDigests(Path(".snakemake/contents/code.json"))


def code_digest(script, without=(), picks={}):
    """The code of a stage, as a param: what changes it makes the stage run again (see profiles/default)."""
    return code_of(WORKFLOW / "scripts" / script, without, picks)


def code_of(entry, without=(), picks={}):
    """The code that a script, a function or a class reaches."""
    with plain_errors():
        return DIGESTS.digest(entry, (*digests.NO_RESULT, *without), picks)


def drawing(wildcards):
    """The values that decide what is drawn."""
    return CONFIG.datasets[wildcards.dataset].drawn_values(wildcards.split)


def keywords(wildcards, output):
    """All that the function that draws gets; Snakemake compares no param that asks for `output`."""
    return CONFIG.datasets[wildcards.dataset].drawn(wildcards.split)


def writer(wildcards):
    """The function that draws a dataset."""
    return CONFIG.datasets[wildcards.dataset].writer


def drawing_code(wildcards):
    """The code that draws a dataset."""
    return [code_digest("draw.py"), code_of(writer(wildcards))]


def checksums(wildcards):
    """The files of a dataset, each with its SHA-256."""
    return CONFIG.datasets[wildcards.dataset].fetch.files


def catalogue_entry(wildcards):
    """The keys that decide which images of a user's own there are, their labels and their splits."""
    return CONFIG.datasets[wildcards.dataset].catalogue()


def catalogue_code(wildcards):
    """The code that lists the images of a dataset of the user's own."""
    return [code_digest("catalogue.py", NO_ROW), code_of(CONFIG.datasets[wildcards.dataset].lister, NO_ROW)]


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

    Snakemake compares no param that is derived from `output`, which this function asks for, and does not use: images
    that were moved are the same.
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


@cache
def declared():
    """The content of each file that a `files:` key declares."""
    steps = [step for dataset in CONFIG.datasets.values() for step in dataset.prepare if isinstance(step, Own)]
    variants = [variant for study in CONFIG.studies.values() for variant in study.variants.values()]
    paths = {path for each in (*steps, *variants) for path in each.files}
    with plain_errors():
        return declared_contents(sorted(paths), Path(".snakemake/contents/files.json"))


def contents_of(files):
    """The contents of some of these files."""
    return [declared()[file] for file in files]


def used_code(before=False):
    """The code of the reader of a dataset, and of each of its steps, the user's own too; or of those before one measures."""

    def digests(wildcards):
        dataset = CONFIG.datasets[wildcards.dataset]
        steps = before_measuring(dataset.prepare) if before else dataset.prepare
        used = {dataset.reader, *(f"{type(step).__module__}:{type(step).__name__}" for step in steps)}
        own = [own_code(step.function, contents_of(step.files)) for step in steps if isinstance(step, Own)]
        return [*map(code_of, sorted(used)), *own]

    return digests


def recipe(wildcards):
    """The part of a variant that its weights depend on."""
    return CONFIG.studies[wildcards.study].variants[wildcards.variant].recipe()


def model_picks(variant):
    """Of the models that come along, the one that a variant uses."""
    comes_along = variant.model not in SCIKIT_LEARN and ":" not in variant.model
    return {"calotype.training.models:MODELS": [variant.model] * comes_along}


def training_code(wildcards):
    """The code of a training, which its packs share."""
    return code_to_train(wildcards.study, wildcards.variant)


@cache
def code_to_train(study, variant_name):
    """The code of a training: of the library that trains it, and of models and augmentations only what it uses."""
    variant = CONFIG.studies[study].variants[variant_name]
    other = ("backend", "keras_trainer") if variant.model in SCIKIT_LEARN else ("sklearn_trainer",)
    picks = {"calotype.training.augmentation:CHANGES": sorted({change.name for change in variant.augment})}
    picks |= model_picks(variant)
    code = code_digest(
        "train.py", ["calotype.config", *(f"calotype.training.{module}" for module in ("predicting", *other))], picks
    )
    return with_values(code, variant.resolved())


@cache
def how_to_predict(study, variant):
    """All that the predictions of a variant depend on besides weights and images."""
    found = CONFIG.studies[study].variants[variant]
    of = SimpleNamespace(study=study, variant=variant)
    other = ("backend", "keras_predictor") if found.model in SCIKIT_LEARN else ("sklearn_predictor",)
    without = ["calotype.config", *(f"calotype.training.{module}" for module in other)]
    code = code_of("calotype.training.predicting:predict_variant", without, model_picks(found))
    return found.prediction() | {"code": code, "own_model": own_model(of)}


def asked(wildcards):
    """All that the predictions of a study depend on besides weights and images, by variant."""
    return {variant: how_to_predict(wildcards.study, variant) for variant in variants(wildcards)}


def tests_of_variant(wildcards, output):
    """What a training predicts at its end, where it is prepared: no part of what it depends on.

    Snakemake compares no param that is derived from `output`, which this function asks for, and does not use.
    """
    arrays = [LAYOUT.prepared(wildcards.study, split, ".npy") for split in tests(wildcards)]
    return {"asked": how_to_predict(wildcards.study, wildcards.variant), "arrays": arrays}


def recipe_threads(wildcards):
    """The threads of a training are part of its recipe, not of the machine."""
    return CONFIG.studies[wildcards.study].variants[wildcards.variant].threads


def most_threads(wildcards):
    """The threads of the variant of a study that has most; each predicts with those that it trained with."""
    return max(variant.threads for variant in study_of(wildcards).variants.values())


def longest_first(wildcards):
    """The priority of a training, less than 1: one that begins last and takes long leaves the other cores idle.

    How often its images pass stands for its time. What a pass costs is not known before it ran; one with convolutions,
    as a user's own net may have, some ten times one without.
    """
    variant = CONFIG.studies[wildcards.study].variants[wildcards.variant]
    cost = 1 if variant.model in ("dense", *SCIKIT_LEARN) else 10
    return 1 - 1 / (1 + cost * variant.epochs * (1 + int(wildcards.last) - int(wildcards.first)))


def own_model(wildcards):
    """The code of a user's own model and the files that it reads; None for the models that come along."""
    variant = CONFIG.studies[wildcards.study].variants[wildcards.variant]
    return own_code(variant.model, contents_of(variant.files))


def study_of(wildcards):
    """The study that a job belongs to."""
    return CONFIG.studies[wildcards.study]


def tests(wildcards):
    """The test splits of a study."""
    return study_of(wildcards).tests


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


def title(wildcards):
    """The heading of a study."""
    return study_of(wildcards).title


def of_report(describe):
    """What `describe` says of the studies of a report."""

    def value(wildcards):
        return describe(LAYOUT.reports()[wildcards.report])

    return value


def study_packs(wildcards):
    """(variant, first seed, last seed) of each pack of a study."""
    return LAYOUT.study_packs(wildcards.study)


def study_results(wildcards):
    """What tables of a study have to know of it, beside its results."""
    return LAYOUT.results_of(wildcards.study)


def shown_results(wildcards):
    """What figures of a study have to know of it, beside its results."""
    return LAYOUT.results_of(wildcards.study) | LAYOUT.shown_in_figures(wildcards.study)


def figures_rule(study):
    """The name of the rule that draws the figures of a study and of those with the same ones."""
    return "_".join(["figures", CONFIG.studies[study].task, *LAYOUT.conditions(study)])


def drawn(figures):
    """What the job that draws some figures has to know of each."""
    return [{"name": each.name, "function": each.function, "per_variant": each.per_variant} for each in figures]


def figure_code(figures):
    """The code of the job that draws some figures, and of the functions that it finds by name."""
    return [code_digest("figures.py"), *(code_of(f"calotype.figures.{figure.function}") for figure in figures)]


def rule_names(wildcards):
    """The names that a study cannot have: those of the rules."""
    return [known.name for known in workflow.rules]
