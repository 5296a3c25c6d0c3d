"""What the outputs of a Keras model must be for its loss, and what predictions they are."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calotype.config.recipe import Recipe
from calotype.util.errors import CalotypeError

# What a last layer with this activation can give. Of others nothing is known.
REACH = {
    "exponential": (0.0, math.inf),
    "linear": (-math.inf, math.inf),
    "relu": (0.0, math.inf),
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "softplus": (0.0, math.inf),
    "tanh": (-1.0, 1.0),
}
NOT_NEGATIVE = ("poisson", "mean_squared_logarithmic_error")  # losses of labels that take a logarithm of them


def number_of(recipe: Recipe, classes: int | None) -> int:
    """The number of outputs of a recipe's model; `classes` is None where the labels are numbers."""
    if not recipe.classifies or recipe.binary:
        return 1
    if classes is None:
        raise ValueError(f"{recipe.loss} takes labels that are classes")
    return classes


def check_activation(recipe: Recipe, model: Any, targets: tuple[float, float]) -> None:
    """See that the last layer of a model can give what its loss takes: Keras would train on without a word.

    Args:
        recipe: of the model.
        model: the Keras model.
        targets: the least and the largest number that it is to give; of no meaning for classes.

    Raises:
        CalotypeError: it cannot, as far as its activation tells.
    """
    last = model.outputs[0]._keras_history.operation  # a layer, or an operation of keras.ops
    name = getattr(getattr(last, "activation", None), "__name__", "")
    where = f"model: {recipe.model}: its last layer, `{last.name}`, has the activation {name}"
    if recipe.classifies:
        needed = "sigmoid" if recipe.binary else "softmax"
        if name in REACH and name != needed:
            raise CalotypeError(f"{where}, and the loss {recipe.loss} takes a {needed}.", f"give it a {needed}.")
        return
    if recipe.loss in NOT_NEGATIVE and targets[0] < 0:
        raise CalotypeError(
            f"loss: {recipe.loss}: takes labels from 0, and one is {targets[0]:g}.", "take another loss."
        )
    low, high = REACH.get(name, (-math.inf, math.inf))
    if recipe.loss == "poisson" and name in REACH and low < 0:
        raise CalotypeError(f"{where}, and the loss poisson takes outputs from 0.", "give it softplus or exponential.")
    if name == "softmax":
        raise CalotypeError(f"{where}: of a single output that is always 1.", "give it linear.")
    if targets[0] < low or targets[1] > high:
        raise CalotypeError(
            f"{where}: its outputs lie between {low:g} and {high:g}, and the labels between {targets[0]:g} and "
            f"{targets[1]:g}.",
            "give it linear, or change the labels" + (", for instance with `scale_targets`." if high == 1 else "."),
        )


def probabilities(recipe: Recipe, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The probability of each class where the model gives only that of the second of two; else its outputs.

    Args:
        recipe: of the model.
        outputs: shape (images, outputs).

    Returns:
        Shape (images, 2), or as it was.
    """
    return np.concatenate([1 - outputs, outputs], axis=1) if recipe.binary else outputs
