"""calotype as a module of another project: its own config, images, model, and rules after it."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY, Project
from PIL import Image

EXAMPLE = REPOSITORY / "tests/example"
WORKFLOW = ("workflow", "envs", "config", "profiles", "slurm")


def copy_workflow(folder: Path) -> None:
    for name in WORKFLOW:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(REPOSITORY / "Snakefile", folder)


def shades(folder: Path) -> None:
    """Noise that is rather dark, or rather light, in two sizes."""
    rng = np.random.default_rng(0)
    for label, name in enumerate(("dark", "light")):
        (folder / name).mkdir(parents=True)
        for i in range(30):
            pixels = rng.integers(60 * label, 120 + 60 * label, (12 + i % 2, 16, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The example with some images, as its reader would set it up, but for the workflow itself."""
    folder = tmp_path / "project"
    shutil.copytree(EXAMPLE, folder)
    shutil.copytree(REPOSITORY / "profiles", folder / "profiles")
    shades(folder / "shades")
    return Project(folder)


@pytest.fixture
def cloned(project: Project) -> Project:
    """The example beside a clone of the workflow."""
    copy_workflow(project.folder / "calotype")
    return project


@pytest.mark.slow
def test_a_project_of_its_own_runs_the_workflow_and_its_rule_after_it(cloned):
    results, printed = cloned.folder / "results", cloned.run()
    lines = (results / "ranking.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(line.split(":")[0] for line in lines) == ["dense", "own-units-4", "own-units-8"]
    # What was found is said at the end, and every model of the project's was tried before it was trained.
    assert "Report: results/report.html" in printed
    assert printed.count("trains, saves, loads and predicts") == 2
    assert "preparation/train" in (results / "report.html").read_text(encoding="utf-8")
    assert cloned.plan() == {}


@pytest.mark.slow
def test_rules_may_have_a_prefix_and_a_call_says_the_next_with_it(cloned):
    cloned.edit("Snakefile", "use rule * from calotype", "use rule * from calotype as calotype_*")
    assert cloned.plan("calotype_shades")["calotype_train"] == 3
    shutil.rmtree(cloned.folder / "config/studies")
    (cloned.folder / "config/datasets.yaml").unlink()
    cloned.edit("config/config.yaml", "studies: [shades]", "studies: []")
    printed = cloned.run("calotype_new_study", "--config", "name=mine", "images=shades")
    assert "snakemake --cores all calotype_check --config 'studies=[mine]'" in printed
    assert "snakemake --cores all calotype_mine" in printed
    assert cloned.plan("calotype_mine")["calotype_train"] > 1


@pytest.mark.slow
def test_the_workflow_can_be_named_by_its_repository_on_the_web(project, tmp_path, monkeypatch):
    """As snakedeploy writes it. The repository lies where Snakemake would have cloned it to: nothing is fetched."""
    cache = tmp_path / "cache"
    clone = cache / "snakemake/snakemake/source-cache/snakemake-git-cache/github.com/owner/calotype"
    copy_workflow(tmp_path / "made")
    identity = ["-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "All"], ["tag", "v1"]):
        subprocess.run(["git", *identity, *command], cwd=tmp_path / "made", check=True)
    subprocess.run(["git", "clone", "-q", "--bare", tmp_path / "made", clone], check=True)
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(cache))
    project.edit("Snakefile", '"calotype/Snakefile"', 'github("owner/calotype", path="Snakefile", tag="v1")')
    project.run("results/prepared/shades/train-steps.png")  # rules, scripts, library and style are found
    assert project.plan("results/ranking.txt")["train"] == 3
