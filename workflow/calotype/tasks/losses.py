"""The losses that fit a model's outputs, by Keras's names."""

from typing import TYPE_CHECKING, Literal

OF_NUMBERS = (  # one output: the number
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
    "poisson",
)
OF_ALL_CLASSES = (  # one output for each class: its probability
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "kl_divergence",
    "sparse_categorical_crossentropy",
)
OF_TWO_CLASSES = ("binary_crossentropy", "binary_focal_crossentropy")  # one output: the probability of the second
OF_CLASSES = (*OF_ALL_CLASSES, *OF_TWO_CLASSES)
if TYPE_CHECKING:
    LossName = str
else:
    LossName = Literal[*OF_NUMBERS, *OF_CLASSES]
