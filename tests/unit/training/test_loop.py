"""A run that is stopped or killed anywhere resumes, and ends with the same bytes as one that is not stopped."""

import os
import random
import subprocess
import sys
import time

import pytest
from unit.packs import (
    ROOT,
    SEEDS,
    Stops,
    further,
    new_trainer,
    newest,
    outcome,
    recipe_of,
    same,
    steps_of,
    studied,
    train,
)

from calotype.config.recipe import SCIKIT_LEARN
from calotype.jobs.signals import StoppedError
from calotype.training import loop

# When NumPy was imported: the start of TensorFlow removes variables that have chosen its kernels by then.
ENVIRONMENT = dict(os.environ)
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]

# Variants of the studies that resemble others, except for a width or an optimizer that a third one has.
ALIKE = {
    "digits/accurate",
    "fashion/accurate",
    "mnist-ablation/accurate",
    "mnist-ablation/one-layer",
    "mnist-ablation/sgd",
    "mnist-ablation/two-layers",
    "mnist-dnn/source",
}
NAMES = [
    pytest.param(name, marks=pytest.mark.soak if name in ALIKE else ()) for name in (*studied(), *further("own.py"))
]


@pytest.fixture(scope="module", params=NAMES)
def case(request, tensorflow, tmp_path_factory):
    """Return a recipe, a trainer that has trained it before, and the outcome of an undisturbed run."""
    del tensorflow
    folder = tmp_path_factory.mktemp("case")
    made = recipe_of(request.param, folder)
    trainer = new_trainer(made)
    pack = train(folder, made, trainer)
    return request.param, made, trainer, outcome(pack, folder)


@pytest.fixture
def look_often(monkeypatch):
    """Have the loop check for a stop after each batch."""
    monkeypatch.setattr(loop, "AT_ONCE", 0)


# ---- The same bytes --------------------------------------------------------------------------------------------------


# One of each kind, stopped at each step; the others at each fifth, because TensorFlow takes a second to resume.
THOROUGH = (
    "everything",
    "patience and the best",
    "dots-long/accurate-long",
    "scikit-learn, adam",
    "digits/scikit-learn",
)


@pytest.mark.usefixtures("look_often")
@pytest.mark.parametrize("case", THOROUGH, indirect=True)
def test_how_often_a_training_run_looks_for_signals_changes_no_byte_of_it(case, tmp_path, monkeypatch):
    _, made, trainer, expected = case
    looks = Stops()
    same(outcome(train(tmp_path / "often", made, trainer, check=looks), tmp_path / "often"), expected)
    assert looks.looks == steps_of(expected["history"], trainer)
    monkeypatch.setattr(loop, "AT_ONCE", 1e9)
    same(outcome(train(tmp_path / "seldom", made, trainer), tmp_path / "seldom"), expected)


