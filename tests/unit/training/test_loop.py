"""No training is lost, and none is changed: whatever stops it, it goes on to the bytes of one that nothing stopped."""

import functools
import logging
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from calotype.config.recipe import SCIKIT_LEARN, Recipe
from calotype.data.prepared_split import Split
from calotype.jobs.signals import StoppedError
from calotype.training import loop

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]

ROOT = Path(__file__).parents[3]
SEEDS = range(3, 5)
CLASSES = 3
IMAGES = {"train": 20, "held-out": 9}
OWN = '''
import keras
from keras import layers


def net(shape, outputs):
    """Dropout twice, once in a model inside the model, and batch normalisation."""
    inner = keras.Sequential([layers.Conv2D(3, 3, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.3)])
    last = [layers.Flatten(), layers.Dropout(0.3), layers.Dense(outputs, activation="softmax")]
    return keras.Sequential([keras.Input(shape), inner, *last])


def half(shape, outputs):
    """Weights of a type that numpy does not know."""
    dense = layers.Dense(4, activation="relu", dtype="bfloat16")
    return keras.Sequential([keras.Input(shape), layers.Flatten(), dense, layers.Dense(outputs, activation="softmax")])
'''


# ---- The trainings ---------------------------------------------------------------------------------------------------


def shrunken(found):
    """Shrink a recipe so that it trains in seconds; its model, optimizer and options stay."""
    arguments = dict(found.get("model_arguments", {}))
    for key in arguments.keys() & {"units", "hidden_layer_sizes"}:
        arguments[key] = [6] * min(len(arguments[key]), 2)
    if "blocks" in arguments:
        arguments["blocks"] = [[4, *rest] for _, *rest in arguments["blocks"]]
    sizes = {"model_arguments": arguments, "epochs": 2, "batch_size": 8}
    sizes |= {"validation_split": 0.25} if "validation_split" in found else {}
    return Recipe.model_validate(found | sizes)


def studied():
    """Every training of the studies that come along, each once."""
    found = {}
    for file in sorted((ROOT / "config/studies").glob("*.yaml")):
        study = yaml.safe_load(file.read_text(encoding="utf-8"))
        for name, variant in study["variants"].items():
            keys = study.get("defaults", {}) | variant
            made = shrunken({key: value for key, value in keys.items() if key in Recipe.model_fields})
            found.setdefault(made.model_dump_json(exclude={"train"}), (f"{file.stem}/{name}", made))
    return dict(found.values())


def further(own):
    """Return recipes with features that no study uses."""
    base = {"loss": "categorical_crossentropy", "epochs": 4, "batch_size": 8}
    dense = base | {"model": "dense", "model_arguments": {"units": [5], "dropout": 0.2}}
    wild = {"name": "sgd", "learning_rate": 0.9, "arguments": {"momentum": 0.5}}
    held_out = {"validation_split": 0.3, "monitor": "val_accuracy"}
    changes = ["dihedral", "flip", {"name": "shift", "pixels": 2}, {"name": "erase", "pixels": 3}]
    changes += [{"name": "affine", "degrees": 20.0, "zoom": 0.1}, {"name": "rotate", "degrees": 9.0, "fill": "edge"}]
    changes += [{"name": "brightness", "strength": 0.1}, {"name": "noise", "strength": 0.1}]
    scikit = base | {"model": next(iter(SCIKIT_LEARN)), "model_arguments": {"hidden_layer_sizes": [6]}}
    made = {
        "everything": base
        | {"model": f"{own}:net", "optimizer": "adam", "augment": changes, "label_smoothing": 0.1}
        | {"restore_best_weights": True}
        | held_out,
        "patience": dense
        | {"loss": "sparse_categorical_crossentropy", "optimizer": wild, "epochs": 9, "patience": 1}
        | held_out,
        "patience and the best": dense
        | {"optimizer": wild, "epochs": 9, "patience": 2, "restore_best_weights": True, "validation": "held-out"}
        | {"training_metrics": ["auc"], "monitor": "val_auc", "min_delta": 0.001, "class_weight": [1.0, 2.0, 0.5]}
        | {"reduce_on_plateau": {"factor": 0.7, "patience": 1}},
        "diverges": dense | {"optimizer": {"name": "sgd", "learning_rate": 1e30}},
        "half": base | {"model": f"{own}:half", "optimizer": "adam", "epochs": 2},
        "scikit-learn, adam": scikit | {"optimizer": "adam"},
        "scikit-learn, nesterov": scikit
        | {"optimizer": {"name": "sgd", "learning_rate": 0.1, "arguments": {"momentum": 0.9, "nesterov": True}}},
    }
    return {name: Recipe.model_validate(keys) for name, keys in made.items()}


