"""The jobs of a Slurm, as its accounting lists them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

FIELDS = "JobIDRaw,JobName,Comment,State,Partition,NodeList,ReqTRES,AllocTRES,TimelimitRaw,ElapsedRaw"


@dataclass(frozen=True)
class Job:
    """One line of sacct: a job, or a step with a dot in its id."""

    id: str
    name: str  # the same for all jobs of a call of Snakemake
    comment: str  # of Snakemake, such as rule_train_wildcards_dots_source_000_001
    state: str  # the first word only
    partition: str
    nodes: str
    requested: Mapping[str, str]  # resources, such as {"cpu": "1", "mem": "4000M", "gres/gpu": "1"}
    allocated: Mapping[str, str]
    minutes: int | None  # the time limit; None for a step
    seconds: int  # run time

    @property
    def requested_mib(self) -> int:
        """Return the requested memory in MiB."""
        text = self.requested["mem"]
        return round(float(text[:-1]) * {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2}[text[-1]])

    @classmethod
    def parse(cls, line: str) -> Self:
        """Parse a line of ``sacct --parsable2`` with `FIELDS`."""
        job, name, comment, state, partition, nodes, requested, allocated, minutes, seconds = line.split("|")
        return cls(
            id=job,
            name=name,
            comment=comment,
            state=state.split()[0],
            partition=partition,
            nodes=nodes,
            requested=dict(pair.split("=") for pair in requested.split(",") if pair),
            allocated=dict(pair.split("=") for pair in allocated.split(",") if pair),
            minutes=int(minutes) if minutes.isdigit() else None,
            seconds=int(seconds),
        )
