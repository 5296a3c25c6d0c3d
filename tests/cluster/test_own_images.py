"""Foreign images and a custom model on a cluster, from a folder to the figures.

The images are the emoji of two vendors in the npm packages emoji-datasource-google and emoji-datasource-twitter 16.0.0
(MIT): Google's under the Apache License 2.0, Twitter's under CC BY 4.0. They are 3,812 PNG files of 64 x 64 px with
transparency, in nine categories. The names of categories have spaces and ampersands. CALOTYPE_DATA may name a folder
with the output of `npm pack`.
"""

import json
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from cluster.test_cluster import Call, call
from conftest import Project, copy_project

pytestmark = [pytest.mark.cluster, pytest.mark.soak]

VERSION = "16.0.0"
VENDORS = ("google", "twitter")
HERE = Path(__file__).parent / "emoji"
LEFT_OUT = "Component"  # five skin colours
MOST_FREQUENT = 0.2  # the share of the largest category, which is the accuracy of a model that learned nothing
IMAGES = 2 * (1911 - 5)
CATEGORIES = 9
PATIENCE = 1800  # s; the call takes two minutes on an idle machine
PACK = "results/emoji/own-width-12/seeds-000-002"


def package(vendor: str, folder: Path) -> Path:
    """Return the npm package, from the folder of CALOTYPE_DATA or fetched."""
    name = f"emoji-datasource-{vendor}-{VERSION}.tgz"
    for known in filter(None, os.environ.get("CALOTYPE_DATA", "").split(os.pathsep)):
        if Path(known, name).exists():
            return Path(known, name)
    if shutil.which("npm") is None:
        pytest.skip("no npm here")
    asked = ["npm", "pack", "--ignore-scripts", f"emoji-datasource-{vendor}@{VERSION}"]
    done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm fetches nothing here: {done.stderr.strip().splitlines()[-1:]}")
    return folder / name


@dataclass(frozen=True)
class Emoji:
    """Pictures of emoji."""

    folder: Path  # with a folder for each category; file names contain the emoji's code and the vendor
    doubled: list[Path]  # paths in the folder of pictures with the pixels of an earlier one


@pytest.fixture(scope="module")
def emoji(tmp_path_factory) -> Emoji:
    """Return the original pictures of both vendors; some are equal, such as the flags of Norway and Svalbard."""
    fetched, folder = tmp_path_factory.mktemp("packages"), tmp_path_factory.mktemp("pictures") / "emoji"
    seen, doubled = set(), []
    for vendor in VENDORS:
        with tarfile.open(package(vendor, fetched)) as tar:
            files = {member.name: member for member in tar}
            facts = json.load(tar.extractfile(files["package/emoji.json"]))
            for each in facts:
                if each["category"] == LEFT_OUT:
                    continue
                content = tar.extractfile(files[f"package/img/{vendor}/64/{each['image']}"]).read()
                place = folder / each["category"] / f"{Path(each['image']).stem}-{vendor}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
                pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED).tobytes()
                if pixels in seen:
                    doubled.append(place.relative_to(folder))
                seen.add(pixels)
    return Emoji(folder, doubled)


@pytest.fixture(scope="module")
def project(emoji, tmp_path_factory) -> Project:
    """Return a copy of the workflow with the pictures beside it."""
    project = copy_project(tmp_path_factory.mktemp("own") / "project")
    shutil.move(emoji.folder, project.folder / "emoji")
    shutil.copy2(HERE / "models.py", project.folder)
    return project


def edit_last(project: Project, old: str, new: str) -> None:
    """Replace the last occurrence of a text in datasets.yaml, which is in the newest entry."""
    path = project.folder / "config/datasets.yaml"
    before, found, after = path.read_text(encoding="utf-8").rpartition(old)
    assert found, f"the newest dataset does not hold {old!r}"
    path.write_text(before + new + after, encoding="utf-8")


def newest(project: Project, name: str) -> dict:
    """Return a dataset of datasets.yaml."""
    return yaml.safe_load((project.folder / "config/datasets.yaml").read_text(encoding="utf-8"))[name]


@pytest.fixture(scope="module")
def by_folders(project, emoji) -> str:
    """Return the output of `new_study` and `check` for folders of classes, without duplicate pictures."""
    said = project.run("new_study", "--config", "name=categories", "images=emoji")
    for path in emoji.doubled:
        (project.folder / "emoji" / path).unlink()
    edit_last(project, "prepare:", "prepare:\n    - {name: resize, width: 32, height: 32}")
    edit_last(project, "{seed: 1}", '{seed: 1, group_pattern: "([0-9a-f-]+)-(google|twitter)"}')
    return said + project.run("check", "--config", "studies=[categories]")


