"""Targets of a call, and the messages at its end."""

import difflib
import importlib
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from calotype.config.load import Config
from calotype.config.paths import FIGURE_SUFFIXES, Layout
from calotype.jobs.killed_jobs import explain
from calotype.util.errors import CalotypeError

ALONE = "_only_"  # in the name of a rule that plots one figure


def figures_alone(layout: Layout, arguments: Sequence[str]) -> bool:
    """Return whether all targets of a call are figures of studies.

    Args:
        arguments: of Snakemake, which reads the rules before it knows the targets. In a job they name its rule.
    """
    if not any("/figures/" in argument or ALONE in argument for argument in arguments):
        return False
    given = importlib.import_module("snakemake.cli").get_argument_parser().parse_args(arguments)
    if given.target_jobs:
        return any(ALONE in job.rulename for job in given.target_jobs)
    figures = layout.figure_outputs(layout.config.studies, FIGURE_SUFFIXES)
    return bool(given.targets) and {*map(os.path.normpath, given.targets)} <= {*figures}


def files_of(layout: Layout, report: str) -> list[str]:
    """List all files that a call for a report makes.

    Raises:
        CalotypeError: one of its studies is invalid, or it has none.
    """
    if report in layout.config.broken:
        raise CalotypeError(layout.config.broken[report])
    if not layout.reports()[report]:
        key = "studies" if report == "report" else report
        raise CalotypeError(f"config: {key}: names no study.", "name some; `new_study` writes a first one.")
    return layout.everything(report)


def studies_as_targets(config: Config, taken: Collection[str]) -> list[str]:
    """List the studies, each a target by its name; also invalid ones, whose target gives the reason.

    Raises:
        CalotypeError: a study has the name of a rule.
    """
    for study in (names := [*config.studies, *config.broken]):
        if study in taken:
            file = f"{config.settings.study_files}/{study}.yaml"
            raise CalotypeError(f"{file}: a study cannot be called `{study}`: that name is taken.", "rename the file.")
    return names


def explain_mistyped(workflow: Any, layout: Layout) -> None:
    """Have Snakemake's error for an unknown target name the closest target.

    Only when all rules are known, also those of a project that uses calotype as a module, can a target be unknown.
    So this wraps the method of Snakemake that resolves targets, and changes the message of its error.
    """
    from snakemake.exceptions import MissingRuleException

    if (build := getattr(workflow, "_build_dag", None)) is None:
        return  # another version of Snakemake: its own message stays

    def build_or_explain() -> None:
        try:
            build()
        except MissingRuleException as error:
            names = [rule.name for rule in workflow.rules if not rule.has_wildcards()]
            for target in workflow.dag_settings.targets:
                if str(error) == str(MissingRuleException(target)):
                    error.args = (mistyped(target, names, layout) or str(error),)
            raise

    workflow._build_dag = build_or_explain


def mistyped(target: str, names: Collection[str], layout: Layout) -> str | None:
    """Return the message for an unknown target; None for a path that resembles no result."""
    files = {file for study in layout.config.studies for file in layout.everything(study)}
    files |= {f"{layout.results}/{report}.html" for report in layout.reports()}
    closest = difflib.get_close_matches(target, [*names, *files], n=1, cutoff=0.7)
    hint = f"did you mean `{closest[0]}`?" if closest else ""
    if Path(target).name != target or Path(target).suffix:
        return f"target `{target}`: no rule makes this file.\nHint: {hint}" if hint else None
    known = f"Targets are {', '.join(sorted(names))}, and the path of each result."
    return f"target `{target}`: not found.\nHint: {hint} {known}".replace(":  ", ": ")


def findings(layout: Layout, since: float) -> list[str]:
    """Findings of each report that this call wrote, and the report's file.

    Args:
        since: start of this call, in seconds since the epoch.
    """
    files = [Path(layout.results, f"{report}.txt") for report in layout.reports()]
    new = [file for file in files if file.is_file() and file.stat().st_mtime >= since]
    return [f"\n{file.read_text(encoding='utf-8')}\nReport: {file.with_suffix('.html')}" for file in new]


def killed(layout: Layout, since: float) -> list[str]:
    """Reasons of the jobs of this call that were killed, and how to resume them.

    Args:
        since: start of this call, in seconds since the epoch.
    """
    found = explain(Path(layout.results, "checkpoints"), Path(layout.results, "benchmarks/train"), since)
    return ["", *found, "What they had trained is kept: the same command goes on from there."] if found else []
