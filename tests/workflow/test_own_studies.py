"""The user's own images, from a folder or a table to a report: the config, and retraining."""

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import Project, copy_project
from PIL import Image

pytestmark = pytest.mark.slow

SPECIES = ["Acer, sugar", "Quercus & $robur_1$", "Ulmus glabra Huds. → élm"]
EACH = 20  # images of a species
CELLS = 36
NET = {"model": "dense", "model_arguments": {"units": [8]}, "batch_size": 8}
NUMBERS = NET | {"loss": "mean_squared_error", "optimizer": {"name": "adam", "learning_rate": 0.01}, "epochs": 30}
NUMBERS["model_arguments"] = {"units": [8], "output": "linear"}
CLASSES = NET | {"loss": "binary_crossentropy", "optimizer": {"name": "adam", "learning_rate": 0.02}, "epochs": 8}
TABLES = ("cells", "spots", "gels")
# All but the training of spots: from the prepared images on, it is that of the dots study.
ALL = ("species", "results/cells/summary.csv", "results/prepared/spots/train.npy", "results/gels/summary.csv")


def noise(number: int, level: int, *, size: tuple[int, ...] = (10, 12, 3)) -> np.ndarray:
    """Return a nearly uniform image whose brightness is its label."""
    return np.random.default_rng(number).integers(level, level + 40, size, np.uint8)


def species(folder: Path) -> None:
    """Write a folder for each species, with images of two sizes and three formats."""
    for label, name in enumerate(SPECIES):
        (folder / name).mkdir(parents=True)
        for i in range(EACH):
            image = Image.fromarray(noise(100 * label + i, 90 * label, size=(10 + i % 2, 12, 3)))
            image.save(folder / name / f"leaf no. {i}{('.png', '.jpg', '.webp')[i % 3]}")


