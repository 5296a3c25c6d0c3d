"""What a run is worth on one split, beyond right and wrong: errors of numbers, ranks and probabilities of classes.

Where a number cannot be had it is NaN and nothing ends: a prediction is not finite, a test split holds one class alone,
or all labels are the same.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64] | NDArray[np.float64]

BINS = 15  # of confidence; as in Guo and others, and with that in most papers
POSITIVE = 1  # of two classes, the one that is looked for: the second


# ---- Numbers ---------------------------------------------------------------------------------------------------------


def number_metrics(labels: Labels, predictions: NDArray[np.float32]) -> dict[str, float]:
    """How far predicted numbers are from the true ones.

    Args:
        labels: true numbers, shape (images,).
        predictions: predicted numbers, shape (images,).

    Returns:
        ``mean_absolute_error`` and ``root_mean_squared_error`` in units of the labels, and ``r2``, the part of the
        labels' variance that the predictions explain: 1 for all of it, 0 for what their mean explains, less for what
        is worse. All are NaN where a prediction is not finite; R² also where all labels are the same.
    """
    # A second, for those who need it; so below.
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    names = ("mean_absolute_error", "root_mean_squared_error", "r2")
    if not np.isfinite(predictions).all():
        return dict.fromkeys(names, math.nan)
    found = predictions.astype(np.float64)
    explained = float(r2_score(labels, found)) if np.ptp(labels) > 0 else math.nan
    errors = (float(measure(labels, found)) for measure in (mean_absolute_error, root_mean_squared_error))
    return dict(zip(names, (*errors, explained), strict=True))


# ---- Classes ---------------------------------------------------------------------------------------------------------


def ranks(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """How many classes a run takes for more probable than the true one; of equals the first, as the predicted class is.

    Args:
        labels: true classes, shape (images,).
        probabilities: shape (images, classes).

    Returns:
        Shape (images,), 0 where the true class is the predicted one; infinite where a probability is not finite.
    """
    true = probabilities[np.arange(len(labels)), labels][:, None]
    before = np.arange(probabilities.shape[1]) < labels[:, None]
    ahead = ((probabilities > true) | ((probabilities == true) & before)).sum(axis=1)
    return np.where(np.isfinite(probabilities).all(axis=1), ahead, np.inf)


def class_balance(labels: NDArray[np.int64], predicted: NDArray[np.float64]) -> tuple[float, float]:
    """Balanced accuracy and macro F1: measures in which each class weighs the same, however many images show it.

    Args:
        labels: true classes, shape (images,).
        predicted: predicted classes, shape (images,); NaN, where there is none, is wrong.

    Returns:
        The mean recall of the classes that occur among the labels, and the mean F1 of those that occur among labels or
        predictions.
    """
    from sklearn.metrics import f1_score, recall_score

    found = np.where(np.isnan(predicted), -1, predicted).astype(np.int64)
    true, either = np.unique(labels), np.union1d(labels, found[found >= 0])
    recall = recall_score(labels, found, labels=true, average="macro")  # balanced_accuracy_score warns of a -1
    return float(recall), float(f1_score(labels, found, labels=either, average="macro"))


@dataclass(frozen=True)
class Calibration:
    """How often a run is right, by how sure it is; an array has one number for each of `BINS` bins.

    Attributes:
        images: in the bin, int64.
        confidence: their mean probability of the predicted class; NaN where there are none.
        accuracy: the part of them whose predicted class is the true one; NaN likewise.
    """

    images: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error: the mean distance of confidence and accuracy, each image weighing the same.

        It is the sum over bins of (images of the bin) / (all images) times abs(accuracy - confidence).
        """
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(self.images * gaps) / self.images.sum())


def calibration(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> Calibration | None:
    """Sort images into 15 bins of the same width, from 0 to 1, by the probability of the predicted class.

    A bin holds its upper edge and not its lower one.

    Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, On calibration of modern neural networks, ICML 2017,
    equations 2 to 5.

    Args:
        labels: true classes, shape (images,).
        probabilities: shape (images, classes).

    Returns:
        None where a probability is not finite.
    """
    if not np.isfinite(probabilities).all():
        return None
    sure = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    edges = np.arange(1, BINS) / BINS
    places = np.searchsorted(edges, sure, side="left")
    images = np.bincount(places, minlength=BINS)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(places, values, minlength=BINS) / images for values in (sure, right)]
    return Calibration(images, *means)


# ---- Two classes -----------------------------------------------------------------------------------------------------


def both_shown(labels: NDArray[np.int64], scores: NDArray[np.float32]) -> bool:
    """Whether there is a curve: all scores are finite, and the labels are of both classes."""
    return bool(np.isfinite(scores).all()) and len(np.unique(labels)) == 2


def binary_metrics(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> dict[str, float]:
    """How well the probability of the second class, the positive one, tells its images from those of the first.

    Args:
        labels: 0 or 1, shape (images,).
        probabilities: shape (images, 2).

    Returns:
        ``roc_auc``, the area under the curve of true against false positives, and ``average_precision``, the sum of the
        precisions at each threshold, weighted with the increase of recall. Both are NaN where a probability is not
        finite, or the labels are all of one class.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    scores = probabilities[:, POSITIVE]
    if not both_shown(labels, scores):
        return {"roc_auc": math.nan, "average_precision": math.nan}
    return {
        "roc_auc": float(roc_auc_score(labels, scores)),
        "average_precision": float(average_precision_score(labels, scores)),
    }