@pytest.fixture(scope="module")
def by_table(project, by_folders) -> str:
    """Return the output of `new_study` and `check` for a table, with another study than the one that was written."""
    del by_folders  # comes first
    places = sorted((project.folder / "emoji").glob("*/*.png"))
    rows = [(f"{each.parent.name}/{each.name}", each.parent.name, each.stem.rpartition("-")[0]) for each in places]
    table = pd.DataFrame(rows, columns=["path", "category", "group"])
    table.to_csv(project.folder / "emoji/emoji.csv", index=False)
    said = project.run("new_study", "--config", "name=emoji", "images=emoji/emoji.csv")
    edit_last(project, "prepare:", "prepare:\n    - {name: resize, width: 32, height: 32}")
    shutil.copy2(HERE / "study.yaml", project.folder / "config/studies/emoji.yaml")
    return said + project.run("check", "--config", "studies=[emoji]")


@pytest.fixture(scope="module")
def on_the_cluster(slurm, project, by_table) -> Call:
    """Run the study of the table from its images to the report."""
    del by_table  # comes first
    return call(slurm, project.folder, "emoji", patience=PATIENCE)


def sides(project: Project, name: str) -> pd.DataFrame:
    """Return the catalogue of a dataset with the emoji of each picture."""
    catalogue = pd.read_csv(project.folder / f"results/prepared/{name}/catalogue.csv")
    return catalogue.assign(emoji=catalogue["path"].str.extract(r"([0-9a-f-]+)-(?:google|twitter)", expand=False))


def test_new_study_describes_a_folder_of_foreign_images(project, by_folders, emoji):
    assert f"{IMAGES:,} images" in by_folders
    assert "unreadable" not in by_folders
    dataset = newest(project, "categories")
    assert len(dataset["classes"]) == CATEGORIES
    assert "People & Body" in dataset["classes"]
    assert dataset["alpha"] == "white"
    assert len(emoji.doubled) > 20
    assert "copies with the same pixels" in by_folders


def test_new_study_finds_the_columns_of_a_foreign_table(project, by_table):
    del by_table
    dataset = newest(project, "emoji")
    assert dataset["table"] == {"file": "emoji.csv", "image": "path", "label": "category", "group": "group"}
    assert len(dataset["classes"]) == CATEGORIES


def test_check_tries_each_variant_of_a_foreign_study(by_folders, by_table):
    assert by_folders.count("smoke test passed") == 3
    assert by_table.count("smoke test passed") == 2


@pytest.mark.parametrize("name", ["categories", "emoji"])
def test_the_same_emoji_of_two_vendors_is_never_on_both_sides(project, by_table, emoji, name):
    del by_table
    found = sides(project, name)
    assert len(found) == IMAGES - len(emoji.doubled)
    assert set(found["split"]) == {"train", "test"}
    assert (found.groupby("emoji")["split"].nunique() == 1).all()
    share = (found["split"] == "test").groupby(found["label"]).mean()
    assert share.between(0.17, 0.23).all(), share


def test_a_foreign_study_runs_on_the_cluster_with_a_job_for_each_variant(on_the_cluster):
    assert len(on_the_cluster.jobs_of("train")) == 2
    assert {job.state for job in on_the_cluster.jobs} == {"COMPLETED"}
    assert "Report: results/emoji.html" in on_the_cluster.printed
    assert (on_the_cluster.folder / "results/emoji.html").exists()


def test_a_custom_model_learns_foreign_images(on_the_cluster, note):
    summary = pd.read_csv(on_the_cluster.folder / "results/emoji/summary.csv")
    accuracy = summary[summary["metric"] == "accuracy"]
    for row in accuracy.itertuples():
        note(f"emoji, {row.variant}: accuracy {row.mean:.3f} [{row.low:.3f}, {row.high:.3f}], {row.n} seeds")
    assert (accuracy["n"] == 3).all()
    assert (accuracy["low"] > 2 * MOST_FREQUENT).all()


def test_a_pack_trained_locally_gives_the_figures_of_the_cluster(on_the_cluster, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(on_the_cluster.folder, folder, symlinks=True)
    shutil.rmtree(folder / PACK)
    shutil.rmtree(folder / "results/emoji/figures")
    (folder / "results/emoji/runs.csv").unlink()  # otherwise no file needs the pack
    trained = Project(folder).run("emoji")
    assert "own-width-12: seeds 0 to 2 done" in trained
    assert Project(folder).digests() == on_the_cluster.digests()
