"""A run gives the bytes of its recipe in every process and in every pack, and its files hold them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from unit.trainings import class_recipe, recipe, train

from calotype.data.prepared_split import open_split

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]

ROOT = Path(__file__).parents[3]


def recipes(own):
    """Return recipes: a shipped model, custom ones with all that is random or counts steps, and two of classes."""
    schedule = {"name": "adamw", "learning_rate": 0.01, "schedule": "cosine", "warmup_fraction": 0.2}
    momentum = {"name": "sgd", "learning_rate": 0.05, "arguments": {"momentum": 0.9}}
    changes = ["flip", {"name": "shift", "pixels": 2}, {"name": "erase", "pixels": 3}, "dihedral"]
    changes.append({"name": "affine", "degrees": 20.0, "zoom": 0.1})
    held_out = {"validation_split": 0.25, "restore_best_weights": True, "monitor": "val_accuracy"}
    dense = {"units": [6, 5], "dropout": 0.3, "l2": 1e-3, "initializer": "random_normal"}
    return {
        "source": recipe("dots_source", scale_targets=True),
        "own": recipe(f"{own}:net", optimizer=schedule, epochs=3, augment=["dihedral"]),
        "leaky": recipe(f"{own}:leaky"),
        "classes": class_recipe(
            f"{own}:classifier",
            optimizer="adam",
            epochs=4,
            augment=changes,
            label_smoothing=0.1,
            **held_out,
        ),
        "momentum": class_recipe(
            model_arguments=dense,
            optimizer=momentum,
            loss="sparse_categorical_crossentropy",
            epochs=6,
            validation_split=0.3,
            patience=1,
            jit_compile="auto",
        ),
    }


TESTED = {"own": {"test_images": 5}, "classes": {"test_time_augmentation": ["shift"]}}


def train_all(data, folder, seeds):
    """Train a pack of each recipe, and keep the files that the workflow keeps."""
    for name, made in recipes(data / "own.py").items():
        pack = train(data, made, seeds, folder / name / "models", **TESTED.get(name, {}))
        pack.history.to_csv(folder / name / "history.csv", index=False)
        np.savez(folder / name / "predictions.npz", **pack.predictions)
        pack.layers.to_csv(folder / name / "layers.csv", index=False)
        (folder / name / "chosen.json").write_text(json.dumps(pack.best_epochs))


ELSEWHERE = """
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("test_training", sys.argv[1])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
from calotype.training import backend
backend.start(1)
tests.train_all(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), range(1, 2))
"""


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """Return folders of the same runs: seeds 0 and 1 as a pack, and seed 1 alone in another process."""
    folder = tmp_path_factory.mktemp("trained")
    with open(folder / "log", "w+", encoding="utf-8") as log:
        other = subprocess.Popen(
            [sys.executable, "-c", ELSEWHERE, __file__, str(data), str(folder / "alone")],
            env={**os.environ, "PYTHONPATH": f"{ROOT}/workflow{os.pathsep}{ROOT}/tests", "PYTHONHASHSEED": "7"},
            stderr=log,
        )
        try:
            train_all(data, folder / "pack", range(2))
            assert other.wait() == 0, (folder / "log").read_text()
        finally:
            other.kill()
            other.wait()
    return folder


def history_of(folder, seed):
    return [line for line in (folder / "history.csv").read_text().splitlines() if line.startswith(f"{seed},")]


# ---- The same bytes --------------------------------------------------------------------------------------------------


NAMES = ["source", "own", "leaky", "classes", "momentum"]


@pytest.mark.parametrize("name", NAMES)
def test_a_run_in_a_pack_is_bit_for_bit_the_run_alone_in_another_process(trained, name):
    """After another seed it starts with that seed's state; alone, all names have other hashes."""
    pack, alone = trained / "pack" / name, trained / "alone" / name
    same = ["layers.csv", "models/architecture.json", "models/seed-001.weights.h5"]
    files = {str(path.relative_to(alone)) for path in alone.rglob("*") if path.is_file()}
    assert files == {*same, "chosen.json", "history.csv", "predictions.npz"}
    for file in same:
        assert (pack / file).read_bytes() == (alone / file).read_bytes(), file
    assert history_of(pack, 1) == history_of(alone, 1) != []
    chosen = [json.loads((folder / "chosen.json").read_text()) for folder in (pack, alone)]
    assert chosen[0].get("1") == chosen[1].get("1")
    assert (chosen[1] != {}) == (name == "classes")
    with np.load(pack / "predictions.npz") as many, np.load(alone / "predictions.npz") as one:
        assert many["test"][1].tobytes() == one["test"][0].tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_each_seed_is_another_training(trained, name):
    models = trained / "pack" / name / "models"
    assert len({(models / f"seed-{seed:03d}.weights.h5").read_bytes() for seed in range(2)}) == 2
    with np.load(trained / "pack" / name / "predictions.npz") as found:
        assert len({row.tobytes() for row in found["test"]}) == 2


def test_saved_weights_and_architecture_give_the_predictions_again(trained, data, tensorflow):
    models = trained / "pack/source/models"
    model = tensorflow.keras.models.model_from_json((models / "architecture.json").read_text())
    images = np.array(open_split(data / "test.npy").images)
    with np.load(trained / "pack/source/predictions.npz") as found:
        for seed in range(2):
            model.load_weights(models / f"seed-{seed:03d}.weights.h5")
            again = model(images).numpy() * 5  # the count is scaled to 0..1
            np.testing.assert_allclose(found["test"][seed], again[:, 0], atol=1e-5)


def test_files_of_weights_hold_the_weights_and_nothing_else(trained):
    """The state of Adam would make them three times as large."""
    for name in NAMES:
        with h5py.File(trained / "pack" / name / "models/seed-000.weights.h5") as opened:
            assert set(opened) == {"_layer_checkpoint_dependencies", "layers", "vars"} & set(opened), name
            assert "optimizer" not in opened


def test_history_and_predictions_have_a_place_for_every_seed_and_epoch(trained):
    assert (trained / "pack/own/history.csv").read_text().splitlines()[0] == "seed,epoch,metric,value"
    losses = [
        line.split(",") for line in (trained / "pack/own/history.csv").read_text().splitlines() if ",loss," in line
    ]
    assert [(seed, epoch) for seed, epoch, *_ in losses] == [(f"{s}", f"{e}") for s in range(2) for e in range(1, 4)]
    with np.load(trained / "pack/source/predictions.npz") as found:
        assert (found["test"].shape, found["test"].dtype) == ((2, 13), np.float32)


def test_large_test_splits_are_cut_to_the_images_asked_for(trained):
    with np.load(trained / "pack/own/predictions.npz") as found:
        assert found["test"].shape == (2, 5)


def test_predictions_of_classes_are_probabilities_of_each(trained):
    for name in ("classes", "momentum"):
        with np.load(trained / "pack" / name / "predictions.npz") as found:
            assert (found["test"].shape, found["test"].dtype) == ((2, 17, 3), np.float32)
            np.testing.assert_allclose(found["test"].sum(axis=-1), 1, atol=1e-5)


def test_architecture_is_readable_json(trained):
    for name in NAMES:
        assert json.loads((trained / "pack" / name / "models/architecture.json").read_text())["class_name"]
