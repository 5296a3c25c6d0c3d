"""List facts about the cluster and this machine that stop jobs, or surprise their user."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from calotype.jobs import gpus
from calotype.jobs.cluster import Cluster
from calotype.planning.cluster_proposal import Proposal

MOUNTS = Path("/proc/self/mounts")
LOCAL = ("btrfs", "ext2", "ext3", "ext4", "overlay", "ramfs", "squashfs", "tmpfs", "vfat", "xfs", "zfs")  # no network


def findings(cluster: Cluster, proposal: Proposal) -> list[str]:
    """Return one sentence or two about each fact."""
    return [*_of_slurm(cluster, proposal), *_of_machine(proposal)]


def _of_slurm(cluster: Cluster, proposal: Proposal) -> Iterator[str]:
    chosen = proposal.gpu or proposal.short
    if not cluster.has_accounting:
        yield "No accounting: Slurm tells no accounts and limits, and not how much memory a killed job used."
    elif not cluster.accounting_answers:
        yield "The accounting (`sacctmgr`) does not answer, so your accounts and limits are unknown. Hint: try later."
    elif not cluster.associations:
        refuses = " Slurm refuses your jobs." * cluster.enforces("associations")
        yield f"You have no account on this cluster.{refuses} Hint: ask the administrators for one."
    if cluster.elsewhere:
        yield (
            f"You also have accounts on {', '.join(cluster.elsewhere)}. Call this on a login node of that cluster, or "
            f"add `clusters: {cluster.elsewhere[0]}` to `default-resources` of a profile for it."
        )
    if chosen and chosen.partition.fields.get("OverSubscribe") == "EXCLUSIVE":
        yield f"A job in {chosen.partition.name} gets a whole node. Hint: increase `seeds_per_job`."
    if path := os.environ.get("SLURM_CONF"):
        yield (
            f"SLURM_CONF is {path}. Jobs lose this variable. If their logs say `fetch_config`, see "
            '"SLURM_CONF is dropped" in slurm/README.md.'
        )


def _of_machine(proposal: Proposal) -> Iterator[str]:
    if proposal.gpu is not None and not gpus.tensorflow_uses_them():
        yield "TensorFlow of this environment is for CPUs only. Hint: install envs/gpu.txt."
    places = {"the project": Path.cwd(), "the Python environment": Path(sys.prefix)}
    local = [f"{what} ({folder})" for what, folder in places.items() if file_system_of(folder) in LOCAL]
    if local:
        yield (
            f"On a disk of this machine: {' and '.join(local)}. Nodes must see the same files under the same path. "
            "Hint: if they do not, use a shared file system, such as your home."
        )
    if not os.access(Path.home(), os.W_OK):
        yield f"HOME ({Path.home()}) cannot be written. Jobs run without it."


def file_system_of(folder: Path, mounts: Path = MOUNTS) -> str | None:
    """Return the type of the file system of a folder, such as nfs4; None if the system does not tell."""
    try:
        rows = [line.split() for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return None
    points = {row[1].replace("\\040", " "): row[2] for row in rows if len(row) > 2}
    return next(
        (points[str(path)] for path in (folder.resolve(), *folder.resolve().parents) if str(path) in points), None
    )
