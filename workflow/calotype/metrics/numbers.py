"""Metrics of predicted numbers, and of counts, which are rounded first in some."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from calotype.metrics.base import Metric, Predicted, right, share_right

if TYPE_CHECKING:
    from numpy.typing import NDArray


def far_off(run: Predicted) -> NDArray[Any]:
    """Return for each image whether its rounded count is wrong by two or more, or not finite."""
    return ~(abs(run.decided - run.labels) <= 1)  # true of NaN, too


def off_by_more_than_one(run: Predicted) -> float:
    """Compute the share of the images whose rounded count is wrong by two or more, or not finite."""
    return float(far_off(run).mean())


def sum_of_squared_errors(run: Predicted) -> float:
    """Compute the sum of the squared errors before rounding."""
    return float((run.errors**2).sum())


def mean_absolute_error(run: Predicted) -> float:
    """Compute the mean of the absolute errors."""
    return float(abs(run.errors).mean())


def root_mean_squared_error(run: Predicted) -> float:
    """Compute the square root of the mean squared error."""
    return math.sqrt((run.errors**2).mean())


def r2(run: Predicted) -> float:
    """Compute the share of the labels' variance that the predictions explain; NaN if all labels are equal."""
    if run.labels.min() == run.labels.max():
        return math.nan
    return float(1 - (run.errors**2).sum() / ((run.labels - run.labels.mean()) ** 2).sum())


COUNTS = (
    Metric("exact", "exact count", share_right, share=True, of_images=True, scores=right),
    Metric(
        "off_by_more_than_one",
        "off by more than one",
        off_by_more_than_one,
        share=True,
        of_images=True,
        scores=far_off,
        less_is_better=True,
    ),
    Metric(
        "sum_of_squared_errors",
        "sum of squared errors",
        sum_of_squared_errors,
        less_is_better=True,
        power=2,
        scores=lambda run: len(run.labels) * run.errors**2,
    ),
)
NUMBERS = (
    Metric(
        "mean_absolute_error",
        "mean absolute error",
        mean_absolute_error,
        all_finite=True,
        less_is_better=True,
        power=1,
        scores=lambda run: abs(run.errors),
    ),
    Metric(
        "root_mean_squared_error",
        "root mean squared error",
        root_mean_squared_error,
        all_finite=True,
        less_is_better=True,
        power=1,
    ),
    Metric("r2", "R²", r2, all_finite=True, lowest=-math.inf, highest=1.0),
)
