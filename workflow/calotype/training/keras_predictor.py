"""Predict with Keras models."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calotype.training import output_layer
from calotype.training.augmentation import test_time_augmentation
from calotype.training.backend import tf
from calotype.training.keras_model import KerasModel
from calotype.util.errors import CalotypeError


class Predictor(KerasModel):
    """A Keras model that predicts with saved weights (see `predicting.Predictor`)."""

    def __init__(self, recipe: Any, shape: tuple[Any, ...], targets: Mapping[str, Any]) -> None:
        """Build the model, as `KerasModel` does."""
        super().__init__(recipe, shape, targets)
        self.forward = tf.function(self._forward)

    def _forward(self, images: Any) -> Any:
        return tf.cast(self.model(images, training=False), tf.float32)

    def load(self, models: Path, seed: int) -> None:
        """Take the weights from ``seed-000.weights.h5``.

        Raises:
            CalotypeError: the file cannot be read, or has the weights of another model.
        """
        file = models / f"seed-{seed:03d}.weights.h5"
        try:
            self.model.load_weights(file)
        except (OSError, ValueError, KeyError) as error:
            raise CalotypeError(f"model: {self.recipe.model}: {file} cannot be loaded: {error}") from error

    def weights(self) -> list[NDArray[Any]]:
        """The weights of the model, in Keras's order."""
        return [np.asarray(weight) for weight in self.model.get_weights()]

    def begin_prediction(self, seed: int) -> None:
        """Set what dropout and the like draw from, should the model use it while it predicts."""
        self.key_draws(seed, 0)

    def predict(self, images: NDArray[np.float32], views: Sequence[str] = ()) -> NDArray[np.float32]:
        """Predictions, shape (images, outputs): numbers in units of the labels, or probabilities."""
        seen = test_time_augmentation(images, views)
        found = np.mean([self.forward(np.ascontiguousarray(view)).numpy() for view in seen], axis=0)
        scale, offset = np.float32(self.targets["scale"]), np.float32(self.targets["offset"])
        return output_layer.probabilities(self.recipe, (found * scale + offset).astype(np.float32))
