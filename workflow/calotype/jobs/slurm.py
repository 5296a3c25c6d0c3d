"""What a process asks of the Slurm that runs it. Without Slurm, every answer is that nothing is known."""

import logging
import os
import re
import subprocess
import time
from dataclasses import dataclass

logger = logging.getLogger(__name__)

PATIENCE = 30.0  # seconds for a command of Slurm's; a busy controller may take several
ENDING = 180.0  # seconds in which Slurm ends a job that it has put back into its queue; its SIGTERM was heard before


@dataclass(frozen=True)
class Account:
    """What the accounting says of a job, or of the step of it that used most.

    Attributes:
        state: of the step that ran the rule, such as ``OUT_OF_MEMORY``; of the job where there is none.
        used_mib: the most resident memory, in MiB; None where it is not known.
    """

    state: str
    used_mib: int | None


def job_id() -> str | None:
    """The job that this process belongs to."""
    return os.environ.get("SLURM_JOB_ID")


def _ask(*command: str) -> str | None:
    """What one of Slurm's commands prints; None where it fails, is missing or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def is_over(job: str) -> bool:
    """Whether a job is known to have ended: Slurm answers, and does not count it among those that run."""
    # A job that has been over for long is unknown, which squeue calls an error; so ask for all of one's own.
    listed = _ask("squeue", f"--user={os.getuid()}", "--noheader", "--format=%A %T")
    if listed is None:
        return False
    states = dict(line.split(maxsplit=1) for line in listed.splitlines() if " " in line.strip())
    return states.get(job, "PENDING") == "PENDING"


def requeue() -> str | None:
    """Have Slurm put this job back into its queue, where it keeps its number, and wait for the end.

    Only a job that runs is put back: one that is being cancelled, or that Slurm puts back itself, is left alone.

    Returns:
        Why that was not possible, in words. If it was, Slurm ends the process and the function does not return.
    """
    job = job_id()
    if job is None:
        return "this is no job"
    shown = _ask("scontrol", "--oneliner", "show", "job", job)
    if shown is None:
        return "Slurm does not answer"
    facts = dict(re.findall(r"\b(JobState|Requeue)=(\S+)", shown))
    if facts.get("JobState") != "RUNNING":
        return f"Slurm is ending the job ({facts.get('JobState', 'unknown state')})"
    if facts.get("Requeue") != "1":
        return "this cluster does not put jobs back into the queue"
    logger.info("Slurm is asked to put job %s back into its queue; it goes on from here when it runs again.", job)
    if _ask("scontrol", "requeue", job) is None:
        return "Slurm refused to put the job back into the queue"
    # Whoever ended now would have failed, before Slurm comes round to it.
    time.sleep(ENDING)
    return "Slurm has put the job back into the queue but did not end it"


def account(job: str) -> Account | None:
    """What the accounting says of a job, after its end; None where there is no accounting."""
    listed = _ask("sacct", "--noheader", "--parsable2", f"--jobs={job}", "--format=JobID,State,MaxRSS", "--units=M")
    rows = [line.split("|") for line in (listed or "").splitlines()]
    if not rows:
        return None
    steps = [row for row in rows if re.fullmatch(r".*\.\d+", row[0])]
    used = [float(row[2].rstrip("M")) for row in rows if re.fullmatch(r"[\d.]+M?", row[2])]
    return Account((steps or rows)[-1][1].split()[0], round(max(used)) if used else None)
