"""The metrics of each task by name, and how they are shown. What computes them stands in evaluation.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Task = Literal["count", "classify"]
MetricName = Literal[
    "exact",
    "off_by_more_than_one",
    "sum_of_squared_errors",
    "accuracy",
    "error",
    "log_loss",
    "training_accuracy",
    "parameters",
]


@dataclass(frozen=True)
class Metric:
    """How a metric is shown.

    Attributes:
        label: its name in figures and tables.
        share: a share of the images, shown in per cent; else a plain number.
        tested: measured on the images of a test split; else a property of the training.
    """

    label: str
    share: bool
    tested: bool = True


METRICS: Mapping[str, Metric] = {
    "exact": Metric("exact count", share=True),
    "off_by_more_than_one": Metric("off by more than one", share=True),
    "sum_of_squared_errors": Metric("sum of squared errors", share=False),
    "accuracy": Metric("accuracy", share=True),
    "error": Metric("error", share=True),
    "log_loss": Metric("log loss", share=False),
    "training_accuracy": Metric("training accuracy", share=True, tested=False),
    "parameters": Metric("parameters", share=False, tested=False),
}
# Of each task, in the order of the tables; the first is the headline where a study names none.
TASK_METRICS: Mapping[str, tuple[str, ...]] = {
    "count": ("exact", "off_by_more_than_one", "sum_of_squared_errors"),
    "classify": ("accuracy", "error", "log_loss"),
}
# Metrics that say the same; a table shows one of them.
_MIRRORED = {"accuracy": "error", "error": "accuracy"}


def shown(task: str, headline: str) -> list[str]:
    """The metrics of a task that a table shows, the headline first."""
    others = [name for name in TASK_METRICS[task] if name not in (headline, _MIRRORED.get(headline))]
    return [headline, *others]
