"""Explain why jobs wait, in words and once."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from calotype.jobs import queue
from calotype.jobs.queue import Entry

EXPLAINED_AFTER = 180.0  # s that a job waits before it is explained
NAMED = 3  # jobs that a message names

# Reasons of jobs that cannot start until somebody changes them or the cluster.
NEVER = re.compile(
    r"PartitionTimeLimit|PartitionNodeLimit|BadConstraints|InvalidAccount|InvalidQOS|AccountNotAllowed|QOSNotAllowed"
    r"|DependencyNeverSatisfied|ReservationDeleted|(QOS|Assoc)Max\w+PerJob\w*|(QOS|Assoc)MaxWall\w+|QOSMin\w+"
)
# The first expression that matches the reason explains it.
REASONS = {
    r"PartitionTimeLimit": "it asks for {asked}, the limit of partition {partition} is {limit}: it will never start. "
    "Hint: limit `runtime` of this rule in the profile, such as `runtime: min(60 * attempt, {limit_minutes})`.",
    r"PartitionNodeLimit": "it asks for more than one job may have in partition {partition}: it will never start. "
    "Hint: `scontrol show partition {partition}` shows the limits.",
    r"BadConstraints": "no node has what it asks for: it will never start. "
    'Hint: `sinfo -o "%P %c %m %G %f"` shows cores, memory, GPUs and features of the nodes.',
    r"InvalidAccount|AccountNotAllowed": "its account may not use partition {partition}. "
    "Hint: set `slurm_account` in the profile; `sacctmgr show assoc user=$USER format=account,partition,qos` lists "
    "yours.",
    r"InvalidQOS|QOSNotAllowed": "its QoS may not be used here. Hint: set `qos` in the profile; "
    "`sacctmgr show assoc user=$USER format=account,partition,qos` lists yours.",
    r"(QOS|Assoc)MaxWall": "it asks for {asked}, more than your account or QoS allows: it will never start. "
    "Hint: lower `runtime` of this rule in the profile.",
    r"(QOS|Assoc)Max\w+PerJob": "it asks for more than your account or QoS allows one job: it will never start. "
    "Hint: lower `threads`, `mem_mb` or `gres` of this rule in the profile.",
    r"QOSMin": "it asks for less than its QoS requires: it will never start. Hint: choose another `qos`.",
    r"DependencyNeverSatisfied|ReservationDeleted": "the job or reservation that it waits for is gone: it will never "
    "start.",
    r"(QOS|Assoc)Grp\w*Minutes": "the budget of your account or QoS is used up. It waits until the budget is renewed. "
    "Hint: set another `slurm_account` or `qos`, or ask the centre; `sshare -U` shows the use.",
    r"(QOS|Assoc)Grp": "the jobs of your account or QoS use all that they may use at a time. It waits for their end.",
    r"(QOS|Assoc)Max\w*Jobs": "you have as many running jobs as your account or QoS allows. It waits for their end.",
    r"(QOS|Assoc)Max": "your jobs use all that your account or QoS allows one user. It waits for their end.",
    r"ReqNodeNotAvail|NodeDown|Nodes required|Resources.*DOWN": "nodes that it needs are down, drained or reserved. "
    "Hint: `sinfo -R` gives the reasons; if they do not return, choose another `slurm_partition`.",
    r"PartitionDown|PartitionInactive": "partition {partition} is closed. It waits until an administrator opens it. "
    "Hint: choose another `slurm_partition`.",
    r"JobHeld|launch failed requeued held|Special": "it is held and waits for a release. "
    "Hint: `scontrol release {job}`, or ask the administrator who held it.",
    r"Reservation": "it waits for its reservation.",
    r"Licenses": "all licences that it needs are in use.",
    r"Dependency": "it waits for another job.",
    r"BeginTime": "Slurm has put it back into the queue.",
    r"Priority|Resources": "jobs of higher priority come first, or its resources are in use.",
}
OTHER = "Slurm gives no other reason."


def _kind(entry: Entry) -> str:
    """Return the expression in REASONS for a job; Slurm's own word if there is none."""
    words = f"{entry.reason} {entry.detail}"
    return next((kind for kind in REASONS if re.search(kind, words)), entry.reason)


def _span(minutes: int | None) -> str:
    return "no limit" if minutes is None else f"{minutes} min"


def never_starts(entry: Entry) -> bool:
    """Tell if a job can never start as it is; with several partitions, the reason may be that of one only."""
    return entry.state == "PENDING" and bool(NEVER.fullmatch(entry.reason)) and "," not in entry.partition


def explain(job: str, entry: Entry) -> str:
    """Return Slurm's reason for a waiting job, in words, and what to do."""
    kind = _kind(entry)
    limit = queue.limit_of(entry.partition) if kind == "PartitionTimeLimit" else None
    words = REASONS.get(kind, OTHER).format(
        job=job,
        partition=entry.partition,
        asked=_span(entry.minutes),
        limit=_span(limit),
        limit_minutes=limit,
    )
    slurms = entry.detail if entry.reason in entry.detail else entry.reason
    return f"{slurms}: {words}"


@dataclass
class Waiting:
    """The waiting jobs of a call."""

    since: dict[str, float] = field(default_factory=dict)  # when a job was first seen waiting
    told: dict[str, str] = field(default_factory=dict)  # kind of the reason that was last explained

    def tell(self, entries: Mapping[str, Entry], name: Callable[[str], str], now: float) -> list[str]:
        """Return a message for each new reason for which jobs wait.

        Args:
            entries: the jobs of the call that have not ended.
            name: returns the name of a job.
            now: seconds of any clock.
        """
        pending = {job for job, entry in entries.items() if entry.state == "PENDING"}
        self.since = {job: self.since.get(job, now) for job in pending}
        self.told = {job: kind for job, kind in self.told.items() if job in pending}
        groups: dict[tuple[str, str], list[str]] = {}
        for job in sorted(pending):
            kind = _kind(entries[job])
            if now - self.since[job] >= EXPLAINED_AFTER and self.told.get(job) != kind:
                self.told[job] = kind
                groups.setdefault((kind, entries[job].partition), []).append(job)
        return [self._message(jobs, entries, name, now) for jobs in groups.values()]

    def _message(self, jobs: list[str], entries: Mapping[str, Entry], name: Callable[[str], str], now: float) -> str:
        first, number = jobs[0], len(jobs)
        minutes = round((now - min(self.since[job] for job in jobs)) / 60)
        starts = [entry.start for entry in map(entries.__getitem__, jobs) if entry.start is not None]
        start = f" Slurm expects {'the first' if number > 1 else 'it'} to start {at(min(starts))}." if starts else ""
        who = "1 job waits" if number == 1 else f"{number} jobs wait"
        return (
            f"{who} in partition {entries[first].partition}, for {minutes} min so far: {_names(jobs, name)}\n"
            f"  {explain(first, entries[first])}{start}"
        )


def at(moment: float) -> str:
    """Return a Unix time as the local time, and the day unless it is today."""
    local = datetime.fromtimestamp(moment)
    day = "" if local.date() == datetime.now().date() else f"on {local.day} {local:%b} "
    return f"{day}at {local:%H:%M}"


def _names(jobs: Iterable[str], name: Callable[[str], str]) -> str:
    named = [f"{name(job)} (Slurm job {job})" for job in jobs]
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return "; ".join(named[:NAMED]) + more
