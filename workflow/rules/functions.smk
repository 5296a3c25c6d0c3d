# Functions of wildcards for params and inputs.
# Input: common.smk and the library.
# Output: IDENTITY, the values and code digests that results depend on; `ask` and `of_...`, which return functions.

from inspect import signature

from calotype.planning import slurm_forecast
from calotype.planning.identity import Identity

IDENTITY = Identity(LAYOUT, WORKFLOW / "scripts")


def ask(method, **given):
    """Return a function that calls a method with wildcards by name; `studies` are those of the report."""
    needed = [name for name, each in signature(method).parameters.items() if each.default is each.empty]
    names = [name for name in needed if name not in given]

    def answer(wildcards):
        values = {name: getattr(wildcards, name) for name in names if name != "studies"}
        if "studies" in names:
            values["studies"] = LAYOUT.reports()[wildcards.report]
        with call.plain_errors():
            return method(**values, **given)

    return answer


def of_dataset(key):
    """Return a function that gets an attribute of the dataset, or calls its method."""

    def answer(wildcards):
        found = getattr(CONFIG.datasets[wildcards.dataset], key)
        return ask(found)(wildcards) if callable(found) else found

    return answer


def of_study(key):
    """Return a function that gets an attribute of the study."""

    def answer(wildcards):
        return getattr(CONFIG.studies[wildcards.study], key)

    return answer


def of_variant(key):
    """Return a function that gets an attribute of the variant, or calls its method."""

    def answer(wildcards):
        found = getattr(CONFIG.studies[wildcards.study].variants[wildcards.variant], key)
        return found() if callable(found) else found

    return answer


def of_report(pattern):
    """Return a function that gets a file of each study of the report."""

    def answer(wildcards):
        return [pattern.format(study=study) for study in LAYOUT.reports()[wildcards.report]]

    return answer


def not_compared(function):
    """Return a function for a param that runs nothing again: Snakemake does not compare params that take `output`."""

    def answer(wildcards, output):
        return function(wildcards)

    return answer


def everything(report):
    """Return a function that gets all files of a report, or ends with the error of an invalid study."""
    return ask(targets.files_of, layout=LAYOUT, report=report)


def study_targets():
    """Return the studies as targets, after all rules: a study cannot have the name of a rule."""
    with call.plain_errors():
        return targets.studies_as_targets(CONFIG, rule_names())


def rule_names(wildcards=None):
    """Return the names of all rules; a study cannot have them."""
    return [known.name for known in workflow.rules]


def grids_of_study(wildcards):
    """Return the tables of the grids of a study."""
    return LAYOUT.grid_tables([wildcards.study])


def catalogue_of_study(wildcards):
    """Return the catalogue of a study's images, if they are a user's own."""
    return LAYOUT.catalogue_table(CONFIG.studies[wildcards.study].dataset)


def report_command(wildcards):
    """Return the call that makes a report."""
    return targets.command(wildcards.report, typed)


def asked_on_slurm(wildcards):
    """Return what a training job asks for, by rule; empty if this call does not use Slurm."""
    return slurm_forecast.resources(workflow, LAYOUT, CONFIG.settings.studies)
