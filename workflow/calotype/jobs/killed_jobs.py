"""Say why trainings ended that could not say it themselves: killed for memory, by a time limit, with their node."""

import csv
from pathlib import Path

from calotype.jobs import slurm
from calotype.jobs.leases import Sign, read_sign

NEARLY_ALL = 0.9  # of the memory asked for: what is killed for memory is rarely seen with the last of it


def _used_by_others(benchmarks: Path) -> int | None:
    """The most memory, in MiB, of the trainings of a variant that came to their end; None where none did."""
    used = []
    for file in benchmarks.glob("*.tsv"):
        with open(file, encoding="utf-8", newline="") as lines:
            used += [float(row["max_rss"]) for row in csv.DictReader(lines, delimiter="\t") if row["max_rss"] != "NA"]
    return round(max(used)) if used else None


def _describe(sign: Sign, variant: Path, benchmarks: Path) -> str:
    account = slurm.account(sign.job) if sign.job else None
    state = f" (Slurm says {account.state})" if account else ""
    used = max(sign.used_mib, account.used_mib or 0) if account else sign.used_mib
    told = f"{sign.name}: {sign.where()}, was killed after {sign.seconds:.0f} s{state}."
    if not sign.asked_mib:
        return f"{told}\n  It used {used} MiB of memory; nothing is known of a limit."
    if used < NEARLY_ALL * sign.asked_mib and not (account and account.state == "OUT_OF_MEMORY"):
        return f"{told}\n  Not for memory: it used {used} of the {sign.asked_mib} MiB that it asked for."
    others = _used_by_others(benchmarks / variant)
    needed = (
        f"a training of this variant that finished needed {others} MiB"
        if others and others > used
        else f"more than {used} MiB"
    )
    return (
        f"{told}\n  Memory: asked for {sign.asked_mib} MiB, used {used} MiB, needed: {needed}."
        "\n  Hint: raise `mem_mb` of `train`, and the limit that it stops at, in the profile (slurm/config.yaml)."
    )


def explain(checkpoints: Path, benchmarks: Path, since: float) -> list[str]:
    """What can be said of each training that was killed, by what it left behind.

    Args:
        since: seconds since the epoch; trainings that were gone by then are another call's.
        checkpoints: the folder of all checkpoints and heartbeats, by study and variant.
        benchmarks: the folder of what trainings that came to their end cost, by study and variant.
    """
    found = []
    for heartbeat in sorted(checkpoints.glob("*/*/heartbeat-*.json")):
        sign = read_sign(heartbeat)
        if sign is not None and heartbeat.stat().st_mtime >= since and sign.is_dead():
            found.append(_describe(sign, heartbeat.parent.relative_to(checkpoints), benchmarks))
    return found
