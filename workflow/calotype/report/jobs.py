"""The jobs of a report, and their costs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from calotype.evaluation.packs import PackOrigin
from calotype.util.csv_tables import read_csv
from calotype.util.errors import CalotypeError


@dataclass(frozen=True)
class Job:
    """The cost of a job or of a figure: wall and CPU time in seconds, peak resident memory in MiB.

    CPU time and memory of very short jobs are NaN.
    """

    stage: str
    what: str
    seconds: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class Kind:
    """All jobs of a stage: their total times in seconds, and the largest memory in MiB; NaN if none was measured."""

    stage: str
    jobs: Sequence[Job]

    @property
    def seconds(self) -> float:
        """Return the wall time of all jobs."""
        return sum(job.seconds for job in self.jobs)

    @property
    def cpu(self) -> float:
        """Return the CPU time of the measured jobs."""
        measured = [job.cpu for job in self.jobs if math.isfinite(job.cpu)]
        return sum(measured) if measured else math.nan

    @property
    def memory(self) -> float:
        """Return the largest peak memory."""
        return max((job.memory for job in self.jobs if math.isfinite(job.memory)), default=math.nan)


def kinds(jobs: Sequence[Job]) -> list[Kind]:
    """Return the jobs by stage, the costliest first."""
    stages = dict.fromkeys(job.stage for job in jobs)
    longest = sorted(jobs, key=lambda job: -job.seconds)
    found = [Kind(stage, [job for job in longest if job.stage == stage]) for stage in stages]
    return sorted(found, key=lambda kind: -kind.seconds)


def train_job(pack: PackOrigin) -> Job:
    """Return the cost of training a pack, as measured by its process."""
    origin, what = pack.origin, f"{pack.study}/{pack.variant}, seeds {pack.first} to {pack.last}"
    return Job("train", what, origin["wall_seconds"], origin["cpu_seconds"], origin["peak_memory_mib"])


def read_job(file: Path, stage: str, what: str) -> Job:
    """Read one of Snakemake's benchmark files."""
    try:
        row = pd.read_csv(file, sep="\t", na_values="-").iloc[-1]
        return Job(stage, what, float(row["s"]), float(row["cpu_time"]), float(row["max_rss"]))
    except (OSError, ValueError, LookupError) as error:
        raise CalotypeError(f"{file}: cannot be read: {error}.", "delete it to run its job again.") from None


def figure_jobs(file: Path, study: str) -> list[Job]:
    """Read the cost of each figure of a study, and their common cost."""
    table = read_csv(file, "delete it to plot the figures again.")
    return [
        Job("figures", f"{study}: {row.figure}", row.seconds, row.cpu_seconds, row.peak_memory_mib)
        for row in table.itertuples()
    ]
