"""The type of a task: what is predicted, how it is measured, and how a study of it begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from calotype.metrics.base import Metric
from calotype.metrics.training import PARAMETERS
from calotype.tasks.labels import LabelKind
from calotype.tasks.losses import OF_CLASSES
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
    """Images with the worst errors, the worst first, each with what a figure writes beside it.

    Attributes:
        places: of the images, shape (mistakes,).
        true, predicted: label and prediction of each, as text.
        confidence: of each prediction, as text; None where the predictions have none.
    """

    places: NDArray[np.int64]
    true: list[str]
    predicted: list[str]
    confidence: list[str] | None = None


@dataclass(frozen=True)
class Task:
    """A task.

    Attributes:
        name: its name in config files.
        purpose: completes "`name`: ", for the key reference.
        labels: the kind of labels that a dataset must have.
        losses: the losses that fit; all of numbers, or all of classes.
        metrics: measured on each test split, in the order of the tables; the first is the default headline.
        usual: names of the metrics that tables show by default.
        worst_errors: finds them, given labels, shape (images,), predictions, shape (images, ...), names of the
            classes and the number of images wanted.
        starter: what `new_study` writes.
        decide: turns predictions, shape (..., images) or (..., images, classes), into labels, shape (..., images), NaN
            where a prediction is not finite. None where every prediction differs from its label: then there are
            neither shares of right images nor confusion matrices.
        scales_targets: `scale_targets` may be used.
        of_training: metrics that a claim may name beside `metrics`.
    """

    name: str
    purpose: str
    labels: LabelKind
    losses: tuple[str, ...]
    metrics: tuple[Metric, ...]
    usual: tuple[str, ...]
    worst_errors: Callable[[Labels, Predictions, Sequence[str], int], WorstErrors]
    starter: Starter
    decide: Callable[[Predictions], Decided] | None = None
    scales_targets: bool = False
    of_training: tuple[Metric, ...] = (PARAMETERS,)

    @property
    def gives_probabilities(self) -> bool:
        """Whether a prediction is the probability of each class; else it is a number."""
        return set(self.losses) <= set(OF_CLASSES)

    @property
    def names(self) -> list[str]:
        """The names of its metrics."""
        return [metric.name for metric in self.metrics]

    def offered(self, classes: int) -> tuple[Metric, ...]:
        """The metrics that are defined with so many classes; 0 where the labels are no classes."""
        return tuple(metric for metric in self.metrics if metric.fewest <= classes <= metric.most)

    def shown(self, headline: str) -> list[str]:
        """The metrics that a table shows by default, the headline first."""
        same = next(metric.says_the_same_as for metric in self.metrics if metric.name == headline)
        return [headline, *(name for name in self.usual if name not in (headline, same))]


def farthest(labels: Labels, predictions: Predictions, wrong: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
    """Find the wrong images whose predicted number is farthest from the label; NaN is farthest of all.

    Args:
        labels: true numbers, shape (images,).
        predictions: predicted numbers, shape (images,).
        wrong: shape (images,).
        most: number of images wanted.

    Returns:
        Places of the images, the farthest first; equally far ones in the order of the images.
    """
    import numpy as np

    errors = np.abs(predictions.astype(np.float64) - labels)
    order = np.argsort(-np.where(np.isnan(errors), np.inf, errors), kind="stable")
    return order[wrong[order]][:most]
