"""The private Slurm that the tests of this folder share."""

from collections.abc import Callable, Iterator

import pytest
from cluster.private_slurm import INSTALL, PrivateSlurm, missing_programs
from cluster.slurm_config import memory_is_constrained


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    """Skip the tests of this folder if a Slurm program is missing."""
    if missing := missing_programs():
        pytest.skip(f"no {', '.join(missing)} here; on Debian: {INSTALL}")


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory, note: Callable[[str], None]) -> Iterator[PrivateSlurm]:
    """Start a Slurm with accounting, two nodes without and two with GPUs."""
    with PrivateSlurm(tmp_path_factory.mktemp("slurm")) as started:
        limits = "control groups" if memory_is_constrained() else "polling"
        note(f"private Slurm: ready in {started.seconds:.1f} s, memory limits by {limits}")
        yield started
