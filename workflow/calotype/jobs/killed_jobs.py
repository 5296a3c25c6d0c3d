"""Find the memory of killed training runs, from their last heartbeats and from finished runs of the same variant."""

import json
from contextlib import suppress
from pathlib import Path

from calotype.jobs.leases import Sign, read_sign

NEARLY_ALL = 0.9  # of the requested memory: the last measurement before a kill is rarely the peak


def last_sign(checkpoints: Path, name: str, job: str | None, since: float) -> Sign | None:
    """Return the last heartbeat of a killed training job.

    Args:
        checkpoints: the folder of the variant with its heartbeats.
        name: of the pack.
        job: the Slurm job; None for a local process.
        since: Unix time; older heartbeats belong to other calls.
    """
    for heartbeat in checkpoints.glob("heartbeat-*.json"):
        sign = read_sign(heartbeat)
        if sign is None or sign.name != name or heartbeat.stat().st_mtime < since:
            continue
        if sign.job == job and (job is not None or sign.is_dead()):
            return sign
    return None


def used_by_others(packs: Path) -> int | None:
    """Return the peak memory in MiB of the finished jobs of a variant, given the folder of its packs; None without."""
    used = []
    for file in packs.glob("seeds-*/provenance.json"):
        with suppress(OSError, ValueError, LookupError, TypeError):
            used.append(float(json.loads(file.read_text(encoding="utf-8"))["peak_memory_mib"]))
    return round(max(used)) if used else None


def memory_was_short(asked_mib: int | None, used_mib: int) -> bool:
    """Tell if a job was probably killed for its memory."""
    return used_mib >= NEARLY_ALL * asked_mib if asked_mib else False
