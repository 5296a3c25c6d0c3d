"""Query the Slurm that runs this process. Without Slurm, every answer is None or False."""

import logging
import os
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger(__name__)

PATIENCE = 30.0  # seconds for a Slurm command; a busy controller may need several
ENDING = 180.0  # seconds in which Slurm ends a job that it requeued; its SIGTERM is already handled


@dataclass(frozen=True)
class Account:
    """State and memory of a job from Slurm's accounting."""

    state: str  # of the step that ran the rule, or else of the job, such as OUT_OF_MEMORY
    used_mib: int | None  # peak resident memory of its steps


def job_id() -> str | None:
    """Return the Slurm job of this process."""
    return os.environ.get("SLURM_JOB_ID")


def asked_mib(resources: Mapping[str, Any]) -> int | None:
    """Return the memory of this Slurm job from the resources of Snakemake's job; None elsewhere."""
    return resources.get("mem_mb") if job_id() else None


def ask(*command: str) -> str | None:
    """Run a Slurm command and return its output; None if it fails, is missing or takes too long."""
    done, printed = answer(*command)
    return printed if done else None


def answer(*command: str) -> tuple[bool, str]:
    """Run a Slurm command; return if it succeeded, and its output, or else what it says about its failure."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return False, f"no answer after {PATIENCE:.0f} s"
    except OSError as error:
        return False, str(error)
    succeeded = done.returncode == 0
    return succeeded, (done.stdout or done.stderr) if succeeded else (done.stderr or done.stdout)


def is_over(job: str) -> bool:
    """Tell if a job has ended for certain: Slurm answers and does not list it as running."""
    # squeue fails for a job that ended long ago, so list all jobs of the user.
    listed = ask("squeue", f"--user={os.getuid()}", "--noheader", "--format=%A %T")
    if listed is None:
        return False
    states = dict(line.split(maxsplit=1) for line in listed.splitlines() if " " in line.strip())
    return states.get(job, "PENDING") == "PENDING"


def requeue() -> str | None:
    """Requeue this job under the same number and wait until Slurm ends it; otherwise return the reason.

    Only a running job is requeued, not one that Slurm cancels or requeues itself.
    """
    job = job_id()
    if job is None:
        return "not a Slurm job"
    shown = ask("scontrol", "--oneliner", "show", "job", job)
    if shown is None:
        return "Slurm does not answer"
    facts = dict(re.findall(r"\b(JobState|Requeue)=(\S+)", shown))
    if facts.get("JobState") != "RUNNING":
        return f"Slurm is ending the job ({facts.get('JobState', 'unknown state')})"
    if facts.get("Requeue") != "1":
        return "this cluster does not requeue jobs"
    logger.info("Requeueing Slurm job %s; it will resume from the saved progress.", job)
    if ask("scontrol", "requeue", job) is None:
        return "Slurm refused to requeue the job"
    time.sleep(ENDING)  # a process that exits before Slurm ends it would count as failed
    return "Slurm requeued the job but did not end it"


def account(job: str) -> Account | None:
    """Return state and memory of an ended job; None without accounting."""
    listed = ask("sacct", "--noheader", "--parsable2", f"--jobs={job}", "--format=JobID,State,MaxRSS", "--units=M")
    rows = [line.split("|") for line in (listed or "").splitlines()]
    if not rows:
        return None
    steps = [row for row in rows if re.fullmatch(r".*\.\d+", row[0])]
    used = [float(row[2].rstrip("M")) for row in rows if re.fullmatch(r"[\d.]+M?", row[2])]
    return Account((steps or rows)[-1][1].split()[0], round(max(used)) if used else None)
