"""Metrics of two classes, of which the second is the positive one."""

import math
from functools import partial

from calotype.metrics.base import Metric, Predicted

POSITIVE = 1


def area(run: Predicted, *, score: str) -> float:
    """Compute the area under a curve, by a function of scikit-learn; NaN where one class has no image."""
    from sklearn import metrics

    if len({*run.labels.tolist()}) < 2:
        return math.nan
    return float(getattr(metrics, score)(run.labels, run.predictions[:, POSITIVE]))


BINARY = tuple(
    Metric(name, label, partial(area, score=f"{name}_score"), share=True, all_finite=True, fewest=2, most=2)
    for name, label in (("roc_auc", "ROC AUC"), ("average_precision", "average precision"))
)
