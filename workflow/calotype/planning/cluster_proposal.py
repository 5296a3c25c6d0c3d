"""Propose the lines of the Slurm profile that depend on the cluster, with a reason for each."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calotype.jobs import refusals, slurm
from calotype.jobs.cluster import Cluster, Partition
from calotype.jobs.cluster_access import Access, Limit, access_to
from calotype.jobs.queue import time_of
from calotype.jobs.waiting import at
from calotype.util.yaml_text import quoted

LONG = 120  # minutes: short rules that share a job ask for up to this
TRAINING = 60  # minutes that a training job asks for at first
NOW = 60  # seconds
TRIED = 4  # GPU partitions that are tried with `sbatch --test-only`
GPU_RULE = ("set-resources", "find_gpu")  # train and predict copy its lines
PLUGIN_NAME = re.compile(r"[A-Za-z0-9_.]+")  # GPU types that Snakemake's plugin accepts in `gres`


@dataclass(frozen=True)
class Line:
    """A line of the profile."""

    place: tuple[str, ...]  # keys of the mappings around it
    key: str
    value: str | None  # as YAML; None: the profile needs no such line
    reason: str


@dataclass(frozen=True)
class Start:
    """The answer of `sbatch --test-only`."""

    accepted: bool
    words: str


@dataclass(frozen=True)
class Proposal:
    """The partitions for a user's jobs, and the lines of the profile."""

    accesses: tuple[Access, ...]
    short: Access  # for short rules
    gpu: Access | None  # for training and prediction; None: they run on CPU nodes
    notes: Mapping[str, str]  # about GPU partitions, by name
    starts: Mapping[str, Start]  # of the jobs that were tried, by partition
    lines: tuple[Line, ...]


def propose(cluster: Cluster, profile: Mapping[str, Any]) -> Proposal:
    """Choose partitions, try them with at most five `sbatch --test-only`, and propose lines.

    Args:
        profile: content of slurm/config.yaml.
    """
    accesses = tuple(access_to(partition, cluster) for partition in cluster.partitions)
    open_ = [access for access in accesses if not access.refusal]
    if not open_:
        return Proposal(accesses, accesses[0], None, {}, {}, ())
    short = _for_short_rules(open_)
    starts = {short.partition.name: _try(short, mib=1000, minutes=10)}
    ranked = sorted((access for access in open_ if access.partition.gpus), key=_rank)
    tried = {access.partition.name: _try(access, mib=4000, minutes=TRAINING, gpu=True) for access in ranked[:TRIED]}
    gpu = next((access for access in ranked if tried.get(access.partition.name, Start(False, "")).accepted), None)
    notes = {access.partition.name: _note(access, gpu, tried.get(access.partition.name)) for access in ranked}
    lines = [*_access_lines(("default-resources",), short, cluster), *_capped(profile, short, gpu)]
    place = [n for n, line in enumerate(lines) if line.place[0] == "default-resources"][-1] + 1
    lines[place:place] = _gpu_lines(gpu, short, cluster)
    lines += [_jobs(profile, [access for access in (short, gpu) if access])]
    return Proposal(accesses, short, gpu, notes, starts | tried, tuple(lines))


def _enough(access: Access, minutes: int) -> bool:
    return access.minutes.value is None or access.minutes.value >= minutes


def _for_short_rules(open_: Sequence[Access]) -> Access:
    """Return the default partition if it allows two hours, or else the best one."""

    def rank(access: Access) -> tuple[bool, ...] | tuple[bool, bool, bool, bool, int]:
        partition, number = access.partition, sum(nodes.number for nodes in access.partition.usable)
        enough = _enough(access, LONG)
        return not enough, not partition.is_default, not access.is_plain, partition.gpus > 0, -number

    return min(open_, key=rank)


def _rank(access: Access) -> tuple[bool, bool, int]:
    """Sort partitions with GPUs: those for an hour first, then those of the default account and QoS, then by GPUs."""
    return not _enough(access, TRAINING), not access.is_plain, -access.partition.gpus


def _try(access: Access, *, mib: int, minutes: int, gpu: bool = False) -> Start:
    """Ask Slurm when a job would start; no job is submitted."""
    asked = [f"--partition={access.partition.name}", "--ntasks=1", "--cpus-per-task=1"]
    asked += [f"--time={min(minutes, access.minutes.value or minutes)}", *(["--gres=gpu:1"] if gpu else [])]
    asked += [f"--mem={min(mib, most)}"] if (most := access.partition.mib(gpu=gpu)) else []
    asked += [f"--account={access.account}"] * bool(access.account) + [f"--qos={access.qos}"] * bool(access.qos)
    done, printed = slurm.answer("sbatch", "--test-only", "--output=/dev/null", *asked, "--wrap=true")
    found = re.search(r"to start at (\S+)", printed)
    moment = time_of(found[1]) if found else None
    if done:
        now = moment is not None and moment < time.time() + NOW
        return Start(True, "would start now" if now else f"would start {at(moment)}" if moment else "accepted")
    reason = refusals.reason(printed) if "error: " in printed else printed.strip().replace("\n", "; ")
    return Start(False, f"refused: {reason}; {refusals.hint(printed)}")


