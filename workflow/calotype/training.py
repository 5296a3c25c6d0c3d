"""Train a pack: the runs of one variant for consecutive seeds, in one process.

The model is built, compiled and traced once; for each seed its weights are set anew. Every run in a pack is bit for bit
the run it would be alone, because all that is random is keyed by the seed, or by (seed, epoch), and nothing is carried
over from one seed to the next.
"""

import logging
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype import augment
from calotype.backend import keras, tf
from calotype.errors import CalotypeError
from calotype.models import build
from calotype.pack import WORTH_A_LINE, Pack
from calotype.recipe import Optimizer, Recipe
from calotype.splits import Split

logger = logging.getLogger(__name__)

PREDICT_BATCH = 250
SEED_STATE = "seed_generator_state"  # Keras's name of the variable that dropout and the like draw from


def make_optimizer(recipe: Optimizer, steps: int) -> Any:
    """Make the Keras optimizer of a recipe.

    Args:
        recipe: name, learning rate, schedule and further arguments.
        steps: of the whole training; a schedule ends with the last.

    Raises:
        CalotypeError: Keras refuses an argument.
    """
    arguments = dict(recipe.arguments)
    if recipe.schedule == "cosine":
        rising = min(round(steps * recipe.warmup), steps - 1)
        arguments["learning_rate"] = (
            keras.optimizers.schedules.CosineDecay(
                0.0, steps - rising, warmup_target=recipe.learning_rate, warmup_steps=rising
            )
            if rising
            else keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
        )
    elif recipe.learning_rate is not None:
        arguments["learning_rate"] = recipe.learning_rate
    try:
        return keras.optimizers.get({"class_name": recipe.name, "config": arguments})
    except (TypeError, ValueError) as error:
        raise CalotypeError(f"optimizer: {recipe.name}: {error}", "see Keras's page on this optimizer.") from error


