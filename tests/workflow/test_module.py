"""calotype as a module of another project: its own config, images, model, and rules after it."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY, Project
from PIL import Image

EXAMPLE = REPOSITORY / "tests/example"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The example, with a copy of the workflow and some images, as its reader would set it up."""
    folder = tmp_path_factory.mktemp("module") / "project"
    shutil.copytree(EXAMPLE, folder)
    for name in ("workflow", "envs", "config", "profiles", "slurm"):
        shutil.copytree(REPOSITORY / name, folder / "calotype" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(REPOSITORY / "Snakefile", folder / "calotype")
    shutil.copytree(REPOSITORY / "profiles", folder / "profiles")
    shades(folder / "shades")
    return Project(folder)


def shades(folder: Path) -> None:
    """Noise that is rather dark, or rather light, in two sizes."""
    rng = np.random.default_rng(0)
    for label, name in enumerate(("dark", "light")):
        (folder / name).mkdir(parents=True)
        for i in range(30):
            pixels = rng.integers(60 * label, 120 + 60 * label, (12 + i % 2, 16, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")


@pytest.mark.slow
def test_a_project_of_its_own_runs_the_workflow_and_its_rule_after_it(project):
    project.run()
    lines = (project.folder / "results/ranking.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(line.split(":")[0] for line in lines) == ["dense", "own-units-4", "own-units-8"]
    assert (project.folder / "results/report.html").exists()
    assert project.plan() == {}
    pack = project.folder / "results/shades/dense/seeds-000-001"
    assert set(json.loads((pack / "provenance.json").read_text(encoding="utf-8"))["best_epochs"]) == {"0", "1"}
    with np.load(pack / "predictions.npz") as predictions:
        assert [*predictions] == ["test"], "a validation split chooses an epoch, and is no test"
        np.testing.assert_allclose(predictions["test"].sum(axis=2), 1, atol=1e-6)


@pytest.mark.slow
def test_the_models_of_a_project_are_tried_before_they_are_trained(project):
    folder = project.folder / "results/logs/rehearse/shades"
    assert sorted(log.name for log in folder.iterdir()) == ["own-units-4.log", "own-units-8.log"]
    assert "trains, saves, loads and predicts" in (folder / "own-units-4.log").read_text(encoding="utf-8")


def test_rules_may_have_a_prefix(project, tmp_path):
    shutil.copytree(project.folder, tmp_path / "project", ignore=shutil.ignore_patterns("results", ".snakemake"))
    renamed = Project(tmp_path / "project")
    renamed.edit("Snakefile", "use rule * from calotype", "use rule * from calotype as calotype_*")
    assert renamed.plan("results/ranking.txt")["calotype_train"] == 3


def test_the_workflow_may_come_from_a_git_server(project, tmp_path, monkeypatch):
    """As snakedeploy writes it: `github(...)`, or `gitlab(...)`. A folder here stands for the server."""
    clone = project.folder / "calotype"
    git = ["git", "-C", clone, "-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run([*git, "init", "--quiet", "--initial-branch=main"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message=As released"], check=True)
    subprocess.run([*git, "tag", "v1"], check=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{clone}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://git.example.org/somebody/calotype")

    left = shutil.ignore_patterns("results", ".snakemake", "calotype")
    shutil.copytree(project.folder, tmp_path / "project", ignore=left)
    deployed = Project(tmp_path / "project")
    source = 'gitlab("somebody/calotype", host="git.example.org", path="workflow/Snakefile", {})'
    deployed.edit("Snakefile", '"calotype/Snakefile"', source.format('tag="v1"'))
    deployed.run("results/prepared/shades/train.npy")
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message=Another commit, the same code"], check=True)
    deployed.edit("Snakefile", 'tag="v1"', 'branch="main"')
    assert deployed.plan("results/prepared/shades/train.npy") == {}
