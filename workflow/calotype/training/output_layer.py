"""The output layer of a Keras model: its size, the activation that fits the loss, and its predictions."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calotype.config.recipe import Recipe
from calotype.util.errors import CalotypeError

# Range of the outputs of each activation; others are not checked.
REACH = {
    "exponential": (0.0, math.inf),
    "linear": (-math.inf, math.inf),
    "relu": (0.0, math.inf),
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "softplus": (0.0, math.inf),
    "tanh": (-1.0, 1.0),
}
NOT_NEGATIVE = ("poisson", "mean_squared_logarithmic_error")  # losses that need labels from 0


def number_of(recipe: Recipe, classes: int | None) -> int:
    """Return the number of outputs of a recipe's model; `classes` is None where the labels are numbers."""
    if not recipe.classifies or recipe.binary:
        return 1
    if classes is None:
        raise ValueError(f"{recipe.loss} needs labels that are classes")
    return classes


def check_activation(recipe: Recipe, model: Any, targets: tuple[float, float]) -> None:
    """Check that the activation of the last layer fits the loss and the labels: Keras trains such models silently.

    Args:
        targets: the smallest and the largest target; not used for classes.

    Raises:
        CalotypeError: it does not fit.
    """
    last = model.outputs[0]._keras_history.operation  # a layer, or an operation of keras.ops
    name = getattr(getattr(last, "activation", None), "__name__", "")
    where = f"model: {recipe.model}: its last layer `{last.name}` has the activation {name}"
    if recipe.classifies:
        needed = "sigmoid" if recipe.binary else "softmax"
        if name in REACH and name != needed:
            raise CalotypeError(f"{where}, but the loss {recipe.loss} needs {needed}.", f"use {needed}.")
        return
    if recipe.loss in NOT_NEGATIVE and targets[0] < 0:
        problem = f"loss: {recipe.loss}: labels must be 0 or more, but one is {targets[0]:g}."
        raise CalotypeError(problem, "choose another loss.")
    low, high = REACH.get(name, (-math.inf, math.inf))
    if recipe.loss == "poisson" and name in REACH and low < 0:
        raise CalotypeError(f"{where}, but the loss poisson needs outputs from 0.", "use softplus or exponential.")
    if name == "softmax":
        raise CalotypeError(f"{where}: with a single output, its value is always 1.", "use linear.")
    if targets[0] < low or targets[1] > high:
        problem = f"its outputs are in {low:g}..{high:g}, but the labels are in {targets[0]:g}..{targets[1]:g}"
        hint = "use linear, or scale the labels" + (", for instance with `scale_targets`." if high == 1 else ".")
        raise CalotypeError(f"{where}: {problem}.", hint)


def probabilities(recipe: Recipe, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the outputs, shape (images, outputs); of a binary model the probability of both classes."""
    return np.concatenate([1 - outputs, outputs], axis=1) if recipe.binary else outputs
