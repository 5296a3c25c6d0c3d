"""List facts about the cluster and this machine that stop jobs, or surprise their user."""

import os
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from calotype.jobs.cluster import Cluster
from calotype.planning.cluster_proposal import Proposal

MOUNTS = Path("/proc/self/mounts")
LOCAL = ("btrfs", "ext2", "ext3", "ext4", "overlay", "ramfs", "squashfs", "tmpfs", "vfat", "xfs", "zfs")  # no network


def findings(cluster: Cluster, proposal: Proposal) -> list[str]:
    """Return one sentence or two about each fact."""
    return [*_of_slurm(cluster, proposal), *_of_machine(proposal)]


def _of_slurm(cluster: Cluster, proposal: Proposal) -> Iterator[str]:
    if not cluster.has_accounting:
        yield "No accounting: Slurm tells no accounts and limits, and not how much memory a killed job used."
    elif not cluster.associations:
        yield (
            "You have no account on this cluster. "
            + ("Slurm refuses your jobs. Hint: ask the administrators for one." * cluster.enforces("associations"))
        ).strip()
    if cluster.elsewhere:
        yield (
            f"You also have accounts on {', '.join(cluster.elsewhere)}. To send jobs there, add `clusters: "
            f"{cluster.elsewhere[0]}` to `default-resources` of a second profile; this page shows only its own cluster."
        )
    if (proposal.gpu or proposal.short).partition.fields.get("OverSubscribe") == "EXCLUSIVE":
        yield "A job gets a whole node. Increase `seeds_per_job`, so that fewer jobs do more."
    if proposal.gpu is None and proposal.lines:
        yield "Training runs on CPU nodes: slower, but otherwise the same. Models of the included studies are small."
    if path := os.environ.get("SLURM_CONF"):
        yield (
            f"SLURM_CONF is {path}. Jobs lose this variable; if their logs say `fetch_config`, see "
            "`SLURM_CONF is dropped` in slurm/README.md."
        )


def _of_machine(proposal: Proposal) -> Iterator[str]:
    installed = {each.metadata["Name"].lower() for each in metadata.distributions() if each.metadata["Name"]}
    if proposal.gpu is not None and "tensorflow-cpu" in installed:
        yield "This environment has TensorFlow for CPUs only. Hint: pip install -r envs/gpu.txt"
    for what, folder in (("The project's folder", Path.cwd()), ("The Python environment", Path(sys.prefix))):
        if (kind := file_system_of(folder)) in LOCAL:
            yield (
                f"{what} {folder} is on a disk of this machine ({kind}). Nodes must see it under the same path. "
                "Hint: if they do not, move it to a shared file system, such as your home."
            )
    home = Path.home()
    if not os.access(home, os.W_OK):
        yield f"HOME {home} cannot be written. Jobs run without it; pip needs `--no-cache-dir`."


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
