"""Targets of a call, and the messages at its end."""

from collections.abc import Collection
from pathlib import Path

from calotype.config.load import Config
from calotype.config.paths import Layout
from calotype.jobs.killed_jobs import explain
from calotype.util.errors import CalotypeError


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
