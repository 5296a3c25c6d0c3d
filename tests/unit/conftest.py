"""Fixtures of several unit tests: the repository, the config of a project, and real faults."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from unit.projects import Project
    from unit.slurm_texts import SlurmTexts

# Assertions in shared modules are explained as fully as those in tests.
pytest.register_assert_rewrite("unit")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the repository."""
    return ROOT


# Prints the rules as Snakemake knows them; in a process of its own, as reading them changes the environment.
RULES = """
import json
from pathlib import Path
from snakemake.api import OutputSettings, ResourceSettings, SnakemakeApi
from snakemake_interface_executor_plugins.settings import ExecMode
from snakemake.settings.types import Quietness

with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
    workflow = api.workflow(ResourceSettings(), snakefile=Path("Snakefile"))._workflow
    rules = {
        rule.name: {
            "group": rule.ruleinfo.group,
            "one_thread": rule.resources["_cores"] == 1,
            "benchmark": rule.benchmark and str(rule.benchmark),
            "outputs": [str(file) for file in rule.output],
        }
        for rule in workflow.rules
    }
print(json.dumps(rules))
"""


@pytest.fixture(scope="session")
def rules() -> dict[str, dict[str, Any]]:
    """All rules by name: group, whether they take one thread, benchmark and outputs."""
    done = subprocess.run([sys.executable, "-c", RULES], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def project(tmp_path: Path) -> "Project":
    """Return a project with valid config files; a test changes the part that it checks."""
    from unit.projects import Project

    return Project(tmp_path)


@pytest.fixture
def classes(tmp_path: Path) -> "Project":
    """Return a project with datasets of every kind and a study that classifies."""
    from unit.projects import project_with_classes

    return project_with_classes(tmp_path)


@pytest.fixture
def files_no_longer_than() -> Callable[[int], AbstractContextManager[None]]:
    """Return a context that limits the size of files, as a full disk does."""

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
    """Import the modules that need TensorFlow, with one thread, which must be set before any computation."""
    from calotype.training import augmentation, backend, keras_trainer, models, optimizer

    backend.start(1)
    return SimpleNamespace(
        keras=backend.keras,
        tf=backend.tf,
        augment=augmentation,
        models=models,
        training=keras_trainer,
        optimizer=optimizer,
    )


@pytest.fixture(scope="module")
def style() -> Iterator[None]:
    """Apply the style of the workflow's figures in the tests of one file."""
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


@pytest.fixture
def rich(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "SlurmTexts":
    """Install the outputs of a Slurm with many kinds of partitions."""
    from unit.slurm_texts import SlurmTexts

    return SlurmTexts("rich", tmp_path, monkeypatch)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "SlurmTexts":
    """Install the outputs of a Slurm without accounting, default partition and memory."""
    from unit.slurm_texts import SlurmTexts

    return SlurmTexts("bare", tmp_path, monkeypatch)
