"""Runs that train side by side give the bytes of runs that train one after the other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
# In a process of its own: one that has computed with TensorFlow cannot be forked. It imports TensorFlow once, and forks
# a child for each pack.
PACKS = """
import os, pickle, sys
from functools import partial
from pathlib import Path

from unit.packs import Stops, new_trainer, outcome, recipe_of
from calotype.jobs.signals import StoppedError
from calotype.training import loop
from calotype.training.trainer import import_library
from calotype.util.children import attempt, in_children

ROOT = Path(sys.argv[1])


def train(folder, made, processes, check=lambda: None):
    (folder / "models").mkdir(parents=True, exist_ok=True)
    store = loop.Store({seed: folder / f"checkpoints/seed-{seed:03d}" for seed in range(4)}, "ours", 60.0)
    begin = partial(new_trainer, made)
    pack = loop.train("s/v", made, range(4), begin, folder / "models", store=store, check=check, processes=processes)
    (folder / "outcome").write_bytes(pickle.dumps(outcome(pack, folder)))


def stop_and_resume(folder, made, processes):
    stops, parent = Stops(5), os.getpid()
    try:
        train(folder, made, processes, lambda: stops() if os.getpid() != parent else None)
    except StoppedError:
        (folder / "stopped").touch()
    train(folder, made, processes)


functions = {}
for name in sys.argv[2:]:
    made = recipe_of(name, ROOT)
    if made.holds_out:
        made = made.model_copy(update={"augment": [], "patience": 1, "epochs": 3})
    import_library(made)
    for processes in (1, 3):
        functions[f"{name} {processes}"] = partial(train, ROOT / name / f"{processes}", made, processes)
    functions[f"{name} stopped"] = partial(stop_and_resume, ROOT / name / "stopped", made, 2)
from tensorflow.python.eager import context
(ROOT / "context").write_text(str(context.context_safe()))
runs = {what: partial(attempt, what, function) for what, function in functions.items()}
sys.exit(max(child.status for child in in_children(runs, 2)))
"""
NAMES = ["digits/source", "everything", "scikit-learn, adam"]  # the second: convolution, dropout, batch normalisation


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a folder with the outcomes of packs by recipe and number of processes."""
    folder = tmp_path_factory.mktemp("packs")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'workflow'}:{ROOT / 'tests'}"}
    done = subprocess.run(
        [sys.executable, "-c", PACKS, str(folder), *NAMES], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_runs_side_by_side_give_the_same_bytes(trained, name):
    assert (trained / name / "3/outcome").read_bytes() == (trained / name / "1/outcome").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_runs_that_are_stopped_and_resumed_side_by_side_give_the_same_bytes(trained, name):
    assert (trained / name / "stopped/stopped").exists()
    assert (trained / name / "stopped/outcome").read_bytes() == (trained / name / "1/outcome").read_bytes()


def test_the_import_of_tensorflow_computes_nothing_so_that_processes_can_share_it(trained):
    """Its state, and that of a GPU, does not survive a fork."""
    assert (trained / "context").read_text() == "None"
