"""Train scikit-learn's multi-layer perceptron under the conditions of a recipe, to stand beside Keras's."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from calotype.config.recipe import Recipe
from calotype.data.prepared_split import Split
from calotype.util.errors import CalotypeError


def make_classifier(recipe: Recipe, seed: int) -> MLPClassifier:
    """Make the classifier of a recipe: its optimizer and batch size, and its own arguments."""
    optimizer, extra = recipe.optimizer, recipe.optimizer.arguments
    arguments: dict[str, Any] = dict(recipe.model_arguments)
    if optimizer.learning_rate is not None:
        arguments["learning_rate_init"] = optimizer.learning_rate
    if optimizer.name == "sgd":  # with Keras's defaults, which are not scikit-learn's
        arguments |= {"momentum": extra.get("momentum", 0.0), "nesterovs_momentum": extra.get("nesterov", False)}
    return MLPClassifier(solver=optimizer.name, batch_size=recipe.batch_size, random_state=seed, **arguments)


class Trainer:
    """A classifier with its data (see `runs.Trainer`). An epoch is one step: `partial_fit` takes no less.

    Attributes:
        steps: one.
    """

    steps = 1

    def __init__(self, recipe: Recipe, train: Split, *, classes: int) -> None:
        """Keep what the runs share.

        Args:
            recipe: what to train, and how.
            train: the training images; each is seen as a row of its pixels.
            classes: number of classes; one that no training image shows has probability 0.
        """
        if train.weights is not None:
            raise CalotypeError(f"{recipe.model}: takes no weights of images.", "leave out the table's `weight`.")
        self.recipe, self.classes = recipe, classes
        self.images = train.images.reshape(len(train.images), -1)
        self.labels, self.shown = train.labels, np.unique(train.labels)
        self.targets = {"classes": classes, "shown": self.shown.tolist()}
        self.classifier: MLPClassifier = None

    def begin(self, seed: int) -> None:
        """Begin with a new classifier."""
        try:
            self.classifier = make_classifier(self.recipe, seed)
        except (TypeError, ValueError) as error:
            raise self._refused(error) from error

    def begin_epoch(self, seed: int, epoch: int) -> None:
        """Key what the epoch draws: the order of the images, and in the first one before that the weights."""
        self.classifier.random_state = int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])

    def set_rate(self, part: float, least: float) -> None:
        """Nothing: a recipe of this classifier has no `reduce_on_plateau`."""

    def train(self, first: int, last: int) -> None:
        """Take the step of the epoch."""
        del first, last
        try:
            with threadpool_limits(self.recipe.threads):
                self.classifier.partial_fit(self.images, self.labels, classes=self.shown)
        except (TypeError, ValueError) as error:
            if hasattr(self.classifier, "coefs_") and not self._is_finite():
                return  # the training has diverged, which its loss shows
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> CalotypeError:
        hint = "see `model_arguments` and scikit-learn's page on MLPClassifier."
        return CalotypeError(f"{self.recipe.model}: {error}", hint)

    def _is_finite(self) -> bool:
        return all(np.isfinite(weight).all() for weight in self.weights())

    def end_epoch(self) -> dict[str, float]:
        """The mean loss over the images of the epoch; not a number once the weights are none."""
        return {"loss": float(self.classifier.loss_) if self._is_finite() else math.nan}

    def _variables(self) -> dict[str, NDArray[Any]]:
        """The arrays that an epoch reads and changes: weights, and what the optimizer keeps of each."""
        optimizer = vars(self.classifier._optimizer)
        kept = [array for key in ("velocities", "ms", "vs") for array in optimizer.get(key, [])]
        return {f"{i:06d}": array for i, array in enumerate([*self.weights(), *kept])}

    def state(self) -> dict[str, NDArray[Any]]:
        """Weights, and the optimizer's state; nothing before the first epoch."""
        if not hasattr(self.classifier, "coefs_"):
            return {}
        steps = np.array(getattr(self.classifier._optimizer, "t", 0))
        return {name: array.copy() for name, array in self._variables().items()} | {"t": steps}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Set what `state` gave."""
        self.train(0, 1)  # scikit-learn makes the arrays in the first epoch; what that changes is set below
        for name, array in self._variables().items():
            array[...] = state[name]
        if hasattr(self.classifier._optimizer, "t"):
            self.classifier._optimizer.t = int(state["t"])

    def weights(self) -> list[NDArray[Any]]:
        """The weights of the layers, then their biases."""
        return [*self.classifier.coefs_, *self.classifier.intercepts_]

    def set_weights(self, weights: Sequence[NDArray[Any]]) -> None:
        """Set the weights."""
        if self.classifier is None:  # none of its runs was trained here; the weights alone make no classifier
            self.begin(0)
            self.train(0, 1)
        layers = len(weights) // 2
        self.classifier.coefs_ = [weight.copy() for weight in weights[:layers]]
        self.classifier.intercepts_ = [weight.copy() for weight in weights[layers:]]

    def save(self, models: Path, seed: int) -> None:
        """Write ``seed-000.npz``."""
        layers = range(len(self.classifier.coefs_))
        weights = {f"coefs_{i}": self.classifier.coefs_[i] for i in layers}
        weights |= {f"intercepts_{i}": self.classifier.intercepts_[i] for i in layers}
        np.savez(models / f"seed-{seed:03d}.npz", allow_pickle=False, **weights)

    def layers(self) -> pd.DataFrame:
        """The layers of the classifier: layer, kind, output_shape, parameters."""
        sizes = zip(self.classifier.coefs_, self.classifier.intercepts_, strict=True)
        rows = [(f"layer_{i}", "Dense", f"(None, {b.size})", w.size + b.size) for i, (w, b) in enumerate(sizes)]
        return pd.DataFrame(rows, columns=["layer", "kind", "output_shape", "parameters"])