def cells(folder: Path) -> None:
    """Write a table with given splits, weights and plates; the labels of one plate are wrong and have weight 0."""
    (folder / "raw").mkdir(parents=True)
    lines = ["image,kind,part,trust,plate"]
    for i in range(CELLS):
        Image.fromarray(noise(i, 160 * (i % 2))).save(folder / f"raw/{i}.png")
        wrong = i // 4 == 1
        kind = ("dead", "alive")[(i % 2) ^ wrong]
        lines.append(f"raw/{i}.png,{kind},{'train' if i < 24 else 'test'},{0 if wrong else 1},plate {i // 4}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def spots(folder: Path) -> None:
    """Write a table of counts, separated by tabs."""
    folder.mkdir()
    lines = ["image\tlabel"]
    for i in range(40):
        Image.fromarray(noise(i, 50 * (i % 5), size=(6, 6))).save(folder / f"{i}.bmp")
        lines.append(f"{i}.bmp\t{i % 5}")
    (folder / "labels.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def gels(folder: Path) -> None:
    """Grey TIFF files of 16 bits, which are darker than 8 bits could tell, and a number for each."""
    folder.mkdir()
    lines = ["image,label"]
    for i in range(40):
        pixels = np.random.default_rng(i).integers(5 * i, 5 * i + 100, (6, 8)).astype(np.uint16)
        cv2.imwrite(str(folder / f"{i}.tif"), pixels)
        lines.append(f"{i}.tif,{i / 8 - 2.5}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def entry(name: str, **keys: Any) -> dict[str, Any]:
    table = {"file": "labels.tsv" if name == "spots" else "labels.csv"} | keys.pop("table", {})
    shares = {"train": {"share": 0.75}, "test": {"share": 0.25}}
    return {"source": "images", "folder": name, "table": table, "splits": shares, "prepare": ["scale"]} | keys


def study(name: str, task: str, defaults: dict[str, Any]) -> dict[str, Any]:
    variants = {"dense": {"label": "A label"}}
    return {"title": name, "dataset": name, "task": task, "tests": ["test"], "defaults": defaults, "variants": variants}


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """Return a dict for the output of the calls, by their purpose."""
    return {}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, printed: dict[str, str]) -> Project:
    """Return a project that trained on four sets of images; a test restores the files that it edits."""
    project = copy_project(tmp_path_factory.mktemp("own") / "project")
    for write in (species, cells, spots, gels):
        write(project.folder / write.__name__)
    project.edit("config/config.yaml", "seeds: 2 ", "seeds: 1 ")
    printed["new_study"] = project.run("new_study", "--config", "name=species", "images=species")
    broken, copy = (project.folder / "species" / SPECIES[0] / name for name in ("broken.png", "z copy.png"))
    broken.write_bytes(b"")
    shutil.copy(copy.with_name("leaf no. 0.png"), copy)
    keys = "  unusable: skip\n  duplicates: keep_first\n"
    project.edit("config/datasets.yaml", "  folder: species\n", f"  folder: species\n{keys}")
    file = project.folder / "config/studies/species.yaml"
    written = yaml.safe_load(file.read_text(encoding="utf-8"))
    del written["variants"]["convolutions"], written["variants"]["augmented"]  # a minute of the CI
    written["defaults"] |= {"epochs": 40, "batch_size": 8, "optimizer": {"name": "adam", "learning_rate": 0.004}}
    file.write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")
    datasets = {
        "cells": entry(
            "cells",
            table={"label": "kind", "split": "part", "weight": "trust", "group": "plate"},
            classes=["dead", "alive"],
            splits={"train": {"value": "train"}, "test": {"value": "test"}},
        ),
        "spots": entry("spots", labels="counts"),
        "gels": entry("gels", labels="numbers", prepare=["scale", {"name": "normalise", "split": "train"}]),
    }
    with open(project.folder / "config/datasets.yaml", "a", encoding="utf-8") as text:
        text.write("\n" + yaml.safe_dump(datasets))
    for name, task, defaults in zip(TABLES, ("classify", "count", "regress"), (CLASSES, NUMBERS, NUMBERS), strict=True):
        file = project.folder / f"config/studies/{name}.yaml"
        file.write_text(yaml.safe_dump(study(name, task, defaults)), encoding="utf-8")
    project.run(*ALL)
    return project


def mean(project: Project, study: str, metric: str) -> float:
    """Return the test result of the only variant of a study."""
    table = pd.read_csv(project.folder / f"results/{study}/summary.csv")
    return float(table.loc[(table.metric == metric) & (table.split == "test"), "mean"].iloc[0])


def catalogue(project: Project, name: str) -> pd.DataFrame:
    return pd.read_csv(project.folder / f"results/prepared/{name}/catalogue.csv", keep_default_na=False)


# ---- From a folder to a report ---------------------------------------------------------------------------------------


def test_a_new_study_says_what_it_has_seen_and_what_to_call_next(trained, printed):
    text = " ".join(printed["new_study"].split())
    for expected in (
        "species: 60 images in species",
        "Acer, sugar 20, Quercus & $robur_1$ 20, Ulmus glabra Huds. → élm 20",
        "snakemake --cores all check --config 'studies=[species]'",
    ):
        assert expected in text
    assert (trained.folder / "config/studies/species.yaml").exists()


def test_a_study_of_a_folder_of_images_comes_to_a_report_with_the_names_of_its_classes(trained):
    assert mean(trained, "species", "accuracy") > 0.5, "by chance it would be a third"
    page = (trained.folder / "results/species.html").read_text(encoding="utf-8")
    assert "Quercus &amp; $robur_1$" in page
    assert "Ulmus glabra Huds. → élm" in page
    found = catalogue(trained, "species")
    assert found.groupby("label").split.value_counts().tolist() == [16, 4] * 3
    assert [SPECIES.index(path.split("/")[0]) for path in found.path] == found.label.tolist()


def test_skipped_images_are_listed_and_the_report_gives_their_number(trained):
    file = "results/prepared/species/skipped.csv"
    found = pd.read_csv(trained.folder / file)
    assert found.path.tolist() == [f"{SPECIES[0]}/{name}" for name in ("broken.png", "z copy.png")]
    assert found.reason.tolist() == ["the file is empty.", f"duplicate of {SPECIES[0]}/leaf no. 0.png"]
    page = (trained.folder / "results/species.html").read_text(encoding="utf-8")
    assert f"2 images were skipped: 1 unusable, 1 duplicate. {file} lists each with its reason." in page
    assert "  2 images were skipped: " in (trained.folder / "results/species.txt").read_text(encoding="utf-8")
    assert "Leaving out 2 image(s)" in (trained.folder / "results/logs/catalogue/species.log").read_text()


def test_a_table_gives_splits_weights_and_groups(trained):
    found = catalogue(trained, "cells")
    assert ((found.split == "train") == found.path.isin([f"raw/{i}.png" for i in range(24)])).all()
    array = np.load(trained.folder / "results/prepared/cells/train.npy")
    assert (array["weight"] == 0).sum() == 4
    assert len(set(array["group"].tolist())) == 6
    assert mean(trained, "cells", "accuracy") == 1, "the wrong labels weigh nothing"


def test_one_output_for_two_classes_gives_the_probability_of_both(trained):
    with np.load(trained.folder / "results/cells/predictions/test.npz") as predictions:
        assert predictions["variant/dense"].shape == (1, 12, 2)
        np.testing.assert_allclose(predictions["variant/dense"].sum(axis=2), 1, atol=1e-6)


def test_counts_of_a_table_are_those_that_are_trained_on(trained):
    found = catalogue(trained, "spots")
    train = found[found.split == "train"]
    assert train.label.tolist() == [int(Path(path).stem) % 5 for path in train.path]
    array = np.load(trained.folder / "results/prepared/spots/train.npy")
    assert array["label"].tolist() == train.label.tolist()
    shown = array["image"].reshape(len(array), -1).mean(axis=1) * 255  # as light as the label says
    assert (np.abs(shown - 50 * array["label"] - 20) < 10).all()
    assert trained.trainings("results/spots/summary.csv") == ["spots/dense 0-0"]


def test_numbers_of_a_table_are_learnt(trained):
    assert mean(trained, "gels", "mean_absolute_error") < 0.6


def test_sixteen_bits_stay_sixteen(trained):
    manifest = json.loads((trained.folder / "results/prepared/gels/train.measured.json").read_text(encoding="utf-8"))
    array = np.load(trained.folder / "results/prepared/gels/train.npy")["image"].astype(float)
    levels = (array * manifest["std"][0] + manifest["mean"][0]) * 65535
    assert np.abs(levels - np.rint(levels)).max() < 0.01
    assert len(np.unique(np.rint(levels))) > 256


# ---- Retraining ------------------------------------------------------------------------------------------------------


def test_images_that_were_touched_or_moved_and_other_names_in_figures_train_nothing_again(trained):
    """As a copy of a project on another machine has them: other times, in another order."""
    for name in ("species", *TABLES):
        shutil.copytree(trained.folder / name, trained.folder / "copy", copy_function=shutil.copyfile)
        shutil.rmtree(trained.folder / name)
        (trained.folder / "copy").rename(trained.folder / name)
    assert trained.plan(*ALL) == {}
    trained.edit("config/studies/species.yaml", "label: Dense", "label: Dichte Schichten")
    plan = trained.plan(*ALL)
    assert "report" in plan
    assert not plan.keys() & {"catalogue", "measure", "prepare", "smoke_test", "train", "evaluate"}


def test_one_image_more_trains_its_study_again_and_no_other(trained):
    new = trained.folder / "species" / SPECIES[0] / "new.png"
    Image.fromarray(noise(999, 0)).save(new)
    plan = trained.plan(*ALL)
    new.unlink()
    assert (plan["catalogue"], plan["prepare"], plan["train"]) == (1, 2, 1)
