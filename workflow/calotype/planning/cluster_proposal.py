"""Propose the lines of the Slurm profile that depend on the cluster, with a reason for each."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calotype.jobs.cluster import Cluster
from calotype.jobs.cluster_access import Access, access_to
from calotype.jobs.expected_start import Start, expected_start
from calotype.planning.cluster_limits import Line, groups, memory, number_of_jobs, runtime, span, text
from calotype.util.errors import CalotypeError

SHORT, LONG = 30, 120  # minutes that short rules of a study ask for when they share a job: at first, and at most
TRAINING = 60  # minutes that a training job asks for at first
HEAD = 1440  # minutes that the head process asks for as a job
TRIED = 4  # GPU partitions that are tried with `sbatch --test-only`
NAMED = 6  # names of a list that a reason gives
SECTIONS = ("default-resources", "set-resources", "group-components", "retries", "jobs")  # of the profile
DEFAULT = ("default-resources",)
GPU = ("set-resources", "find_gpu")  # train and predict copy its lines
GPU_RULES = ("find_gpu", "train", "predict", "try_variants")
PLUGIN_TYPE = re.compile(r"[A-Za-z0-9_.]+")  # GPU types that Snakemake's plugin accepts in `gres`


@dataclass(frozen=True)
class Proposal:
    """The partitions for a user's jobs, and the lines of the profile."""

    accesses: tuple[Access, ...]
    short: Access | None = None  # for short rules; None: no partition starts jobs of this user
    gpu: Access | None = None  # for training and prediction; None: they run on CPU nodes
    notes: tuple[str, ...] = ()  # one about each partition that was considered
    lines: tuple[Line, ...] = ()
    head: tuple[str, ...] = ()  # options of sbatch for the head process as a job, if the default ones do not fit


def propose(cluster: Cluster, profile: Mapping[str, Any]) -> Proposal:
    """Choose partitions, try them with at most five `sbatch --test-only`, and propose lines.

    Args:
        profile: content of slurm/config.yaml.

    Raises:
        CalotypeError: the profile lacks a section.
    """
    missing = [key for key in SECTIONS if not profile.get(key)]
    if missing or GPU[-1] not in profile["set-resources"]:
        raise CalotypeError(f"slurm/config.yaml: {'.'.join(missing[:1] or GPU)}: missing.", "restore that file.")
    accesses = tuple(access_to(partition, cluster) for partition in cluster.partitions)
    usable = [access for access in accesses if not access.refusal]
    if not usable:
        return Proposal(accesses)
    short = min(usable, key=_rank_for_short_rules)
    ranked = sorted((access for access in usable if access.partition.gpus), key=_rank_for_training)
    starts = [_try(access, mib=4000, minutes=TRAINING, gpu=True) for access in ranked[:TRIED]]
    tried = [*zip(ranked, starts, strict=False)]
    best = [access for access, start in tried if start.soon] + [access for access, start in tried if start.accepted]
    gpu = next(iter(best + ranked), None)
    notes = [f"{short.partition.name}: chosen for short rules; {_try(short, mib=1000, minutes=10).words}"]
    if gpu is None:
        notes.append(f"{short.partition.name}: also for training and prediction, as no partition for you has GPUs")
    for number, access in enumerate(ranked):
        chosen = "chosen for training and prediction, " if access is gpu else ""
        start = f"; {starts[number].words}" if number < TRIED else ""
        notes.append(f"{access.partition.name}: {chosen}{_facts(access)}{start}")
    head = min(usable, key=_rank_for_head)
    if options := _head_options(head):
        notes.insert(1, f"{head.partition.name}: chosen for the head process, if that is a job (head.sh)")
    lines = [*_for_short_rules(short, cluster), *_for_training(gpu, short)]
    if "gpu" in profile["set-resources"][GPU[-1]]:  # another form of the request
        lines = [line for line in lines if line.key != "gres"]
    lines += [*_limited(profile, short, gpu), number_of_jobs(profile, [short, *([gpu] if gpu else [])])]
    order = [*DEFAULT, "set-resources", "group-components"]
    lines.sort(key=lambda line: order.index(line.place[0]) if line.place else len(order))
    return Proposal(accesses, short, gpu, tuple(notes), tuple(lines), tuple(options))


