"""Metrics of the training history that fit a loss, by Keras's names."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from calotype.tasks.labels import OF_CLASS_NUMBERS, OF_CLASS_ROWS, OF_NUMBERS, OF_TWO_CLASSES

_ERRORS = ("mean_absolute_error", "mean_squared_error", "root_mean_squared_error")
_OF_PROBABILITIES = ("auc", "precision", "recall", *_ERRORS)
FITTING: Mapping[str, tuple[str, ...]] = {
    "numbers": (
        *_ERRORS, "mean_absolute_percentage_error", "mean_squared_logarithmic_error", "log_cosh_error",
        "r2_score",
    ),
    "classes": (
        *_OF_PROBABILITIES, "categorical_crossentropy", "kl_divergence", "top_k_categorical_accuracy",
    ),
    "sparse": ("sparse_categorical_crossentropy", "sparse_top_k_categorical_accuracy"),
    "binary": (*_OF_PROBABILITIES, "binary_crossentropy"),
}  # fmt: skip
# Lower is better for all others, including the loss.
THE_MORE_THE_BETTER = (
    "accuracy", "auc", "precision", "r2_score", "recall", "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
)  # fmt: skip
_LOSSES = {"numbers": OF_NUMBERS, "classes": OF_CLASS_ROWS, "sparse": OF_CLASS_NUMBERS, "binary": OF_TWO_CLASSES}
if TYPE_CHECKING:
    TrainingMetric = str
else:
    TrainingMetric = Literal[*sorted({name for names in FITTING.values() for name in names})]


def fitting(loss: str) -> tuple[str, ...]:
    """Return the metrics that fit a loss."""
    return next(FITTING[kind] for kind, losses in _LOSSES.items() if loss in losses)
