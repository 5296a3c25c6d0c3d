"""The jobs of a report by kind: what they asked for against what they used, and advice."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from calotype.jobs import requests
from calotype.jobs.job_use import MEMORY, JobUse

WORTH = 0.7  # advise less memory or time if it is at most this share of the request
LEAST = 10  # minutes that are worth a sentence
IDLE = 25  # percent: a GPU that is busy for less is mostly idle
NAMED = 3  # variants in a sentence


@dataclass(frozen=True)
class UsedKind:
    """All attempts of jobs of one kind; None where nothing is known."""

    kind: str
    uses: Sequence[JobUse]

    def _known(self, value: Callable[[JobUse], Any]) -> list[Any]:
        return [found for use in self.uses if (found := value(use)) is not None]

    @property
    def jobs(self) -> int:
        """Return the number of jobs, each with all its attempts."""
        return len({use.name for use in self.uses})

    @property
    def early(self) -> int:
        """Return the number of attempts that failed or were killed."""
        return sum(not use.completed for use in self.uses)

    @property
    def waited(self) -> float | None:
        """Return the median time in the queue in seconds."""
        return statistics.median(found) if (found := self._known(lambda use: use.waited)) else None

    @property
    def ran(self) -> float:
        """Return the run time of all attempts in seconds."""
        return sum(self._known(lambda use: use.ran))

    @property
    def longest(self) -> float | None:
        """Return the run time of the longest attempt in seconds."""
        return max(self._known(lambda use: use.ran), default=None)

    @property
    def minutes(self) -> int | None:
        """Return the first time limit, before retries increased it."""
        return min(self._known(lambda use: use.minutes), default=None)

    @property
    def asked_mib(self) -> float | None:
        """Return the first request for memory, before retries increased it."""
        return min(self._known(lambda use: use.memory_mib or None), default=None)

    @property
    def used_mib(self) -> float | None:
        """Return the largest memory of an attempt."""
        return max(self._known(lambda use: use.used_mib), default=None)

    @property
    def asked_cores(self) -> int:
        """Return the number of cores of a job; 0 if it is not known."""
        return max(use.cpus for use in self.uses)

    @property
    def used_cores(self) -> float | None:
        """Return the mean number of busy cores."""
        known = [use for use in self.uses if use.cpu_seconds is not None and use.ran]
        ran = sum(use.ran or 0 for use in known)
        return sum(use.cpu_seconds or 0 for use in known) / ran if ran else None

    @property
    def gpu_hours(self) -> float:
        """Return the hours of all GPUs."""
        return sum(use.gpus * (use.ran or 0) for use in self.uses) / 3600

    @property
    def gpu_busy(self) -> float | None:
        """Return the mean use of the GPUs in percent, weighted by time."""
        known = [use for use in self.uses if "busy_percent" in use.gpu and use.ran]
        total = sum(use.ran or 0 for use in known)
        return sum(use.gpu["busy_percent"] * (use.ran or 0) for use in known) / total if total else None

    @property
    def gpu_mib(self) -> float | None:
        """Return the largest memory on a GPU."""
        return max(self._known(lambda use: use.gpu.get("memory_mib")), default=None)

    @property
    def watt_hours(self) -> float | None:
        """Return the energy of the nodes if Slurm measures it, or else of the GPUs."""
        found = self._known(lambda use: use.joules or use.gpu.get("energy_joules"))
        return sum(found) / 3600 if found else None

    @property
    def advice(self) -> list[str]:
        """Return sentences on what to ask for the next time; none where jobs used nearly what they asked for."""
        return list(filter(None, [self._on_memory(), self._on_time(), self._on_gpu()]))

    def _on_memory(self) -> str:
        asked, used = self.asked_mib, self.used_mib
        if asked is None or used is None:
            return ""
        enough = requests.memory(used)
        killed = sum(use.state == MEMORY for use in self.uses)
        if killed and enough > asked:
            how_often = "1 attempt was" if killed == 1 else f"{killed} attempts were"
            return (
                f"asked for {asked:,.0f} MiB at first, and {how_often} killed for memory; "
                f"used up to {used:,.0f} MiB: `mem_mb: {enough}` is enough from the start."
            )
        if not killed and enough <= WORTH * asked:
            return f"asked for {asked:,.0f} MiB, used up to {used:,.0f} MiB: `mem_mb: {enough}` is enough."
        return ""

    def _on_time(self) -> str:
        limit, longest = self.minutes, self.longest
        timed_out = any(use.state == "TIMEOUT" for use in self.uses)
        if limit is None or not longest or timed_out or not any(use.completed for use in self.uses):
            return ""
        if max(use.members for use in self.uses) > 1:
            return ""  # the time of a group is the sum of its rules
        enough, ran = requests.minutes(longest), f"limit {limit:,} min, ran at most {_minutes(longest)}"
        if larger := self._larger_packs():
            return f"{ran}: {larger}, so that jobs take up to half an hour."
        if enough <= min(WORTH * limit, limit - LEAST):
            return f"{ran}: Slurm starts jobs with `runtime: {enough}` earlier, in gaps."
        return ""

    def _larger_packs(self) -> str:
        """Return how many seeds may share a job, for variants with several jobs that are short."""
        variants: dict[str, list[JobUse]] = {}
        for use in self.uses:
            if use.completed and use.ran and use.seeds:
                variants.setdefault(use.name.partition(",")[0].rpartition(" ")[2], []).append(use)
        chosen = []
        for variant, uses in variants.items():
            slowest = max((use.ran or 0) / use.seeds for use in uses)
            together = min(requests.seeds(0, slowest), sum(use.seeds for use in uses))
            if together >= 2 * max(use.seeds for use in uses):
                chosen.append(f"`seeds_per_job: {together}` for {variant}")
        more = f" and {len(chosen) - NAMED} more variants" if len(chosen) > NAMED else ""
        return f"set {', '.join(chosen[:NAMED])}{more}" if chosen else ""

    def _on_gpu(self) -> str:
        asked = any(use.gpus for use in self.uses)  # a process sees the GPUs of its machine, also without a request
        if not asked or self.gpu_busy is None or self.gpu_busy >= IDLE:
            return ""
        return (
            f"the GPU was busy for {self.gpu_busy:.0f} % of the time: small models may train on CPU nodes, "
            "and `side_by_side` lets several runs share a GPU."
        )


def _minutes(seconds: float) -> str:
    """Return a time in words."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def used_kinds(uses: Sequence[JobUse]) -> list[UsedKind]:
    """Return the jobs by kind, the costliest first."""
    kinds = dict.fromkeys(use.kind for use in uses)
    found = [UsedKind(kind, [use for use in uses if use.kind == kind]) for kind in kinds]
    return sorted(found, key=lambda kind: -kind.ran)
