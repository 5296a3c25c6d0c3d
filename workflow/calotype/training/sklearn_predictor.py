"""Predict with scikit-learn's multi-layer perceptron."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from calotype.util.errors import CalotypeError


class Predictor:
    """A classifier that predicts with saved weights (see `predicting.Predictor`)."""

    def __init__(self, recipe: Any, shape: tuple[int, ...], targets: Mapping[str, Any]) -> None:
        """Make the classifier.

        Args:
            recipe: of the model.
            shape: of an image: height, width, channels.
            targets: ``classes``, their number, and ``shown``, those that the training images show.
        """
        self.threads, self.classes = recipe.threads, targets["classes"]
        shown = np.array(targets["shown"])
        self.classifier = MLPClassifier(batch_size=1, **recipe.model_arguments)
        # scikit-learn makes what a classifier needs when it sees images; what that gives is replaced by `load`.
        nothing = np.zeros((len(shown), int(np.prod(shape))), np.float32)
        with threadpool_limits(self.threads):
            self.classifier.partial_fit(nothing, shown, classes=shown)

    def load(self, models: Path, seed: int) -> None:
        """Take the weights from ``seed-000.npz``.

        Raises:
            CalotypeError: the file cannot be read.
        """
        file = models / f"seed-{seed:03d}.npz"
        try:
            with np.load(file, allow_pickle=False) as found:
                layers = range(len(found.files) // 2)
                self.classifier.coefs_ = [found[f"coefs_{i}"] for i in layers]
                self.classifier.intercepts_ = [found[f"intercepts_{i}"] for i in layers]
        except (OSError, ValueError, KeyError) as error:
            raise CalotypeError(f"{file}: cannot be loaded: {error}") from error

    def weights(self) -> list[NDArray[Any]]:
        """The weights of the layers, then their biases."""
        return [*self.classifier.coefs_, *self.classifier.intercepts_]

    def begin_prediction(self, seed: int) -> None:
        """Nothing: this classifier draws no numbers while it predicts."""

    def predict(self, images: NDArray[np.float32], views: Iterable[str] = ()) -> NDArray[np.float32]:
        """The probability of each class, shape (images, classes); NaN where the training diverged.

        A class that no training image shows has probability 0.
        """
        del views
        found = np.zeros((len(images), self.classes), np.float32)
        if not all(np.isfinite(weight).all() for weight in (*self.classifier.coefs_, *self.classifier.intercepts_)):
            return np.full_like(found, np.nan)
        with threadpool_limits(self.threads):
            found[:, self.classifier.classes_] = self.classifier.predict_proba(images.reshape(len(images), -1))
        return found
