"""Find the log that tells why a job failed, and its last lines."""

import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from calotype.jobs.job_names import members_of
from calotype.util.entry_point import FINAL, would_fail_again

LINES = 20
# First lines of what Snakemake itself writes into the log of Slurm; indented lines belong to the line above.
CHATTER = re.compile(
    r"SNAKEMAKE|=====|\[\w{3} \w{3} |(local)?rule \w+:|(local)?checkpoint |group job|Building DAG|Using shell"
    r"|Provided |Rules claiming|Select jobs|Execute \d|Assuming |host: |Job \d+: |Reason: |Finished jobid"
    r"|\d+ of \d+ steps|Error in |Trying to restart|Shutting down|Exiting because|Will exit after|Storing output"
    r"|Elapsed time|WorkflowError:$|At least one job|RuleException:$|CalledProcessError in |Command '|Logfile "
    r"|Removing output|Conda environments|srun: error: .*Exited with exit code"
)


def excerpt(job: Any, began: float, slurms: Path | None) -> list[str]:
    """Return the path of the log that tells why a job failed, and its last lines.

    A log from before `began` is of another attempt or call: this job ended before its rule wrote one, so Slurm's tells.

    Args:
        job: of Snakemake, or a group of jobs.
        began: Unix time.
        slurms: the log of Slurm; None for a local job.
    """
    new = [log for member in members_of(job) for log in map(Path, member.log) if _written(log) >= began]
    if job.is_group():  # the log of a rule that succeeded tells nothing
        new = [log for log in new if would_fail_again(log)]
    for log in [*sorted(new, key=_written)[-1:], *([slurms] if slurms else [])]:
        if lines := _last_lines(log, without_chatter=log == slurms):
            return [f"log: {shown(log)}", *(f"  {line}" for line in lines)]
    return [f"log: neither the rule nor Slurm wrote one ({shown(slurms)})" if slurms else "log: the rule wrote none"]


def error(lines: list[str]) -> list[str]:
    """Return the last error in an excerpt: its first line, the second if the first ends with a colon, and its hint."""
    starts = [number for number, line in enumerate(lines) if "error: " in line]
    if not starts:
        return []
    first = lines[starts[-1]]
    more = lines[starts[-1] + 1 :][: first.endswith(":")]
    return [first[first.index("error: ") :], *(f"  {line.strip()}" for line in more), *hint(lines[starts[-1] :])]


def hint(lines: list[str]) -> list[str]:
    """Return the hint of an error in an excerpt, which may have several lines, or none."""
    starts = [number for number, line in enumerate(lines) if line.strip().startswith("Hint: ")]
    found = itertools.takewhile(lambda line: not line.endswith(FINAL), lines[starts[-1] :] if starts else [])
    return [line.strip() for line in found]


def shown(path: Path) -> str:
    """Return a path as a user writes it in the project's folder."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _written(log: Path) -> float:
    try:
        return log.stat().st_mtime if log.stat().st_size else 0.0
    except OSError:
        return 0.0


def _last_lines(log: Path, *, without_chatter: bool) -> list[str]:
    """Return the lines of a log from its last error on, without those in the middle, or its last lines."""
    try:
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    except OSError:
        return []
    if without_chatter:
        lines = [*_without_chatter(lines)] or lines
    errors = [number for number, line in enumerate(lines) if "error: " in line or "error (" in line]
    if not errors or len(lines) - errors[-1] <= LINES:
        return lines[-LINES:]
    return [*lines[errors[-1] :][:3], "...", *lines[4 - LINES :]]


def _without_chatter(lines: Iterable[str]) -> Iterable[str]:
    """Yield the lines that are not Snakemake's own."""
    kept = False
    for line in lines:
        if not line.startswith(" "):
            kept = not CHATTER.match(line)
        if kept:
            yield line
