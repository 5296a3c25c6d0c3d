"""Report each failed, refused or killed job in one block, and all of them once more at the end of a call."""

import importlib
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calotype.jobs import job_causes, job_logs
from calotype.jobs.job_causes import Cause
from calotype.jobs.job_names import name_of

JOB_EVENTS = ("JOB_ERROR", "GROUP_ERROR")  # of Snakemake's logger
AGAIN = "Then run the same command again: it computes only missing results, and training runs resume."
NAMED = 3  # jobs that a message names


@dataclass(frozen=True)
class Report:
    """The failure of a job."""

    name: str
    cause: list[str]  # why it failed; its resources
    log: list[str]  # path and last lines
    advice: str  # "" if the hint is in the log
    final: bool  # whether it is not retried
    alike: str  # equal for jobs that are listed together at the end

    def block(self) -> str:
        """Return the report as it is shown at once."""
        return "\n  ".join(filter(None, [f"Failed: {self.name}", *self.cause, *self.log, self.advice]))


@dataclass
class Reports:
    """The failures of a call, the last one of each job."""

    since: float  # Unix time of the start of the call
    results: Path
    last: dict[int, Report] = field(default_factory=dict)

    def add(self, info: Any, message: str | None) -> tuple[int, str]:
        """Keep the failure of a job; return the level of its log record, and its block.

        Args:
            info: what Snakemake knows about the job. `aux` holds the entries of `slurm_executor`.
            message: of the executor.
        """
        job, aux, cause = info.job, info.aux or {}, self._cause(info, message)
        lines = list(cause.lines)
        if not cause.ran and (earlier := self.last.get(id(job))):
            lines.append(f"Attempt {job.attempt - 1}: {earlier.cause[0]}")
        tries, final = job.restart_times + 1, job.restart_times < job.attempt
        log = job_logs.excerpt(job, aux.get("submitted", self.since), aux.get("slurm_logfile")) if cause.ran else []
        hint = "" if cause.hint == job_causes.FIX and job_logs.hint(log) else f"Hint: {cause.hint}"
        advice = hint if final else f"Submitted again: attempt {job.attempt + 1} of {tries}."
        alike = str(id(job)) if cause.ran else "".join([advice, *lines]).replace(cause.number, "")
        known = alike in [other.alike for key, other in self.last.items() if key != id(job)]
        self.last[id(job)] = report = Report(name_of(job), lines, log, advice, final, alike)
        block = f"Failed: {report.name}, for the same reason." if known else report.block()
        return logging.ERROR if final else logging.WARNING, block

    def _cause(self, info: Any, message: str | None) -> Cause:
        aux = info.aux or {}
        if info.external_jobid is None:
            here = (info.job, self.results, self.since)
            return job_causes.of_refusal(message) if message else job_causes.of_local(*here)
        if "submitted" not in aux:  # another executor
            return Cause([" ".join((message or "").split())], job_causes.FIX)
        if never := aux.get("never"):
            return job_causes.of_never(info.external_jobid, never)
        return job_causes.of_slurm(info, self.results, self.since)

    def at_end(self) -> list[str]:
        """Return lines about the jobs that were not retried any more; refusals of one kind are listed together."""
        groups: dict[str, list[Report]] = {}
        for report in self.last.values():
            if report.final:
                groups.setdefault(report.alike, []).append(report)
        if not groups:
            return []
        number = sum(map(len, groups.values()))
        return [f"\n{number} {'job' if number == 1 else 'jobs'} failed:", *map(_listed, groups.values()), AGAIN]


CALL: list[Reports] = []  # the one of this process


def _listed(reports: list[Report]) -> str:
    first, more = reports[0], len(reports) - NAMED
    names = "; ".join(report.name for report in reports[:NAMED]) + (f"; and {more} more" if more > 0 else "")
    error = [f"  {line}" for line in job_logs.error(first.log)]
    return "\n    ".join(filter(None, [f"  {names}", *first.cause, *first.log[:1], *error, first.advice]))


def is_shown(record: logging.LogRecord) -> bool:
    """Tell if the terminal shows a log record: not Snakemake's own message of a failed job, as a report replaces it."""
    return getattr(getattr(record, "event", None), "name", None) not in JOB_EVENTS


def install(since: float, results: Path) -> None:
    """Report the failures of this call; a second call, of another module of calotype, changes nothing.

    Snakemake's executors print a failure by `print_job_error`. The rich logger drops their message, and shows the log
    of an earlier job if this one wrote none. Snakemake's log file keeps its own messages.
    """
    base = importlib.import_module("snakemake_interface_executor_plugins.executors.base").AbstractExecutor
    logger = importlib.import_module("snakemake.logging").logger
    if CALL:
        return
    CALL.append(reports := Reports(since, results))
    own = base.print_job_error

    def print_job_error(executor: Any, info: Any, msg: str | None = None, **given: Any) -> None:
        own(executor, info, msg, **given)
        try:
            logger.log(*reports.add(info, msg))
        except Exception as error:  # a report must not end the call
            logger.error(f"Failed: {info.job}: {msg} (no report: {type(error).__name__}: {error})")

    base.print_job_error = print_job_error
    for handler in logger.handlers:
        if not isinstance(handler, logging.FileHandler):
            handler.addFilter(is_shown)


def at_end() -> list[str]:
    """Return lines about the jobs of this call that failed for good."""
    return [line for reports in CALL for line in reports.at_end()]
