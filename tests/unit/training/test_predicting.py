"""Predictions that a pack keeps are used where they are those asked for, and computed where not."""

import hashlib
import json
import logging
import os
import re
import signal
from dataclasses import replace

import numpy as np
import pytest
from unit.trainings import class_split

from calotype.config.recipe import Recipe
from calotype.jobs.signals import StoppedError
from calotype.training import predicting
from calotype.training.loop import Store, train_pack
from calotype.training.predicting import Asked, gather, identities, kept, leave
from calotype.training.result import Trained
from calotype.training.sklearn_model import Trainer
from calotype.util.errors import CalotypeError

SEEDS = range(3)
MADE = Recipe.model_validate(
    {
        "model": "sklearn.neural_network.MLPClassifier",
        "model_arguments": {"hidden_layer_sizes": [4]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "batch_size": 8,
        "epochs": 2,
    }
)
ASKED = Asked.of(MADE, code="c0de")


@pytest.fixture
def array(tmp_path):
    """Write a prepared split with its manifest, as the prepare stage does."""
    split = class_split("test")
    records = np.zeros(len(split.labels), [("id", "<i8"), ("label", "<i8"), ("image", "<f4", split.images.shape[1:])])
    records["image"], records["label"], records["id"] = split.images, split.labels, split.ids
    file = tmp_path / "prepared/test.npy"
    file.parent.mkdir()
    np.save(file, records)
    file.with_suffix(".json").write_text(json.dumps({"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}))
    return file


@pytest.fixture
def pack(tmp_path):
    """Train a pack and return its metadata."""
    folder = tmp_path / "seeds-000-002"
    (folder / "models").mkdir(parents=True)
    store = Store({seed: tmp_path / f"checkpoints/{seed}" for seed in SEEDS}, "identity", "here", minutes=60.0)
    trainer = Trainer(MADE, class_split("train"), classes=3)
    made = train_pack("a", MADE, SEEDS, trainer, folder / "models", store=store, check=lambda: None)
    models = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (folder / "models").iterdir()}
    (folder / "provenance.json").write_text(json.dumps({"models": models, "targets": made.targets}))
    return Trained.read(folder / "provenance.json")


@pytest.fixture
def computes(monkeypatch):
    """Record the seeds that are predicted in this process."""
    found = []
    compute = predicting.predicted

    def noted(predictor, asked, seed, *further):
        found.append(seed)
        return compute(predictor, asked, seed, *further)

    monkeypatch.setattr(predicting, "predicted", noted)
    monkeypatch.setattr(predicting, "_in_a_process", lambda _, function, *arguments: function(*arguments))
    return found


def all_of(pack, array, asked=ASKED, seeds=3):
    return gather([("a", pack)], {"a": asked}, {"a": seeds}, array)["a"]


def splits_left(array, *others):
    return {"asked": vars(ASKED), "arrays": [str(array), *map(str, others)]}


def test_what_a_training_left_is_gathered_and_not_computed_again(pack, array, computes):
    leave(pack.folder / "provenance.json", splits_left(array), check=lambda: None)
    assert computes == [*SEEDS]
    left = all_of(pack, array)
    assert computes == [*SEEDS]
    assert left.shape == (3, len(class_split("test").labels), 3)
    (pack.folder / "predictions/test.npz").unlink()
    assert all_of(pack, array).tobytes() == left.tobytes()
    assert computes == [*SEEDS, *SEEDS]


def test_only_the_seeds_that_are_asked_for_are_computed_and_those_that_are_kept_stay(pack, array, computes):
    first = all_of(pack, array, seeds=1)
    assert computes == [0]
    whole = all_of(pack, array)
    assert computes == [0, 1, 2]
    assert whole[:1].tobytes() == first.tobytes()


@pytest.mark.parametrize(
    "change",
    [{"test_images": 5}, {"code": "another"}, {"own_model": "another"}, {"threads": 2}, {"model_arguments": {}}],
    ids=str,
)
def test_a_prediction_made_in_another_way_is_not_used(pack, array, change):
    leave(pack.folder / "provenance.json", splits_left(array), check=lambda: None)
    keys = identities(replace(ASKED, **change), pack, predicting.checksum(array))
    assert kept(pack, "test", keys) == {}


def test_a_prediction_of_other_weights_images_units_or_another_seed_has_another_identity(pack):
    keys = identities(ASKED, pack, "split")
    weights = {name: "0" if name.startswith("seed-001") else value for name, value in pack.checksums.items()}
    others = [
        identities(ASKED, pack, "another"),
        identities(ASKED, replace(pack, targets={**pack.targets, "classes": 4}), "split"),
    ]
    assert len({*keys.values(), *(key for other in others for key in other.values())}) == 9
    changed = identities(ASKED, replace(pack, checksums=weights), "split")
    assert [changed[seed] == keys[seed] for seed in SEEDS] == [True, False, True]


def test_a_signal_after_the_training_ends_the_job_well_and_keeps_what_was_predicted(pack, array, computes):
    """The training is done: to send its job again would cost a start for nothing."""

    def check():
        if computes == [0, 1]:
            raise StoppedError("SIGTERM")

    leave(pack.folder / "provenance.json", splits_left(array), check=check)
    computes.clear()
    all_of(pack, array)
    assert computes == [1, 2]


def test_a_split_that_is_not_there_or_damaged_costs_neither_the_training_nor_the_other_splits(pack, array, computes):
    damaged = array.with_name("damaged.npy")
    damaged.write_bytes(array.read_bytes()[:-1] + b"x")
    damaged.with_suffix(".json").write_text(array.with_suffix(".json").read_text())
    tests = splits_left(array)
    tests["arrays"] = [str(array.with_name("late.npy")), str(damaged), str(array)]
    leave(pack.folder / "provenance.json", tests, check=lambda: None)
    assert computes == [*SEEDS]
    assert [file.name for file in (pack.folder / "predictions").iterdir()] == ["test.npz"]


def test_what_an_earlier_training_left_is_removed(pack, array):
    old = pack.folder / "predictions/removed.npz"
    old.parent.mkdir()
    old.write_bytes(b"old")
    leave(pack.folder / "provenance.json", splits_left(array), check=lambda: None)
    assert not old.exists()


@pytest.mark.parametrize("lost", [True, False])
def test_weights_that_are_missing_or_changed_are_named_with_what_to_delete(pack, array, lost, tmp_path):
    handler = logging.FileHandler(tmp_path / "log.txt")
    logging.getLogger("calotype").addHandler(handler)
    file = pack.models / "seed-001.npz"
    file.unlink() if lost else file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(CalotypeError, match="prediction failed") as problem:
        all_of(pack, array)
    assert (problem.value.__cause__ is None) != lost  # a file may be shown late; what has changed stays so
    logging.getLogger("calotype").removeHandler(handler)
    hint = rf"seed-001\.npz: .*\nHint: delete {pack.folder}/provenance\.json"
    assert re.search(hint, (tmp_path / "log.txt").read_text())


def test_a_process_that_was_killed_is_told_and_may_be_tried_again(monkeypatch, pack, array):
    """As by the memory limit of its job: with more memory it passes."""
    monkeypatch.setattr(predicting, "predicted", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(CalotypeError, match="prediction was killed by signal 9") as problem:
        all_of(pack, array)
    assert isinstance(problem.value.__cause__, OSError)
