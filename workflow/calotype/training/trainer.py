"""The interface of trainers, and the choice of one for a recipe."""

import math
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from calotype.config.recipe import SCIKIT_LEARN, Recipe
from calotype.data.prepared_split import Split

if TYPE_CHECKING:
    import pandas as pd


class Trainer(Protocol):
    """A model of some library with its data."""

    device: str  # the name of the GPU, or "cpu"
    steps: int  # training steps of an epoch
    size: int  # images of an epoch
    targets: dict[str, Any]  # facts about the labels that a `Predictor` needs besides the weights, as JSON data

    def begin(self, seed: int) -> None:
        """Set weights and optimizer to the start of a run."""

    def begin_epoch(self, seed: int, epoch: int) -> None:
        """Draw the random numbers of an epoch, counted from 1; they depend on seed and epoch only."""

    def train(self, first: int, last: int) -> None:
        """Take the steps `first` to `last` - 1 of the epoch, counted from 0."""

    def set_rate(self, part: float, least: float) -> None:
        """Set the learning rate to a fraction of its initial value, but not below `least`."""

    def end_epoch(self) -> dict[str, float]:
        """Return the metrics of the epoch: of the training images, and as ``val_...`` of held-out images."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything on which the next steps depend, except for the numbers of `begin_epoch`."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Set the values of `state`, after `begin_epoch` of the same epoch."""

    def weights(self) -> list[NDArray[Any]]:
        """Return the weights of the model."""

    def set_weights(self, weights: Sequence[NDArray[Any]]) -> None:
        """Set the weights of the model."""

    def save(self, models: Path, seed: int) -> None:
        """Write the weights of a run to a folder."""

    def layers(self) -> "pd.DataFrame":
        """List the layers of the model: layer, kind, output_shape, parameters."""


def import_library(recipe: Recipe) -> None:
    """Import the library of a recipe's model, for processes that are forked before they make their trainers."""
    import_module(f"calotype.training.{'sklearn_model' if recipe.model in SCIKIT_LEARN else 'keras_trainer'}")


def new_trainer(
    recipe: Recipe,
    train: Split,
    validation: Split | None,
    facts: Mapping[str, Any],
    stream_above_mib: float = math.inf,
) -> Trainer:
    """Import and start the library of a recipe's model, and make its trainer.

    Args:
        recipe: its `threads` count at the first call in a process.
        train: the training images.
        validation: the images of `Recipe.validation`.
        facts: the manifest of the training split.
        stream_above_mib: as for `keras_trainer.Trainer`.
    """
    if recipe.model in SCIKIT_LEARN:
        from calotype.training import sklearn_model

        return sklearn_model.Trainer(recipe, train, classes=facts["classes"])
    from calotype.training import backend, keras_trainer

    backend.start(recipe.threads)
    labels = {key: facts[key] for key in ("minimum", "maximum", "classes")}
    return keras_trainer.Trainer(recipe, train, validation=validation, stream_above_mib=stream_above_mib, **labels)
