"""scikit-learn's multi-layer perceptron: trained by a recipe, and predictions with its saved weights."""

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
    """Make the classifier of a recipe."""
    optimizer, extra = recipe.optimizer, recipe.optimizer.arguments
    arguments: dict[str, Any] = dict(recipe.model_arguments)
    if optimizer.learning_rate is not None:
        arguments["learning_rate_init"] = optimizer.learning_rate
    if optimizer.name == "sgd":  # Keras's defaults differ from those of scikit-learn
        arguments |= {"momentum": extra.get("momentum", 0.0), "nesterovs_momentum": extra.get("nesterov", False)}
    return MLPClassifier(solver=optimizer.name, batch_size=recipe.batch_size, random_state=seed, **arguments)


class _Model:
    """A classifier with weights."""

    classifier: Any = None

    def weights(self) -> list[NDArray[Any]]:
        return [*self.classifier.coefs_, *self.classifier.intercepts_]

    def _is_finite(self) -> bool:
        return all(np.isfinite(weight).all() for weight in self.weights())


class Trainer(_Model):
    """A classifier with its data (methods as in `trainer.Trainer`). One step is one epoch, as in `partial_fit`."""

    device, steps = "cpu", 1

    def __init__(self, recipe: Recipe, train: Split, *, classes: int) -> None:
        if train.weights is not None:
            problem = f"model: {recipe.model}: image weights are not supported."
            raise CalotypeError(problem, "remove `weight` from the table.")
        self.recipe, self.classes, self.size = recipe, classes, len(train.labels)
        self.images = train.images.reshape(len(train.images), -1)
        self.labels, self.shown = train.labels, np.unique(train.labels)
        self.targets = {"classes": classes, "shown": self.shown.tolist()}

    def begin(self, seed: int) -> None:
        try:
            self.classifier = make_classifier(self.recipe, seed)
        except (TypeError, ValueError) as error:
            raise self._refused(error) from error

    def begin_epoch(self, seed: int, epoch: int) -> None:
        self.classifier.random_state = int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])

    def set_rate(self, part: float, least: float) -> None:
        """Do nothing: recipes of this classifier have no `reduce_on_plateau`."""

    def train(self, first: int, last: int) -> None:
        try:
            with threadpool_limits(self.recipe.threads):
                self.classifier.partial_fit(self.images, self.labels, classes=self.shown)
        except (TypeError, ValueError) as error:
            if hasattr(self.classifier, "coefs_") and not self._is_finite():
                return  # diverged, which the loss shows
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> CalotypeError:
        hint = "see `model_arguments` and the scikit-learn page of MLPClassifier."
        return CalotypeError(f"model: {self.recipe.model}: {error}", hint)

    def end_epoch(self) -> dict[str, float]:
        return {"loss": float(self.classifier.loss_) if self._is_finite() else math.nan}

    def _variables(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that an epoch changes: weights, and the state of the optimizer."""
        optimizer = vars(self.classifier._optimizer)
        kept = [array for key in ("velocities", "ms", "vs") for array in optimizer.get(key, [])]
        return {f"{i:06d}": array for i, array in enumerate([*self.weights(), *kept])}

    def state(self) -> dict[str, NDArray[Any]]:
        if not hasattr(self.classifier, "coefs_"):  # before the first epoch
            return {}
        steps = np.array(getattr(self.classifier._optimizer, "t", 0))
        return {name: array.copy() for name, array in self._variables().items()} | {"t": steps}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.train(0, 1)  # scikit-learn makes its arrays in the first epoch; their values are set below
        for name, array in self._variables().items():
            array[...] = state[name]
        if hasattr(self.classifier._optimizer, "t"):
            self.classifier._optimizer.t = int(state["t"])

    def set_weights(self, weights: Sequence[NDArray[Any]]) -> None:
        if self.classifier is None:  # this process trained no run, and a classifier is more than its weights
            self.begin(0)
            self.train(0, 1)
        layers = len(weights) // 2
        self.classifier.coefs_ = [weight.copy() for weight in weights[:layers]]
        self.classifier.intercepts_ = [weight.copy() for weight in weights[layers:]]

    def save(self, models: Path, seed: int) -> None:
        layers = range(len(self.classifier.coefs_))
        weights = {f"coefs_{i}": self.classifier.coefs_[i] for i in layers}
        weights |= {f"intercepts_{i}": self.classifier.intercepts_[i] for i in layers}
        np.savez(models / f"seed-{seed:03d}.npz", allow_pickle=False, **weights)

    def layers(self) -> pd.DataFrame:
        sizes = zip(self.classifier.coefs_, self.classifier.intercepts_, strict=True)
        rows = [(f"layer_{i}", "Dense", f"(None, {b.size})", w.size + b.size) for i, (w, b) in enumerate(sizes)]
        return pd.DataFrame(rows, columns=["layer", "kind", "output_shape", "parameters"])


class Predictor(_Model):
    """A classifier that predicts with saved weights (methods as in `predicting.Predictor`)."""

    def __init__(self, recipe: Any, shape: tuple[int, ...], targets: Mapping[str, Any]) -> None:
        """Make the classifier; `targets` has the number of ``classes``, and those ``shown`` by training images."""
        self.threads, self.classes = recipe.threads, targets["classes"]
        shown = np.array(targets["shown"])
        self.classifier = MLPClassifier(batch_size=1, **recipe.model_arguments)
        # scikit-learn completes a classifier when it sees images; `load` replaces the weights.
        images = np.zeros((len(shown), int(np.prod(shape))), np.float32)
        with threadpool_limits(self.threads):
            self.classifier.partial_fit(images, shown, classes=shown)

    def load(self, models: Path, seed: int) -> None:
        file = models / f"seed-{seed:03d}.npz"
        try:
            with np.load(file, allow_pickle=False) as found:
                layers = range(len(found.files) // 2)
                self.classifier.coefs_ = [found[f"coefs_{i}"] for i in layers]
                self.classifier.intercepts_ = [found[f"intercepts_{i}"] for i in layers]
        except (OSError, ValueError, KeyError) as error:
            raise CalotypeError(f"{file}: unreadable: {error}") from error

    def begin_prediction(self, seed: int) -> None:
        """Do nothing: this classifier draws no numbers when it predicts."""

    def predict(self, images: NDArray[np.float32], views: Sequence[str] = ()) -> NDArray[np.float32]:
        """Return NaN if the run diverged, and probability 0 for a class without training images."""
        found = np.zeros((len(images), self.classes), np.float32)
        if not self._is_finite():
            return np.full_like(found, np.nan)
        with threadpool_limits(self.threads):
            found[:, self.classifier.classes_] = self.classifier.predict_proba(images.reshape(len(images), -1))
        return found
