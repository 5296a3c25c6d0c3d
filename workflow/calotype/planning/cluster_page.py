"""Show a Slurm cluster and the proposed lines of the profile as text of 80 columns."""

import re
import textwrap
from collections.abc import Iterable, Sequence

from calotype.jobs.cluster import Cluster, Nodes
from calotype.jobs.cluster_access import Access
from calotype.planning.cluster_limits import Line, span
from calotype.planning.cluster_profile import commented, written
from calotype.planning.cluster_proposal import GPU, Proposal

WIDTH = 80  # columns
MANY = 12  # partitions
COPIED = "  # training and prediction copy its lines"
HEADER = ("", "name", "limit", "nodes", "cores", "MiB", "GPUs of a node")


def page(cluster: Cluster, proposal: Proposal, problems: Sequence[str]) -> list[str]:
    """Return the lines of the page: the cluster, the partitions, the choice, the profile, and problems."""
    notes = proposal.notes or ["No partition starts a job of yours now."]
    lines = [*_who(cluster), "", *_partitions(proposal), "", "Chosen partitions", *_wrapped(notes)]
    if problems:
        lines += ["", "Notes", *_wrapped(problems)]
    if proposal.lines:
        lines += ["", "Proposed lines of the profile (the others stay)", *_profile(proposal.lines)]
    return lines


def _who(cluster: Cluster) -> list[str]:
    settings, accounts = cluster.settings, [*dict.fromkeys(each.account for each in cluster.associations)]
    names = [f"{name} (default)" if name == cluster.default_account else name for name in accounts]
    qos = [*dict.fromkeys(name for each in cluster.associations for name in each.qos)]
    facts = {
        "Slurm": f"{settings.get('SLURM_VERSION', '?')}, cluster {settings.get('ClusterName', '?')}",
        "You": f"{cluster.user}; accounts: {', '.join(names) or 'none'}; QoS: {', '.join(qos) or 'none'}",
    }
    return _wrapped([f"{key:<8}{text}" for key, text in facts.items()], "", 8)


def _partitions(proposal: Proposal) -> list[str]:
    """Return a table of the partitions that the user may use, and a line for each reason why not."""
    rows = [HEADER, *(_row(access) for access in proposal.accesses if not access.refusal)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER) - 1)]
    lines = ["Partitions that you may use (*: the default)"]
    for row in rows:
        cells = [row[0], row[1].ljust(widths[1]), *(row[n].rjust(widths[n]) for n in range(2, len(widths))), row[-1]]
        lines.append("  ".join(cells).rstrip() if widths[0] else "  ".join(["", *cells[1:]]).rstrip())
    refused = [access for access in proposal.accesses if access.refusal]
    reasons: dict[str, list[str]] = {}
    for access in refused:
        kind = re.sub(r" (account|group|QoS) .*", r" another \1", access.refusal)  # a line for each would be long
        reasons.setdefault(kind if len(refused) > MANY else access.refusal, []).append(access.partition.name)
    others = [f"{_several(names)}: {reason}" for reason, names in reasons.items()]
    return lines + (["Not for you, or not now", *_wrapped(others)] if others else [])


def _row(access: Access) -> tuple[str, ...]:
    partition = access.partition
    usable, number = partition.usable, sum(nodes.number for nodes in partition.nodes)
    up = sum(nodes.number for nodes in usable)
    return (
        "*" if partition.is_default else " ",
        partition.name,
        span(access.minutes),
        f"{up}" if up == number else f"{up}/{number} up",
        _range(nodes.cores for nodes in usable),
        _range(partition.mib_of(nodes) for nodes in usable),
        " or ".join(dict.fromkeys(_gpus(nodes) for nodes in usable)),
    )


def _range(values: Iterable[int]) -> str:
    found = sorted(set(values))
    if found == [0]:
        return "?"
    return f"{found[0]:,}" if len(found) == 1 else f"{found[0]:,}-{found[-1]:,}"


def _gpus(nodes: Nodes) -> str:
    """Return the GPUs of a node, such as 4 x a100."""
    gpus = " + ".join(f"{number} x {type_}" if type_ else f"{number}" for type_, number in nodes.gpus.items())
    return (gpus or "-") + (f" ({nodes.shards} shards)" if nodes.shards else "")


def _several(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _profile(lines: Sequence[Line]) -> list[str]:
    """Return the lines as the profile contains them; a line that it does not need is a comment."""
    text: list[str] = []
    above: tuple[str, ...] = ()
    for line in lines:
        for depth, name in enumerate(line.place):
            if above[: depth + 1] != line.place[: depth + 1]:
                text.append("  " * (depth + 1) + f"{name}:" + COPIED * (line.place[: depth + 1] == GPU))
        above, indent = line.place, "  " * (len(line.place) + 1)
        if line.value is None:
            text += commented(f"{line.key}: {line.reason}", indent, WIDTH)
        else:
            text += [*commented(line.reason, indent, WIDTH), f"{indent}{written(line)}"]
    return text


def _wrapped(texts: Iterable[str], indent: str = "  ", deeper: int = 2) -> list[str]:
    lines = []
    for text in texts:
        lines += textwrap.wrap(
            text, WIDTH, initial_indent=indent, subsequent_indent=indent + " " * deeper, break_on_hyphens=False
        )
    return lines