def _note(access: Access, chosen: Access | None, start: Start | None) -> str:
    """Return one line about a partition with GPUs."""
    way = [f"account {access.account}"] * bool(access.account) + [f"QoS {access.qos}"] * bool(access.qos)
    facts = [f"{access.partition.gpus} {'GPU' if access.partition.gpus == 1 else 'GPUs'}"]
    facts += [f"needs {' and '.join(way)}"] * bool(way)
    facts += ["less than an hour"] * (not _enough(access, TRAINING))
    text = f"{'chosen: ' if access is chosen else ''}{', '.join(facts)}"
    return f"{text}; {start.words}" if start else text


def _access_lines(place: tuple[str, ...], access: Access, cluster: Cluster) -> list[Line]:
    """Return partition, account and QoS of short rules."""
    name, limit = access.partition.name, span(access.minutes)
    star = next((each for each in cluster.partitions if each.is_default), None)
    if star is None:
        why = "no partition is the default"
    elif refusal := access_to(star, cluster).refusal:
        why = f"{star.name}, the default, is not usable: {refusal}"
    else:
        why = f"{star.name}, the default, allows only {span(access_to(star, cluster).minutes)}"
    if access.partition.is_default:
        line = Line(place, "slurm_partition", None, f"{name} is the default; its jobs may take {limit}")
    else:
        line = Line(place, "slurm_partition", quoted(name), f"{why}; jobs in {name} may take {limit}")
    return [line, *_account_and_qos(place, access, cluster)]


def _account_and_qos(place: tuple[str, ...], access: Access, cluster: Cluster) -> list[Line]:
    others = [each.account for each in cluster.associations if each.account != cluster.default_account]
    others = [*dict.fromkeys(others)]
    more = f"; you may also use {', '.join(others[:3])}{' and others' if len(others) > 3 else ''}" if others else ""
    if access.account:
        default = "you have no default" if not cluster.default_account else f"not for {cluster.default_account}"
        account = Line(place, "slurm_account", quoted(access.account), f"{default} in {access.partition.name}")
    elif cluster.default_account:
        account = Line(place, "slurm_account", None, f"{cluster.default_account} is your default account{more}")
    else:
        account = Line(place, "slurm_account", None, "Slurm knows no accounts of yours, and asks for none")
    qos = Line(place, "qos", None, "the default QoS may be used")
    if access.qos:
        qos = Line(place, "qos", quoted(access.qos), f"{access.partition.name} does not allow your default QoS")
    return [account, *([qos] if access.qos else [])]


def _gpu_lines(gpu: Access | None, short: Access, cluster: Cluster) -> list[Line]:
    """Return partition, GPU, account and QoS of training and prediction."""
    if gpu is None:
        why = "no partition with GPUs that you may use: training runs on CPU nodes"
        return [Line(GPU_RULE, key, None, why) for key in ("slurm_partition", "gres")]
    limit = span(gpu.minutes)
    lines = [Line(GPU_RULE, "slurm_partition", quoted(gpu.partition.name), f"it has GPUs; jobs may take {limit}")]
    lines.append(Line(GPU_RULE, "gres", "gpu:1", types_of(gpu.partition)))
    for line in _account_and_qos(GPU_RULE, gpu, cluster):
        if line.value or line.key in {each.key for each in _account_and_qos((), short, cluster) if each.value}:
            lines.append(line)
    return lines


def types_of(partition: Partition) -> str:
    """Return the GPU types of a partition, and how to choose one."""
    types = sorted({type_ for nodes in partition.usable for type_ in nodes.gpus})
    features = sorted({name for nodes in partition.usable if nodes.gpus for name in nodes.features})
    named = [type_ for type_ in types if type_]
    if not named:
        text = "the GPUs have no types"
    elif len(types) == 1:
        text = f"all are of the type {named[0]}"
    else:
        first = next((type_ for type_ in named if PLUGIN_NAME.fullmatch(type_)), "")
        text = f"any of {', '.join(named)}; types round differently"
        text += f"; for one type: gpu:{first}:1" if first else "; for one type: `constraint`"
    return text + (f"; features for `constraint`: {', '.join(features[:6])}" if features else "")


