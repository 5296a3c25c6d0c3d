"""A private Slurm that may break, and the small paper as it is where nothing breaks."""

from collections.abc import Iterator
from functools import cache

import pytest
from cluster.private_slurm import INSTALL, PrivateSlurm, missing_programs
from conftest import Project
from faults.paper import Clean, make_paper

# Snakemake keeps away from nodes that have failed, so there are more of them than may fail in a round.
GPU_NODES = ("g1", "g2", "g3", "g4")
SLURMD_TIMEOUT = 20  # s; slurmctld finds a dead node about half a minute later; a slow one must not count as dead
# s; a requeued job waits so long. Slurm waits 10 s for an answer: a step that starts later on a busy machine, and after
# this time, fails for its credential.
CRED_EXPIRE = 15


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    """Every test of this folder needs Slurm's programs."""
    if missing := missing_programs():
        pytest.skip(f"no {', '.join(missing)} here; on Debian: {INSTALL}")


@pytest.fixture(scope="session")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateSlurm]:
    """Start a Slurm that reports failures soon."""
    folder = tmp_path_factory.mktemp("breakable")
    with PrivateSlurm(folder, gpu_nodes=GPU_NODES, slurmd_timeout=SLURMD_TIMEOUT, cred_expire=CRED_EXPIRE) as started:
        yield started


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    """Return the paper as an undisturbed run writes it, and the digests of its results; once for each selection.

    Without Slurm: nothing to wait for, nothing that could break, and the bytes are those of the cluster.
    """

    @cache
    def printed(studies: tuple[str, ...], targets: tuple[str, ...]) -> tuple[Project, dict[str, str]]:
        project = make_paper(tmp_path_factory.mktemp("clean") / "project", studies)
        project.run(*targets)
        return project, project.digests()

    return printed
