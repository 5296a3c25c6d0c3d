"""The type of a metric, the predictions that it measures, and the metrics that training gives."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # every call of Snakemake imports this module: numpy only where something is computed
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Predicted:
    """Labels and predictions of the same images, and the values that several metrics share.

    Attributes:
        labels: int64 counts or classes, or float64 numbers, shape (images,).
        predictions: numbers before rounding, shape (images,), or probabilities, shape (images, classes).
        decide: turns predictions into labels, NaN where a prediction is not finite; None if the task decides nothing.
    """

    labels: NDArray[Any]
    predictions: NDArray[np.float32]
    decide: Callable[[NDArray[np.float32]], NDArray[np.float64]] | None = None

    @property
    def classes(self) -> int:
        """Number of classes that have a probability; 0 if the predictions are numbers."""
        return self.predictions.shape[1] if self.predictions.ndim > 1 else 0

    @cached_property
    def finite(self) -> NDArray[np.bool_]:
        """True for each prediction that is neither NaN nor infinite; the predictions' shape."""
        import numpy as np

        return np.isfinite(self.predictions)

    @cached_property
    def errors(self) -> NDArray[np.float64]:
        """Predicted minus true numbers, before rounding, shape (images,)."""
        return self.predictions.astype("float64") - self.labels

    @cached_property
    def decided(self) -> NDArray[np.float64]:
        """Predicted labels, shape (images,)."""
        if self.decide is None:
            raise TypeError("the task turns no prediction into a label")
        return self.decide(self.predictions)

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """Images by true (row) and predicted class (column), shape (classes, classes + 1); last, undecided images."""
        import numpy as np

        rows, columns = self.classes, self.classes + 1
        predicted = np.nan_to_num(self.decided, nan=self.classes).astype(np.int64)
        return np.bincount(self.labels * columns + predicted, minlength=rows * columns).reshape(rows, columns)

    @cached_property
    def ranks(self) -> NDArray[np.float64]:
        """Number of classes ranked above the true one, shape (images,); infinite where a value is not finite.

        Equal probabilities rank in the order of the classes, as they do for the predicted class.
        """
        import numpy as np

        labels, probabilities = self.labels[:, None], self.predictions
        true = np.take_along_axis(probabilities, labels, axis=1)
        before = np.arange(self.classes) < labels
        ahead = ((probabilities > true) | ((probabilities == true) & before)).sum(axis=1)
        return np.where(self.finite.all(axis=1), ahead, np.inf)


@dataclass(frozen=True)
class Metric:
    """A metric: its function, its domain, and its format."""

    name: str  # in config files and tables
    label: str  # in figures and reports
    function: Callable[[Predicted], float] | None = None  # None for a property of the training
    share: bool = False  # a number from 0 to 1, shown in per cent; else a plain number
    of_images: bool = False  # a share of the images, so that it has Wilson's interval
    scores: Callable[[Predicted], NDArray[Any]] | None = None  # of each image; the metric is their mean
    less_is_better: bool = False
    power: int = 0  # of the labels' unit in its own: 1 for an error, 2 for a squared error
    lowest: float = 0.0  # possible value
    highest: float = math.inf
    all_finite: bool = False  # NaN if any prediction is not finite; else such an image counts as an error
    fewest: int = 0  # smallest number of classes for which it is defined
    most: float = math.inf  # largest number of classes
    says_the_same_as: str | None = None  # another metric; a table shows only one of the two
    recorded: str | None = None  # name in the training history; the value of the last epoch counts
    of_model: bool = False  # a number of the model, equal for all seeds

    @property
    def tested(self) -> bool:
        """True if it is measured on a test split; False for a property of the training."""
        return self.function is not None

    @property
    def counted(self) -> bool:
        """True if it is a share of the images of a test split."""
        return self.of_images and self.tested

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest possible value."""
        return self.lowest, 1.0 if self.share else self.highest

    def unit(self, of_labels: str) -> str:
        """Return its unit, given that of the labels; empty for a share and for another pure number."""
        return f"{of_labels}{'²' if self.power == 2 else ''}" if of_labels and self.power else ""

    def named(self, unit: str = "") -> str:
        """Return its label with its unit, given that of the labels: ``mean absolute error (mm)``."""
        return f"{self.label} ({self.unit(unit)})" if self.unit(unit) else self.label

    def heading(self, unit: str = "") -> str:
        """Return its name at the head of a column: ``Exact count``, ``ROC AUC``, ``Mean absolute error (mm)``."""
        named = self.named(unit)
        return named[0].upper() + named[1:]

    @property
    def classes(self) -> str:
        """The numbers of classes for which it is defined, in words."""
        return f"{self.fewest} classes{'' if self.fewest == self.most else ' or more'}"

    def measure(self, run: Predicted) -> float:
        """Measure predictions; NaN if none is finite."""
        if self.function is None:
            raise TypeError(f"{self.name}: not measured on predictions")
        if not (run.finite.all() if self.all_finite else run.finite.any()):
            return math.nan
        return float(self.function(run))


def right(run: Predicted) -> NDArray[np.bool_]:
    """Return for each image whether its label is predicted exactly."""
    return run.decided == run.labels


def share_right(run: Predicted) -> float:
    """Compute the share of the images whose label is predicted exactly."""
    return float(right(run).mean())


TRAINING_ACCURACY = Metric("training_accuracy", "training accuracy", share=True, of_images=True, recorded="accuracy")
PARAMETERS = Metric("parameters", "parameters", of_model=True)
