"""Limit memory, time and number of jobs in the Slurm profile to what a partition and its user have."""

import builtins
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calotype.jobs.cluster import Partition
from calotype.jobs.cluster_access import Access, Limit
from calotype.util.yaml_text import quoted

# Names that have a value in Snakemake's expressions of resources; others stand for themselves.
KNOWN = {*dir(builtins), *keyword.kwlist, "attempt", "input", "output", "params", "resources", "threads", "wildcards"}
PER_SPLIT = ("draw", "measure", "prepare", "preview")  # rules of the group `data`


@dataclass(frozen=True)
class Line:
    """A line of the profile."""

    place: tuple[str, ...]  # keys of the mappings around it
    key: str
    value: str | None  # as YAML; None: the profile needs no such line
    reason: str


def text(name: str) -> str:
    """Return a name as YAML that Snakemake does not take for an expression, as it would `all` or `1-2`."""
    words = re.findall(r"[A-Za-z_]\w*", name)
    return quoted(f"'{name}'" if KNOWN.issuperset(words) else name)


def memory(place: tuple[str, ...], resources: Mapping[str, Any], partition: Partition, *, gpu: bool) -> list[Line]:
    """Return the line `mem_mb` if its limit is not that of the partition, and always for jobs with a GPU."""
    found = re.fullmatch(r"min\((.+) \* 2 \*\* \(attempt - 1\), (\d+)\)", str(resources.get("mem_mb")))
    if not found:
        return []
    most, cap = partition.mib(gpu=gpu), int(found[2])
    if not most:
        return [Line(place, "mem_mb", "0", f"Nodes of {partition.name} declare no memory: no job asks for any.")]
    why = f"A job in {partition.name} may have {most:,} MiB."
    if gpu:
        largest = max((nodes for nodes in partition.usable if nodes.gpus), key=partition.mib_of)
        number = sum(largest.gpus.values())
        if (share := partition.mib_of(largest) // number) > cap:
            cap, why = share, f"Up to an equal share: a node has {share * number:,} MiB for {number} GPUs."
    value = f"min({found[1]} * 2 ** (attempt - 1), {min(cap, most)})"
    return [Line(place, "mem_mb", value, why)] if gpu or value != found[0] else []


def runtime(place: tuple[str, ...], resources: Mapping[str, Any], limit: Limit, attempts: int) -> list[Line]:
    """Return the line `runtime` if its last attempt asks for more time than a job may have, and always for `train`."""
    found = re.fullmatch(r"(?:min\()?(\d+)( \* attempt)?(?:, (\d+)\))?", str(resources.get("runtime")))
    if not found:
        return []
    most = int(found[1]) * (attempts if found[2] else 1)
    if limit.value is None or limit.value >= most:
        why = f"A job may take {span(limit)}; the last attempt asks for {most} min."
        return [Line(place, "runtime", found[0], why)] if place[-1] == "train" else []
    why = f"A job may take {span(limit)} ({limit.origin}); one that asks for more never starts."
    value = f"min({found[1]}{found[2]}, {limit.value})" if found[2] else str(limit.value)
    return [Line(place, "runtime", value, why)]


def groups(profile: Mapping[str, Any], limit: Limit) -> list[Line]:
    """Return the number of splits that share a job, if a job may not take the time of as many as in the profile."""
    number = int(dict(part.split("=") for part in profile["group-components"])["data"])
    rules, default = profile["set-resources"], profile["default-resources"]["runtime"]
    texts = [str(rules.get(rule, {}).get("runtime", default)) for rule in PER_SPLIT]
    twice = 2 * sum(int(re.findall(r"\d+", text)[0]) for text in texts)  # minutes, at the second attempt
    if limit.value is None or limit.value >= twice * number:
        return []
    why = f"A job may take {span(limit)} ({limit.origin}); a split asks for up to {twice} min at its second attempt."
    return [Line(("group-components",), "data", str(max(1, limit.value // twice)), why)]


def number_of_jobs(profile: Mapping[str, Any], accesses: Sequence[Access]) -> Line:
    """Return the line `jobs`."""
    submitted = _smallest([access.submitted for access in accesses])
    running = _smallest([access.running for access in accesses])
    why = [f"have {submitted.value} in the queue ({submitted.origin})"] if submitted.value else []
    why += [f"run {running.value} at a time ({running.origin})"] if running.value else []
    most = int(profile["jobs"])
    reason = f"You may {' and '.join(why)}." if why else "Slurm shows no limit on the number of your jobs."
    return Line((), "jobs", str(min(most, submitted.value or most)), reason)


def _smallest(limits: Sequence[Limit]) -> Limit:
    return min((limit for limit in limits if limit.value), key=lambda limit: limit.value or 0, default=Limit())


def span(limit: Limit) -> str:
    """Return a limit of minutes in words, such as 90 min or 7 days."""
    if limit.value is None:
        return "any time"
    for unit, size in (("days", 1440), ("h", 60)):
        if limit.value % size == 0 and limit.value >= 2 * size:
            return f"{limit.value // size} {unit}"
    return f"{limit.value} min"
