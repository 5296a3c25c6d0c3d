"""Targets of a call, and the messages at its end."""

import difflib
import importlib
import json
import os
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from calotype.config.image_paths import FIGURE_SUFFIXES
from calotype.config.load import Config
from calotype.config.paths import REPORT, Layout
from calotype.util.errors import CalotypeError

ALONE = "_only_"  # part of the name of rules that plot one figure


def figures_alone(layout: Layout, arguments: Sequence[str]) -> bool:
    """Return True if all targets of a call are figures of studies.

    Args:
        arguments: command line of Snakemake, which reads the rules before the targets; in a job it names the rule.
    """
    if not any("/figures/" in argument or ALONE in argument for argument in arguments):
        return False
    try:
        given = importlib.import_module("snakemake.cli").get_argument_parser().parse_args(arguments)
    except SystemExit:  # arguments of another program, which calls Snakemake's API
        return False
    if given.target_jobs:
        return any(ALONE in job.rulename for job in given.target_jobs)
    figures = layout.figure_outputs(layout.config.studies, FIGURE_SUFFIXES)
    return bool(given.targets) and {*map(os.path.normpath, given.targets)} <= {*figures}


def files_of(layout: Layout, report: str) -> list[str]:
    """Return all files of a report; raise CalotypeError if its study is invalid, or if it has none."""
    if report in layout.config.broken:
        raise CalotypeError(layout.config.broken[report])
    if not layout.reports()[report]:
        key = "studies" if report == "report" else report
        raise CalotypeError(f"config: {key}: no study found.", "add one; `new_study` writes one for you.")
    return layout.everything(report)


def command(report: str, typed: Mapping[str, Any]) -> str:
    """Return the call of Snakemake that makes a report.

    Args:
        typed: config values of the command line.
    """
    words = ["snakemake", "--cores", "all", *([] if report == REPORT else [report])]
    values = [f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in typed.items()]
    return shlex.join([*words, *(["--config", *values] if values else [])])


def studies_as_targets(config: Config, taken: Collection[str]) -> list[str]:
    """Return all studies as targets, also invalid ones; raise CalotypeError if one has the name of a rule."""
    for study in (names := [*config.studies, *config.broken]):
        if study in taken:
            file = f"{config.settings.study_files}/{study}.yaml"
            raise CalotypeError(f"{file}: `{study}` is the name of a rule.", "rename the file.")
    return names


def explain_mistyped(workflow: Any, layout: Layout) -> None:
    """Make Snakemake's error for an unknown target name the closest target.

    A project that uses calotype as a module may add rules later. So this wraps the method of Snakemake that resolves
    targets, and changes the message of its error.
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
    """Return the findings and the path of each report that was written after `since` (Unix time in s)."""
    files = [Path(layout.results, f"{report}.txt") for report in layout.reports()]
    new = [file for file in files if file.is_file() and file.stat().st_mtime >= since]
    return [f"\n{file.read_text(encoding='utf-8')}\nReport: {file.with_suffix('.html')}" for file in new]