# Those of the studies that others have nothing of their own beside: a width, or an optimizer that another one has.
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


def recipe_of(name, folder):
    """Return a recipe by its name, and write the file of custom models into the folder."""
    own = folder / "own.py"
    if not own.exists():
        own.write_text(OWN, encoding="utf-8")
    return {**studied(), **further(own)}[name]


@functools.cache
def split(name, width, classes):
    """Noisy images with a brighter bar, whose place is the label."""
    rng = np.random.default_rng([IMAGES[name], width])
    labels = rng.integers(0, classes, IMAGES[name])
    images = rng.random((len(labels), width, width, 1), np.float32)
    for image, label in zip(images, labels, strict=True):
        image[label : label + 2] += 0.6
    return Split(np.clip(images, 0, 1).astype(np.float32), labels, np.arange(len(labels)))


def splits(made):
    # Images large enough for nets that cut their edges off.
    width = 20 if any(len(block) > 3 for block in made.model_arguments.get("blocks", [])) else 8
    return {name: split(name, width, CLASSES if made.classifies else 6) for name in IMAGES}


def new_trainer(made):
    """Return a trainer as a new process builds it."""
    if made.model in SCIKIT_LEARN:
        from calotype.training import sklearn_trainer

        return sklearn_trainer.Trainer(made, splits(made)["train"], classes=CLASSES)
    from calotype.training import keras_trainer

    labels = {"minimum": None, "maximum": None, "classes": CLASSES}
    labels = labels if made.classifies else {"minimum": 0, "maximum": 5, "classes": None}
    validation = splits(made)[made.validation] if made.validation else None
    return keras_trainer.Trainer(made, splits(made)["train"], validation=validation, **labels)


def train(folder, made, trainer, *, check=lambda: None, minutes=60.0, identity="ours", machine="here", seeds=SEEDS):
    """Train a pack as workflow/scripts/train.py does: models and checkpoints in a folder."""
    (folder / "models").mkdir(parents=True, exist_ok=True)
    store = loop.Store({s: folder / f"checkpoints/seed-{s:03d}" for s in seeds}, identity, machine, minutes)
    return loop.train_pack("study/variant", made, seeds, trainer, folder / "models", store=store, check=check)


def outcome(pack, folder):
    """All that a user gets of a training, byte by byte."""
    found = {f"models/{file.name}": file.read_bytes() for file in sorted((folder / "models").iterdir())}
    found |= {"history": pack.history.to_csv(), "layers": pack.layers.to_csv()}
    return found | {"best_epochs": pack.best_epochs, "diverged": pack.diverged}


def same(found, expected):
    """Compare two outcomes; print the names of parts that differ, because their bytes would fill the screen."""
    assert found.keys() == expected.keys()
    assert [part for part in expected if found[part] != expected[part]] == []
    return True


class Stops:
    """Asks to stop at the looks with these numbers, and counts them."""

    def __init__(self, *numbers):
        self.numbers, self.looks = numbers, 0

    def __call__(self):
        self.looks += 1
        if self.looks in self.numbers:
            raise StoppedError("SIGTERM")


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


# One of each kind, stopped at each of its steps; the others at each fifth, as TensorFlow takes a second to go on.
THOROUGH = (
    "everything",
    "patience and the best",
    "dots-long/accurate-long",
    "scikit-learn, adam",
    "digits/scikit-learn",
)


@pytest.mark.usefixtures("look_often")
@pytest.mark.parametrize("case", THOROUGH, indirect=True)
def test_how_often_a_training_looks_for_signals_changes_no_byte_of_it(case, tmp_path, monkeypatch):
    _, made, trainer, expected = case
    looks = Stops()
    same(outcome(train(tmp_path / "often", made, trainer, check=looks), tmp_path / "often"), expected)
    assert looks.looks == steps_of(expected["history"], trainer)
    monkeypatch.setattr(loop, "AT_ONCE", 1e9)
    same(outcome(train(tmp_path / "seldom", made, trainer), tmp_path / "seldom"), expected)


