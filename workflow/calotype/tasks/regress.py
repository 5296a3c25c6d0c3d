"""Task `regress`: predict a number of any kind."""

from collections.abc import Sequence

from calotype.metrics.numbers import NUMBERS
from calotype.tasks import starter
from calotype.tasks.base import Labels, Predictions, Task, WorstErrors, farthest
from calotype.tasks.labels import OF_NUMBERS
from calotype.util.powers import with_powers


def number_text(value: float) -> str:
    """Write a number, true or predicted, with three significant digits."""
    if 1000 <= abs(value) < 1e7:
        return with_powers(f"{float(f'{value:.3g}'):,.0f}")
    return with_powers(f"{value:#.3g}".rstrip("."))  # with its last zeros: 6.80 beside 5.54


def worst_errors(labels: Labels, predictions: Predictions, _classes: Sequence[str], most: int) -> WorstErrors:
    """Find the images with the largest mean error over seeds."""
    places = farthest(labels, predictions, predictions != labels, most)
    true, predicted = (
        [number_text(value) for value in values[places]] for values in (labels, predictions.mean(axis=0))
    )
    return WorstErrors(places, true, predicted)


REGRESS = Task(
    name="regress",
    purpose="predict a number of any kind",
    labels="numbers",
    losses=OF_NUMBERS,
    metrics=NUMBERS,
    usual=("mean_absolute_error", "root_mean_squared_error", "r2"),
    worst_errors=worst_errors,
    starter=starter.NUMBERS,
    scales_targets=True,
)
