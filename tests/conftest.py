"""A small copy of the project that has been run once, and fresh copies of it to edit."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[1]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")


@dataclass(frozen=True)
class Project:
    """A folder that holds the workflow, a config and perhaps results."""

    folder: Path

    def snakemake(self, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
        """Call Snakemake as a user would, from the project's folder."""
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        if path is not None:
            environment["PATH"] = path
        return subprocess.run(
            [str(SNAKEMAKE), *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def run(self, *arguments: str) -> str:
        """Run to the end and give what was printed."""
        done = self.snakemake("--cores", "2", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def plan(self, *arguments: str) -> dict[str, int]:
        """How many jobs of each rule a dry run plans; empty if there is nothing to do."""
        done = self.snakemake("--dry-run", *arguments)
        printed = done.stdout + done.stderr
        assert done.returncode == 0, printed
        if "Nothing to be done" in printed:
            return {}
        table = re.search(r"^ rule +count(.*?)^ total ", printed, re.MULTILINE | re.DOTALL)
        assert table is not None, printed
        rows = re.findall(r"^ ([a-z][a-z ]*?) +(\d+) *$", table.group(1), re.MULTILINE)
        return {rule.replace(" ", "_"): int(count) for rule, count in rows}

    def trainings(self, *arguments: str) -> list[str]:
        """The trainings that a dry run plans, as ``study/variant first-last``."""
        # Snakemake's plain logger lists every job; the triggers are those of profiles/default.
        plain = ["--workflow-profile", "none", "--rerun-triggers", "mtime", "params", "input", "software-env"]
        done = self.snakemake("--dry-run", *arguments, *plain)
        assert done.returncode == 0, done.stdout + done.stderr
        found = re.findall(r"Training (\S+), seeds (\d+) to (\d+)", done.stdout + done.stderr)
        return sorted(f"{name} {int(first)}-{int(last)}" for name, first, last in set(found))

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that stands in a file."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} does not hold {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def study(self) -> dict:
        """The dots study of this project."""
        return yaml.safe_load((self.folder / "config/studies/dots.yaml").read_text(encoding="utf-8"))

    def write_study(self, study: dict) -> None:
        """Replace the dots study."""
        text = yaml.safe_dump(study, sort_keys=False)
        (self.folder / "config/studies/dots.yaml").write_text(text, encoding="utf-8")


def copy_project(folder: Path) -> Project:
    """Copy the workflow and a shrunken config: seconds instead of minutes, every stage the same."""
    for name in ("workflow", "envs", "config", "profiles", "slurm"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(REPOSITORY / "Snakefile", folder)
    project = Project(folder)
    datasets = yaml.safe_load((folder / "config/datasets.yaml").read_text(encoding="utf-8"))
    for split, images in {"train": 64, "test": 60, "test-large": 120, "train-large": 96}.items():
        datasets["dots"]["splits"][split]["images"] = images
    (folder / "config/datasets.yaml").write_text(yaml.safe_dump(datasets), encoding="utf-8")
    study = project.study()
    study["variants"]["source"] |= {"epochs": 2, "label": "The source's net"}
    study["variants"]["accurate"] |= {"epochs": 1}
    project.write_study(study)
    project.edit("config/config.yaml", "seeds: 5 ", "seeds: 2 ")
    project.edit("config/config.yaml", "studies: [dots, digits]", "studies: [dots]")
    return project


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has been run from nothing to the report; not to be changed."""
    project = copy_project(tmp_path_factory.mktemp("finished") / "project")
    (project.folder / "printed.txt").write_text(project.run(), encoding="utf-8")
    return project


@pytest.fixture
def finished(finished_once: Project, tmp_path: Path) -> Project:
    """A finished project of one's own, to edit."""
    shutil.copytree(finished_once.folder, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    """A project that has not been run."""
    return copy_project(tmp_path / "project")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A soak runs until told otherwise: only when asked for."""
    if "soak" not in config.getoption("-m"):
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(pytest.mark.skip(reason="ask for it: pytest -m soak"))
