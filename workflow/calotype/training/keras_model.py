"""Keras models of a recipe, and predictions with their saved weights."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calotype.training import output_layer
from calotype.training.augmentation import test_time_augmentation
from calotype.training.backend import keras, tf, use_for_unseeded_draws
from calotype.training.models import build
from calotype.util.errors import CalotypeError

SEED_STATE = "seed_generator_state"  # Keras's name of the variable from which dropout and similar layers draw


class KerasModel:
    """The Keras model of a recipe.

    Attributes:
        model: it has the weights of seed 0 at first.
        unseeded: the generator of `keras.random` functions that are called without a seed.
        targets: ``classes``, None where labels are numbers; ``offset`` and ``scale`` of scaled labels.
    """

    def __init__(self, recipe: Any, shape: tuple[Any, ...], targets: Mapping[str, Any]) -> None:
        """Build the model.

        Args:
            recipe: a `Recipe` or `predicting.Asked`.
            shape: height, width and channels of an image.
            targets: as the attribute.

        Raises:
            CalotypeError: the model cannot be built, or does not fit the labels.
        """
        keras.utils.clear_session()
        keras.config.set_dtype_policy(recipe.precision)
        self.recipe: Any = recipe
        self.shape: Any = shape
        self.targets = dict(targets)
        self.outputs = output_layer.number_of(recipe, targets["classes"])
        self.unseeded = keras.random.SeedGenerator(0, name="unseeded")
        self.model = self.fresh_model(seed=0)
        if self.model.output_shape != (None, self.outputs):
            raise CalotypeError(
                f"model: {recipe.model}: the shape of its output must be (None, {self.outputs}), "
                f"not {self.model.output_shape}.",
                "end it with keras.layers.Dense(outputs), on flattened or pooled features.",
            )

    def fresh_model(self, seed: int) -> Any:
        """Build the model again, not compiled, with the initial weights of a seed."""
        if ":" in self.recipe.model:
            keras.utils.set_random_seed(seed)  # a custom model may draw from any generator
            self._key_unseeded([seed])
        else:
            # Keras's initializers draw from Python's generator. A new TensorFlow seed would trace every function again:
            # 0.2 s for a small model, 1.3 s for one with convolutions.
            random.seed(seed)
        return build(self.recipe.model, self.shape, self.outputs, self.recipe.model_arguments)

    def key_draws(self, seed: int, epoch: int) -> None:
        """Set the state of dropout and similar layers; epoch 0 stands for prediction."""
        states = [variable for variable in self.model.non_trainable_variables if variable.name == SEED_STATE]
        for number, state in enumerate(states):
            state.assign(np.random.SeedSequence([seed, epoch, number]).generate_state(2))
        self._key_unseeded([seed, epoch, len(states)])

    def _key_unseeded(self, key: Sequence[int]) -> None:
        """Set the state of `unseeded`, and make it Keras's: Keras replaces it with every new seed."""
        use_for_unseeded_draws(self.unseeded)
        self.unseeded.state.assign(np.random.SeedSequence([*key]).generate_state(2))

    def weights(self) -> list[NDArray[Any]]:
        return [np.asarray(weight) for weight in self.model.get_weights()]


class Predictor(KerasModel):
    """A Keras model that predicts with saved weights (methods as in `predicting.Predictor`)."""

    def __init__(self, recipe: Any, shape: tuple[Any, ...], targets: Mapping[str, Any]) -> None:
        super().__init__(recipe, shape, targets)
        self.forward = tf.function(self._forward)

    def _forward(self, images: Any) -> Any:
        return tf.cast(self.model(images, training=False), tf.float32)

    def load(self, models: Path, seed: int) -> None:
        file = models / f"seed-{seed:03d}.weights.h5"
        try:
            self.model.load_weights(file)
        except (OSError, ValueError, KeyError) as error:
            raise CalotypeError(f"{file}: not readable as weights of the model {self.recipe.model}: {error}") from error

    def begin_prediction(self, seed: int) -> None:
        self.key_draws(seed, 0)

    def predict(self, images: NDArray[np.float32], views: Sequence[str] = ()) -> NDArray[np.float32]:
        seen = test_time_augmentation(images, views)
        found = np.mean([self.forward(np.ascontiguousarray(view)).numpy() for view in seen], axis=0)
        scale, offset = np.float32(self.targets["scale"]), np.float32(self.targets["offset"])
        return output_layer.probabilities(self.recipe, (found * scale + offset).astype(np.float32))
