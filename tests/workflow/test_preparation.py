"""A preparation of many steps runs as it says, and again when, and only when, something changed that it depends on."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from conftest import Project, copy_project

pytestmark = pytest.mark.slow

OWN = '''"""A step of our own."""


def darker(image, by=2):
    return image // by
'''
STEPS: list[Any] = [
    "grey",
    {"name": "custom", "function": "tools.py:darker", "arguments": {"by": 3}},
    "scale",
    {"name": "normalise", "split": "train"},
    {"name": "pad", "width": 44, "height": 44, "border": "edge"},
]
FORGOTTEN = {"name": "custom", "function": "tools.py:lighter"}


def prepare_by(project: Project, steps: list[Any]) -> None:
    file = project.folder / "config/datasets.yaml"
    datasets = yaml.safe_load(file.read_text(encoding="utf-8"))
    datasets["dots"]["prepare"] = steps
    file.write_text(yaml.safe_dump(datasets), encoding="utf-8")


@pytest.fixture(scope="module")
def prepared_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project with prepared and plotted images; tests must not change it."""
    project = copy_project(tmp_path_factory.mktemp("preparation") / "project")
    (project.folder / "tools.py").write_text(OWN, encoding="utf-8")
    prepare_by(project, STEPS)
    study = project.study()
    source = {"source": study["variants"]["source"]}
    project.write_study(study | {"variants": source, "tests": ["test"], "claims": []})  # two splits, of four
    project.edit("config/config.yaml", "paper: [dots, digits, mnist-dnn, mnist-ablation, fashion]", "paper: [dots]")
    project.run("preparation")
    return project


@pytest.fixture
def prepared(prepared_once: Project, tmp_path: Path) -> Project:
    """Such a project, to edit."""
    shutil.copytree(prepared_once.folder, tmp_path / "project")
    return Project(tmp_path / "project")


def test_all_splits_are_normalised_by_what_was_measured_on_the_training_split(prepared_once):
    folder = prepared_once.folder / "results/prepared/dots"
    assert [file.name for file in folder.glob("*.measured.json")] == ["train.measured.json"]
    found = json.loads((folder / "train.measured.json").read_text(encoding="utf-8"))
    assert 0 < found["mean"][0] < 1 / 3
    inner = np.load(folder / "train.npy")["image"][:, 2:-2, 2:-2].astype(float)
    assert (inner.mean(), inner.std()) == (pytest.approx(0, abs=1e-5), pytest.approx(1, abs=1e-5))
    test = np.load(folder / "test.npy")["image"][:, 2:-2, 2:-2].astype(float)
    levels = (test * found["std"][0] + found["mean"][0]) * 255
    assert np.abs(levels - np.rint(levels)).max() < 1e-3
    assert levels.max() <= 85.001


def test_the_figures_of_the_splits_that_are_used_are_there(prepared_once):
    folder = prepared_once.folder / "results/prepared/dots"
    assert {array.stem for array in folder.glob("*.npy")} == {"train", "test"}
    for split in ("train", "test"):
        for suffix in (".pdf", ".svg", ".png"):
            assert (folder / f"{split}-preview{suffix}").stat().st_size > 1000


def test_every_split_that_the_report_or_the_paper_uses_has_its_figure(fresh):
    plan = fresh.plan("preparation")
    assert plan["prepare"] == plan["preview"] == 4 + 2 + 2 + 2  # dots, digits, mnist, fashion-mnist


def test_another_comment_in_a_function_of_the_users_prepares_nothing(prepared):
    prepared.edit("tools.py", "A step of our own.", "Ours.")
    assert prepared.plan("preparation") == {}


def test_another_line_of_a_function_of_the_users_prepares_everything_again(prepared):
    prepared.edit("tools.py", "image // by", "image // by // 1")
    plan = prepared.plan("preparation")
    assert plan["measure"] == 1
    assert plan["prepare"] == plan["preview"] == 2
    assert "draw" not in plan


def test_another_step_after_the_one_that_measures_measures_nothing_again(prepared):
    prepare_by(prepared, [*STEPS[:-1], {**STEPS[-1], "border": "reflect"}])
    plan = prepared.plan("preparation")
    assert plan["prepare"] == 2
    assert not plan.keys() & {"draw", "measure"}


def test_a_function_that_is_not_there_stops_the_call_before_anything_runs(fresh):
    (fresh.folder / "tools.py").write_text(OWN, encoding="utf-8")
    prepare_by(fresh, [*STEPS, FORGOTTEN])
    done = fresh.snakemake("--cores", "1", "preparation")
    assert done.returncode != 0
    message = " ".join((done.stdout + done.stderr).split())
    assert "config/datasets.yaml: dots.prepare.5.custom.function: tools.py has no function `lighter`." in message
    assert not (fresh.folder / "results").exists()
