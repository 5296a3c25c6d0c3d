"""Metrics of two classes, of which the second is the positive one."""

import math

from calotype.metrics.base import Metric, Predicted

POSITIVE = 1


def roc_auc(run: Predicted) -> float:
    """Compute the area under the curve of true against false positive rate; NaN where one class has no image."""
    from sklearn.metrics import roc_auc_score

    if len({*run.labels.tolist()}) < 2:
        return math.nan
    return float(roc_auc_score(run.labels, run.predictions[:, POSITIVE]))


def average_precision(run: Predicted) -> float:
    """Compute the sum of the precisions at each threshold, weighted with the increase of recall; NaN likewise."""
    from sklearn.metrics import average_precision_score

    if len({*run.labels.tolist()}) < 2:
        return math.nan
    return float(average_precision_score(run.labels, run.predictions[:, POSITIVE]))


BINARY = (
    Metric("roc_auc", "ROC AUC", roc_auc, share=True, all_finite=True, fewest=2, most=2),
    Metric("average_precision", "average precision", average_precision, share=True, all_finite=True, fewest=2, most=2),
)
