"""Limit Snakemake's retries to killed jobs, as an error would only occur again.

Snakemake does not distinguish the two. After a failure its scheduler reads `restart_times` of the job or group of jobs.
"""

import functools
import sysconfig
from pathlib import Path
from typing import Any

from calotype.jobs import versions
from calotype.jobs.job_names import members_of
from calotype.util import bytecode
from calotype.util.entry_point import would_fail_again

HOPELESS: set[int] = set()  # jobs that Slurm would refuse, or never start, again


def give_up(job: Any) -> None:
    """Do not retry a job, or a group of jobs."""
    HOPELESS.update(map(id, members_of(job)))


def fits(jobs: Any, scheduler: Any) -> bool:
    """Check that this version of Snakemake reads `restart_times` as `install` expects."""
    asked = getattr(getattr(scheduler, "_handle_error", None), "__code__", None)
    kinds = [getattr(jobs, name, object) for name in ("Job", "GroupJob")]
    return (
        asked is not None
        and "restart_times" in asked.co_names
        and all(isinstance(vars(kind).get("restart_times"), property) for kind in kinds)
    )


@functools.cache
def repair_packages() -> None:
    """Remove truncated byte code of the installed packages, once; this reads all of it, which takes seconds."""
    bytecode.repair({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})


def install(since: float) -> str | None:
    """Replace the number of retries of jobs and of groups of jobs; return the reason if that is not possible.

    Args:
        since: start of this call in seconds since the epoch; older logs do not count.
    """

    def of_job(job: Any) -> int:
        if id(job) in HOPELESS:
            return 0
        new = [log for log in map(Path, job.log) if log.exists() and log.stat().st_mtime >= since]
        if not new:  # it ended before its own code: perhaps in an import
            repair_packages()
        return 0 if any(map(would_fail_again, new)) else int(job.rule.restart_times)

    def of_group(group: Any) -> int:
        return min(map(of_job, group.jobs))

    if not (found := versions.parts(fits, "snakemake.jobs", "snakemake.scheduling.job_scheduler:JobScheduler")):
        return versions.misfit("Snakemake", "retries all failed jobs, not only killed jobs", ", or use --retries 0")
    jobs, _ = found
    jobs.Job.restart_times = property(of_job)
    jobs.GroupJob.restart_times = property(of_group)
    return None
