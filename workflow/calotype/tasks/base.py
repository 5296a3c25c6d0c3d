"""The type of a task: its predictions, its metrics, and the start of a study of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from calotype.metrics.base import PARAMETERS, Metric
from calotype.tasks.labels import OF_CLASSES, LabelKind
from calotype.tasks.starter import Starter

if TYPE_CHECKING:  # every call of Snakemake imports this module: numpy only where something is computed
    import numpy as np
    from numpy.typing import NDArray

    Labels = NDArray[Any]
    Predictions = NDArray[np.float32]
    Decided = NDArray[np.float64]
else:
    Labels = Predictions = Decided = Any


@dataclass(frozen=True)
class WorstErrors:
    """Images with the worst errors, the worst first, each with its text for a figure."""

    places: NDArray[np.int64]  # indices of the images, shape (errors,)
    true: list[str]
    predicted: list[str]
    details: list[str] | None = None  # such as the confidence, and how many seeds are wrong


@dataclass(frozen=True)
class Task:
    """A task."""

    name: str  # in config files
    purpose: str  # completes "`name`: " in the key reference
    labels: LabelKind  # of its datasets
    losses: tuple[str, ...]  # all of numbers, or all of classes
    metrics: tuple[Metric, ...]  # of each test split, in the order of the tables; the first is the default headline
    usual: tuple[str, ...]  # metrics that tables show by default
    # Takes labels, shape (images,), predictions, shape (seeds, images, ...), names of classes and a maximum number of
    # images.
    worst_errors: Callable[[Labels, Predictions, Sequence[str], int], WorstErrors]
    starter: Starter  # lines of a new study file
    # Turns predictions, shape (..., images) or (..., images, classes), into labels, shape (..., images), NaN where a
    # prediction is not finite. If None, there are no shares of right images and no confusion matrices.
    decide: Callable[[Predictions], Decided] | None = None
    scales_targets: bool = False  # `scale_targets` may be used
    of_training: tuple[Metric, ...] = (PARAMETERS,)  # further metrics that a claim may name

    @property
    def gives_probabilities(self) -> bool:
        """True if a prediction is a probability of each class; False if it is a number."""
        return set(self.losses) <= set(OF_CLASSES)

    @property
    def names(self) -> list[str]:
        """The names of its metrics."""
        return [metric.name for metric in self.metrics]

    @property
    def measured(self) -> dict[str, Metric]:
        """All its metrics by name, also those of the training."""
        return {metric.name: metric for metric in (*self.metrics, *self.of_training)}

    def offered(self, classes: int) -> tuple[Metric, ...]:
        """Return the metrics that are defined for a number of classes; 0 if the labels are no classes."""
        return tuple(metric for metric in self.metrics if metric.fewest <= classes <= metric.most)

    def shown(self, headline: str) -> list[str]:
        """Return the metrics that a table shows by default, the headline first."""
        same = next(metric.says_the_same_as for metric in self.metrics if metric.name == headline)
        return [headline, *(name for name in self.usual if name not in (headline, same))]


def farthest(labels: Labels, predictions: Predictions, wrong: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
    """Return the indices of at most `most` images that some seed gets wrong, the largest mean error first.

    NaN is largest; ties stay in the order of the images.

    Args:
        labels: shape (images,).
        predictions, wrong: shape (seeds, images).
    """
    import numpy as np

    errors = np.abs(predictions.astype(np.float64) - labels).mean(axis=0)
    order = np.argsort(-np.where(np.isnan(errors), np.inf, errors), kind="stable")
    found: NDArray[np.bool_] = np.any(wrong, axis=0)
    return order[found[order]][:most]
