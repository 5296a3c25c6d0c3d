"""Train a pack: the runs of one variant for consecutive seeds, in one process.

The model is built, compiled and traced once; for each seed its weights are set anew. Every run in a pack is bit for bit
the run it would be alone, because all that is random is keyed by the seed, or by (seed, epoch), and nothing is carried
over from one seed to the next.
"""

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.backend import keras, tf
from calotype.errors import CalotypeError
from calotype.images import Split
from calotype.models import build
from calotype.recipe import Optimizer, Recipe

logger = logging.getLogger(__name__)

PREDICT_BATCH = 250
SYMMETRIES = 8  # of the square
SEED_STATE = "seed_generator_state"  # Keras's name of the variable that dropout and the like draw from


@dataclass(frozen=True)
class Pack:
    """What the training of a pack gives.

    Attributes:
        parameters: number of parameters of the model.
        history: columns seed, epoch (from 1), metric, value.
        predictions: for each test split, shape (seeds, images, outputs), float32, in units of the labels.
        seconds: wall time of each seed: training and prediction.
    """

    parameters: int
    history: pd.DataFrame
    predictions: dict[str, NDArray[np.float32]]
    seconds: dict[int, float]


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


def epoch_order(seed: int, epoch: int, images: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The order of the images in an epoch and the symmetry that each is shown in, keyed by (seed, epoch).

    Returns:
        A permutation of 0..images - 1, and for each place in it a number 0..7; both of shape (images,).
    """
    rng = np.random.default_rng([seed, epoch])
    return rng.permutation(images).astype(np.int32), rng.integers(SYMMETRIES, size=images, dtype=np.int32)


def turn(images: Any, symmetry: Any) -> Any:
    """Show each image in one of the eight positions of the square.

    Args:
        images: shape (batch, width, width, channels).
        symmetry: shape (batch,), 0..7: its bits say whether to flip down, across, and along the diagonal.
    """
    down, across, diagonal = ((symmetry // bit % 2 == 1)[:, None, None, None] for bit in (1, 2, 4))
    images = tf.where(down, images[:, ::-1], images)
    images = tf.where(across, images[:, :, ::-1], images)
    return tf.where(diagonal, tf.transpose(images, [0, 2, 1, 3]), images)


class _Engine:
    """A compiled model with its data on the device and its training function; the state that the seeds share."""

    def __init__(self, recipe: Recipe, train: Split, minimum: int, maximum: int) -> None:
        keras.utils.clear_session()
        self.recipe = recipe
        self.shape = train.images.shape[1:]
        self.size = len(train.images)
        self.offset, self.scale = (minimum, maximum - minimum) if recipe.scale_targets else (0, 1)
        self.model = self._fresh_model(seed=0)
        if self.model.output_shape != (None, 1):
            raise CalotypeError(
                f"model: {recipe.model}: its output has shape {self.model.output_shape} instead of (None, 1).",
                "end it with keras.layers.Dense(outputs), on flattened or pooled features.",
            )
        steps = recipe.epochs * math.ceil(self.size / recipe.batch_size)
        optimizer = make_optimizer(recipe.optimizer, steps)
        self.model.compile(optimizer=optimizer, loss=recipe.loss, jit_compile=False)
        optimizer.build(self.model.trainable_variables)
        self.fresh_optimizer = [variable.numpy() for variable in optimizer.variables]
        targets = (train.labels[:, None] - self.offset) / self.scale
        self.images = tf.constant(np.ascontiguousarray(train.images))
        self.targets = tf.constant(targets.astype(np.float32))
        self.train_epoch = tf.function(self._train_epoch)
        self.forward = tf.function(lambda images: self.model(images, training=False))

    def _fresh_model(self, seed: int) -> Any:
        keras.utils.set_random_seed(seed)
        return build(self.recipe.model, self.shape, 1, self.recipe.model_arguments)

    def _train_epoch(self, order: Any, symmetry: Any) -> Any:
        size = self.recipe.batch_size
        full = self.size // size
        for step in tf.range(full):
            self._train_step(order[step * size : (step + 1) * size], symmetry[step * size : (step + 1) * size])
        if self.size % size:
            self._train_step(order[full * size :], symmetry[full * size :])
        return self.model.get_metrics_result()

    def _train_step(self, chosen: Any, symmetry: Any) -> None:
        images = tf.gather(self.images, chosen)
        if "symmetries" in self.recipe.augment:
            images = turn(images, symmetry)
        self.model.train_step((images, tf.gather(self.targets, chosen)))

    def begin(self, seed: int) -> None:
        """Set weights and optimizer to what they are at the start of a run with this seed."""
        self.model.set_weights(self._fresh_model(seed).get_weights())
        for variable, value in zip(self.model.optimizer.variables, self.fresh_optimizer, strict=True):
            variable.assign(value)

    def run_epoch(self, seed: int, epoch: int) -> dict[str, float]:
        """Train for one epoch; returns the mean of the loss (and other metrics) over its images."""
        states = [variable for variable in self.model.non_trainable_variables if variable.name == SEED_STATE]
        for number, state in enumerate(states):
            state.assign(np.random.SeedSequence([seed, epoch, number]).generate_state(2))
        self.model.reset_metrics()
        order, symmetry = epoch_order(seed, epoch, self.size)
        return {key: float(value) for key, value in self.train_epoch(order, symmetry).items()}

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predictions in units of the labels, shape (images, outputs)."""
        starts = range(0, len(images), PREDICT_BATCH)
        batches = [self.forward(images[start : start + PREDICT_BATCH]).numpy() for start in starts]
        return (np.concatenate(batches) * np.float32(self.scale) + np.float32(self.offset)).astype(np.float32)


def train_pack(
    name: str,
    recipe: Recipe,
    seeds: range,
    train: Split,
    tests: Mapping[str, Split],
    models: Path,
    *,
    minimum: int,
    maximum: int,
) -> Pack:
    """Train one variant with each of some seeds and predict the test splits.

    Args:
        name: how the log calls it.
        recipe: what to train, and how.
        seeds: the seeds of the pack.
        train: the training images.
        tests: the test splits by name.
        models: an existing folder; gets architecture.json and the weights of each seed, ``seed-000.weights.h5``.
        minimum, maximum: range of the labels, for `Recipe.scale_targets`.

    Raises:
        CalotypeError: the model or the optimizer cannot be made, or the model does not fit the images.
    """
    try:
        engine = _Engine(recipe, train, minimum, maximum)
    except CalotypeError as error:
        raise CalotypeError(f"{name}: {error}") from error.__cause__
    (models / "architecture.json").write_text(engine.model.to_json() + "\n", encoding="utf-8")
    rows: list[tuple[int, int, str, float]] = []
    predictions: dict[str, list[NDArray[np.float32]]] = {split: [] for split in tests}
    seconds: dict[int, float] = {}
    for seed in seeds:
        began = time.perf_counter()
        engine.begin(seed)
        for epoch in range(1, recipe.epochs + 1):
            logs = engine.run_epoch(seed, epoch)
            rows += [(seed, epoch, metric, value) for metric, value in logs.items()]
            logger.debug("seed %d, epoch %d of %d: loss %.5f", seed, epoch, recipe.epochs, logs["loss"])
        for split, data in tests.items():
            predictions[split].append(engine.predict(data.images[: recipe.test_images]))
        engine.model.save_weights(models / f"seed-{seed:03d}.weights.h5")
        seconds[seed] = time.perf_counter() - began
        logger.info("%s: seed %d done in %.0f s", name, seed, seconds[seed])
    return Pack(
        parameters=engine.model.count_params(),
        history=pd.DataFrame(rows, columns=["seed", "epoch", "metric", "value"]),
        predictions={split: np.stack(found) for split, found in predictions.items()},
        seconds=seconds,
    )
