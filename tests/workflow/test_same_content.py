"""Images that are prepared again with the same content train nothing, and other images train in the same call."""

import os
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import Project, copy_project
from PIL import Image

pytestmark = pytest.mark.slow

CLASSES = ["interphase", "mitosis"]
TRAIN, PREDICT = "train_on_cpu", "predict_on_cpu"  # the study has a model of scikit-learn
STEPS = ["grey", "scale", {"name": "normalise", "split": "train"}]
CELLS = {
    "source": "images",
    "folder": "cells",
    "table": {"file": "labels.csv"},
    "classes": CLASSES,
    "splits": {"train": {"share": 0.75}, "test": {"share": 0.25}},
    "prepare": STEPS,
}
SIZES = {"small": 2, "large": 3}
MODEL = "sklearn.neural_network.MLPClassifier"  # trains in a moment
STUDY = {
    "title": "Cells",
    "dataset": "cells",
    "task": "classify",
    "tests": ["test"],
    "defaults": {
        "model": MODEL,
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "epochs": 3,
        "batch_size": 4,
        "seeds": 2,
    },
    "variants": {name: {"model_arguments": {"hidden_layer_sizes": [size]}} for name, size in SIZES.items()},
}
STAGES = {"catalogue", "measure", "prepare", "preview"}  # before the first training
PREPARED = "results/prepared/cells"
# The plain logger lists each job that runs; the triggers are those of profiles/default.
PLAIN = ("--workflow-profile", "none", "--rerun-triggers", "mtime", "params", "input", "software-env")


@pytest.fixture(scope="module")
def cells_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a finished study of a user's own images; tests must not change it."""
    project = copy_project(tmp_path_factory.mktemp("cells") / "project")
    (project.folder / "cells").mkdir()
    for i, pixels in enumerate(np.random.default_rng(1).integers(0, 256, (32, 9, 8), np.uint8)):
        Image.fromarray(pixels).save(project.folder / f"cells/{i}.png")
    lines = ["image,label", *(f"{i}.png,{CLASSES[i % 2]}" for i in range(32))]
    (project.folder / "cells/labels.csv").write_text("\n".join(lines), encoding="utf-8")
    write(project, CELLS)
    (project.folder / "config/studies/cells.yaml").write_text(yaml.safe_dump(STUDY), encoding="utf-8")
    project.run("cells")
    assert project.plan("cells") == {}
    return project


@pytest.fixture
def cells(cells_once: Project, tmp_path: Path) -> Project:
    """Return such a project, to edit."""
    shutil.copytree(cells_once.folder, tmp_path / "project")
    return Project(tmp_path / "project")


def write(project: Project, entry: dict) -> None:
    """Replace the dataset."""
    file = project.folder / "config/datasets.yaml"
    datasets = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump(datasets | {"cells": entry}), encoding="utf-8")


def write_study(project: Project, variants: dict) -> None:
    study = STUDY | {"variants": STUDY["variants"] | variants}
    (project.folder / "config/studies/cells.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")


