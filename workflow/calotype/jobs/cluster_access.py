"""Tell how a user may use a partition: with which account and QoS, for how long, and with how many jobs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from calotype.jobs.cluster import Association, Cluster, Partition, Qos

NORMAL = "normal"  # Slurm's name for the QoS of accounts without another default
NAMED = 3  # names of a list that a message gives


@dataclass(frozen=True)
class Limit:
    """The smallest of several limits, and its origin; None without a limit."""

    value: int | None = None
    origin: str = ""


@dataclass(frozen=True)
class Access:
    """The way to use a partition."""

    partition: Partition
    refusal: str = ""  # the reason why the user may not use it
    account: str = ""  # "": unknown
    qos: str = ""  # "": unknown
    names_account: bool = False  # jobs must name it, as it is not the default
    names_qos: bool = False
    minutes: Limit = Limit()
    running: Limit = Limit()  # jobs at a time
    submitted: Limit = Limit()  # jobs that run or wait


def access_to(partition: Partition, cluster: Cluster) -> Access:
    """Return the way to use a partition."""
    if refusal := _closed(partition) or _wrong_group(partition, cluster):
        return Access(partition, refusal)
    for association in cluster.associations:
        if association.partition in ("", partition.name) and _allows(partition, "Accounts", association.account):
            known = association.qos or (NORMAL,)
            default = association.default_qos or (NORMAL if NORMAL in known else known[0])
            for qos in dict.fromkeys([default, *association.qos]):
                if _allows(partition, "Qos", qos):
                    return _with(partition, cluster, association, qos, default)
    if cluster.associations:
        lists = [key for key in ("AllowAccounts", "AllowQos") if partition.names(key) is not None]
        return Access(partition, f"only for {_some(partition, lists[0])}" if lists else "not for your accounts")
    if cluster.enforces("associations") and cluster.accounting_answers:
        return Access(partition, "you have no account")
    if partition.names("AllowAccounts") is not None:
        return Access(partition, f"only for {_some(partition, 'AllowAccounts')}, and Slurm does not tell your accounts")
    return Access(partition, minutes=_smallest([(partition.minutes, f"MaxTime of {partition.name}")]))


def _closed(partition: Partition) -> str:
    fields, fewest = partition.fields, partition.number("MinNodes") or 0
    reasons = {
        "has no nodes": not partition.nodes,
        f"is closed ({fields.get('State')})": fields.get("State", "UP") != "UP",
        "for administrators": fields.get("RootOnly") == "YES",
        "only with a reservation": fields.get("ReqResv") == "YES",
        f"only for jobs of {fewest} nodes or more": fewest > 1,
        "all its nodes are down or drained": not partition.usable,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _wrong_group(partition: Partition, cluster: Cluster) -> str:
    allowed = partition.names("AllowGroups")
    return "" if allowed is None or allowed & cluster.groups else f"only for {_some(partition, 'AllowGroups')}"


def _allows(partition: Partition, what: str, name: str) -> bool:
    """Tell if a partition allows an account (`Accounts`) or a QoS (`Qos`)."""
    allowed, denied = partition.names(f"Allow{what}"), partition.names(f"Deny{what}")
    return (allowed is None or name in allowed) and (denied is None or name not in denied)


def _some(partition: Partition, key: str) -> str:
    kind = {"AllowGroups": "group", "AllowAccounts": "account", "AllowQos": "QoS"}[key]
    names = sorted(partition.names(key) or ())
    return f"{kind} {', '.join(names[:NAMED])}{' and others' if len(names) > NAMED else ''}"


def _with(partition: Partition, cluster: Cluster, association: Association, qos: str, default: str) -> Access:
    """Return the access with an account and a QoS, and the limits of both and of the partition."""
    limits: list[tuple[str, Association | Qos]] = []
    if cluster.enforces("limits"):
        limits.append((f"account {association.account}", association))
        names = dict.fromkeys([qos, partition.fields.get("QoS", "")])
        limits += [(f"QoS {name}", cluster.qos[name]) for name in names if name in cluster.qos]

    def of(key: str, setting: str) -> Iterator[tuple[int | None, str]]:
        return ((getattr(each, key), f"{setting} of {origin}") for origin, each in limits)

    return Access(
        partition,
        account=association.account,
        qos=qos,
        names_account=association.account != cluster.default_account,
        names_qos=qos != default,
        minutes=_smallest([(partition.minutes, f"MaxTime of {partition.name}"), *of("minutes", "MaxWall")]),
        running=_smallest(of("jobs", "MaxJobs")),
        submitted=_smallest(of("submitted", "MaxSubmit")),
    )


def _smallest(limits: Iterable[tuple[int | None, str]]) -> Limit:
    found = [(value, origin) for value, origin in limits if value is not None]
    return Limit(*min(found, key=lambda each: each[0])) if found else Limit()