@pytest.mark.usefixtures("look_often")
def test_a_training_stopped_again_and_again_loses_no_step_and_changes_no_byte(case, tmp_path):
    """At the steps of each seed and at the ends of epochs: every attempt goes on from the last one."""
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
    # A look before each step: an attempt does what lies between its first and last.
    assert attempts == -(-steps_of(expected["history"], trainer) // stride)


@pytest.mark.usefixtures("look_often")
@pytest.mark.parametrize("case", THOROUGH, indirect=True)
def test_a_training_that_goes_on_with_a_model_that_never_trained_changes_no_byte(case, tmp_path):
    """As in a new process: before the first step, after an epoch, and within one."""
    name, made, trainer, expected = case
    epochs = [line.split(",")[2] for line in expected["history"].splitlines() if f",{SEEDS[0]}," in line]
    last = int(epochs[-1]) * trainer.steps  # of the first seed
    places = [1, trainer.steps + 1, trainer.steps + 2, last - max(trainer.steps - 1, 1)]
    # To compile a model takes longer than to train it: of the others within an epoch alone.
    for place in places if name == "patience and the best" or made.model in SCIKIT_LEARN else places[2:3]:
        with pytest.raises(StoppedError):
            train(tmp_path, made, new_trainer(made), check=Stops(place))
    same(outcome(train(tmp_path, made, new_trainer(made)), tmp_path), expected)


def steps_of(history, trainer):
    """Return the number of steps of the runs of a pack."""
    return len({tuple(line.split(",")[1:3]) for line in history.splitlines()[1:]}) * trainer.steps


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
    """Train as a process of its own, which goes on where another one was."""
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
            env={**os.environ, "PYTHONPATH": str(ROOT / "workflow"), "PYTHONHASHSEED": "7"},
            stdout=log,
            stderr=log,
        )


def newest(folder):
    """Return the newest checkpoints of a pack."""
    return sorted(str(file) for file in folder.glob("checkpoints/*/*.npz") if not file.name.startswith("."))


@pytest.mark.usefixtures("look_often")
@pytest.mark.parametrize(("name", "kills"), [("everything", 1), ("scikit-learn, adam", 2)])
def test_a_training_stopped_here_and_killed_elsewhere_without_a_word_ends_with_the_same_bytes(tmp_path, name, kills):
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


# ---- Kept and repeated work ------------------------------------------------------------------------------------------


class Counted:
    """A trainer that records the calls of its methods."""

    def __init__(self, trainer):
        self.trainer, self.epochs = trainer, []

    def __getattr__(self, name):
        return getattr(self.trainer, name)

    def begin_epoch(self, seed, epoch):
        self.epochs.append((seed, epoch))
        self.trainer.begin_epoch(seed, epoch)


@pytest.fixture
def small(tmp_path, caplog):
    """Return a recipe that trains at once."""
    caplog.set_level(logging.DEBUG, "calotype")
    made = recipe_of("digits/scikit-learn", tmp_path)
    return made, lambda: Counted(new_trainer(made))


def saved(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.glob("checkpoints/*/*"))


def test_a_pack_shorter_than_the_time_between_checkpoints_writes_none(small, tmp_path):
    """Thousands of runs of a second each would fill a file server with files that nobody needs."""
    made, trainer = small
    train(tmp_path, made, trainer())
    assert saved(tmp_path) == []


def test_finished_runs_of_a_long_pack_are_not_trained_again(small, tmp_path, caplog):
    """Their job may still fail: a full disk when results are written, a node that dies."""
    made, trainer = small
    expected = outcome(train(tmp_path, made, trainer(), minutes=0), tmp_path)
    assert len(saved(tmp_path)) >= len(SEEDS)
    again = trainer()
    same(outcome(train(tmp_path, made, again, minutes=0), tmp_path), expected)
    assert again.epochs == []
    assert [f"goes on: seed {seed}, finished" in caplog.text for seed in SEEDS] == [True] * len(SEEDS)


def test_finished_runs_of_a_pack_that_is_stopped_are_not_trained_again(small, tmp_path):
    made, trainer = small
    first = trainer()
    with pytest.raises(StoppedError):
        train(tmp_path, made, first, check=Stops(made.epochs + 2))
    assert first.epochs == [(3, 1), (3, 2), (4, 1), (4, 2)]
    again = trainer()
    train(tmp_path, made, again)
    assert {seed for seed, _ in again.epochs} == {4}


def test_a_larger_pack_takes_over_the_runs_of_a_smaller_one(small, tmp_path):
    """`seeds_per_job` may change between two calls: checkpoints belong to runs."""
    made, trainer = small
    train(tmp_path, made, trainer(), minutes=0)
    larger = trainer()
    pack = train(tmp_path, made, larger, minutes=0, seeds=range(2, 6))
    assert {seed for seed, _ in larger.epochs} == {2, 5}
    whole = train(tmp_path / "whole", made, trainer(), seeds=range(2, 6))
    same(outcome(pack, tmp_path), outcome(whole, tmp_path / "whole"))


