"""The runs of a study, and the metrics of each."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.evaluation.predictions import Labels
from calotype.metrics.base import Predicted
from calotype.metrics.registry import METRICS
from calotype.tasks.base import Task

# By variant and test split: shape (seeds, images) for counts and other numbers, (seeds, images, classes) for
# probabilities.
Predictions = dict[str, dict[str, NDArray[np.float32]]]


@dataclass(frozen=True)
class SeedPredictions:
    """What one run said about one test split.

    Attributes:
        labels: true counts, classes or other numbers, shape (images,).
        predictions: predicted numbers, counts before rounding, shape (images,), or probabilities, shape (images,
            classes).
        diverged: whether its training diverged.
    """

    variant: str
    seed: int
    split: str
    labels: Labels
    predictions: NDArray[np.float32]
    diverged: bool = False


def seed_predictions(
    predictions: Predictions, labels: Mapping[str, Labels], lost: Mapping[str, Container[int]] | None = None
) -> Iterator[SeedPredictions]:
    """Go through predictions run by run and split by split.

    Args:
        predictions: of each variant and split, one row a seed.
        labels: true labels of each split, shape (images,); a variant may have been tested on the first ones only.
        lost: the seeds that diverged, by variant, as `diverged_runs` gives them; None for none.
    """
    for variant, splits in predictions.items():
        gone = (lost or {}).get(variant, ())
        for split, values in splits.items():
            for seed, row in enumerate(values):
                yield SeedPredictions(variant, seed, split, labels[split][: len(row)], row, seed in gone)


def measure(task: Task, labels: Labels, predictions: NDArray[np.float32]) -> dict[str, float]:
    """Measure a run on one split: every metric that its task offers.

    Args:
        labels: shape (images,).
        predictions: numbers before rounding, shape (images,), or probabilities, shape (images, classes).

    Returns:
        Value by name; all are NaN where no prediction is finite.
    """
    run = Predicted(labels, predictions, task.decide)
    return {metric.name: metric.measure(run) for metric in task.offered(run.classes)}


def training_rows(history: pd.DataFrame, train: Mapping[str, str]) -> list[tuple[str, int, str, str, float]]:
    """Collect the metrics that training itself recorded, each with its value in the last epoch.

    The accuracy, for instance, that a run showed while its last epoch ran, as Keras's `fit` prints it.

    Args:
        history: of all runs: variant, seed, epoch, metric, value.
        train: the training split of each variant.

    Returns:
        Rows for `runs_table`: variant, seed, split, metric, value; none for runs that record nothing of the kind.
    """
    recorded = {metric.recorded: name for name, metric in METRICS.items() if metric.recorded}
    rows = []
    history = history[history.metric.isin(recorded)]
    for variant, split in train.items():
        for (seed, name), group in history[history.variant == variant].groupby(["seed", "metric"]):
            value = float(group.value[group.epoch.idxmax()])
            rows.append((variant, int(seed), split, recorded[name], value))
    return rows
