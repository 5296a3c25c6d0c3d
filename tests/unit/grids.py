"""Invented runs of grids, and their tables as the workflow writes them."""

import itertools

import numpy as np

from calotype.config.grid import settings_of
from calotype.evaluation.divergence import divergence_rows
from calotype.evaluation.grid_tables import combinations_table, effects_table
from calotype.evaluation.predictions import SplitPredictions, write_predictions
from calotype.evaluation.runs import seed_predictions
from calotype.evaluation.study_results import StudyResults
from calotype.evaluation.tables import runs_table, summary_table
from calotype.tasks.classify import CLASSIFY
from calotype.util.files import write_csv

BY = {"metric": "val_accuracy", "more": True, "images": "split valid"}
NONE = {"reason": "no variant holds out validation images"}
GRID = {"model_arguments.units": [[8], [16, 16]], "optimizer.learning_rate": [0.001, 0.01, 0.1]}
LABELS = np.arange(40) % 2


def grids(grid=None, by=BY, **more):
    """Return grids by name, as `Study.grids` returns them."""
    found = settings_of({"g": {"grid": grid or GRID}} | {name: {"grid": other} for name, other in more.items()})
    return {name: each | {"by": by} for name, each in found.items()}


def quality(place, seed):
    """Share of right images: better with the first setting, best at the middle of the last."""
    peak = 1 - 0.25 * abs(place[-1] - 1)
    return min(0.97, 0.55 + 0.3 * peak + 0.06 * sum(place[:-1]) + 0.02 * seed)


def guesses(share):
    right = np.arange(len(LABELS)) < round(share * len(LABELS))
    second = np.where(right, LABELS, 1 - LABELS) * 0.6 + 0.2
    return np.stack([1 - second, second], axis=1).astype(np.float32)


def study_of(folder, found=None, lost=None, seeds=3, held_out=True, chosen=None, made=quality):
    """Write the tables of a study of grids, and return its results.

    Args:
        lost: the epoch of each run that diverged, by the place of its combination and its seed.
        made: the share of right images, given the places of the values and the seed.
    """
    found = found or grids(by=BY if held_out else NONE)
    predictions, rows, gone = {}, [], {}
    for grid in found.values():
        sizes = [range(len(setting["values"])) for setting in grid["settings"].values()]
        for variant, place in zip(grid["variants"], itertools.product(*sizes), strict=True):
            predictions[variant] = np.stack([guesses(made(place, seed)) for seed in range(seeds)])
            gone[variant] = (lost or {}).get(place, {})
            rows += [
                (variant, seed, "validation", "val_accuracy", made(place, seed) - 0.01)
                for seed in range(seeds) if held_out
            ]  # fmt: skip
    runs = list(
        seed_predictions({name: {"test": array} for name, array in predictions.items()}, {"test": LABELS}, gone)
    )
    rows += divergence_rows(gone, dict.fromkeys(gone, "train"))
    table = runs_table("sweep", CLASSIFY, runs, rows)
    summary = summary_table(table, CLASSIFY, runs)
    made_tables = {
        "runs": table,
        "summary": summary,
        "grid": combinations_table("sweep", found, table, summary, "accuracy", "test"),
        "effects": effects_table("sweep", found, table, CLASSIFY, "accuracy", runs),
    }
    for name, content in made_tables.items():
        write_csv(content, folder / f"{name}.csv")
    write_predictions(SplitPredictions(LABELS, predictions), folder / "predictions/test.npz")
    labels = {variant: variant for variant in predictions}
    return StudyResults(
        "sweep", str(folder), "classify", ["test"], "accuracy", labels, ["cat", "dog"], grids=found, chosen=chosen
    )