def test_checkpoints_of_another_recipe_data_or_code_are_not_continued(small, tmp_path, caplog):
    made, trainer = small
    with pytest.raises(StoppedError):
        train(tmp_path, made, trainer(), check=Stops(2), identity="another")
    anew = trainer()
    train(tmp_path, made, anew)
    assert anew.epochs[0] == (3, 1)
    assert "of another recipe, data or code; not used" in caplog.text


def test_a_checkpoint_of_one_seed_is_never_taken_for_that_of_another(small, tmp_path):
    """A user may copy folders about."""
    made, trainer = small
    expected = outcome(train(tmp_path / "whole", made, trainer()), tmp_path / "whole")
    with pytest.raises(StoppedError):
        train(tmp_path, made, trainer(), check=Stops(2))
    (tmp_path / "checkpoints/seed-003").rename(tmp_path / "checkpoints/seed-004")
    same(outcome(train(tmp_path, made, trainer()), tmp_path), expected)


def test_a_torn_checkpoint_costs_a_step_back_and_not_the_training(small, tmp_path, caplog):
    made, _ = small
    made = made.model_copy(update={"epochs": 4})

    def trainer():
        return Counted(new_trainer(made))

    expected = outcome(train(tmp_path / "whole", made, trainer()), tmp_path / "whole")
    for _ in range(2):
        with pytest.raises(StoppedError):
            train(tmp_path, made, trainer(), check=Stops(2))
    torn = tmp_path / newest(tmp_path)[-1]
    torn.write_bytes(torn.read_bytes()[:-100])
    again = trainer()
    same(outcome(train(tmp_path, made, again), tmp_path), expected)
    assert again.epochs[0] == (3, 2)
    assert "not a whole checkpoint" in caplog.text


def test_a_full_disk_costs_checkpoints_and_not_the_training(small, tmp_path, caplog, files_no_longer_than):
    """There may be room again in a minute; a training that goes on loses nothing."""
    made, trainer = small
    expected = outcome(train(tmp_path / "whole", made, trainer()), tmp_path / "whole")
    (tmp_path / "checkpoints").write_text("in the way of the folder")
    same(outcome(train(tmp_path, made, trainer(), minutes=0), tmp_path), expected)
    assert "no checkpoint can be written, and the training goes on without" in caplog.text
    (tmp_path / "checkpoints").unlink()
    looks, caught = 0, []

    def check():
        nonlocal looks
        looks += 1
        caught.append(len(newest(tmp_path)))

    with files_no_longer_than(1000):  # what a run's weights take fits, a checkpoint does not
        with pytest.raises(OSError, match="File too large"):
            (tmp_path / "proof").write_bytes(b"x" * 2000)
        with pytest.raises(OSError, match="File too large"):  # the results themselves
            train(tmp_path, made, trainer(), minutes=0, check=check)
    assert looks == made.epochs, "the first seed went on to its end"
    assert caught == [0] * looks


def test_a_training_that_goes_on_elsewhere_says_so(small, tmp_path, caplog):
    """Another processor computes other last digits."""
    made, trainer = small
    with pytest.raises(StoppedError):
        train(tmp_path, made, trainer(), check=Stops(2), machine="processor A")
    pack = train(tmp_path, made, trainer(), machine="processor B")
    assert pack.machines == {3: ["processor A", "processor B"], 4: ["processor B"]}
    assert (
        "seed 3 began on processor A and goes on on processor B: its last digits may be those of neither" in caplog.text
    )


def test_time_spent_counts_over_all_attempts(small, tmp_path):
    made, trainer = small

    def slow():
        time.sleep(0.05)

    def slow_then_stop():
        slow()
        raise StoppedError("SIGTERM")

    for _ in range(4):
        with pytest.raises(StoppedError):
            train(tmp_path, made, trainer(), check=slow_then_stop)
    pack = train(tmp_path, made, trainer())
    assert pack.seconds[3] >= 4 * 0.05


@pytest.mark.parametrize("case", ["diverges"], indirect=True)
def test_a_training_that_diverges_ends_there_and_is_marked(case):
    _, made, _, expected = case
    assert expected["diverged"].keys() == {*SEEDS}
    rows = [line.split(",") for line in expected["history"].splitlines()[1:]]
    for seed, epoch in expected["diverged"].items():
        losses = {int(row[2]): row[4] for row in rows if row[1] == str(seed) and row[3] == "loss"}
        assert max(losses) == epoch <= made.epochs
        assert losses[epoch] in ("", "inf")


@pytest.mark.parametrize("case", ["everything"], indirect=True)
def test_a_training_that_does_not_diverge_is_not_marked(case):
    assert case[3]["diverged"] == {}