@pytest.mark.usefixtures("look_often")
def test_a_training_run_stopped_again_and_again_loses_no_step_and_changes_no_byte(case, tmp_path):
    """Stop at steps of each seed and at ends of epochs; each attempt resumes from the previous one."""
    name, made, trainer, expected = case
    stride = 1 if name in THOROUGH else 5
    pack, attempts = None, 0
    while pack is None:
        attempts += 1
        try:
            pack = train(tmp_path, made, trainer, check=Stops(stride + 1))
        except StoppedError:
            assert attempts < 100
    same(outcome(pack, tmp_path), expected)
    # The loop checks before each step: an attempt takes the steps between its first and last check.
    assert attempts == -(-steps_of(expected["history"], trainer) // stride)


@pytest.mark.usefixtures("look_often")
@pytest.mark.parametrize("case", THOROUGH, indirect=True)
def test_a_training_run_that_resumes_with_a_new_model_changes_no_byte(case, tmp_path):
    """Stop as in a new process: before the first step, after an epoch, and within one."""
    name, made, trainer, expected = case
    epochs = [line.split(",")[2] for line in expected["history"].splitlines() if f",{SEEDS[0]}," in line]
    last = int(epochs[-1]) * trainer.steps  # of the first seed
    places = [1, trainer.steps + 1, trainer.steps + 2, last - max(trainer.steps - 1, 1)]
    # Compiling a model takes longer than training it: stop the others within an epoch only.
    for place in places if name == "patience and the best" or made.model in SCIKIT_LEARN else places[2:3]:
        with pytest.raises(StoppedError):
            train(tmp_path, made, new_trainer(made), check=Stops(place))
    same(outcome(train(tmp_path, made, new_trainer(made)), tmp_path), expected)


@pytest.mark.parametrize("case", ["diverges"], indirect=True)
def test_a_training_run_that_diverges_ends_there_and_is_marked(case):
    _, made, _, expected = case
    assert expected["diverged"].keys() == {*SEEDS}
    rows = [line.split(",") for line in expected["history"].splitlines()[1:]]
    for seed, epoch in expected["diverged"].items():
        losses = {int(row[2]): row[4] for row in rows if row[1] == str(seed) and row[3] == "loss"}
        assert max(losses) == epoch <= made.epochs
        assert losses[epoch] in ("", "inf")


@pytest.mark.parametrize("case", ["everything"], indirect=True)
def test_a_training_run_that_does_not_diverge_is_not_marked(case):
    assert case[3]["diverged"] == {}


# ---- Other processes -------------------------------------------------------------------------------------------------

ELSEWHERE = """
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("test_runs", sys.argv[1])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
tests.elsewhere(pathlib.Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
"""


def longer(name, folder):
    """Return a recipe that trains long enough to be killed."""
    made = recipe_of(name, folder)
    return made.model_copy(update={"epochs": 60 if made.model in SCIKIT_LEARN else 8})


def elsewhere(folder, name, minutes):
    """Train in this new process, and resume the run of another one."""
    loop.AT_ONCE = 0
    made = longer(name, folder)
    if made.model not in SCIKIT_LEARN:
        from calotype.training import backend

        backend.start(1)
    pack = train(folder, made, new_trainer(made), minutes=minutes)
    (folder / "pack").write_bytes(repr(sorted(outcome(pack, folder).items())).encode())


def begin_elsewhere(folder, name, minutes=60.0):
    folder.mkdir(exist_ok=True)
    with open(folder / "log", "a", encoding="utf-8") as log:
        return subprocess.Popen(
            [sys.executable, "-c", ELSEWHERE, __file__, str(folder), name, str(minutes)],
            env={**ENVIRONMENT, "PYTHONPATH": f"{ROOT}/workflow{os.pathsep}{ROOT}/tests", "PYTHONHASHSEED": "7"},
            stdout=log,
            stderr=log,
        )


@pytest.mark.usefixtures("look_often")
@pytest.mark.parametrize(("name", "kills"), [("everything", 1), ("scikit-learn, adam", 2)])
def test_a_training_run_stopped_here_and_killed_elsewhere_ends_with_the_same_bytes(tmp_path, name, kills):
    """Send SIGKILL at random moments to real processes; only their regular checkpoints are left."""
    made = longer(name, tmp_path)
    expected = outcome(train(tmp_path / "whole", made, new_trainer(made)), tmp_path / "whole")
    folder, rng, killed = tmp_path / "moved", random.Random(3), 0
    with pytest.raises(StoppedError):
        train(folder, made, new_trainer(made), check=Stops(6))
    while killed < kills:
        before = newest(folder)
        process = begin_elsewhere(folder, name, minutes=0)
        try:
            while newest(folder) == before and process.poll() is None:
                time.sleep(0.001)
            time.sleep(rng.random() * 0.05)
        finally:
            process.kill()
        if process.wait() == 0:
            break
        killed += 1
    else:
        process = begin_elsewhere(folder, name)
        assert process.wait() == 0, (folder / "log").read_text()
    assert killed >= 1, "this test would show nothing"
    assert (folder / "pack").read_bytes() == repr(sorted(expected.items())).encode()
