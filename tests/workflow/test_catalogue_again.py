"""A user's own images are read again when, and only when, an image or its entry changed."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import Project, copy_project
from PIL import Image

pytestmark = pytest.mark.slow

CLASSES = ["interphase", "mitosis"]
SPLITS = {"train": {"share": 0.5}, "validation": {"share": 0.25}, "test": {"share": 0.25}}
CELLS = {"source": "images", "folder": "cells", "table": {"file": "labels.csv"}, "classes": CLASSES, "splits": SPLITS}
FACES = {
    "source": "arrays",
    "folder": "faces",
    "arrays": {"images": "all.npz:x", "labels": "all.npz:y", "groups": "all.npz:who"},
    "classes": CLASSES,
    "splits": SPLITS,
}
STEPS = {"prepare": ["grey", "scale", {"name": "normalise", "split": "train"}]}
DATASETS, IMAGES = "config/datasets.yaml", 16
# Without the figures of the preparation, which take longer than all the rest. A split of each dataset; that of cells is
# normalised by what was measured on another.
TARGETS = [f"results/prepared/{name}" for name in ("cells/validation.npy", "faces/test.npy")]


def written(project: Project, entries: dict[str, dict]) -> None:
    file = project.folder / DATASETS
    datasets = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump(datasets | entries), encoding="utf-8")


@pytest.fixture(scope="module")
def prepared_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project with prepared images from files and arrays; tests must not change it."""
    project = copy_project(tmp_path_factory.mktemp("own") / "project")
    pixels = np.random.default_rng(1).integers(0, 256, (IMAGES, 9, 8, 3), np.uint8)
    labels = np.arange(IMAGES) % 2
    for folder in ("cells/a", "faces"):
        (project.folder / folder).mkdir(parents=True)
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(project.folder / f"cells/a/{i}.png")
    lines = ["image,label", *(f"a/{i}.png,{CLASSES[label]}" for i, label in enumerate(labels))]
    (project.folder / "cells/labels.csv").write_text("\n".join(lines))
    np.savez(project.folder / "faces/all.npz", x=pixels, y=labels, who=np.arange(IMAGES) // 2)
    written(project, {"cells": CELLS | STEPS, "faces": FACES})
    project.run(*TARGETS)
    return project


@pytest.fixture
def prepared(prepared_once: Project, tmp_path: Path) -> Project:
    """Such a project, to edit."""
    shutil.copytree(prepared_once.folder, tmp_path / "project")
    return Project(tmp_path / "project")


def test_images_that_were_moved_or_touched_and_defaults_that_were_spelt_out_prepare_nothing_again(prepared):
    (prepared.folder / "elsewhere").mkdir()
    for name in ("cells", "faces"):
        (prepared.folder / name).rename(prepared.folder / "elsewhere" / name)
    for file in (prepared.folder / "elsewhere").rglob("*.*"):
        os.utime(file)
    for file in (prepared.folder / "results/prepared").rglob("catalogue.*"):
        os.utime(file)
    cells = CELLS | STEPS | {"folder": "elsewhere/cells", "labels": "classes", "ignore": ["*.db"], "alpha": "refuse"}
    cells |= {"class_folder": "first", "follow_links": False, "unusable": "refuse", "duplicates": "refuse"}
    faces = FACES | {"folder": "elsewhere/faces", "random": {"seed": 0, "stratify": True}}
    (prepared.folder / "elsewhere/faces/notes.txt").write_text("not read")
    written(prepared, {"cells": cells, "faces": faces})
    assert prepared.plan(*TARGETS) == {}


def test_another_pixel_or_label_looks_at_all_images_of_its_dataset_again(prepared):
    Image.fromarray(np.zeros((9, 8, 3), np.uint8)).save(prepared.folder / "cells/a/3.png")
    with np.load(prepared.folder / "faces/all.npz") as arrays:
        changed = {**arrays, "y": 1 - arrays["y"]}
    np.savez(prepared.folder / "faces/all.npz", **changed)
    plan = prepared.plan(*TARGETS)
    assert (plan["catalogue"], plan["measure"], plan["prepare"]) == (2, 1, 2)


def test_a_lost_catalogue_is_made_again_for_what_reads_it(prepared):
    kept = {path: path.read_bytes() for path in (prepared.folder / "results/prepared/faces").glob("catalogue.*")}
    (prepared.folder / "results/prepared/faces/catalogue.csv").unlink()
    written(prepared, {"cells": CELLS, "faces": FACES | {"prepare": ["scale"]}})
    prepared.run(TARGETS[-1])
    assert {path: path.read_bytes() for path in kept} == kept
