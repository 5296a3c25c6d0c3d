"""Report why training runs were killed: memory, a time limit, a failed node."""

import csv
from pathlib import Path

from calotype.jobs import slurm
from calotype.jobs.leases import Sign, read_sign

NEARLY_ALL = 0.9  # of the requested memory: the last measurement before a kill is rarely the peak


def _used_by_others(benchmarks: Path) -> int | None:
    """Return the peak memory in MiB of the finished jobs of a variant; None without finished jobs."""
    used = []
    for file in benchmarks.glob("*.tsv"):
        with open(file, encoding="utf-8", newline="") as lines:
            used += [float(row["max_rss"]) for row in csv.DictReader(lines, delimiter="\t") if row["max_rss"] != "NA"]
    return round(max(used)) if used else None


def _describe(sign: Sign, variant: Path, benchmarks: Path) -> str:
    account = slurm.account(sign.job) if sign.job else None
    state = f" (Slurm state {account.state})" if account else ""
    used = max(sign.used_mib, account.used_mib or 0) if account else sign.used_mib
    told = f"{sign.name}: {sign.where()}, was killed after {sign.seconds:.0f} s{state}."
    if not sign.asked_mib:
        return f"{told}\n  It used {used} MiB of memory; its memory limit is not known."
    if used < NEARLY_ALL * sign.asked_mib and not (account and account.state == "OUT_OF_MEMORY"):
        return f"{told}\n  Memory was not the cause: it used {used} of the {sign.asked_mib} MiB that it requested."
    others = _used_by_others(benchmarks / variant) or 0
    needed = f"a finished job of this variant needed {others} MiB" if others > used else "it needs more"
    return (
        f"{told}\n  Memory: requested {sign.asked_mib} MiB, used {used} MiB; {needed}."
        "\n  Hint: increase `mem_mb` of `train` and its upper limit in the profile (slurm/config.yaml)."
    )


def explain(checkpoints: Path, benchmarks: Path, since: float) -> list[str]:
    """Describe each training job that was killed.

    Args:
        checkpoints: the folder of all checkpoints and heartbeats, by study and variant.
        benchmarks: the folder with the costs of finished training jobs, by study and variant.
        since: start of this call in seconds since the epoch; older heartbeats belong to other calls.
    """
    found = []
    for heartbeat in sorted(checkpoints.glob("*/*/heartbeat-*.json")):
        sign = read_sign(heartbeat)
        if sign is not None and heartbeat.stat().st_mtime >= since and sign.is_dead():
            found.append(_describe(sign, heartbeat.parent.relative_to(checkpoints), benchmarks))
    return found
