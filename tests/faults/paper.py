"""The small paper for the faults: two trainings of at least 15 seconds, or five with digits."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from conftest import Project, copy_project

STUDIES = ("dots", "digits")
# They contain all results of the trainings; figures and the report show nothing else.
TABLES = ("runs.csv", "summary.csv", "summary.tex")
# Takes studies and targets, and returns a project with the results, and their digests.
Clean = Callable[[tuple[str, ...], tuple[str, ...]], tuple[Project, dict[str, str]]]
PROFILE = "slurm/config.yaml"
# Every fault uses up a retry of a job, and a round has many faults.
RETRIES = 20
# The profile requests more memory at each attempt, and a job that failed often must still fit into 16,000 MiB.
TRAINING_MIB = "min(2000 * attempt, 8000)"
TRAINING_MINUTES = "60"
# For `--config checkpoint_minutes=`: short trainings lose some seconds of progress, not all.
CHECKPOINT_MINUTES = 0.03


def make_paper(folder: Path, studies: Sequence[str] = STUDIES) -> Project:
    """Make the project: a study of counts and one of classes, Keras and scikit-learn, few images and figures."""
    project = copy_project(folder)
    _edit(folder / "config/datasets.yaml", _few_images)
    _edit(folder / "config/studies/dots.yaml", _longer_dots)
    if len(studies) == 1:
        _edit(folder / "config/studies/dots.yaml", _one_seed)
    _edit(folder / "config/studies/digits.yaml", _longer_digits)
    project.edit("config/config.yaml", "studies: [dots]", f"studies: [{', '.join(studies)}]")
    # One training job for each seed.
    project.edit("config/config.yaml", "seeds_per_job: 3 ", "seeds_per_job: 1 ")
    edit_profile(project, _patient)
    return project


def fresh_copy(clean: Project, folder: Path) -> Project:
    """Copy a finished project without the results of its studies; the data stay, as faults strike only trainings."""
    shutil.copytree(clean.folder, folder, ignore=shutil.ignore_patterns("slurm-logs", "locks", "incomplete", "log"))
    for path in (folder / "results").iterdir():
        if path.is_file():
            path.unlink()
        elif path.name in STUDIES:
            shutil.rmtree(path)
    shutil.rmtree(folder / "results/logs/train")
    return Project(folder)


def edit_profile(project: Project, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the project's Slurm profile."""
    _edit(project.folder / PROFILE, change)


def differences(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """Return one line for each missing, additional or different file."""
    lines = [f"missing: {path}" for path in expected.keys() - found.keys()]
    lines += [f"too much: {path}" for path in found.keys() - expected.keys()]
    lines += [f"different: {path}" for path in expected.keys() & found.keys() if expected[path] != found[path]]
    return sorted(lines)


def _edit(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _few_images(datasets: dict[str, Any]) -> None:
    for split, images in {"train": 64, "test": 60, "test-large": 120, "train-large": 256}.items():
        datasets["dots"]["splits"][split]["images"] = images


def _longer_dots(study: dict[str, Any]) -> None:
    # With many short epochs, a training can be struck and can resume at many places.
    study["variants"]["source"] |= {"epochs": 24, "seeds": 2}
    study["variants"]["accurate"] |= {"epochs": 36, "seeds": 1}


def _one_seed(study: dict[str, Any]) -> None:
    study["variants"]["source"] |= {"epochs": 40, "seeds": 1}
    study["variants"]["accurate"] |= {"epochs": 60}


def _longer_digits(study: dict[str, Any]) -> None:
    del study["variants"]["accurate"]
    study["defaults"] |= {"epochs": 600, "seeds": 2, "seeds_per_job": 2}


def _patient(profile: dict[str, Any]) -> None:
    profile["retries"] = RETRIES
    profile["set-resources"]["train"] |= {"mem_mb": TRAINING_MIB, "runtime": TRAINING_MINUTES}