def _allows(access: Access, minutes: int) -> bool:
    return access.minutes.value is None or access.minutes.value >= minutes


def _rank_for_short_rules(access: Access) -> tuple[bool, bool, bool, bool, bool, int]:
    """Sort: enough time for one study, no GPUs unless it is the default, enough time, the default, most nodes."""
    star, number = access.partition.is_default, sum(nodes.number for nodes in access.partition.usable)
    takes_gpu_nodes, named = access.partition.gpus > 0 and not star, access.names_account or access.names_qos
    return not _allows(access, SHORT), takes_gpu_nodes, not _allows(access, LONG), not star, named, -number


def _rank_for_training(access: Access) -> tuple[bool, bool, int]:
    """Sort: enough time, the default account and QoS, most GPUs."""
    return not _allows(access, TRAINING), access.names_account or access.names_qos, -access.partition.gpus


def _rank_for_head(access: Access) -> tuple[bool, bool, bool, bool, float]:
    """Sort: enough time for a training job, no GPUs unless it is the default, enough time, the default, most time."""
    star, minutes = access.partition.is_default, access.minutes.value or math.inf
    takes_gpu_nodes = access.partition.gpus > 0 and not star
    return not _allows(access, TRAINING), takes_gpu_nodes, not _allows(access, HEAD), not star, -minutes


def _named(access: Access) -> list[str]:
    """Return the options of sbatch for an account and a QoS that jobs must name."""
    return [f"--account={access.account}"] * access.names_account + [f"--qos={access.qos}"] * access.names_qos


def _head_options(access: Access) -> list[str]:
    options = [f"--partition={access.partition.name}"] * (not access.partition.is_default) + _named(access)
    return options + ([] if _allows(access, HEAD) else [f"--time={access.minutes.value}"])


def _try(access: Access, *, mib: int, minutes: int, gpu: bool = False) -> Start:
    """Ask Slurm when a job would start; no job is submitted."""
    asked = [f"--partition={access.partition.name}", "--ntasks=1", "--cpus-per-task=1", *["--gres=gpu:1"] * gpu]
    asked.append(f"--time={min(minutes, access.minutes.value or minutes)}")
    asked += [f"--mem={min(mib, most)}"] if (most := access.partition.mib(gpu=gpu)) else []
    return expected_start(asked + _named(access))


def _facts(access: Access) -> str:
    """Return what decides between partitions with GPUs."""
    facts = [_number_of_gpus(access)]
    facts += [f"needs account {access.account}"] * access.names_account
    facts += [f"needs QoS {access.qos}"] * access.names_qos
    facts += ["less than an hour"] * (not _allows(access, TRAINING))
    return ", ".join(facts)


def _number_of_gpus(access: Access) -> str:
    return "1 GPU" if access.partition.gpus == 1 else f"{access.partition.gpus:,} GPUs"


