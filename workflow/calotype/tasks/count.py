"""Task `count`: predict a whole number."""

from collections.abc import Sequence

from calotype.metrics.numbers import COUNTS, NUMBERS
from calotype.tasks import starter
from calotype.tasks.base import Decided, Labels, Predictions, Task, WorstErrors, farthest
from calotype.tasks.labels import OF_NUMBERS
from calotype.util.powers import with_powers


def rounded(predictions: Predictions) -> Decided:
    """Round to the nearest whole number, ties to the even one; keep NaN and infinity."""
    import numpy as np

    return np.rint(predictions.astype(np.float64)) + 0.0  # -0 becomes 0


def count_text(count: float) -> str:
    """Write a predicted count before rounding."""
    return with_powers(f"{count:z.1f}" if abs(count) < 1000 else f"{count:.1e}")


def worst_errors(labels: Labels, predictions: Predictions, _classes: Sequence[str], most: int) -> WorstErrors:
    """Find the images whose rounded count is wrong, those with the largest mean error over seeds first."""
    wrong = rounded(predictions) != labels
    places = farthest(labels, predictions, wrong, most)
    true = [str(label) for label in labels[places]]
    seeds = len(wrong)
    details = [f"{count} of {seeds} seeds" for count in wrong[:, places].sum(axis=0).tolist()] if seeds > 1 else None
    return WorstErrors(places, true, [count_text(each) for each in predictions[:, places].mean(axis=0)], details)


COUNT = Task(
    name="count",
    purpose="predict a whole number",
    labels="counts",
    losses=OF_NUMBERS,
    metrics=(*COUNTS, *NUMBERS),
    usual=("exact", "off_by_more_than_one", "sum_of_squared_errors"),
    worst_errors=worst_errors,
    starter=starter.NUMBERS,
    decide=rounded,
    scales_targets=True,
)
