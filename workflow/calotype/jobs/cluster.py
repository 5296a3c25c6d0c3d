"""Read a Slurm cluster: its partitions, nodes, accounts and limits, with five commands that change nothing."""

import grp
import os
import pwd
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from calotype.jobs import slurm
from calotype.jobs.queue import minutes_of
from calotype.util.errors import CalotypeError

# States of nodes that start no job; a star: the node does not answer.
AWAY = re.compile(r"(down|drain|fail|future|inval|maint|n/a|npc|perfctrs|reboot|unk)|.*\*")
LOGIN = "call this on a login node, where `sinfo` shows the partitions."
HINTS = {
    "fetch_config|configuration source": "load the module of Slurm, or set SLURM_CONF to the path of slurm.conf.",
    "": "try again later; `scontrol ping` shows if the controller is up.",
}


@dataclass(frozen=True)
class Nodes:
    """Nodes of a partition that are alike."""

    number: int
    away: bool  # down, drained or reserved for maintenance
    cores: int
    mib: int  # 1: the cluster does not declare it
    gpus: Mapping[str, int] = field(default_factory=dict)  # of one node, by type; "" without type
    shards: int = 0  # shares of GPUs
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class Partition:
    """A partition, with its fields of `scontrol show partition`."""

    name: str
    fields: Mapping[str, str]
    nodes: tuple[Nodes, ...] = ()

    def names(self, key: str) -> frozenset[str] | None:
        """Return the names in a field such as AllowAccounts; None for ALL."""
        value = self.fields.get(key, "ALL")
        return None if value in ("ALL", "(null)", "N/A") else frozenset(value.split(","))

    def number(self, key: str) -> int | None:
        """Return the number in a field such as MaxMemPerNode; None for UNLIMITED or without the field."""
        value = self.fields.get(key, "")
        return int(value) if value.isdigit() else None

    @property
    def is_default(self) -> bool:
        """Tell if jobs without a partition come here."""
        return self.fields.get("Default") == "YES"

    @property
    def minutes(self) -> int | None:
        """Return the longest time of a job; None without a limit."""
        return minutes_of(self.fields.get("MaxTime", ""))

    @property
    def usable(self) -> tuple[Nodes, ...]:
        """Return the nodes that start jobs."""
        return tuple(nodes for nodes in self.nodes if not nodes.away)

    @property
    def gpus(self) -> int:
        """Return the number of GPUs of the nodes that start jobs."""
        return sum(nodes.number * sum(nodes.gpus.values()) for nodes in self.usable)

    def mib_of(self, nodes: Nodes) -> int:
        """Return the memory that a job may have on a node; 0 if the nodes declare none."""
        per_core = self.number("MaxMemPerCPU")
        limits = [self.number("MaxMemPerNode"), per_core * nodes.cores if per_core else None]
        return min([nodes.mib, *filter(None, limits)]) if nodes.mib > 1 else 0

    def mib(self, *, gpu: bool = False) -> int:
        """Return the memory of the largest job; with `gpu`, of a job with a GPU. 0 if the nodes declare none."""
        return max((self.mib_of(nodes) for nodes in self.usable if nodes.gpus or not gpu), default=0)


@dataclass(frozen=True)
class Association:
    """An account that a user may use."""

    account: str
    partition: str  # "" for all
    qos: tuple[str, ...]
    default_qos: str
    jobs: int | None  # that may run at a time
    submitted: int | None  # that may run or wait at a time
    minutes: int | None  # of a job


@dataclass(frozen=True)
class Qos:
    """Limits of a QoS for one user."""

    minutes: int | None = None
    jobs: int | None = None
    submitted: int | None = None


@dataclass(frozen=True)
class Cluster:
    """A cluster as its user sees it."""

    settings: Mapping[str, str]  # of slurm.conf
    user: str
    groups: frozenset[str]
    partitions: tuple[Partition, ...]
    accounting_answers: bool = False
    default_account: str = ""
    associations: tuple[Association, ...] = ()  # that of the default account first
    elsewhere: tuple[str, ...] = ()  # other clusters where the user has an account
    qos: Mapping[str, Qos] = field(default_factory=dict)

    @property
    def has_accounting(self) -> bool:
        """Tell if Slurm records jobs and their use."""
        return self.settings.get("AccountingStorageType") == "accounting_storage/slurmdbd"

    def enforces(self, what: str) -> bool:
        """Tell if Slurm refuses jobs by their `associations` (accounts), `limits` or `qos`."""
        return what in self.settings.get("AccountingStorageEnforce", "").split(",")


