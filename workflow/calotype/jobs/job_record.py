"""Record the Slurm jobs of all calls: what each was for and asked for, and how it ended.

The head process appends a line when it submits a job and when it sees the end, so a cluster without accounting has a
record, too. Accounting knows jobs by the name of a call and their numbers only.
"""

import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calotype.jobs.gpus import REQUESTS
from calotype.jobs.job_names import ABOUT, members_of, name_of, wildcards_of

FILE = "benchmarks/slurm-jobs.jsonl"  # in the folder of the results


@dataclass
class JobRecord:
    """The record of the jobs of a call."""

    results: Path

    def submitted(self, number: str, call: str, job: Any) -> None:
        """Note that a job or a group of jobs was submitted under a number, with the name of the call."""
        members = members_of(job)
        about = {value for member in members for key, value in wildcards_of(member).items() if key in ABOUT}
        line = {"job": number, "call": call, "name": name_of(job), "submitted": time.time(), "attempt": job.attempt}
        line |= {"kinds": sorted({member.rule.name for member in members}), "about": sorted(about)}
        line |= {
            "asked": asked(job.resources, job.threads),
            "members": len(members),
            "seeds": sum(map(_seeds, members)),
        }
        self._append(line)

    def ended(self, number: str, state: str, start: float | None) -> None:
        """Note that a job has ended, with its last state and the Unix time of its start."""
        self._append({"job": number, "state": state, "start": start, "ended": time.time()})

    def _append(self, line: Mapping[str, Any]) -> None:
        with suppress(OSError):  # it is a record only
            (self.results / FILE).parent.mkdir(parents=True, exist_ok=True)
            with open(self.results / FILE, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def _seeds(job: Any) -> int:
    found = wildcards_of(job)
    return int(found["last"]) - int(found["first"]) + 1 if {"first", "last"} <= found.keys() else 0


def asked(resources: Mapping[str, Any], threads: int) -> dict[str, Any]:
    """Return cpus, memory_mib, minutes and gpus of the resources of a job."""
    numbers = {key: value for key, value in resources.items() if isinstance(value, int)}
    return {
        "cpus": max(threads, numbers.get("cpus_per_task", 0)),
        "memory_mib": numbers.get("mem_mb", 0),
        "minutes": numbers.get("runtime"),
        "gpus": gpus_of(resources),
    }


def gpus_of(resources: Mapping[str, Any]) -> int:
    """Return the number of GPUs that a job asks for, in one of the forms of a profile."""
    for key, form in REQUESTS.items():
        if found := re.search(form, str(resources.get(key))):
            return int(found[1])
    return int(bool(re.search(r"\bgpu\b", str(resources.get("gres")))))


@dataclass
class Recorded:
    """A job of an earlier or this call, as its lines in the record say."""

    job: str  # its number in Slurm
    call: str  # the name of its call
    name: str
    submitted: float
    attempt: int
    kinds: list[str]
    about: list[str]  # studies and datasets
    asked: dict[str, Any]
    members: int = 1
    seeds: int = 0
    state: str = ""  # empty until it ends
    start: float | None = None
    ended: float | None = None


def read(results: Path) -> list[Recorded]:
    """Return all jobs of the record, in the order of their submission; lines that a crash cut off do not count."""
    found: dict[str, Recorded] = {}
    with suppress(OSError):
        for text in (results / FILE).read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, TypeError, KeyError):
                line = json.loads(text)
                if "call" in line:
                    found[line["job"]] = Recorded(**line)
                else:
                    job = found[line["job"]]
                    job.state, job.start, job.ended = line["state"], line["start"], line["ended"]
    return [*found.values()]
