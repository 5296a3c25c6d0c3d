# What the rules share: the checked config, paths, and the functions that rules name as inputs and params.
# Needs: config/ and the library.
# Gives: CONFIG, LAYOUT and the functions below, a few lines each; what is longer belongs in the library.

import os
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError

STARTED = time.time()

# Scripts run in processes of their own and find the library there; so does this file.
LIBRARY = str(Path(workflow.basedir) / "workflow")
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [LIBRARY, os.environ.get("PYTHONPATH")])))
sys.path.insert(0, LIBRARY)

from calotype import config as calotype_config, provenance
from calotype.errors import CalotypeError
from calotype.files import check_writable
from calotype.layout import Layout

try:
    CONFIG = calotype_config.load(config, " + ".join(os.path.relpath(file) for file in workflow.configfiles))
    for name, study in CONFIG.studies.items():
        for key, variant in study.variants.items():
            where = f"{CONFIG.settings.study_files}/{name}.yaml: variants.{key}"
            provenance.check_model(variant.model, variant.model_arguments, where)
    LAYOUT = Layout(CONFIG)
    DATA, RESULTS, PACK = LAYOUT.data, LAYOUT.results, LAYOUT.pack
    for key, folder in (("data", DATA), ("results", RESULTS)):
        check_writable(Path(folder), key)
except CalotypeError as error:
    raise WorkflowError(str(error)) from None

LOGS, BENCHMARKS = f"{RESULTS}/logs", f"{RESULTS}/benchmarks"
ENVIRONMENT = "../../envs/cpu.yaml"
# Captions, template and style. Relative, so that a project that was moved is still up to date.
REPORT = Path(os.path.relpath(Path(workflow.basedir) / "workflow" / "report"))


wildcard_constraints:
    dataset="|".join(CONFIG.datasets),
    split="|".join(sorted({split for dataset in CONFIG.datasets.values() for split in dataset.splits})),
    study="|".join(CONFIG.studies),
    variant="|".join(sorted({variant for study in CONFIG.studies.values() for variant in study.variants})),
    first=r"\d\d\d+",
    last=r"\d\d\d+",


def code_digest(script):
    """The code of a stage, as a param: what changes it makes the stage run again (see profiles/default)."""
    try:
        return provenance.code_digest(Path(workflow.basedir) / "workflow" / "scripts" / script)
    except CalotypeError as error:
        raise WorkflowError(str(error)) from None


# ---- Params: the part of the config that a result depends on ----


def drawing(wildcards):
    """Everything that decides what is drawn."""
    dataset = CONFIG.datasets[wildcards.dataset]
    return dataset.drawing.model_dump() | dataset.splits[wildcards.split].model_dump()


def preparation(wildcards):
    """Everything that decides how a split is prepared, and what its labels may be."""
    dataset = CONFIG.datasets[wildcards.dataset]
    found = dataset.drawing.model_dump(include={"width", "minimum", "maximum"})
    return found | {"split": wildcards.split, "steps": dataset.prepare}


def recipe(wildcards):
    """The part of a variant that its weights and predictions depend on."""
    return CONFIG.studies[wildcards.study].variants[wildcards.variant].recipe()


def recipe_threads(wildcards):
    """The threads of a training are part of its recipe, not of the machine."""
    return CONFIG.studies[wildcards.study].variants[wildcards.variant].threads


def own_model(wildcards):
    """The code of a user's own model file; None for the models that come along."""
    return provenance.own_code(CONFIG.studies[wildcards.study].variants[wildcards.variant].model)


def tests(wildcards):
    """The test splits of a study."""
    return CONFIG.studies[wildcards.study].tests


def first_test(wildcards):
    """The test split of the contact sheet."""
    return tests(wildcards)[0]


def last_test(wildcards):
    """The test split of the figures over all images: the last, and with that the place for the largest."""
    return tests(wildcards)[-1]


def pack_variants(wildcards):
    """The variant of each pack of a study, in the order of `study_packs`."""
    return [variant for variant, _, _ in LAYOUT.study_packs(wildcards.study)]


def variant_seeds(wildcards):
    """The number of seeds of each variant of a study."""
    return {variant: CONFIG.seeds(wildcards.study, variant) for variant in CONFIG.studies[wildcards.study].variants}


def variant_labels(wildcards):
    """How figures and tables call the variants of a study."""
    return CONFIG.studies[wildcards.study].labels()


def title(wildcards):
    """The heading of a study."""
    return CONFIG.studies[wildcards.study].title


# ---- Input functions: each gives a function of the wildcards ----


def splits_of_variant(suffix):
    """The prepared splits of a variant, the training split first."""

    def paths(wildcards):
        train = CONFIG.studies[wildcards.study].variants[wildcards.variant].train
        return [LAYOUT.prepared(wildcards.study, split, suffix) for split in (train, *tests(wildcards))]

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


def predictions_of_first_pack(wildcards):
    """The predictions of the pack that holds seed 0."""
    place = pack_variants(wildcards).index(wildcards.variant)
    return LAYOUT.pack_paths(wildcards.study, "predictions.npz")[place]


def all_pack_paths(name):
    """A file of each pack of every study; a function, because packs that finish change what is there."""

    def paths(wildcards):
        return LAYOUT.all_pack_paths(name)

    return paths


def all_packs(wildcards):
    """(study, variant, first, last) of each of `all_pack_paths`."""
    return LAYOUT.all_packs()


def print_findings():
    """End a run by saying what was found and where to look."""
    findings = Path(RESULTS, "findings.txt")
    if findings.is_file() and findings.stat().st_mtime >= STARTED:  # not those of an earlier call
        print(f"\n{findings.read_text(encoding='utf-8')}\nReport: {Path(RESULTS, 'report.html')}", file=sys.stderr)