def ran(project: Project, *arguments: str) -> Counter[str]:
    """Run the study, and return the number of jobs of each rule that really ran."""
    printed = project.run(*arguments, *PLAIN) if arguments else project.run("cells", *PLAIN)
    return Counter(re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", printed, re.MULTILINE))


def invert(project: Project) -> None:
    write(project, CELLS | {"prepare": [*STEPS[:2], "invert", *STEPS[2:]]})


def look_at_other_images(project: Project) -> None:
    """Prepare the images in another way, without a training, and go back in the config."""
    before = project.digests()
    invert(project)
    project.run(*(f"{PREPARED}/{split}.json" for split in CELLS["splits"]))
    assert project.digests() != before
    write(project, CELLS)


# ---- The same images -------------------------------------------------------------------------------------------------


def test_a_preparation_that_is_changed_and_changed_back_trains_and_predicts_nothing(cells, cells_once):
    look_at_other_images(cells)
    planned = " ".join(cells.snakemake("--dry-run", "cells").stderr.split())
    doubt = re.search(r"These run only if the jobs before them write other content than last time: (.*?)\.", planned)
    assert doubt is not None, planned
    assert f"{TRAIN} (2)" in doubt[1]
    assert "prepare" not in doubt[1], "it runs for another reason"
    jobs = ran(cells)
    assert jobs["prepare"] == 2
    assert jobs.keys() <= STAGES | {"report", "cells"}
    assert cells.digests() == cells_once.digests()
    assert cells.plan("cells") == {}


def test_a_call_that_is_interrupted_after_the_preparation_leaves_nothing_to_train(cells):
    look_at_other_images(cells)
    cells.run(*(f"{PREPARED}/{split}.json" for split in CELLS["splits"]))
    assert not cells.plan("cells").keys() & {TRAIN, PREDICT, "evaluate"}


def test_a_deleted_folder_of_prepared_images_and_touched_files_train_nothing(cells, cells_once):
    """Only a call that needs the folder makes it again, here for its previews."""
    shutil.rmtree(cells.folder / PREPARED)
    for file in (cells.folder / "cells").iterdir():
        os.utime(file)
    assert cells.plan("cells") == {}
    jobs = ran(cells, "cells", *(f"{PREPARED}/{split}-preview.svg" for split in CELLS["splits"]))
    assert jobs >= Counter(catalogue=1, measure=1, prepare=2, preview=2)
    assert jobs.keys() <= STAGES | {"report", "cells"}
    assert cells.digests() == cells_once.digests()


def test_an_array_that_was_deleted_to_save_space_trains_only_the_new_variant_that_needs_it(cells):
    packs = {file: file.read_bytes() for file in cells.folder.glob("results/cells/*/seeds-*/provenance.json")}
    (cells.folder / PREPARED / "train.npy").unlink()
    write_study(cells, {"largest": {"model_arguments": {"hidden_layer_sizes": [4]}}})
    jobs = ran(cells)
    assert (jobs["prepare"], jobs[TRAIN]) == (1, 1)
    assert {file: file.read_bytes() for file in packs} == packs


def test_the_same_images_hide_no_other_reason_to_train(cells):
    """Snakemake looks for no reason of jobs that come after a job that runs: it plans them all."""
    look_at_other_images(cells)
    write_study(cells, {"small": STUDY["variants"]["small"] | {"epochs": 4}})
    assert ran(cells)[TRAIN] == 1
    look_at_other_images(cells)
    assert ran(cells, "cells", "--forcerun", TRAIN)[TRAIN] == 2, "a training cannot be forced"


def test_the_same_images_train_nothing_if_only_time_stamps_are_compared(cells):
    look_at_other_images(cells)
    cells.run(*(f"{PREPARED}/{split}.json" for split in CELLS["splits"]), "--forcerun", "prepare")
    assert TRAIN not in ran(cells, "cells", "--forcerun", "prepare", "--rerun-triggers", "mtime")


# ---- Other images ----------------------------------------------------------------------------------------------------


def flip(project: Project) -> None:
    file = project.folder / "cells/labels.csv"
    rows = file.read_text(encoding="utf-8").splitlines()
    rows[1:3] = [row.replace(*pair) for row, pair in zip(rows[1:3], (CLASSES, CLASSES[::-1]), strict=True)]
    file.write_text("\n".join(rows), encoding="utf-8")


def paint(project: Project) -> None:
    for i in range(32):
        Image.fromarray(np.full((9, 8), 8 * i, np.uint8)).save(project.folder / f"cells/{i}.png")


@pytest.mark.parametrize("change", [flip, paint, invert])
def test_other_images_labels_and_steps_train_all_variants_in_one_call(cells, change):
    change(cells)
    jobs = ran(cells)
    assert (jobs["prepare"], jobs[TRAIN], jobs[PREDICT], jobs["evaluate"]) == (2, 2, 1, 1)
    assert cells.plan("cells") == {}


def test_an_edited_array_is_refused_and_not_taken_for_the_same_images(cells):
    """Its manifest is as before; the array is not."""
    array = cells.folder / PREPARED / "train.npy"
    content = bytearray(array.read_bytes())
    content[-1] ^= 1
    array.write_bytes(content)
    write_study(cells, {"largest": {"model_arguments": {"hidden_layer_sizes": [4]}}})
    done = cells.snakemake("--cores", "2", "cells")
    assert done.returncode
    assert "train.npy: its checksum is not that of its manifest" in " ".join((done.stdout + done.stderr).split())
