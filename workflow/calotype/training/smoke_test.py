"""Try a variant on a few images before a job is spent on it: it trains, saves, loads, goes on, and predicts."""

import logging
import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calotype.config.recipe import Recipe
from calotype.data.prepared_split import Split
from calotype.training.loop import Trainer
from calotype.training.predicting import Asked, Predictor, new_predictor
from calotype.util.errors import CalotypeError

logger = logging.getLogger(__name__)

FEWEST, BATCHES = 4, 32  # of images to try on, at least and at most
MOST = 64 * 2**20  # bytes of images: a model's activations are some ten times as large
LONG_ENOUGH = 1.0  # seconds of steps, to time them
TOLERANCE = 1e-3  # of a sum of probabilities; in 16 bits they have three digits


@dataclass(frozen=True)
class SmokeTest:
    """What was seen of a variant.

    Attributes:
        parameters: of its model.
        weights_mib: of the file of one seed's weights.
        image_seconds: that training with an image takes, in whole batches on this machine.
    """

    parameters: int
    weights_mib: float
    image_seconds: float


def affordable(recipe: Recipe, image: int) -> Recipe:
    """A recipe with a batch so small that a smoke test takes little memory, whatever the images.

    Args:
        recipe: of a variant.
        image: bytes of one image.
    """
    batch = int(MOST * (1 - recipe.validation_split) / FEWEST / image)
    return recipe.model_copy(update={"batch_size": max(1, min(batch, recipe.batch_size))})


def few(split: Split, recipe: Recipe) -> Split:
    """As many images of a split as a smoke test needs, evenly from all over it; no others are read."""
    part = 1 - recipe.validation_split
    batches = int(MOST * part / (split.images[:1].nbytes * recipe.batch_size))
    batches = max(FEWEST, min(batches, BATCHES))
    number = min(len(split.labels), math.ceil(batches * recipe.batch_size / part) + 1)
    places = np.unique(np.linspace(0, len(split.labels) - 1, number).astype(np.int64))
    weights = None if split.weights is None else split.weights[places]
    groups = None if split.groups is None else split.groups[places]
    return Split(np.asarray(split.images[places]), split.labels[places], split.ids[places], weights, groups)


def smoke_test(recipe: Recipe, trainer: Trainer, images: NDArray[np.float32], size: int) -> SmokeTest:
    """Train some steps, save, load, go on, and predict.

    Args:
        recipe: of the variant.
        trainer: made of it and of a `few` images.
        images: some to predict, shape (images, height, width, channels).
        size: images that an epoch of the trainer takes.

    Raises:
        CalotypeError: the loss is no number from the start, the predictions do not fit the task, or what was saved does
            not come back.
    """
    trainer.begin(0)
    trainer.begin_epoch(0, 1)
    trainer.train(0, 1)
    kept, whole, done = trainer.state(), min(trainer.steps, size // recipe.batch_size), 1
    began, at_once, seconds = time.perf_counter(), 1, math.nan
    while done < whole and time.perf_counter() - began < LONG_ENOUGH:
        last = min(done + at_once, whole)
        seconds = _seconds(trainer, done, last) / (last - done) / recipe.batch_size
        done, at_once = last, 2 * at_once  # to call a step on its own takes longer than a small one
    if done == whole < trainer.steps:  # the rest of the images
        trainer.train(done, done + 1)
        done += 1
    _goes_on(recipe, trainer, kept, done)
    loss = trainer.end_epoch()["loss"]
    if not math.isfinite(loss):
        raise CalotypeError(
            f"model: {recipe.model}: the loss of the first {done} step(s) is {loss}.",
            "see that the images are prepared (`scale`), and the learning rate is not too high.",
        )
    with tempfile.TemporaryDirectory() as folder:
        trainer.save(Path(folder), 0)
        predictor = new_predictor(Asked.of(recipe), images.shape[1:], trainer.targets)
        predictor.load(Path(folder), 0)
        _comes_back(recipe, trainer, predictor)
        _fits(recipe, predictor.predict(images))
        weights = sum(file.stat().st_size for file in Path(folder).iterdir())
    parameters = int(trainer.layers().parameters.sum())
    if math.isnan(seconds):  # an epoch has one step, and the first of all takes longer
        trainer.begin_epoch(0, 2)
        seconds = _seconds(trainer, 0, trainer.steps) / size
    return SmokeTest(parameters, weights / 2**20, seconds)


def _seconds(trainer: Trainer, first: int, last: int) -> float:
    """How long some steps take."""
    began = time.perf_counter()
    trainer.train(first, last)
    return time.perf_counter() - began


def _goes_on(recipe: Recipe, trainer: Trainer, kept: Any, last: int) -> None:
    """See that a training that is continued takes the same steps as one that was not stopped; if not, say so."""
    there = trainer.weights()
    trainer.begin_epoch(0, 1)
    trainer.restore(kept)
    if last > 1:
        trainer.train(1, last)
    if not all(np.array_equal(one, other, equal_nan=True) for one, other in zip(there, trainer.weights(), strict=True)):
        logger.warning(
            "model: %s: a training that is stopped and continued will not have the same result to the last bit: "
            "the model keeps something outside of Keras's variables, or draws random numbers of its own.",
            recipe.model,
        )


def _fits(recipe: Recipe, predictions: NDArray[np.float32]) -> None:
    if not np.isfinite(predictions).all():
        raise CalotypeError(f"model: {recipe.model}: after a few steps it predicts what is no number.")
    if not recipe.classifies:
        return
    sums = predictions.sum(axis=1)
    if predictions.min() < -TOLERANCE or np.abs(sums - 1).max() > TOLERANCE:
        found = f"one is {predictions[:, 1].max():.4g}" if recipe.binary else f"those of an image sum to {sums[0]:.4g}"
        needed = "sigmoid" if recipe.binary else "softmax"
        raise CalotypeError(
            f"model: {recipe.model}: its outputs are no probabilities: {found}.",
            f"end it with keras.layers.Dense(outputs, activation='{needed}').",
        )


def _comes_back(recipe: Recipe, trainer: Trainer, predictor: Predictor) -> None:
    """See that the weights that were saved are those that are loaded."""
    pairs = zip(predictor.weights(), trainer.weights(), strict=True)
    if not all(np.array_equal(one, other, equal_nan=True) for one, other in pairs):
        raise CalotypeError(
            f"model: {recipe.model}: its weights come back from the file as others.",
            "see that all its layers are made in `build` and `__init__`, and have names that do not change.",
        )
