"""The runs of a study, and the metrics of each."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.evaluation.predictions import Labels
from calotype.metrics.base import Predicted
from calotype.tasks.base import Task

# By variant and test split: numbers, shape (seeds, images), or probabilities, shape (seeds, images, classes).
Predictions = dict[str, dict[str, NDArray[np.float32]]]


@dataclass(frozen=True)
class SeedPredictions:
    """Predictions of one run on one test split.

    Attributes:
        labels: true counts, classes or other numbers, shape (images,).
        predictions: numbers before rounding, shape (images,), or probabilities, shape (images, classes).
    """

    variant: str
    seed: int
    split: str
    labels: Labels
    predictions: NDArray[np.float32]
    diverged: bool = False

    @property
    def classes(self) -> int:
        """Number of classes that have a probability; 0 if the predictions are numbers."""
        return self.predictions.shape[1] if self.predictions.ndim > 1 else 0


def seed_predictions(
    predictions: Predictions, labels: Mapping[str, Labels], lost: Mapping[str, Container[int]] | None = None
) -> Iterator[SeedPredictions]:
    """Yield predictions run by run and split by split.

    Args:
        labels: of each split, shape (images,); a variant may have predictions of the first ones only.
        lost: seeds that diverged, by variant.
    """
    for variant, splits in predictions.items():
        gone = (lost or {}).get(variant, ())
        for split, values in splits.items():
            for seed, row in enumerate(values):
                yield SeedPredictions(variant, seed, split, labels[split][: len(row)], row, seed in gone)


def measure(task: Task, labels: Labels, predictions: NDArray[np.float32]) -> dict[str, float]:
    """Return every metric that a task offers, by name, for one run on one split; all NaN if no prediction is finite."""
    run = Predicted(labels, predictions, task.decide)
    return {metric.name: metric.measure(run) for metric in task.offered(run.classes)}


def training_rows(
    task: Task, history: pd.DataFrame, train: Mapping[str, str]
) -> list[tuple[str, int, str, str, float]]:
    """Return rows for `runs_table` of metrics that training recorded, as Keras's `fit` logs them in the last epoch.

    Args:
        history: of all runs: variant, seed, epoch, metric, value.
        train: the training split of each variant.
    """
    recorded = {metric.recorded: name for name, metric in task.measured.items() if metric.recorded}
    rows = []
    history = history[history.metric.isin(recorded)]
    for variant, split in train.items():
        for (seed, name), group in history[history.variant == variant].groupby(["seed", "metric"]):
            value = float(group.value[group.epoch.idxmax()])
            rows.append((variant, int(seed), split, recorded[name], value))
    return rows