def _capped(profile: Mapping[str, Any], short: Access, gpu: Access | None) -> list[Line]:
    """Return the lines of memory and time that the partitions limit."""
    attempts = int(profile["retries"]) + 1
    lines = []
    for place, resources in _resources(profile):
        on_gpu = place[-1] in ("find_gpu", "train", "predict")
        access = gpu if on_gpu and gpu else short
        own = resources if place[-1] not in ("train", "predict") else {"runtime": resources["runtime"]}
        lines += _memory(place, own.get("mem_mb"), access.partition, gpu=on_gpu and gpu is not None)
        found = re.fullmatch(r"(?:min\()?(\d+) \* attempt(?:, (\d+)\))?", str(own.get("runtime", "")))
        limit = access.minutes
        if found and limit.value is not None:
            if limit.value < int(found[1]) * attempts:
                why = f"{limit.origin}: {limit.value} min; a job that asks for more never starts"
                lines.append(Line(place, "runtime", f"min({found[1]} * attempt, {limit.value})", why))
            elif place[-1] == "train":
                why = f"{limit.origin}: {span(limit)}, more than all attempts ask for"
                lines.append(Line(place, "runtime", str(own["runtime"]), why))
    return lines + _groups(profile, short.minutes)


def _resources(profile: Mapping[str, Any]) -> list[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Return the sections with resources; a section that stands under several names comes once."""
    found: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [
        (("default-resources",), profile["default-resources"]),
    ]
    seen: set[int] = set()
    for rule, resources in profile["set-resources"].items():
        if id(resources) not in seen:
            found.append((("set-resources", rule), resources))
        seen.add(id(resources))
    return found


def _memory(place: tuple[str, ...], asked: Any, partition: Partition, *, gpu: bool) -> list[Line]:
    found = re.fullmatch(r"min\((\d+) \* 2 \*\* \(attempt - 1\), (\d+)\)", str(asked))
    if not found:
        return []
    first, cap = int(found[1]), int(found[2])
    most = partition.mib(gpu=gpu)
    if not most:
        return [Line(place, "mem_mb", "0", f"nodes of {partition.name} declare no memory, so Slurm accepts no request")]
    why = f"a job in {partition.name} may have {most:,} MiB"
    if gpu:
        largest = max((nodes for nodes in partition.usable if nodes.gpus), key=lambda nodes: nodes.mib)
        share = largest.mib // sum(largest.gpus.values())
        if share > cap:
            cap, why = share, f"{why}; {share:,} for each of the {sum(largest.gpus.values())} GPUs of a node"
    return [Line(place, "mem_mb", f"min({first} * 2 ** (attempt - 1), {min(cap, most)})", why)]


def _groups(profile: Mapping[str, Any], limit: Limit) -> list[Line]:
    """Return the number of splits that share a job, if the partition's limit is too short for all of them."""
    number = int(dict(part.split("=") for part in profile["group-components"])["data"])
    rules, default = profile["set-resources"], profile["default-resources"]["runtime"]
    texts = [str(rules.get(rule, {}).get("runtime", default)) for rule in ("draw", "measure", "prepare", "preview")]
    minutes = sum(int(re.findall(r"\d+", text)[0]) for text in texts)
    if limit.value is None or limit.value >= 2 * minutes * number:
        return []
    fitting = max(1, limit.value // (2 * minutes))
    why = f"{limit.origin}: {limit.value} min; two attempts at a split may take {2 * minutes}"
    return [Line(("group-components",), "data", str(fitting), why)]


def _jobs(profile: Mapping[str, Any], accesses: Sequence[Access]) -> Line:
    """Return the number of jobs at a time."""
    most = int(profile["jobs"])
    submitted = min((each.submitted for each in accesses if each.submitted.value is not None), key=_value, default=None)
    running = min((each.running for each in accesses if each.running.value is not None), key=_value, default=None)
    why = [f"you may have {submitted.value} in the queue ({submitted.origin})"] if submitted else []
    why += [f"{running.value} run at a time ({running.origin})"] if running else []
    number = min(most, _value(submitted)) if submitted else most
    return Line((), "jobs", str(number), ", ".join(why) or "Slurm limits your jobs no further")


def _value(limit: Limit) -> int:
    assert limit.value is not None
    return limit.value


def span(limit: Limit) -> str:
    """Return a limit in words, such as 90 min or 7 days."""
    minutes = limit.value
    if minutes is None:
        return "any time"
    for unit, size in (("days", 1440), ("h", 60)):
        if minutes % size == 0 and minutes >= 2 * size:
            return f"{minutes // size} {unit}"
    return f"{minutes} min"
