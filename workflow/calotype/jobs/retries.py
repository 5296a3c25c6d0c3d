"""Have Snakemake retry jobs that were killed, and none that would fail again.

Snakemake knows no difference between a job that was killed, which more memory or another node may help, and one that
ended with an error. When a job has failed, its scheduler asks the job, or the group of jobs, for `restart_times`.
"""

import importlib
from pathlib import Path
from typing import Any

from calotype.util.entry_point import would_fail_again


def fits(jobs: Any, scheduler: Any) -> bool:
    """Check that a version of Snakemake decides on retries where `install` replaces it."""
    asked = getattr(getattr(scheduler, "_handle_error", None), "__code__", None)
    kinds = [getattr(jobs, name, object) for name in ("Job", "GroupJob")]
    return (
        asked is not None
        and "restart_times" in asked.co_names
        and all(isinstance(vars(kind).get("restart_times"), property) for kind in kinds)
    )


def install(since: float) -> str | None:
    """Replace how Snakemake counts the retries of a job and of a group of jobs.

    Args:
        since: start of this call, in seconds since the epoch; logs of earlier calls do not count.

    Returns:
        Why nothing was replaced, in one line; None where all is well.
    """

    def of_job(job: Any) -> int:
        new = [log for log in map(Path, job.log) if log.exists() and log.stat().st_mtime >= since]
        return 0 if any(map(would_fail_again, new)) else int(job.rule.restart_times)

    def of_group(group: Any) -> int:
        return min(map(of_job, group.jobs))

    try:
        jobs: Any = importlib.import_module("snakemake.jobs")
        scheduler = importlib.import_module("snakemake.scheduling.job_scheduler").JobScheduler
        found = fits(jobs, scheduler)
    except (ImportError, AttributeError):
        found = False
    if not found:
        version = importlib.import_module("snakemake").__version__
        return (
            f"Snakemake {version}: retries of failed jobs cannot be limited to killed jobs in this version. "
            "Hint: install the version of envs/cpu.txt, or use --retries 0."
        )
    jobs.Job.restart_times = property(of_job)
    jobs.GroupJob.restart_times = property(of_group)
    return None
