"""Curves of two classes, of which the second is the positive one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def _both_shown(labels: NDArray[np.int64], scores: NDArray[np.float32]) -> bool:
    return bool(np.isfinite(scores).all()) and len(np.unique(labels)) == 2


def roc_curve(
    labels: NDArray[np.int64], scores: NDArray[np.float32], rates: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """The true positive rate at some false positive rates: straight lines between the thresholds.

    Args:
        labels: 0 or 1, shape (images,).
        scores: probability of class 1, shape (images,).
        rates: false positive rates, shape (points,).

    Returns:
        Shape (points,); where the curve climbs at a rate, its upper end. None where there is no curve: a score is not
        finite, or the labels are all of one class.
    """
    from sklearn import metrics

    if not _both_shown(labels, scores):
        return None
    false, true, _ = metrics.roc_curve(labels, scores)
    return np.interp(rates, false, true)  # of several with the same rate it takes the last, which is the upper end


def precision_recall_curve(
    labels: NDArray[np.int64], scores: NDArray[np.float32], recalls: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """The precision at some recalls: that of the highest threshold that reaches them, a curve of steps.

    Its area is the average precision; straight lines between the thresholds would promise more than can be had.

    Args:
        labels: 0 or 1, shape (images,).
        scores: probability of class 1, shape (images,).
        recalls: shape (points,), above 0.

    Returns:
        Shape (points,); None where there is no curve: a score is not finite, or the labels are all of one class.
    """
    from sklearn import metrics

    if not _both_shown(labels, scores):
        return None
    precision, recall, _ = metrics.precision_recall_curve(labels, scores)
    rising: NDArray[Any] = recall[::-1]
    places = np.searchsorted(rising, recalls - 1e-12, side="left")  # recalls are quotients: 0.3 may be just above 3/10
    return precision[::-1][places.clip(1)]
