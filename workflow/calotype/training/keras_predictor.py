"""Predict with Keras models."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calotype.training import augmentation, output_layer
from calotype.training.backend import keras, tf
from calotype.training.models import build
from calotype.util.errors import CalotypeError

SEED_STATE = "seed_generator_state"  # Keras's name of the variable that dropout and the like draw from


class Predictor:
    """A Keras model that predicts with saved weights (see `predicting.Predictor`)."""

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
        self.model = self.plain = self._fresh_model(seed=0)
        if self.model.output_shape != (None, self.outputs):
            raise CalotypeError(
                f"model: {recipe.model}: its output has shape {self.model.output_shape} instead of "
                f"(None, {self.outputs}).",
                "end it with keras.layers.Dense(outputs), on flattened or pooled features.",
            )
        self.forward = tf.function(self._forward)

    def _fresh_model(self, seed: int) -> Any:
        if ":" in self.recipe.model:
            keras.utils.set_random_seed(seed)  # somebody's own model may draw from any generator
        else:
            # Keras's initializers draw from Python's. A new seed of TensorFlow's would have it prepare every function
            # anew: 0.2 s for a small net, 1.3 s for one with convolutions.
            random.seed(seed)
        return build(self.recipe.model, self.shape, self.outputs, self.recipe.model_arguments)

    def _forward(self, images: Any) -> Any:
        return tf.cast(self.model(images, training=False), tf.float32)

    def _set_seed_states(self, seed: int, epoch: int) -> None:
        states = [variable for variable in self.model.non_trainable_variables if variable.name == SEED_STATE]
        for number, state in enumerate(states):
            state.assign(np.random.SeedSequence([seed, epoch, number]).generate_state(2))

    def load(self, models: Path, seed: int) -> None:
        """Take the weights from ``seed-000.weights.h5``.

        Raises:
            CalotypeError: the file cannot be read, or has the weights of another model.
        """
        file = models / f"seed-{seed:03d}.weights.h5"
        try:
            self.plain.load_weights(file)
        except (OSError, ValueError, KeyError) as error:
            raise CalotypeError(f"model: {self.recipe.model}: {file} cannot be loaded: {error}") from error
        if self.plain is not self.model:
            self.model.set_weights(self.plain.get_weights())

    def begin_prediction(self, seed: int) -> None:
        """Set what dropout and the like draw from, should the model use it while it predicts."""
        self._set_seed_states(seed, 0)

    def predict(self, images: NDArray[np.float32], views: Sequence[str] = ()) -> NDArray[np.float32]:
        """Predictions, shape (images, outputs): numbers in units of the labels, or probabilities."""
        seen = augmentation.test_views(images, views)
        found = np.mean([self.forward(np.ascontiguousarray(view)).numpy() for view in seen], axis=0)
        scale, offset = np.float32(self.targets["scale"]), np.float32(self.targets["offset"])
        return output_layer.probabilities(self.recipe, (found * scale + offset).astype(np.float32))
