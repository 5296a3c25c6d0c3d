"""The metrics of each task by name, and how they are shown; the package evaluation computes them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Task = Literal["count", "classify", "regress"]
MetricName = Literal[
    "exact",
    "off_by_more_than_one",
    "sum_of_squared_errors",
    "mean_absolute_error",
    "root_mean_squared_error",
    "r2",
    "accuracy",
    "error",
    "log_loss",
    "top_3",
    "top_5",
    "balanced_accuracy",
    "macro_f1",
    "expected_calibration_error",
    "roc_auc",
    "average_precision",
    "training_accuracy",
    "parameters",
]


@dataclass(frozen=True)
class Metric:
    """How a metric is shown, and where there is such a metric.

    Attributes:
        label: its name in figures and tables.
        share: a number from 0 to 1, shown in per cent; else a plain number.
        of_images: a share of the images, of which each counts or does not: it has Wilson's interval, and the chance of
            drawing other images is known.
        tested: measured on the images of a test split; else a property of the training.
        fewest, most: of the dataset's classes, where there is such a metric.
    """

    label: str
    share: bool
    of_images: bool = False
    tested: bool = True
    fewest: int = 0
    most: float = math.inf

    @property
    def heading(self) -> str:
        """Its name at the head of a column: ``Exact count``, ``ROC AUC``."""
        return self.label[0].upper() + self.label[1:]

    @property
    def classes(self) -> str:
        """How many classes it takes, in words."""
        return f"{self.fewest} classes{'' if self.fewest == self.most else ' or more'}"


METRICS: Mapping[str, Metric] = {
    "exact": Metric("exact count", share=True, of_images=True),
    "off_by_more_than_one": Metric("off by more than one", share=True, of_images=True),
    "sum_of_squared_errors": Metric("sum of squared errors", share=False),
    "mean_absolute_error": Metric("mean absolute error", share=False),
    "root_mean_squared_error": Metric("root mean squared error", share=False),
    "r2": Metric("R²", share=False),
    "accuracy": Metric("accuracy", share=True, of_images=True),
    "error": Metric("error", share=True, of_images=True),
    "log_loss": Metric("log loss", share=False),
    "top_3": Metric("top-3 accuracy", share=True, of_images=True, fewest=4),
    "top_5": Metric("top-5 accuracy", share=True, of_images=True, fewest=6),
    "balanced_accuracy": Metric("balanced accuracy", share=True),
    "macro_f1": Metric("macro F1", share=True),
    "expected_calibration_error": Metric("expected calibration error", share=True),
    "roc_auc": Metric("ROC AUC", share=True, fewest=2, most=2),
    "average_precision": Metric("average precision", share=True, fewest=2, most=2),
    "training_accuracy": Metric("training accuracy", share=True, of_images=True, tested=False),
    "parameters": Metric("parameters", share=False, tested=False),
}
_NUMBERS = ("mean_absolute_error", "root_mean_squared_error", "r2")
# Of each task, in the order of the tables; the first is the headline where a study names none.
TASK_METRICS: Mapping[str, tuple[str, ...]] = {
    "count": ("exact", "off_by_more_than_one", "sum_of_squared_errors", *_NUMBERS),
    "classify": (
        "accuracy", "error", "log_loss", "top_3", "top_5", "balanced_accuracy", "macro_f1",
        "expected_calibration_error", "roc_auc", "average_precision",
    ),
    "regress": _NUMBERS,
}  # fmt: skip
# Those of each task that a table shows where the study does not say which; all of them make it too wide for a page.
_USUAL: Mapping[str, tuple[str, ...]] = {
    "count": ("exact", "off_by_more_than_one", "sum_of_squared_errors"),
    "classify": ("accuracy", "error", "log_loss"),
    "regress": _NUMBERS,
}
# Metrics that say the same; a table shows one of them.
_MIRRORED = {"accuracy": "error", "error": "accuracy"}


def offered(task: str, classes: int) -> tuple[str, ...]:
    """The metrics that a task has with so many classes; 0 where the labels are no classes."""
    return tuple(name for name in TASK_METRICS[task] if METRICS[name].fewest <= classes <= METRICS[name].most)


def shown(task: str, headline: str) -> list[str]:
    """The metrics of a task that a table shows where the study does not say which, the headline first."""
    found = [headline]
    for name in _USUAL[task]:
        if not {name, _MIRRORED.get(name)} & set(found):
            found.append(name)
    return found
