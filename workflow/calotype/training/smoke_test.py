"""Test a variant on a few images before a job is submitted: train, save, load, resume and predict."""

import logging
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calotype.config.recipe import SCIKIT_LEARN, Recipe
from calotype.data.prepared_split import Split
from calotype.training.predicting import Asked, Predictor, new_predictor
from calotype.training.trainer import Trainer
from calotype.util.errors import CalotypeError

logger = logging.getLogger(__name__)

FEWEST, BATCHES = 4, 32  # least and most batches of images
MOST = 64 * 2**20  # bytes of images; activations are about ten times as large
LONG_ENOUGH = 1.0  # seconds of timed steps
TOLERANCE = 1e-3  # of a sum of probabilities: 16 bits have three digits


@dataclass(frozen=True)
class Memory:
    """Memory of the process of a smoke test in MiB, without mapped pages of files."""

    base: float  # before it, with the imports of Keras or scikit-learn
    training: float  # the peak of its training
    after: float  # when that has ended
    predicting: float  # the peak of its predictions
    images_mib: float  # of its training images
    batch_size: int  # of its training
    predicted: int  # number of images
    device: str  # as `Trainer.device`


@dataclass(frozen=True)
class SmokeTest:
    """The findings of a smoke test."""

    parameters: int  # of the model
    weights_mib: float  # size of the weights of one seed
    image_seconds: float  # training time per image, in full batches on this machine
    memory: Memory | None = None


def affordable(recipe: Recipe, image: int) -> Recipe:
    """Limit the batch size of a recipe to save memory, given the bytes of one image."""
    batch = int(MOST * (1 - recipe.validation_split) / FEWEST / image)
    return recipe.model_copy(update={"batch_size": max(1, min(batch, recipe.batch_size))})


def few(split: Split, recipe: Recipe) -> Split:
    """Take as many images of a split as a smoke test needs, evenly spaced; read no others."""
    part = 1 - recipe.validation_split
    batches = int(MOST * part / (split.images[:1].nbytes * recipe.batch_size))
    batches = max(FEWEST, min(batches, BATCHES))
    number = min(len(split.labels), math.ceil(batches * recipe.batch_size / part) + 1)
    places = np.unique(np.linspace(0, len(split.labels) - 1, number).astype(np.int64))
    weights = None if split.weights is None else split.weights[places]
    groups = None if split.groups is None else split.groups[places]
    return Split(np.asarray(split.images[places]), split.labels[places], split.ids[places], weights, groups)


