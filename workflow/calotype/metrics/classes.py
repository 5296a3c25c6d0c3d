"""Metrics of the probabilities of classes."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from calotype.metrics.base import Metric, Predicted, right, share_right
from calotype.metrics.calibration import calibration

if TYPE_CHECKING:
    from numpy.typing import NDArray

POSITIVE = 1  # of two classes, the one that a curve is about


def error(run: Predicted) -> float:
    """Compute the share of the images whose most probable class is wrong."""
    return 1 - share_right(run)


def losses(run: Predicted) -> NDArray[Any]:
    """Return the negative natural logarithm of the true class's probability, at least the float32 epsilon."""
    import numpy as np

    true = run.predictions[np.arange(len(run.labels)), run.labels].astype(np.float64)
    return -np.log(np.maximum(true, np.finfo(np.float32).eps))


def log_loss(run: Predicted) -> float:
    """Compute the mean negative natural logarithm of the true class's probability."""
    return float(losses(run).mean())


def in_top(run: Predicted, *, places: int) -> NDArray[Any]:
    """Return for each image whether its true class is among the most probable ones."""
    return run.ranks < places


def top(run: Predicted, *, places: int) -> float:
    """Compute the share of the images whose true class is among the most probable ones."""
    return float(in_top(run, places=places).mean())


def balanced_accuracy(run: Predicted) -> float:
    """Compute the mean recall of the classes that occur among the labels."""
    right, true = run.confusion.diagonal(), run.confusion.sum(axis=1)
    return float((right[true > 0] / true[true > 0]).mean())


def macro_f1(run: Predicted) -> float:
    """Compute the mean F1 of the classes that occur among labels or predictions."""
    right, both = run.confusion.diagonal(), run.confusion.sum(axis=1) + run.confusion.sum(axis=0)[:-1]
    return float((2 * right[both > 0] / both[both > 0]).mean())


def expected_calibration_error(run: Predicted) -> float:
    """Compute the mean distance of confidence and accuracy over bins of confidence."""
    found = calibration(run.labels, run.predictions)
    return found.error if found else math.nan


def area(run: Predicted, *, score: str) -> float:
    """Compute the area under a curve with scikit-learn; NaN if one class has no image."""
    from sklearn import metrics

    if len({*run.labels.tolist()}) < 2:
        return math.nan
    return float(getattr(metrics, score)(run.labels, run.predictions[:, POSITIVE]))


CLASSES = (
    Metric("accuracy", "accuracy", share_right, share=True, of_images=True, scores=right),
    Metric(
        "error",
        "error",
        error,
        share=True,
        of_images=True,
        says_the_same_as="accuracy",
        scores=lambda run: ~right(run),
        less_is_better=True,
    ),
    Metric("log_loss", "log loss", log_loss, scores=losses, less_is_better=True),
    *(
        Metric(
            f"top_{places}",
            f"top-{places} accuracy",
            partial(top, places=places),
            share=True,
            of_images=True,
            scores=partial(in_top, places=places),
            fewest=places + 1,
        )
        for places in (3, 5)
    ),
    Metric("balanced_accuracy", "balanced accuracy", balanced_accuracy, share=True),
    Metric("macro_f1", "macro F1", macro_f1, share=True),
    Metric(
        "expected_calibration_error",
        "expected calibration error",
        expected_calibration_error,
        share=True,
        less_is_better=True,
    ),
    *(
        Metric(name, label, partial(area, score=f"{name}_score"), share=True, all_finite=True, fewest=2, most=2)
        for name, label in (("roc_auc", "ROC AUC"), ("average_precision", "average precision"))
    ),
)
