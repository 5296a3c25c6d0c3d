"""A private Slurm that may break, and the small paper from an undisturbed run."""

from collections.abc import Iterator
from functools import cache

import pytest
from cluster.private_slurm import INSTALL, PrivateSlurm, missing_programs
from conftest import Project
from faults.paper import Clean, make_paper

# Snakemake avoids failed nodes, so there are more nodes than may fail in a round.
GPU_NODES = ("g1", "g2", "g3", "g4")
SLURMD_TIMEOUT = 20  # s; slurmctld finds a dead node about 30 s later; a slow node must not count as dead
# s that a requeued job waits. Slurm waits 10 s for an answer. On a busy machine, a step that starts after this time
# fails, because its credential has expired.
CRED_EXPIRE = 15


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    """Skip the tests of this folder if a Slurm program is missing."""
    if missing := missing_programs():
        pytest.skip(f"no {', '.join(missing)} here; on Debian: {INSTALL}")


@pytest.fixture(scope="session")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateSlurm]:
    """Start a Slurm that reports failures soon."""
    folder = tmp_path_factory.mktemp("breakable")
    times = {"slurmd_timeout": SLURMD_TIMEOUT, "cred_expire": CRED_EXPIRE}
    # A node drains if it cannot report the end of a job to slurmctld for a minute.
    settings = ["AccountingStorageEnforce=associations,limits", "UnkillableStepTimeout=900"]
    with PrivateSlurm(folder, gpu_nodes=GPU_NODES, settings=settings, **times) as started:
        yield started


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    """Return the paper as an undisturbed run writes it, and the digests of its results; once for each selection.

    It runs without Slurm, which is faster and gives the same bytes as the cluster.
    """

    @cache
    def printed(studies: tuple[str, ...], targets: tuple[str, ...]) -> tuple[Project, dict[str, str]]:
        project = make_paper(tmp_path_factory.mktemp("clean") / "project", studies)
        project.run(*targets)
        return project, project.digests()

    return printed
