"""Curves of two classes; the second one is positive."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def _both_shown(labels: NDArray[np.int64], scores: NDArray[np.float32]) -> bool:
    return bool(np.isfinite(scores).all()) and len(np.unique(labels)) == 2


def roc_curve(
    labels: NDArray[np.int64], scores: NDArray[np.float32], rates: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Return the true positive rate at some false positive rates, with straight lines between the thresholds.

    Args:
        labels: 0 or 1, shape (images,).
        scores: probability of class 1, shape (images,).
        rates: false positive rates, shape (points,).

    Returns:
        Shape (points,), with the upper end of vertical parts. None if a score is not finite, or all labels are equal.
    """
    from sklearn import metrics

    if not _both_shown(labels, scores):
        return None
    false, true, _ = metrics.roc_curve(labels, scores)
    return np.interp(rates, false, true)  # of equal rates, it takes the last: the upper end


def precision_recall_curve(
    labels: NDArray[np.int64], scores: NDArray[np.float32], recalls: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Return the precision at some recalls, shape (points,), all above 0; otherwise as `roc_curve`.

    It is that of the highest threshold that reaches a recall. The area under these steps is the average precision;
    straight lines would overestimate it.
    """
    from sklearn import metrics

    if not _both_shown(labels, scores):
        return None
    precision, recall, _ = metrics.precision_recall_curve(labels, scores)
    rising: NDArray[Any] = recall[::-1]
    places = np.searchsorted(rising, recalls - 1e-12, side="left")  # for rounding: 0.3 may be above 3/10
    return precision[::-1][places.clip(1)]
