"""The kinds of labels that a dataset may have, and the losses that fit a model's outputs, by Keras's names."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

LabelKind = Literal["classes", "counts", "numbers"]
LARGEST_COUNT = 1000  # tables and figures have a line, or a place, for each
LABEL_KINDS: Mapping[LabelKind, str] = {
    "classes": "one of the named `classes`",
    "counts": f"a whole number from 0 to {LARGEST_COUNT}",
    "numbers": "any number",
}

OF_NUMBERS = (  # one output: the number
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
    "poisson",
)
# One output for each class, its probability; a label is a row of zeros with a one, or the number of the class.
OF_CLASS_ROWS = ("categorical_crossentropy", "categorical_focal_crossentropy", "kl_divergence")
OF_CLASS_NUMBERS = ("sparse_categorical_crossentropy",)
OF_TWO_CLASSES = ("binary_crossentropy", "binary_focal_crossentropy")  # one output: the probability of the second
OF_CLASSES = (*OF_CLASS_ROWS, *OF_CLASS_NUMBERS, *OF_TWO_CLASSES)
if TYPE_CHECKING:
    LossName = str
else:
    LossName = Literal[*OF_NUMBERS, *OF_CLASSES]