def _for_short_rules(access: Access, cluster: Cluster) -> list[Line]:
    """Return partition, account and QoS of short rules."""
    name, time_limit = access.partition.name, f"jobs in {access.partition.name} may take {span(access.minutes)}"
    star = next((each for each in cluster.partitions if each.is_default), None)
    if star is None:
        why = f"No partition is the default; {time_limit}."
    elif refusal := access_to(star, cluster).refusal:
        why = f"The default partition {star.name} is not usable ({refusal}); {time_limit}."
    else:
        why = f"The default partition {star.name} allows only {span(access_to(star, cluster).minutes)}; {time_limit}."
    if access.partition.is_default:
        lines = [Line(DEFAULT, "slurm_partition", None, f"{name} is the default; {time_limit}.")]
    else:
        lines = [Line(DEFAULT, "slurm_partition", text(name), why)]
    others = {each.account: None for each in cluster.associations if each.account != access.account}
    also = f"; you may also use {_some([*others])}" if others else ""
    if access.names_account and not cluster.default_account:
        lines.append(Line(DEFAULT, "slurm_account", text(access.account), f"You have no default account{also}."))
    elif access.names_account:
        why = f"Your default account {cluster.default_account} may not use {name}."
        lines.append(Line(DEFAULT, "slurm_account", text(access.account), why))
    elif access.account:
        lines.append(Line(DEFAULT, "slurm_account", None, f"{access.account} is your default account{also}."))
    if access.names_qos:
        lines.append(Line(DEFAULT, "qos", text(access.qos), f"Your default QoS may not use {name}."))
    return lines


def _for_training(gpu: Access | None, short: Access) -> list[Line]:
    """Return partition, GPU, account and QoS of training and prediction."""
    if gpu is None:
        why = "No partition that you may use has GPUs: training runs on CPU nodes."
        return [Line(GPU, key, None, why) for key in ("slurm_partition", "gres")]
    name = gpu.partition.name
    why = f"{name} has {_number_of_gpus(gpu)} that are up; jobs may take {span(gpu.minutes)}."
    lines = [Line(GPU, "slurm_partition", text(name), why), Line(GPU, "gres", "gpu:1", _types(gpu))]
    # These jobs also get the lines of the short rules.
    if gpu.names_account or (short.names_account and gpu.account != short.account):
        why = f"The account of the other jobs may not use {name}."
        lines.append(Line(GPU, "slurm_account", text(gpu.account), why))
    if gpu.names_qos or (short.names_qos and gpu.qos != short.qos):
        lines.append(Line(GPU, "qos", text(gpu.qos), f"The QoS of the other jobs may not use {name}."))
    return lines


def _types(access: Access) -> str:
    """Return the GPU types of a partition, and how to choose one."""
    nodes = [each for each in access.partition.usable if each.gpus]
    types = sorted({type_ for each in nodes for type_ in each.gpus if type_})
    features = sorted({name for each in nodes for name in each.features})
    words = [f"All GPUs are of the type {types[0]}."] if len(types) == 1 else []
    if len(types) > 1:
        words.append(f"One GPU of any type: {_some(types)}. Results of two types differ in rounding.")
        fit = next((type_ for type_ in types if PLUGIN_TYPE.fullmatch(type_)), None)
        words.append(f"`gpu:{fit}:1` asks for one type." if fit else "`constraint` chooses a type.")
    if any(each.shards for each in nodes):
        words.append("`shard:1` shares a GPU with other jobs.")
    if features:
        words.append(f"Features for `constraint`: {_some(features)}.")
    return " ".join(words) or "The GPUs have no types."


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (" and others" if len(names) > NAMED else "")


def _limited(profile: Mapping[str, Any], short: Access, gpu: Access | None) -> list[Line]:
    """Return the lines of memory and time that the partitions limit."""
    lines: list[Line] = []
    first = profile["set-resources"][GPU[-1]]
    parts: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [(DEFAULT, profile["default-resources"])]
    seen: list[Mapping[str, Any]] = []
    for rule, resources in profile["set-resources"].items():
        if not any(resources is each for each in seen):  # an alias of YAML has no lines of its own
            parts.append((("set-resources", rule), resources))
        seen.append(resources)
    for place, resources in parts:
        on_gpu = gpu is not None and (place == GPU or bool(resources.keys() & {"gres", "gpu"}))
        access = gpu if gpu is not None and on_gpu else short
        copied = place != GPU and resources.get("mem_mb") == first.get("mem_mb")
        lines += [] if copied else memory(place, resources, access.partition, gpu=on_gpu)
        lines += runtime(place, resources, access.minutes, int(profile["retries"]) + 1)
    return lines + groups(profile, short.minutes)
