"""Metrics of predicted numbers: errors before any rounding, in the units of the labels."""

import math

from calotype.metrics.base import Metric, Predicted


def mean_absolute_error(run: Predicted) -> float:
    """Compute the mean of the absolute errors."""
    return float(abs(run.errors).mean())


def root_mean_squared_error(run: Predicted) -> float:
    """Compute the square root of the mean squared error."""
    return math.sqrt((run.errors**2).mean())


def r2(run: Predicted) -> float:
    """Compute the fraction of the labels' variance that the predictions explain; NaN where all labels are equal."""
    if run.labels.min() == run.labels.max():
        return math.nan
    return float(1 - (run.errors**2).sum() / ((run.labels - run.labels.mean()) ** 2).sum())


NUMBERS = (
    Metric("mean_absolute_error", "mean absolute error", mean_absolute_error, all_finite=True),
    Metric("root_mean_squared_error", "root mean squared error", root_mean_squared_error, all_finite=True),
    Metric("r2", "R²", r2, all_finite=True),
)
