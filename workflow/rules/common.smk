# What the rules share: the checked config, paths, and the functions that rules name as inputs and params.
# Needs: config/ and the library.
# Gives: CONFIG, DATA, RESULTS and the functions below. Anything longer than a few lines belongs in the library.

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import RerunTrigger

# Scripts run in processes of their own and find the library there; so does this file.
LIBRARY = str(Path(workflow.basedir) / "workflow")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [LIBRARY, os.environ.get("PYTHONPATH")]))
sys.path.insert(0, LIBRARY)

from calotype import config as calotype_config, provenance
from calotype.errors import CalotypeError
from calotype.files import check_writable

# The code of a stage is a param of its rule (`code_digest`): it knows the library, and ignores comments. Snakemake's own
# code trigger knows the time stamp of the script alone, and would train again after a fresh `git clone`.
if workflow.dag_settings is not None:
    workflow.dag_settings.rerun_triggers = frozenset(workflow.dag_settings.rerun_triggers) - {RerunTrigger.CODE}

try:
    CONFIG = calotype_config.load(config, workflow.configfiles[0] if workflow.configfiles else "config")
    for name, study in CONFIG.studies.items():
        for key, variant in study.variants.items():
            provenance.check_function(
                variant.model, f"{CONFIG.settings.study_files}/{name}.yaml: variants.{key}.model"
            )
    DATA, RESULTS = CONFIG.settings.data, CONFIG.settings.results
    for key, folder in (("data", DATA), ("results", RESULTS)):
        check_writable(Path(folder), key)
except CalotypeError as error:
    raise WorkflowError(str(error)) from None

PACK = f"{RESULTS}/{{study}}/{{variant}}/seeds-{{first}}-{{last}}"
FIGURES = f"{RESULTS}/{{study}}/figures"
LOGS, BENCHMARKS = f"{RESULTS}/logs", f"{RESULTS}/benchmarks"
ENVIRONMENT = "../../envs/cpu.yaml"


wildcard_constraints:
    dataset="|".join(CONFIG.datasets),
    split="|".join({split for dataset in CONFIG.datasets.values() for split in dataset.splits}),
    study="|".join(CONFIG.studies),
    variant="|".join({variant for study in CONFIG.studies.values() for variant in study.variants}),
    first=r"\d\d\d+",
    last=r"\d\d\d+",


def code_digest(script):
    """The code of a stage, as a param: what changes it makes the stage run again."""
    try:
        return provenance.code_digest(Path(workflow.basedir) / "workflow" / "scripts" / script)
    except CalotypeError as error:
        raise WorkflowError(str(error)) from None


def packs(study, variant):
    """First and last seed of each pack of a variant; packs that are there already stay as they are."""
    found = Path(RESULTS, study, variant).glob("seeds-*-*/provenance.json")
    existing = [tuple(int(number) for number in file.parent.name.split("-")[1:]) for file in found]
    settings = CONFIG.settings
    return calotype_config.plan_packs(CONFIG.seeds(study, variant), settings.seeds_per_job, existing)


def study_packs(study):
    """(variant, first, last) of all packs of a study, in the order of its variants."""
    return [(variant, *pack) for variant in CONFIG.studies[study].variants for pack in packs(study, variant)]


def pack_paths(study, pattern):
    """A path for each pack of a study, from a pattern with wildcards as in PACK."""
    return [
        pattern.format(study=study, variant=variant, first=f"{first:03d}", last=f"{last:03d}")
        for variant, first, last in study_packs(study)
    ]


def prepared(study, split, suffix):
    """The prepared array (.npy) or its manifest (.json) of a split that a study uses."""
    return f"{RESULTS}/prepared/{CONFIG.studies[study].dataset}/{split}{suffix}"


def tests_prepared(suffix):
    """An input function: the prepared test splits of a study."""

    def paths(wildcards):
        return [prepared(wildcards.study, split, suffix) for split in CONFIG.studies[wildcards.study].tests]

    return paths


def all_pack_paths(pattern):
    """An input function: a path for each pack of a study."""

    def paths(wildcards):
        return pack_paths(wildcards.study, pattern)

    return paths


def pack_variants(wildcards):
    """The variant of each pack of a study, in the order of `pack_paths`."""
    return [variant for variant, _, _ in study_packs(wildcards.study)]


def variant_seeds(wildcards):
    """The number of seeds of each variant of a study."""
    return {variant: CONFIG.seeds(wildcards.study, variant) for variant in CONFIG.studies[wildcards.study].variants}


def variant_labels(wildcards):
    """How figures and tables call the variants of a study."""
    return {key: variant.label or key for key, variant in CONFIG.studies[wildcards.study].variants.items()}
