"""A Keras model of a recipe: what training and predicting share."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from calotype.training import output_layer
from calotype.training.backend import keras
from calotype.training.models import build
from calotype.util.errors import CalotypeError

SEED_STATE = "seed_generator_state"  # Keras's name of the variable that dropout and the like draw from


class KerasModel:
    """A Keras model as its recipe says, and new ones like it.

    Attributes:
        model: with the weights of seed 0.
        outputs: their number.
        targets: what predicting has to know of the labels besides the weights, as plain data.
    """

    def __init__(self, recipe: Any, shape: tuple[Any, ...], targets: Mapping[str, Any]) -> None:
        """Build the model.

        Args:
            recipe: `Recipe` or `predicting.Asked`: model, model_arguments, precision, binary.
            shape: of an image: height, width, channels.
            targets: ``classes``, None where labels are numbers; ``offset`` and ``scale`` of those that were scaled.

        Raises:
            CalotypeError: the model cannot be made, or does not fit the labels.
        """
        keras.utils.clear_session()
        keras.config.set_dtype_policy(recipe.precision)
        self.recipe: Any = recipe
        self.shape: Any = shape
        self.targets = dict(targets)
        self.outputs = output_layer.number_of(recipe, targets["classes"])
        self.model = self.fresh_model(seed=0)
        if self.model.output_shape != (None, self.outputs):
            raise CalotypeError(
                f"model: {recipe.model}: its output has shape {self.model.output_shape} instead of "
                f"(None, {self.outputs}).",
                "end it with keras.layers.Dense(outputs), on flattened or pooled features.",
            )

    def fresh_model(self, seed: int) -> Any:
        """A new model with the weights that a seed gives; not compiled."""
        if ":" in self.recipe.model:
            keras.utils.set_random_seed(seed)  # somebody's own model may draw from any generator
        else:
            # Keras's initializers draw from Python's. A new seed of TensorFlow's would have it prepare every function
            # anew: 0.2 s for a small net, 1.3 s for one with convolutions.
            random.seed(seed)
        return build(self.recipe.model, self.shape, self.outputs, self.recipe.model_arguments)

    def key_draws(self, seed: int, epoch: int) -> None:
        """Set what dropout and the like draw from; epoch 0 stands for prediction."""
        states = [variable for variable in self.model.non_trainable_variables if variable.name == SEED_STATE]
        for number, state in enumerate(states):
            state.assign(np.random.SeedSequence([seed, epoch, number]).generate_state(2))
