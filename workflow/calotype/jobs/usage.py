"""Measure what a training process uses while it runs, and ask Slurm for what its job was given."""

import os
import re
import resource
import threading
import time
from pathlib import Path
from typing import Any

from calotype.jobs import queue, slurm
from calotype.jobs.gpu_use import GpuUse

CHILDREN_EVERY = 2.0  # s between two measurements of a process with children, which take 8 ms for each
GPU_EVERY = 1.0  # s between two samples of a GPU, which averages its use over about as long
PEAK_EVERY = 0.01  # s between two samples of a peak

_with_children = [0]  # MiB: the highest that `memory_mib` has measured


def memory_mib() -> int:
    """Return the resident memory of this process and its children in MiB, without mapped pages of files.

    Linux drops mapped pages when it needs memory, so no limit kills a job for them. The others are anonymous or shared
    (RssAnon, RssShmem); children that were forked share some, each of which counts once (Pss_Anon, Pss_Shmem). Other
    systems give only the peak of all pages of this process.
    """
    if children := _children():
        found = sum(_sum(f"/proc/{process}/smaps_rollup", "Pss_") for process in ("self", *children))
        _with_children[0] = max(found, _with_children[0])
        return found
    return _sum("/proc/self/status", "Rss") or peak_mib()


def _sum(file: str, prefix: str) -> int:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except OSError:  # a child that has just ended
        return 0
    return sum(map(int, re.findall(rf"^{prefix}(?:Anon|Shmem):\s+(\d+)", text, re.MULTILINE))) // 1024


def peak_mib() -> int:
    """Return the peak resident memory of this process with mapped pages, or, if higher, with children without them."""
    return max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, *_with_children)


def _children() -> list[str]:
    """Return the processes that the main thread of this one has started."""
    try:
        return Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="utf-8").split()
    except OSError:
        return []


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Peak:
    """The peak of `memory_mib` while a block runs, by phase; the first phase is `start`."""

    def __init__(self) -> None:
        self.mib: dict[str, float] = {}
        self._phase, self._end = "start", threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def phase(self, name: str) -> None:
        """Begin another phase."""
        self._sample()
        self._phase = name
        self._sample()

    def _sample(self) -> None:
        self.mib[self._phase] = max(self.mib.get(self._phase, 0), memory_mib())

    def _watch(self) -> None:
        while not self._end.wait(PEAK_EVERY):
            self._sample()

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._sample()


class Usage:
    """The resources that this process uses from now on, measured by each `sample`."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._began, self._cpu, self._memory = time.monotonic(), _cpu_seconds(), 0
        self._gpu: GpuUse | None = None
        self._gpu_at = self._children_at = 0.0
        self._asked: dict[str, Any] | None = None

    def sample(self) -> None:
        """Measure memory and GPU; the first call also asks Slurm, which may take seconds."""
        now = time.monotonic()
        if not _children() or now - self._children_at >= CHILDREN_EVERY:
            self._children_at = now
            self._memory = max(self._memory, memory_mib())
        if self._gpu is None:
            self._gpu, self._asked = GpuUse(), asked()
        if now - self._gpu_at >= GPU_EVERY:
            self._gpu_at = now
            self._gpu.sample()

    def record(self) -> dict[str, Any]:
        """Return what was asked for and used, as JSON data."""
        used = {
            "seconds": round(time.monotonic() - self._began, 1),
            "cpu_seconds": round(_cpu_seconds() - self._cpu, 1),
            "memory_mib": self._memory,
            "gpu": self._gpu.record() if self._gpu else {},
        }
        return {"asked": {"threads": self._threads, **(self._asked or {})}, "used": used}


def asked() -> dict[str, Any]:
    """Return what the Slurm job of this process was given; empty without Slurm.

    Keys: cpus, memory_mib, minutes, gpus, restarts (how often Slurm has requeued it), waited_seconds.
    """
    job = slurm.job_id()
    facts = queue.facts_of(job) if job else {}
    if not facts:
        return {}
    given = resources_of(facts.get("AllocTRES") or facts.get("TRES", ""))
    waited = [queue.time_of(facts.get(key, "")) for key in ("SubmitTime", "StartTime")]
    return {
        **given,
        "minutes": queue.minutes_of(facts.get("TimeLimit", "")),
        "restarts": int(facts.get("Restarts", 0)),
        "waited_seconds": None if None in waited else waited[1] - waited[0],  # type: ignore[operator]
    }


def resources_of(tres: str) -> dict[str, Any]:
    """Return cpus, memory_mib and gpus of resources such as ``cpu=2,mem=4000M,gres/gpu=1``."""
    found = dict(pair.split("=", 1) for pair in tres.split(",") if "=" in pair)
    gpus = [int(number) for name, number in found.items() if name.startswith("gres/gpu") and number.isdigit()]
    return {
        "cpus": int(found.get("cpu", 0)),
        "memory_mib": mib_of(found.get("mem", "")),
        "gpus": max(gpus, default=0),  # gres/gpu and gres/gpu:a100 count the same GPUs
    }


def mib_of(text: str) -> float:
    """Return the MiB of a size such as ``4000M``, ``3.5G`` or ``1024K``; 0 for other words. Bytes have no letter."""
    found = re.fullmatch(r"([\d.]+)([KMGTP]?)", text.strip())
    return (
        float(found[1]) * {"": 2**-20, "K": 2**-10, "M": 1, "G": 2**10, "T": 2**20, "P": 2**30}[found[2]]
        if found
        else 0.0
    )
