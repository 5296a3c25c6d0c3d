"""Read the queue of Slurm: one squeue for all jobs of a call, and sacct for jobs that have left the queue."""

import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from calotype.jobs import slurm

ENDED = ("FAILED", "TIMEOUT", "OUT_OF_MEMORY", "CANCELLED", "DEADLINE", "BOOT_FAIL", "REVOKED")
# Slurm may put the job back into the queue a moment later.
ENDING = ("NODE_FAIL", "PREEMPTED")
FORMAT = "%i|%T|%P|%l|%S|%N|%r|%R"  # the last two: reason, and the same with details


@dataclass(frozen=True)
class Entry:
    """A job as squeue lists it."""

    state: str  # such as PENDING
    partition: str
    minutes: int | None  # the time limit; None without one
    start: float | None  # Unix time at which Slurm has started it, or expects to
    nodes: str
    reason: str  # such as PartitionTimeLimit
    detail: str  # such as ReqNodeNotAvail, UnavailableNodes:g1


def minutes_of(limit: str) -> int | None:
    """Return the minutes of a time such as 1-02:30:00; None for UNLIMITED and other words."""
    days, _, rest = limit.strip().rpartition("-")
    parts = rest.split(":")
    if not all(part.isdigit() for part in (*parts, days or "0")):
        return None
    # Slurm writes 5:00 for five minutes, and 1-02 for a day and two hours.
    hours, minutes = ([*parts, "0"] if days else ["0", *parts])[:2] if len(parts) < 3 else parts[:2]
    return (int(days or 0) * 24 + int(hours)) * 60 + int(minutes)


def seconds_of(time: str) -> int | None:
    """Return the seconds of a time such as 1-02:30:00; None for other words."""
    found = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d+):(\d+)", time.strip())
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def time_of(text: str) -> float | None:
    """Return the Unix time of a local time such as 2026-11-30T14:20:00; None for N/A and Unknown."""
    with suppress(ValueError):
        return datetime.fromisoformat(text).timestamp()
    return None


def listed(run: str, clusters: Collection[str]) -> dict[str, Entry] | None:
    """Return the jobs of a call, also ended ones; None if Slurm does not answer.

    Args:
        run: the name of its jobs.
        clusters: names of clusters that jobs were submitted to; empty for the default one.
    """
    options = ["--array", "--noheader", "--states=all", f"--name={run}", f"--format={FORMAT}"]
    found = slurm.ask("squeue", *_in(clusters), *options)
    if found is None:
        return None
    rows = [line.split("|", 7) for line in found.splitlines() if line.count("|") >= 7]
    return {
        row[0].strip(): Entry(
            state=row[1],
            partition=row[2],
            minutes=minutes_of(row[3]),
            start=time_of(row[4]),
            nodes=row[5],
            reason=row[6],
            detail=row[7].strip().strip("()"),
        )
        for row in rows
    }


def accounted(jobs: Iterable[str], clusters: Collection[str]) -> dict[str, str]:
    """Return the states of jobs from Slurm's accounting, such as CANCELLED; empty without accounting."""
    options = ["-X", "--noheader", "--parsable2", f"--jobs={','.join(jobs)}", "--format=JobID,State"]
    found = slurm.ask("sacct", *_in(clusters), *options)
    rows = [line.split("|") for line in (found or "").splitlines()]
    return {row[0]: row[1].split()[0] for row in rows if len(row) == 2 and row[1]}


def _in(clusters: Collection[str]) -> list[str]:
    return [f"--clusters={','.join(sorted(clusters))}"] if clusters else []


def facts_of(job: str) -> dict[str, str]:
    """Return what `scontrol show job` says about a job; empty for a job that it does not know any more."""
    shown = slurm.ask("scontrol", "--oneliner", "show", "job", job) or ""
    return dict(re.findall(r"(?:^| )([A-Z][\w/:]*)=(\S+)", shown))


def limit_of(partition: str) -> int | None:
    """Return the longest time of a job in a partition in minutes; None without a limit."""
    shown = slurm.ask("sinfo", "--noheader", f"--partition={partition}", "--format=%l")
    return minutes_of(shown.split()[0]) if shown and shown.split() else None
