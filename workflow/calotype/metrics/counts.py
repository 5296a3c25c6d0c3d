"""Metrics of predicted counts: those that are right after rounding, and the size of errors before it."""

from calotype.metrics.base import Metric, Predicted


def exact(run: Predicted) -> float:
    """Compute the fraction of the images whose rounded count is right."""
    return run.share_right


def off_by_more_than_one(run: Predicted) -> float:
    """Compute the fraction of the images whose rounded count is wrong by two or more, or not finite."""
    return float((~(abs(run.decided - run.labels) <= 1)).mean())  # true of NaN, too


def sum_of_squared_errors(run: Predicted) -> float:
    """Compute the sum of the squared errors before rounding."""
    return float((run.errors**2).sum())


COUNTS = (
    Metric("exact", "exact count", exact, share=True, of_images=True),
    Metric("off_by_more_than_one", "off by more than one", off_by_more_than_one, share=True, of_images=True),
    Metric("sum_of_squared_errors", "sum of squared errors", sum_of_squared_errors),
)