def smoke_test(
    recipe: Recipe,
    trainer: Trainer,
    images: NDArray[np.float32],
    *,
    may_diverge: bool = True,
    predicting: Callable[[], None] = lambda: None,
) -> SmokeTest:
    """Train some steps, save, load, resume and predict.

    Args:
        recipe: the recipe.
        trainer: made of the recipe and a `few` images.
        images: to predict, shape (images, height, width, channels).
        predicting: called before it predicts.
        may_diverge: warn of a model that diverges, and do not refuse it.

    Raises:
        CalotypeError: the predictions do not fit the task, or loaded weights differ; the loss or a prediction is NaN or
            infinite, and the model must not diverge, or the loss is so before the first change of the weights.
    """
    trainer.begin(0)
    trainer.begin_epoch(0, 1)
    trainer.train(0, 1)
    kept, whole, done = trainer.state(), min(trainer.steps, trainer.size // recipe.batch_size), 1
    began, at_once, seconds = time.perf_counter(), 1, math.nan
    while done < whole and time.perf_counter() - began < LONG_ENOUGH:
        last = min(done + at_once, whole)
        seconds = _seconds(trainer, done, last) / (last - done) / recipe.batch_size
        done, at_once = last, 2 * at_once  # a call takes longer than a small step
    if done == whole < trainer.steps:  # a smaller last step
        trainer.train(done, done + 1)
        done += 1
    exact = _resumes(trainer, kept, done)
    loss = trainer.end_epoch()["loss"]
    diverged = "" if math.isfinite(loss) else f"the loss of the first {done} step(s) is {loss}"
    with tempfile.TemporaryDirectory() as folder:
        trainer.save(Path(folder), 0)
        predictor = new_predictor(Asked.of(recipe), images.shape[1:], trainer.targets)
        predictor.load(Path(folder), 0)
        _check_weights(recipe, trainer, predictor)
        _warn_of_compile(recipe, predictor)
        predicting()
        predictions = predictor.predict(images)
        if not diverged and not np.isfinite(predictions).all():
            diverged = f"after the first {done} step(s) a prediction is NaN or infinite"
        if diverged:
            _report_divergence(recipe, trainer, diverged, may_diverge=may_diverge)
        else:
            _check_predictions(recipe, predictions)
        weights = sum(file.stat().st_size for file in Path(folder).iterdir())
    parameters = int(trainer.layers().parameters.sum())
    if math.isnan(seconds):  # the only step of the epoch was also the slow first one
        trainer.begin_epoch(0, 2)
        seconds = _seconds(trainer, 0, trainer.steps) / trainer.size
    if ":" in recipe.model:
        exact &= _check_seeds(recipe, trainer)
    if not exact:
        logger.warning(
            "model: %s: a resumed run will not be bit-identical, and results may change with `seeds_per_job`: "
            "the model has random numbers or state outside of Keras. Hint: draw with `keras.random` instead of "
            "`tf.random`, and keep state in variables of `add_weight`.",
            recipe.model,
        )
    return SmokeTest(parameters, weights / 2**20, seconds)


def _warn_of_compile(recipe: Recipe, predictor: Predictor) -> None:
    if getattr(getattr(predictor, "model", None), "compiled", False):  # by the function: a predictor compiles nothing
        logger.warning(
            "model: %s: calls model.compile(), which is ignored: `optimizer`, `loss` and `jit_compile` of the variant "
            "and `metrics` of the study count. Hint: set them there, and remove the call.",
            recipe.model,
        )


def _seconds(trainer: Trainer, first: int, last: int) -> float:
    """Time some steps."""
    began = time.perf_counter()
    trainer.train(first, last)
    return time.perf_counter() - began


def _equal(one: Sequence[NDArray[Any]], other: Sequence[NDArray[Any]]) -> bool:
    return all(np.array_equal(*pair, equal_nan=True) for pair in zip(one, other, strict=True))


def _resumes(trainer: Trainer, kept: Any, last: int) -> bool:
    """Tell if a resumed run gives the weights of one that is not stopped."""
    weights = trainer.weights()
    trainer.begin_epoch(0, 1)
    trainer.restore(kept)
    if last > 1:
        trainer.train(1, last)
    return _equal(weights, trainer.weights())


def _check_seeds(recipe: Recipe, trainer: Trainer) -> bool:
    """Warn if all seeds start alike, or if state is not saved; tell if a run is the same after any other run."""
    starts, ends = [], []
    for seed in (0, 1, 1):  # seed 1 after another seed, and after itself
        trainer.begin(seed)
        starts.append(trainer.weights())
        trainer.begin_epoch(seed, 1)
        trainer.train(0, 1)
        ends.append(trainer.weights())
    if _equal(starts[0], starts[1]) and any((weight != weight.flat[0]).any() for weight in starts[0] if weight.size):
        logger.warning(
            "model: %s: all seeds start from the same weights, so intervals over seeds leave out the initialization. "
            "Hint: remove `set_random_seed` and seeds of initializers, unless the model loads weights.",
            recipe.model,
        )
    if untracked := getattr(trainer, "untracked", []):
        logger.warning(
            "model: %s: %d variable(s) that Keras does not track (%s) are not saved with the weights: predictions use "
            "their initial values. Hint: make them with `add_weight`.",
            *(recipe.model, len(untracked), ", ".join(sorted({each.name.partition(":")[0] for each in untracked}))),
        )
    return _equal(starts[1], starts[2]) and _equal(ends[1], ends[2])


def _report_divergence(recipe: Recipe, trainer: Trainer, problem: str, *, may_diverge: bool) -> None:
    """Warn of a model that diverges; raise an error if it must not, or if its first loss is not finite."""
    trainer.begin(0)
    trainer.begin_epoch(0, 1)
    trainer.train(0, 1)
    first = trainer.end_epoch()["loss"]
    if not math.isfinite(first) and recipe.model not in SCIKIT_LEARN:  # there, a step is an epoch of many changes
        raise CalotypeError(
            f"model: {recipe.model}: the loss of the first step is {first}, before any change of the weights.",
            "prepare the images with `scale`, and look for a logarithm or a division in the model.",
        )
    if not may_diverge:
        hint = "lower the learning rate, or set `may_diverge: true` in the study."
        raise CalotypeError(f"model: {recipe.model}: the training diverges: {problem}.", hint)
    logger.warning(
        "model: %s: the training diverges: %s. Its runs will be marked as diverged. Hint: lower the learning rate.",
        *(recipe.model, problem),
    )


def _check_predictions(recipe: Recipe, predictions: NDArray[np.float32]) -> None:
    if not recipe.classifies:
        return
    sums = predictions.sum(axis=1)
    if predictions.min() < -TOLERANCE or np.abs(sums - 1).max() > TOLERANCE:
        found = f"one is {predictions[:, 1].max():.4g}" if recipe.binary else f"their sum is {sums[0]:.4g}"
        needed = "sigmoid" if recipe.binary else "softmax"
        raise CalotypeError(
            f"model: {recipe.model}: its outputs are not probabilities: {found}.",
            f"end it with keras.layers.Dense(outputs, activation='{needed}').",
        )


def _check_weights(recipe: Recipe, trainer: Trainer, predictor: Predictor) -> None:
    if not _equal(predictor.weights(), trainer.weights()):
        raise CalotypeError(
            f"model: {recipe.model}: the loaded weights differ from the saved ones.",
            "create all layers in `build` and `__init__`, and keep their names constant.",
        )
