"""The jobs of a Slurm, as its accounting lists them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

FIELDS = "JobIDRaw,JobName,Comment,State,Partition,NodeList,ReqTRES,AllocTRES,TimelimitRaw,ElapsedRaw"


@dataclass(frozen=True)
class Job:
    """One line of sacct: a job, or with a dot in its id a step of one.

    Attributes:
        id: as Slurm gives it.
        name: of the job; Snakemake gives all jobs of a call the same one.
        comment: what Snakemake says it is, such as ``rule_train_wildcards_dots_source_000_001``.
        state: the first word only, without the user who cancelled it.
        partition: where it ran.
        nodes: the nodes that it ran on.
        requested: trackable resources asked for, such as ``{"cpu": "1", "mem": "4000M", "gres/gpu": "1"}``.
        allocated: trackable resources given.
        minutes: the time limit; None for a step.
        seconds: how long it has run.
    """

    id: str
    name: str
    comment: str
    state: str
    partition: str
    nodes: str
    requested: Mapping[str, str]
    allocated: Mapping[str, str]
    minutes: int | None
    seconds: int

    @property
    def requested_mib(self) -> int:
        """The memory asked for, in MiB."""
        text = self.requested["mem"]
        return round(float(text[:-1]) * {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2}[text[-1]])

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read what ``sacct --parsable2`` prints of `FIELDS`."""
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
