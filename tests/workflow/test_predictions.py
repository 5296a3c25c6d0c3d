"""Test splits are added, changed and removed without training; later predictions have the same bytes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

PREDICTED = "results/dots/predictions"
PACK = "results/dots/source/seeds-000-001"


def read(project, split):
    with np.load(project.folder / PREDICTED / f"{split}.npz") as found:
        return {name: found[name] for name in found.files}


def edit_datasets(project, split, **changes):
    file = project.folder / "config/datasets.yaml"
    datasets = yaml.safe_load(file.read_text(encoding="utf-8"))
    datasets["dots"]["splits"][split] |= changes
    file.write_text(yaml.safe_dump(datasets), encoding="utf-8")


def edit_variant(project, **changes):
    study = project.study()
    study["variants"]["source"] |= changes
    project.write_study(study)


def flip(file, place=-1):
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def without(project, split):
    """Take a test split out of the study, and all that was made of it out of the results."""
    before = project.study()
    claims = [claim for claim in before["claims"] if claim.get("split") != split]
    project.write_study(before | {"tests": [test for test in before["tests"] if test != split], "claims": claims})
    return before


def lose(project, *names):
    for name in names:
        for path in (project.folder / "results").glob(name):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def logged(project, split):
    return (project.folder / f"results/logs/predict/dots/{split}.log").read_text(encoding="utf-8")


def test_a_run_leaves_predictions_that_are_only_gathered(finished_once):
    """To load TensorFlow once more would cost more than all the rest of a small study."""
    for split, images in (("test", 60), ("test-large", 120)):
        found = read(finished_once, split)
        assert {name: array.shape for name, array in found.items()} == {
            "labels": (images,),
            "variant/source": (2, images),
            "variant/accurate": (1, images),
        }
        assert "predicting" not in logged(finished_once, split)


def test_a_test_split_that_is_removed_runs_no_training_and_no_prediction(finished):
    without(finished, "test-large")
    plan = finished.plan()
    assert plan["evaluate"] == 1
    assert not plan.keys() & {"draw", "prepare", "train", "predict"}


def test_a_test_split_that_is_added_is_predicted_alone_with_the_bytes_of_a_run_from_nothing(finished_once, finished):
    study = without(finished, "test-large")
    lose(
        finished, "prepared/dots/test-large.*", "dots/predictions/test-large.npz", "dots/*/*/predictions/test-large.npz"
    )
    finished.write_study(study)
    plan = finished.plan()
    assert (plan["prepare"], plan["predict"]) == (1, 1)
    assert not plan.keys() & {"draw", "train"}
    finished.run(f"{PREDICTED}/test-large.npz")
    assert "source: predicting test-large with 2 run(s)" in logged(finished, "test-large")
    file = f"{PREDICTED}/test-large.npz"
    assert (finished.folder / file).read_bytes() == (finished_once.folder / file).read_bytes()
    # Predictions are kept beside the weights.
    (finished.folder / file).unlink()
    finished.run(file)
    assert "predicting" not in logged(finished, "test-large")
    assert (finished.folder / file).read_bytes() == (finished_once.folder / file).read_bytes()


def test_a_test_split_with_other_images_is_predicted_alone(finished):
    edit_datasets(finished, "test-large", images=100)
    plan = finished.plan()
    assert (plan["draw"], plan["prepare"], plan["predict"]) == (1, 1, 1)
    assert "train" not in plan


def test_fewer_test_images_or_more_views_train_nothing(finished_once, finished):
    edit_variant(finished, test_images=40)
    plan = finished.plan()
    assert plan["predict"] == 2
    assert not plan.keys() & {"prepare", "train"}
    finished.run(f"{PREDICTED}/test.npz")
    before, after = read(finished_once, "test"), read(finished, "test")
    np.testing.assert_allclose(after["variant/source"], before["variant/source"][:, :40], atol=1e-5)
    assert after["variant/accurate"].tobytes() == before["variant/accurate"].tobytes()
    assert "accurate: predicting" not in logged(finished, "test")
    edit_variant(finished, test_images=None, test_time_augmentation=["flip"])
    assert finished.plan().keys() & {"train", "predict"} == {"predict"}


def test_another_way_to_predict_trains_nothing(finished):
    finished.edit("workflow/calotype/training/predicting.py", "PREDICT_BATCH = 250", "PREDICT_BATCH = 200")
    plan = finished.plan()
    assert plan["predict"] == 2
    assert "train" not in plan


def test_predictions_of_a_pack_that_are_damaged_or_of_other_weights_are_not_used(finished_once, finished):
    packs = finished.folder / "results/dots"
    flip(packs / "source/seeds-000-001/predictions/test.npz", 500)
    other = packs / "accurate/seeds-000-000"
    record = json.loads((other / "provenance.json").read_text(encoding="utf-8"))
    shutil.copy2(packs / "source/seeds-000-001/predictions/test-large.npz", other / "predictions/test-large.npz")
    assert {*record["models"]} == {"architecture.json", "seed-000.weights.h5"}
    lose(finished, "dots/predictions")
    assert finished.plan()["predict"] == 2
    finished.run(*(f"{PREDICTED}/{split}.npz" for split in ("test", "test-large")))
    for split, variant in (("test", "source"), ("test-large", "accurate")):
        assert f"{variant}: predicting {split} with " in logged(finished, split)
        file = f"{PREDICTED}/{split}.npz"
        assert (finished.folder / file).read_bytes() == (finished_once.folder / file).read_bytes()


def test_fewer_seeds_than_a_pack_holds_are_gathered_from_it(finished_once, finished):
    assert finished.plan("--config", "seeds=1")["predict"] == 2
    finished.run(f"{PREDICTED}/test.npz", "--config", "seeds=1")
    before, after = read(finished_once, "test"), read(finished, "test")
    assert after["variant/source"].tobytes() == before["variant/source"][:1].tobytes()
    assert "predicting" not in logged(finished, "test")


@pytest.mark.parametrize("file", ["seed-001.weights.h5", "architecture.json"])
def test_weights_that_are_not_those_of_the_training_predict_nothing(finished, file):
    """A file that was copied over another, or a disk that loses a bit, gives other numbers and no error."""
    flip(finished.folder / PACK / "models" / file)
    lose(finished, "dots/predictions", "dots/*/*/predictions")
    done = finished.snakemake("--cores", "1", f"{PREDICTED}/test.npz")
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert f"{PACK}/models/{file}: the file has changed: its checksum differs from provenance.json" in said
    assert f"Hint: delete {PACK}/provenance.json to train the pack again." in said


def test_an_array_whose_labels_were_changed_is_not_trained_on(finished):
    array = Path("results/prepared/dots/train.npy")
    records = np.load(finished.folder / array, mmap_mode="r+")
    records["label"][7] ^= 1
    records.flush()
    target = f"{PACK}/provenance.json"
    done = finished.snakemake("--cores", "1", target, "--forcerun", "train")
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert f"{array}: its checksum is not that of its manifest: its content has changed." in said
    assert "Hint: delete it; Snakemake prepares it again." in said
    (finished.folder / array).unlink()
    assert finished.plan(target)["prepare"] == 1