class _Engine:
    """A compiled model with its data on the device and its training function; the state that the seeds share."""

    def __init__(self, recipe: Recipe, train: Split, outputs: int, offset: int, scale: int) -> None:
        keras.utils.clear_session()
        self.recipe = recipe
        self.shape = train.images.shape[1:]
        self.outputs, self.offset, self.scale = outputs, offset, scale
        self.size = int(len(train.images) * (1 - recipe.validation_split))  # what follows is held out
        if not 0 < self.size <= len(train.images) - (recipe.validation_split > 0):
            raise CalotypeError(
                f"validation_split: {recipe.validation_split} of {len(train.images)} images leaves none to train on, "
                "or none to validate on."
            )
        if self.shape[0] != self.shape[1] and any(change.name == "symmetries" for change in recipe.augment):
            raise CalotypeError(
                f"augment: symmetries: the images are {self.shape[1]} x {self.shape[0]} px, not square."
            )
        self.model = self._fresh_model(seed=0)
        if self.model.output_shape != (None, outputs):
            raise CalotypeError(
                f"model: {recipe.model}: its output has shape {self.model.output_shape} instead of (None, {outputs}).",
                "end it with keras.layers.Dense(outputs), on flattened or pooled features.",
            )
        steps = recipe.epochs * math.ceil(self.size / recipe.batch_size)
        optimizer = make_optimizer(recipe.optimizer, steps)
        self.model.compile(optimizer=optimizer, loss=self._loss(), metrics=self._metrics(), jit_compile=False)
        optimizer.build(self.model.trainable_variables)
        self.fresh_optimizer = [variable.numpy() for variable in optimizer.variables]
        self.images = tf.constant(np.ascontiguousarray(train.images))
        self.targets = tf.constant(self._targets(train.labels))
        self.train_epoch = tf.function(self._train_epoch)
        self.test_held_out = tf.function(self._test_held_out)
        self.forward = tf.function(lambda images: self.model(images, training=False))

    def _loss(self) -> Any:
        if self.recipe.label_smoothing:
            return keras.losses.CategoricalCrossentropy(label_smoothing=self.recipe.label_smoothing)
        return self.recipe.loss

    def _metrics(self) -> list[Any]:
        if not self.recipe.classifies:
            return []
        sparse = self.recipe.loss == "sparse_categorical_crossentropy"
        kind = keras.metrics.SparseCategoricalAccuracy if sparse else keras.metrics.CategoricalAccuracy
        return [kind(name="accuracy")]

    def _targets(self, labels: NDArray[np.int64]) -> NDArray[Any]:
        if self.recipe.loss == "categorical_crossentropy":
            return np.eye(self.outputs, dtype=np.float32)[labels]
        if self.recipe.classifies:
            return labels[:, None].astype(np.int32)
        return ((labels[:, None] - self.offset) / self.scale).astype(np.float32)

    def _fresh_model(self, seed: int) -> Any:
        keras.utils.set_random_seed(seed)
        return build(self.recipe.model, self.shape, self.outputs, self.recipe.model_arguments)

    def _train_epoch(self, order: Any, draws: Any) -> Any:
        size = self.recipe.batch_size
        full = self.size // size
        for step in tf.range(full):
            self._train_step(order[step * size : (step + 1) * size], draws[step * size : (step + 1) * size])
        if self.size % size:
            self._train_step(order[full * size :], draws[full * size :])
        return self.model.get_metrics_result()

    def _train_step(self, chosen: Any, draws: Any) -> None:
        images = augment.apply(tf.gather(self.images, chosen), draws, self.recipe.augment)
        self.model.train_step((images, tf.gather(self.targets, chosen)))

    def _test_held_out(self) -> Any:
        held_out = len(self.images) - self.size
        full = held_out // PREDICT_BATCH
        for step in tf.range(full):
            start = self.size + step * PREDICT_BATCH
            self.model.test_step(
                (self.images[start : start + PREDICT_BATCH], self.targets[start : start + PREDICT_BATCH])
            )
        if held_out % PREDICT_BATCH:
            start = self.size + full * PREDICT_BATCH
            self.model.test_step((self.images[start:], self.targets[start:]))
        return self.model.get_metrics_result()

    def begin(self, seed: int) -> None:
        """Set weights and optimizer to what they are at the start of a run with this seed."""
        self.model.set_weights(self._fresh_model(seed).get_weights())
        for variable, value in zip(self.model.optimizer.variables, self.fresh_optimizer, strict=True):
            variable.assign(value)

    def run_epoch(self, seed: int, epoch: int) -> dict[str, float]:
        """Train for one epoch; returns the mean of the loss (and other metrics) over its images.

        With a held-out part, its metrics follow as ``val_loss`` and so on.
        """
        states = [variable for variable in self.model.non_trainable_variables if variable.name == SEED_STATE]
        for number, state in enumerate(states):
            state.assign(np.random.SeedSequence([seed, epoch, number]).generate_state(2))
        self.model.reset_metrics()
        order, draws = augment.epoch_draws(seed, epoch, self.size, self.recipe.augment, *self.shape[:2])
        logs = {key: float(value) for key, value in self.train_epoch(order, draws).items()}
        if self.recipe.validation_split:
            self.model.reset_metrics()
            logs |= {f"val_{key}": float(value) for key, value in self.test_held_out().items()}
        return logs

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predictions, shape (images, outputs): counts in units of the labels, or probabilities."""
        starts = range(0, len(images), PREDICT_BATCH)
        batches = [self._predict_batch(images[start : start + PREDICT_BATCH]) for start in starts]
        return (np.concatenate(batches) * np.float32(self.scale) + np.float32(self.offset)).astype(np.float32)

    def _predict_batch(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        views = augment.test_views(images, self.recipe.test_views)
        return np.mean([self.forward(np.ascontiguousarray(view)).numpy() for view in views], axis=0)


def layers_table(model: Any) -> pd.DataFrame:
    """The layers of a Keras model, as `Model.summary` lists them: layer, kind, output_shape, parameters."""
    rows = [
        (layer.name, type(layer).__name__, str(tuple(layer.output.shape)), layer.count_params())
        for layer in model.layers
        if type(layer).__name__ != "InputLayer"
    ]
    return pd.DataFrame(rows, columns=["layer", "kind", "output_shape", "parameters"])


def _train_seed(engine: _Engine, seed: int) -> tuple[list[tuple[int, int, str, float]], int | None]:
    """Train one run; returns rows of the history, and the best epoch where its weights were restored."""
    recipe = engine.recipe
    better = np.greater if recipe.monitor == "val_accuracy" else np.less
    rows: list[tuple[int, int, str, float]] = []
    best: tuple[float, int, Any] | None = None
    engine.begin(seed)
    for epoch in range(1, recipe.epochs + 1):
        logs = engine.run_epoch(seed, epoch)
        rows += [(seed, epoch, metric, value) for metric, value in logs.items()]
        shown = ", ".join(f"{metric} {value:.5f}" for metric, value in logs.items())
        logger.debug("seed %d, epoch %d of %d: %s", seed, epoch, recipe.epochs, shown)
        if recipe.validation_split:
            value = logs[recipe.monitor]
            # Not a number is never better, and the first epoch is better than none.
            if best is None or better(value, best[0]) or (math.isnan(best[0]) and not math.isnan(value)):
                best = value, epoch, engine.model.get_weights() if recipe.restore_best_weights else None
            elif recipe.patience and epoch - best[1] >= recipe.patience:
                break
    if best is None or not recipe.restore_best_weights:
        return rows, None
    engine.model.set_weights(best[2])
    return rows, best[1]


def train_pack(
    name: str,
    recipe: Recipe,
    seeds: range,
    train: Split,
    tests: Mapping[str, Split],
    models: Path,
    *,
    minimum: int | None,
    maximum: int | None,
    classes: int | None,
) -> Pack:
    """Train one variant with each of some seeds and predict the test splits.

    Args:
        name: how the log calls it.
        recipe: what to train, and how.
        seeds: the seeds of the pack.
        train: the training images.
        tests: the test splits by name.
        models: an existing folder; gets architecture.json and the weights of each seed, ``seed-000.weights.h5``.
        minimum, maximum: range of the labels, for `Recipe.scale_targets`; None where they are classes.
        classes: number of classes; None where the labels are counts.

    Raises:
        CalotypeError: the model or the optimizer cannot be made, or the model does not fit the images.
    """
    offset, scale = 0, 1
    if recipe.scale_targets and minimum is not None and maximum is not None:
        offset, scale = minimum, maximum - minimum
    try:
        engine = _Engine(recipe, train, classes or 1, offset, scale)
    except CalotypeError as error:
        raise CalotypeError(f"{name}: {error}") from error.__cause__
    (models / "architecture.json").write_text(engine.model.to_json() + "\n", encoding="utf-8")
    rows: list[tuple[int, int, str, float]] = []
    predictions: dict[str, list[NDArray[np.float32]]] = {split: [] for split in tests}
    seconds: dict[int, float] = {}
    best_epochs: dict[int, int] = {}
    for seed in seeds:
        began = time.perf_counter()
        trained, best = _train_seed(engine, seed)
        rows += trained
        if best is not None:
            best_epochs[seed] = best
        for split, data in tests.items():
            predictions[split].append(engine.predict(data.images[: recipe.test_images]))
        engine.model.save_weights(models / f"seed-{seed:03d}.weights.h5")
        seconds[seed] = time.perf_counter() - began
        # A line for each seed that one waits for.
        level = logging.INFO if seconds[seed] >= WORTH_A_LINE else logging.DEBUG
        logger.log(level, "%s: seed %d done in %.1f s", name, seed, seconds[seed])
    logger.info("%s: seeds %d to %d done in %.0f s", name, seeds[0], seeds[-1], sum(seconds.values()))
    return Pack(
        layers=layers_table(engine.model),
        history=pd.DataFrame(rows, columns=["seed", "epoch", "metric", "value"]),
        predictions={split: np.stack(found) for split, found in predictions.items()},
        seconds=seconds,
        best_epochs=best_epochs,
    )
