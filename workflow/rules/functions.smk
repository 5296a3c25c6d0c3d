# Functions of wildcards for params and inputs.
# Needs: common.smk, and the library, which has all answers.
# Gives: IDENTITY, all that results depend on besides their input files; `ask` and `of_...`, which make the functions.

from inspect import signature

from calotype.planning.identity import Identity

IDENTITY = Identity(LAYOUT, WORKFLOW / "scripts")


def ask(method, **given):
    """A function of the wildcards that a method takes by their names; `studies` are those of the report."""
    needed = [name for name, each in signature(method).parameters.items() if each.default is each.empty]
    names = [name for name in needed if name not in given]

    def answer(wildcards):
        values = {name: getattr(wildcards, name) for name in names if name != "studies"}
        if "studies" in names:
            values["studies"] = LAYOUT.reports()[wildcards.report]
        with plain_errors():
            return method(**values, **given)

    return answer


def of_dataset(key):
    """A function of wildcards that gives an attribute of the dataset, or asks its method."""

    def answer(wildcards):
        found = getattr(CONFIG.datasets[wildcards.dataset], key)
        return ask(found)(wildcards) if callable(found) else found

    return answer


def of_study(key):
    """A function of wildcards that gives an attribute of the study."""

    def answer(wildcards):
        return getattr(CONFIG.studies[wildcards.study], key)

    return answer


def of_variant(key):
    """A function of wildcards that gives an attribute of the variant, or asks its method."""

    def answer(wildcards):
        found = getattr(CONFIG.studies[wildcards.study].variants[wildcards.variant], key)
        return found() if callable(found) else found

    return answer


def not_compared(function):
    """The same as a param that makes nothing run again: Snakemake compares none that asks for `output`."""

    def answer(wildcards, output):
        return function(wildcards)

    return answer


def everything(report):
    """All files that a call for a report makes; where it cannot be made, the reason, once it is asked for."""

    def paths(wildcards):
        try:
            return targets.files_of(LAYOUT, report)
        except CalotypeError as error:
            raise SystemExit(f"error: {error}") from None  # Snakemake shows a traceback of any other

    return paths


def rule_names(wildcards):
    """The names that a study cannot have: those of the rules."""
    return [known.name for known in workflow.rules]
