"""calotype as a module of another project: its own config, images, model, and rules after it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import REPOSITORY, Project, copy_workflow
from PIL import Image

EXAMPLE = REPOSITORY / "tests/example"
LIGHT = {"model": "sklearn.neural_network.MLPClassifier", "model_arguments": {"hidden_layer_sizes": [4]}}
LIGHT |= {"validation": None, "restore_best_weights": False}  # which this one cannot do


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
    """Return the example with some images, as a reader would set it up, without the workflow itself."""
    folder = tmp_path / "project"
    shutil.copytree(EXAMPLE, folder)
    shutil.copytree(REPOSITORY / "profiles", folder / "profiles")
    shades(folder / "shades")
    return Project(folder)


@pytest.fixture
def cloned(project: Project) -> Project:
    """Return the example beside a clone of the workflow."""
    copy_workflow(project.folder / "calotype")
    return project


@pytest.mark.slow
def test_a_project_of_its_own_runs_the_workflow_and_its_rule_after_it(cloned):
    # One of the project's own models is enough, and beside it what is trained in no time.
    file = cloned.folder / "config/studies/shades.yaml"
    study = yaml.safe_load(file.read_text(encoding="utf-8"))
    study["variants"]["own"]["grid"]["model_arguments.units"] = [4]
    study["variants"]["dense"] = LIGHT
    file.write_text(yaml.safe_dump(study), encoding="utf-8")
    results, printed = cloned.folder / "results", cloned.run()
    lines = (results / "ranking.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(line.split(":")[0] for line in lines) == ["dense", "own-units-4"]
    # The findings are printed at the end, and the project's model was tested before training.
    assert "Report: results/report.html" in printed
    assert printed.count("smoke test passed") == 1
    seen = json.loads((results / "shades/own-units-4/smoke_test.json").read_text(encoding="utf-8"))
    assert seen["parameters"] == (1 + 1) * 4 + (4 + 1) * 2, "the number of the grid has reached the model"
    assert "preparation/train" in (results / "report.html").read_text(encoding="utf-8")
    assert cloned.plan() == {}
    pack = results / "shades/own-units-4/seeds-000-001"
    assert set(json.loads((pack / "provenance.json").read_text(encoding="utf-8"))["best_epochs"]) == {"0", "1"}
    assert [file.name for file in (results / "shades/predictions").iterdir()] == ["test.npz"], "no validation split"
    with np.load(results / "shades/predictions/test.npz") as predictions:
        np.testing.assert_allclose(predictions["variant/own-units-4"].sum(axis=2), 1, atol=1e-6)


@pytest.mark.slow
def test_rules_may_have_a_prefix_and_a_call_says_the_next_with_it(cloned):
    cloned.edit("Snakefile", "use rule * from calotype", "use rule * from calotype as calotype_*")
    plan = cloned.plan("calotype_shades")
    assert (plan["calotype_smoke_test"], plan["calotype_train"]) == (2, 3), "each of a grid is tried, and trained"
    (figure,) = (rule for rule in cloned.plan("results/shades/figures/seeds.pdf") if "figures" in rule)
    assert re.fullmatch("calotype_figures_classify_.*_only_seeds", figure)
    shutil.rmtree(cloned.folder / "config/studies")
    (cloned.folder / "config/datasets.yaml").unlink()
    cloned.edit("config/config.yaml", "studies: [shades]", "studies: []")
    printed = cloned.run("calotype_new_study", "--config", "name=mine", "images=shades")
    assert "snakemake --cores all calotype_check --config 'studies=[mine]'" in printed
    assert "snakemake --cores all calotype_mine" in printed
    assert cloned.plan("calotype_mine")["calotype_train"] > 1


def test_a_mistyped_target_is_compared_with_the_rules_of_the_whole_project(cloned):
    cloned.edit("Snakefile", "use rule * from calotype", "use rule * from calotype as calotype_*")
    for target, closest in (("calotype_shaeds", "calotype_shades"), ("rankin", "ranking")):
        done = cloned.snakemake("--dry-run", target)
        assert done.returncode != 0
        assert f"Hint: did you mean `{closest}`?" in done.stdout + done.stderr
    plan = cloned.snakemake("--dry-run", "ranking")
    assert plan.returncode == 0, "rules of the project itself stay targets"


@pytest.mark.slow
def test_the_workflow_may_come_from_a_git_server(cloned, tmp_path, monkeypatch):
    """As snakedeploy writes it: `github(...)`, or `gitlab(...)`. A folder here stands for the server."""
    clone = cloned.folder / "calotype"
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
    shutil.copytree(cloned.folder, tmp_path / "deployed", ignore=left)
    deployed = Project(tmp_path / "deployed")
    source = 'gitlab("somebody/calotype", host="git.example.org", path="workflow/Snakefile", {})'
    deployed.edit("Snakefile", '"calotype/Snakefile"', source.format('tag="v1"'))
    deployed.run("results/prepared/shades/train.npy")
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message=Another commit, the same code"], check=True)
    deployed.edit("Snakefile", 'tag="v1"', 'branch="main"')
    assert deployed.plan("results/prepared/shades/train.npy") == {}
