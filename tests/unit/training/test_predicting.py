"""Predictions in a pack's folder are used if their identity matches, and computed otherwise."""

import hashlib
import json
import logging
import os
import re
import signal
from dataclasses import replace

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier
from unit.trainings import class_split

from calotype.config.recipe import Recipe
from calotype.data.prepared_split import checksum
from calotype.jobs.signals import StoppedError
from calotype.training.loop import Store, train_pack
from calotype.training.predicting import Asked, gather, identities, kept, leave
from calotype.training.result import Trained
from calotype.training.sklearn_model import Trainer
from calotype.util.errors import CalotypeError
from calotype.util.sealed import read_sealed

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
    store = Store({seed: tmp_path / f"checkpoints/{seed}" for seed in SEEDS}, "identity", minutes=60.0)
    trainer = Trainer(MADE, class_split("train"), classes=3)
    made = train_pack("a", MADE, SEEDS, trainer, folder / "models", store=store, check=lambda: None)
    models = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (folder / "models").iterdir()}
    (folder / "provenance.json").write_text(json.dumps({"models": models, "targets": made.targets}))
    return Trained.read(folder / "provenance.json")


@pytest.fixture
def computed(caplog):
    """Return a function for the numbers of runs that `gather` has predicted since the last call."""
    caplog.set_level(logging.INFO, "calotype")

    def numbers():
        found = [int(number) for number in re.findall(r"a: predicting test with (\d+) run", caplog.text)]
        caplog.clear()
        return found

    return numbers


def held(pack):
    """Return the seeds whose predictions are in the folder of a pack."""
    file = pack.folder / "predictions/test.npz"
    return sorted(map(int, read_sealed(file)[0])) if file.exists() else []


def all_of(pack, array, asked=ASKED, seeds=3):
    return gather([("a", pack)], {"a": asked}, {"a": seeds}, array)["a"]


def splits_left(array, *others):
    return {"asked": vars(ASKED), "arrays": [str(array), *map(str, others)]}


def test_what_a_training_run_left_is_gathered_and_not_computed_again(pack, array, computed):
    leave(pack.folder / "provenance.json", splits_left(array), check=lambda: None)
    assert held(pack) == [*SEEDS]
    left = all_of(pack, array)
    assert computed() == []
    assert left.shape == (3, len(class_split("test").labels), 3)
    (pack.folder / "predictions/test.npz").unlink()
    assert all_of(pack, array).tobytes() == left.tobytes()
    assert computed() == [3]


def test_only_the_seeds_that_are_asked_for_are_computed_and_those_that_are_kept_stay(pack, array, computed):
    first = all_of(pack, array, seeds=1)
    assert (computed(), held(pack)) == ([1], [0])
    whole = all_of(pack, array)
    assert (computed(), held(pack)) == ([2], [*SEEDS])
    assert whole[:1].tobytes() == first.tobytes()


@pytest.mark.parametrize(
    "change",
    [{"test_images": 5}, {"code": "another"}, {"custom_model": "another"}, {"threads": 2}, {"model_arguments": {}}],
    ids=str,
)
def test_a_prediction_made_in_another_way_is_not_used(pack, array, change):
    leave(pack.folder / "provenance.json", splits_left(array), check=lambda: None)
    keys = identities(replace(ASKED, **change), pack, checksum(array))
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


def test_a_signal_after_the_training_ends_the_job_well_and_keeps_what_was_predicted(pack, array, computed):
    """The training is complete, so its job must not run again."""

    def check():
        if held(pack) == [0, 1]:
            raise StoppedError("SIGTERM")

    leave(pack.folder / "provenance.json", splits_left(array), check=check)
    assert held(pack) == [0, 1]
    all_of(pack, array)
    assert computed() == [1]


def test_a_split_that_is_not_there_or_damaged_costs_neither_the_training_nor_the_other_splits(pack, array, caplog):
    damaged = array.with_name("damaged.npy")
    damaged.write_bytes(array.read_bytes()[:-1] + b"x")
    damaged.with_suffix(".json").write_text(array.with_suffix(".json").read_text())
    tests = splits_left(array)
    tests["arrays"] = [str(array.with_name("late.npy")), str(damaged), str(array)]
    with caplog.at_level("INFO", "calotype"):
        leave(pack.folder / "provenance.json", tests, check=lambda: None)
    assert "damaged.npy" in caplog.text
    assert "late.npy" not in caplog.text, "a split that is prepared later looks like an error"
    assert held(pack) == [*SEEDS]
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
    assert (problem.value.__cause__ is None) != lost  # a missing file may appear later; a changed one stays changed
    logging.getLogger("calotype").removeHandler(handler)
    hint = rf"seed-001\.npz: .*\nHint: delete {pack.folder}/provenance\.json"
    assert re.search(hint, (tmp_path / "log.txt").read_text())


def test_a_process_that_was_killed_is_told_and_may_be_tried_again(monkeypatch, pack, array):
    """A memory limit does this, and a retry has more memory."""
    monkeypatch.setattr(MLPClassifier, "predict_proba", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(CalotypeError, match="prediction was killed by signal 9") as problem:
        all_of(pack, array)
    assert isinstance(problem.value.__cause__, OSError)
