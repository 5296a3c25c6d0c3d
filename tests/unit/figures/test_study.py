"""All figures of a study are drawn by one job; one that fails stops no other."""

import json
import logging
import os
import signal
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from unit.evaluated import compared, history, prepare_images

from calotype.config.study import CLAIM_KINDS
from calotype.evaluation import tables
from calotype.evaluation.predictions import SplitPredictions, write_predictions
from calotype.evaluation.runs import seed_predictions
from calotype.evaluation.study_results import StudyResults
from calotype.figures import seeds as seeds_figure
from calotype.figures import study
from calotype.figures.base import METADATA
from calotype.figures.image_page import notice
from calotype.tasks.figures import EXAMPLE, TWO_CLASSES, FigureEntry, figures_of
from calotype.tasks.registry import TASKS
from calotype.util.errors import CalotypeError
from calotype.util.files import write_csv

pytestmark = pytest.mark.usefixtures("style", "closed")
IMAGES, VARIANTS = 24, ("wide", "deep")
LABELS = {"count": np.arange(IMAGES) % 6, "classify": np.arange(IMAGES) % 2, "regress": np.linspace(0.5, 9.5, IMAGES)}


def predicted(task, key):
    rng = np.random.default_rng(key)
    if task == "classify":
        first = rng.random((2, IMAGES, 1))
        return np.concatenate([first, 1 - first], axis=2).astype(np.float32)
    return (LABELS[task] + rng.normal(size=(2, IMAGES))).astype(np.float32)


def evaluated(folder, task, lost=None):
    """Write a study of two variants with two seeds, as prediction and evaluation do."""
    predictions = {variant: {"test": predicted(task, key)} for key, variant in enumerate(VARIANTS)}
    arrays = {variant: splits["test"] for variant, splits in predictions.items()}
    write_predictions(SplitPredictions(LABELS[task], arrays), folder / "predictions/test.npz")
    runs = list(seed_predictions(predictions, {"test": LABELS[task]}, lost))
    rows = [
        (variant, seed, "train", "diverged", epoch) for variant in lost or {} for seed, epoch in lost[variant].items()
    ]
    measured = tables.runs_table("study", TASKS[task], runs, rows)
    metric = TASKS[task].metrics[0].name
    curves = [(seed, epoch, "loss", 1 / epoch) for seed in range(2) for epoch in (1, 2, 3)]
    made = {
        "runs": measured,
        "summary": tables.summary_table(measured, TASKS[task], runs),
        "confusion": tables.confusion_table("study", TASKS[task], runs),
        "differences": compared(TASKS[task], runs, metric, training=rows),
        "history": pd.concat([history(*curves).assign(variant=variant) for variant in VARIANTS]),
    }
    for name, table in made.items():
        write_csv(table, folder / f"{name}.csv")
    packs = [(variant, 0, 1, {"config": {}, "best_epochs": {"0": 2, "1": 3}}) for variant in VARIANTS]
    (folder / "provenance.json").write_text(json.dumps(packs))
    prepare_images(folder / "test.npy", LABELS[task])
    classes = ["cat", "dog"] if task == "classify" else []
    return StudyResults(
        "study", str(folder), task, ["test"], metric, dict.fromkeys(VARIANTS, "") | {v: v for v in VARIANTS}, classes,
        arrays={"test": str(folder / "test.npy")}, example=3,
    )  # fmt: skip


@pytest.mark.parametrize("lost", [None, {"wide": {0: 2, 1: 3}}], ids=["", "diverged"])
@pytest.mark.parametrize("task", TASKS)
def test_every_figure_of_a_study_is_drawn_and_its_cost_is_told(tmp_path, task, lost):
    figures = figures_of(task, [TWO_CLASSES, EXAMPLE])
    costs = study.draw_all(figures, evaluated(tmp_path, task, lost), tmp_path / "figures", tmp_path / "logs", 2)
    stems = [f"{each.stem}/{v}" if each.per_variant else each.stem for each in figures for v in VARIANTS]
    for stem in stems:
        for suffix in METADATA:
            assert (tmp_path / f"figures/{stem}{suffix}").stat().st_size
    assert costs.figure.tolist() == [study.SHARED, *(figure.name for figure in figures)]
    assert (costs[["cpu_seconds", "peak_memory_mib"]] > 0).all(axis=None)


