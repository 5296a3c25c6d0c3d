"""Find why a job failed: Slurm's state and reason, its resources, and what to do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calotype.jobs import killed_jobs, queue, refusals, slurm
from calotype.jobs.job_names import is_training, pack_of
from calotype.jobs.leases import Sign

LOST = "left the queue"
# What to do, by Slurm's state.
HINTS = {
    "OUT_OF_MEMORY": "increase `mem_mb` of `{rule}` and its upper limit in the profile (slurm/config.yaml).",
    "TIMEOUT": "increase `runtime` of `{rule}` in the profile (slurm/config.yaml).",
    "CANCELLED": "`sacct -j {number} -o JobID,State%30` tells who cancelled it.",
    "PREEMPTED": "a more urgent job took the node. If this happens often, choose another partition.",
    "NODE_FAIL": "the node failed; `sinfo -R` tells more.",
    LOST: "Slurm forgot how the job ended.",
}
FIX = "fix the error."
KILLED = "somebody, or the system for its memory, killed it."
PLAIN_REASONS = ("None", "NonZeroExitCode", "TimeLimit", "OutOfMemory", "Priority", "Resources", "BeginTime")


@dataclass(frozen=True)
class Cause:
    """The cause of a failure."""

    lines: list[str]
    hint: str
    ran: bool = True  # False for a job that Slurm refused or never started, so that no log tells
    number: str = ""  # of the job in Slurm, in the first line


def of_refusal(message: str) -> Cause:
    """Return the cause of a job that Slurm refused, from the message of Snakemake's plugin."""
    return Cause([f"Slurm refused it: {refusals.reason(message)}"], refusals.hint(message), ran=False)


def of_never(number: str, why: str) -> Cause:
    """Return the cause of a job that could never start, with its number in Slurm and the explanation."""
    words, _, hint = why.partition(" Hint: ")
    hint = hint or "correct the profile."
    return Cause([f"Slurm job {number} was removed from the queue. {words}"], hint, ran=False, number=number)


def of_local(job: Any, results: Path, since: float) -> Cause:
    """Return the cause of a job on this machine."""
    if (sign := _sign(job, None, results, since)) is None:
        return Cause([], FIX)
    return Cause([f"killed after {sign.seconds:.0f} s; memory: used {sign.used_mib:,} MiB"], KILLED)


def of_slurm(info: Any, results: Path, since: float) -> Cause:
    """Return the cause of a job that has ended in Slurm.

    Args:
        info: what Snakemake knows about the job; `aux` holds its `state` and `nodes`.
        results: the folder of the results, for heartbeats and finished packs.
        since: start of this call in Unix time.
    """
    job, number = info.job, info.external_jobid
    facts, account, sign = queue.facts_of(number), slurm.account(number), _sign(job, number, results, since)
    state = info.aux.get("state") or facts.get("JobState", "unknown state")
    asked = found if isinstance(found := job.resources.get("mem_mb"), int) else None
    used = max(sign.used_mib if sign else 0, (account and account.used_mib) or 0)
    if account and account.state in HINTS and state == "FAILED":
        state = account.state  # only the state of the step is OUT_OF_MEMORY
    if state in ("FAILED", "CANCELLED") and killed_jobs.memory_was_short(asked, used):
        state = "OUT_OF_MEMORY"
    nodes = info.aux.get("nodes") or facts.get("NodeList", "")
    where = f" on {nodes}" if re.match(r"\w", nodes) else ""
    lines = [f"Slurm job {number}{where}: {state}{_reason(facts)}", _resources(facts, asked, used, sign)]
    hint = HINTS.get(state, FIX).format(rule="`, `".join(sorted(job.rules)), number=number)
    if state == "OUT_OF_MEMORY" and is_training(job):
        others = killed_jobs.used_by_others(results / job.wildcards.study / job.wildcards.variant)
        hint += f" A finished job of this variant needed {others:,} MiB." if others else ""
    return Cause([line for line in lines if line], hint)


def _reason(facts: Mapping[str, str]) -> str:
    reason, status = facts.get("Reason", "None"), facts.get("ExitCode", "0:0").split(":")[0]
    words = [f" ({reason})"] if reason not in PLAIN_REASONS else []
    return "".join([*words, f", exit status {status}" if status != "0" else ""])


def _resources(facts: Mapping[str, str], asked: int | None, used: int, sign: Sign | None) -> str:
    minutes, ran = queue.minutes_of(facts.get("TimeLimit", "")), queue.seconds_of(facts.get("RunTime", ""))
    if ran is None and sign is not None:
        ran = round(sign.seconds)
    memory = [f"asked for {asked:,} MiB"] if asked else []
    memory += [f"used {used:,} MiB"] if used else []
    time = [f"asked for {minutes} min"] if minutes else []
    time += [f"ran {ran} s" if ran < 120 else f"ran {ran / 60:.0f} min"] if ran is not None else []
    words = [f"{name}: {', '.join(told)}" for name, told in (("memory", memory), ("time", time)) if told]
    return "; ".join(words)


def _sign(job: Any, number: str | None, results: Path, since: float) -> Sign | None:
    if not is_training(job):
        return None
    folder = results / "checkpoints" / job.wildcards.study / job.wildcards.variant
    return killed_jobs.last_sign(folder, pack_of(job), number, since)
