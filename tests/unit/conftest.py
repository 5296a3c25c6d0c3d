"""What several of the unit tests need: the repository, the config of a project, and faults that are real."""

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from unit.projects import Project

# What test files share in modules beside them tells of a failed assertion as much as a test does.
pytest.register_assert_rewrite("unit")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture
def project(tmp_path: Path) -> "Project":
    """A project's config files, all of them right; a test changes the part that it is about."""
    from unit.projects import Project

    return Project(tmp_path)


@pytest.fixture
def classes(tmp_path: Path) -> "Project":
    """The same, with datasets of every kind and a study that classifies."""
    from unit.projects import project_with_classes

    return project_with_classes(tmp_path)


@pytest.fixture
def files_no_longer_than() -> Callable[[int], AbstractContextManager[None]]:
    """A context in which the system refuses to let a file grow beyond some bytes: what a full disk does."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited


@pytest.fixture(scope="session")
def tensorflow() -> SimpleNamespace:
    """The modules that import TensorFlow, started with one thread, as it must be before anything is computed."""
    from calotype.training import augmentation, backend, keras_trainer, models

    backend.start(1)
    return SimpleNamespace(
        keras=backend.keras, tf=backend.tf, augment=augmentation, models=models, training=keras_trainer
    )


@pytest.fixture(scope="module")
def style() -> Iterator[None]:
    """The style of the workflow's figures, for the tests of one file only."""
    import matplotlib as mpl

    from calotype.figures import base

    with mpl.rc_context():
        base.use_style(ROOT / "workflow/report/calotype.mplstyle")
        yield


@pytest.fixture
def closed() -> Iterator[None]:
    """No figure stays open."""
    import matplotlib.pyplot as plt

    yield
    plt.close("all")