def test_published_numbers_are_drawn_on_the_split_that_they_are_about(tmp_path):
    results = evaluated(tmp_path, "count")
    runs = pd.read_csv(tmp_path / "runs.csv")
    summary = pd.read_csv(tmp_path / "summary.csv")
    for table, name in ((runs, "runs"), (summary, "summary")):
        write_csv(pd.concat([table, table.assign(split="small")]), tmp_path / f"{name}.csv")
    kinds = dict.fromkeys(CLAIM_KINDS)
    claims = [
        kinds | {"variant": "wide", "split": "small", "metric": results.metric, "value": 0.5},
        kinds | {"variant": "deep", "split": "test", "metric": results.metric, "at_least": 0.4},
        kinds | {"variant": "deep", "split": "small", "metric": results.metric, "similar_to": "wide"},
        kinds | {"variant": "deep", "split": "small", "metric": "mean_absolute_error", "value": 0.1},
    ]
    asked = replace(results, tests=["small", "test"], claims=claims)
    axis = seeds_figure.seeds(asked).axes[0]
    rows = [tick.get_text() for tick in axis.get_yticklabels()]
    assert rows == ["wide", "wide, on small", "deep"]
    places = {line.get_marker(): line.get_ydata()[0] for line in axis.lines if line.get_color() == "C1"}
    centres = axis.get_yticks()
    assert abs(places["D"] - centres[1]) < abs(places["D"] - centres[0])
    assert abs(places[seeds_figure.MARKS["at_least"][0]["marker"]] - centres[2]) < centres[0]


def breaks(_):
    raise ValueError("no such thing")


def refuses(_):
    raise CalotypeError("runs.csv: cannot be read.", "delete it.")


def dies(_):
    os.kill(os.getpid(), signal.SIGKILL)


def works(_):
    return notice("here")


def full(_):
    raise OSError(28, "No space left on device")


def drawn(monkeypatch, folder, *functions):
    """Draw figures by functions of this module."""
    monkeypatch.setattr(study, "drawing", lambda figure: globals()[figure.function])
    results = evaluated(folder, "count")
    return study.draw_all(
        [FigureEntry(name, name) for name in functions], results, folder / "figures", folder / "logs", 2
    )


def test_a_figure_that_fails_is_named_beside_the_messages_of_all_others(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG, "calotype")
    log = tmp_path / "log.txt"
    handler = logging.FileHandler(log)
    logging.getLogger("calotype").addHandler(handler)
    with pytest.raises(CalotypeError, match="failed figures: breaks, dies, refuses") as problem:
        drawn(monkeypatch, tmp_path, "breaks", "works", "dies", "refuses")
    logging.getLogger("calotype").removeHandler(handler)
    assert (tmp_path / "figures/works.pdf").is_file()
    text = log.read_text()
    for expected in (
        "breaks: unexpected error", "ValueError: no such thing", "refuses: error: runs.csv: cannot be read.",
        "dies: killed by signal 9", "works: plotted",
    ):  # fmt: skip
        assert expected in text
    assert "ValueError: no such thing" in (tmp_path / "logs/breaks.log").read_text()
    assert "breaks" not in (tmp_path / "logs/refuses.log").read_text()
    assert problem.value.__cause__ is None, "a bug fails again"


@pytest.mark.parametrize("function", ["dies", "full"])
def test_figures_that_were_killed_or_had_no_room_are_tried_again(tmp_path, monkeypatch, function):
    with pytest.raises(CalotypeError) as problem:
        drawn(monkeypatch, tmp_path, "works", function)
    assert isinstance(problem.value.__cause__, OSError)


def test_a_matplotlibrc_of_the_user_changes_no_figure(tmp_path, root):
    """It lies where matplotlib looks: in the working directory, or in a folder that the environment names."""
    import subprocess
    import sys

    code = """
import hashlib, sys
from pathlib import Path
import matplotlib
from calotype.figures import base, panels
red = matplotlib.rcParams["text.color"]
base.use_style(Path(sys.argv[1]))
figure = panels.empty_figure(3.5, 2.0)
panels.place(figure, 0.5, 0.1, 2.5, 1.4)
base.save(figure, [Path("figure.svg")])
print(red, hashlib.sha256(Path("figure.svg").read_bytes()).hexdigest())
"""
    rc = "text.color: red\naxes.facecolor: yellow\nlines.linewidth: 9\nfont.family: serif\nsavefig.bbox: tight\n"
    found = []
    for place in ("none", "working", "environment"):
        folder = tmp_path / place
        (folder / "config").mkdir(parents=True)
        if place != "none":
            (folder if place == "working" else folder / "config").joinpath("matplotlibrc").write_text(rc)
        env = os.environ | {"MPLCONFIGDIR": str(folder / "config"), "PYTHONPATH": str(root / "workflow")}
        command = [sys.executable, "-c", code, str(root / "workflow/report/calotype.mplstyle")]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
        found.append(done.stdout.split())
    colours, digests = zip(*found, strict=True)
    assert colours == ("black", "red", "red")
    assert len(set(digests)) == 1