def read() -> Cluster:
    """Read the cluster that this machine belongs to.

    Raises:
        CalotypeError: there is no Slurm, or it does not answer.
    """
    if shutil.which("sinfo") is None:
        raise CalotypeError("cluster: no Slurm on this machine: `sinfo` not found.", LOGIN)
    if not os.path.exists(file := os.environ.get("SLURM_CONF", os.devnull)):
        raise CalotypeError(f"cluster: SLURM_CONF: {file}: file not found.", "load the module of Slurm again.")
    settings = settings_of(_asked("scontrol", "show", "config"))
    partitions = partitions_of(
        _asked("scontrol", "--all", "--oneliner", "show", "partition"),
        _asked("sinfo", "--all", "--noheader", "--exact", "--format=%P|%D|%T|%c|%m|%G|%f"),
    )
    if not partitions:
        raise CalotypeError("cluster: Slurm shows no partition.", "ask the administrators for access.")
    user = pwd.getpwuid(os.geteuid()).pw_name
    groups = set()
    for group in {os.getegid(), *os.getgroups()}:
        with suppress(KeyError):
            groups.add(grp.getgrgid(group).gr_name)
    found = Cluster(settings, user, frozenset(groups), partitions)
    if not found.has_accounting:
        return found
    fields = "cluster,account,partition,qos,defaultqos,defaultaccount,maxjobs,maxsubmit,maxwall"
    options = ("--noheader", "--parsable2", "show")
    listed = slurm.ask("sacctmgr", *options, "user", user, "withassoc", f"format={fields}")
    if listed is None:
        return found
    qos = slurm.ask("sacctmgr", *options, "qos", "format=name,maxwall,maxjobspu,maxsubmitpu") or ""
    default, here, elsewhere = associations_of(listed, settings.get("ClusterName", ""))
    return replace(
        found,
        accounting_answers=True,
        default_account=default,
        associations=here,
        elsewhere=elsewhere,
        qos=qos_of(qos),
    )


def _asked(*command: str) -> str:
    done, printed = slurm.answer(*command)
    if not done:
        lines = printed.strip().splitlines() or ["no reason given"]
        hint = next(hint for words, hint in HINTS.items() if re.search(words, printed))
        raise CalotypeError(f"cluster: Slurm does not answer `{' '.join(command)}`: {lines[-1]}", hint)
    return printed


def settings_of(shown: str) -> dict[str, str]:
    """Parse the output of `scontrol show config`."""
    return dict(re.findall(r"^(\w+)[ \t]*=[ \t]*(.*?)[ \t]*$", shown, re.MULTILINE))


def partitions_of(shown: str, listed: str) -> tuple[Partition, ...]:
    """Parse the outputs of `scontrol show partition` and of `sinfo` for `Cluster.partitions`, in Slurm's order."""
    nodes: dict[str, list[Nodes]] = {}
    for line in listed.splitlines():
        name, number, state, cores, mib, gres, features = ([*line.split("|"), *[""] * 7])[:7]
        if number.isdigit() and int(number):
            gpus, shards = _gpus_of(gres)
            named = () if features in ("(null)", "") else tuple(features.split(","))
            alike = Nodes(
                int(number), bool(AWAY.match(state)), _number(cores) or 0, _number(mib) or 0, gpus, shards, named
            )
            nodes.setdefault(name.rstrip("*"), []).append(alike)
    found = [dict(re.findall(r"(\w+)=(\S+)", line)) for line in shown.splitlines()]
    named_fields = {fields["PartitionName"]: fields for fields in found if "PartitionName" in fields}
    return tuple(Partition(name, fields, tuple(nodes.get(name, ()))) for name, fields in named_fields.items())


def _gpus_of(gres: str) -> tuple[dict[str, int], int]:
    """Return the GPUs of a node by type, and its shards, from a text such as gpu:a100:2(S:0-1),shard:8."""
    gpus: dict[str, int] = {}
    shards = 0
    for kind, type_, number in re.findall(r"(?:^|,)(\w+)(?::([^:,]+))?:(\d+)(?=,|$)", re.sub(r"\([^)]*\)", "", gres)):
        if kind == "gpu":
            gpus[type_] = gpus.get(type_, 0) + int(number)
        shards += int(number) if kind == "shard" else 0
    return gpus, shards


def associations_of(listed: str, cluster: str) -> tuple[str, tuple[Association, ...], tuple[str, ...]]:
    """Parse the output of `sacctmgr show user withassoc`.

    Returns:
        The default account, the accounts on a cluster with the default one first, and other clusters.
    """
    rows = [row for row in (line.split("|") for line in listed.splitlines()) if len(row) == 9 and row[1]]
    default = next((row[5] for row in rows if row[0] == cluster and row[5]), "")
    here = [
        Association(
            account=row[1],
            partition=row[2],
            qos=tuple(filter(None, row[3].split(","))),
            default_qos=row[4],
            jobs=_number(row[6]),
            submitted=_number(row[7]),
            minutes=minutes_of(row[8]),
        )
        for row in rows
        if row[0] == cluster
    ]
    here.sort(key=lambda each: each.account != default)
    elsewhere = dict.fromkeys(row[0] for row in rows if row[0] != cluster)
    return default, tuple(here), tuple(elsewhere)


def qos_of(listed: str) -> dict[str, Qos]:
    """Parse the output of `sacctmgr show qos`."""
    rows = [row for row in (line.split("|") for line in listed.splitlines()) if len(row) == 4]
    return {row[0]: Qos(minutes_of(row[1]), _number(row[2]), _number(row[3])) for row in rows}


def _number(text: str) -> int | None:
    found = re.match(r"\d+", text)
    return int(found[0]) if found else None
