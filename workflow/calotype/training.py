"""Train Keras models.

The model is built, compiled and traced once for all seeds of a pack; for each its weights are set anew. Every run in a
pack is bit for bit the run it would be alone, because all that is random is keyed by the seed, or by (seed, epoch), and
nothing is carried over from one seed to the next.
"""

import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype import augment
from calotype.backend import keras, tf
from calotype.errors import CalotypeError
from calotype.feed import Resident, Streamed
from calotype.models import build
from calotype.recipe import Optimizer, Recipe
from calotype.runs import PREDICT_BATCH
from calotype.splits import Split

SEED_STATE = "seed_generator_state"  # Keras's name of the variable that dropout and the like draw from
# What XLA makes faster on a CPU. Steps with convolutions it makes many times slower (tests/benchmarks), and those of
# the ablation with dropout four times, because of its random numbers.
FASTER_WITH_XLA = {"Activation", "Dense", "Flatten", "InputLayer"}


def make_optimizer(recipe: Optimizer, steps: int) -> Any:
    """Make the Keras optimizer of a recipe.

    Args:
        recipe: name, learning rate, schedule and further arguments.
        steps: of the whole training; a schedule ends with the last.

    Raises:
        CalotypeError: Keras refuses an argument.
    """
    arguments = dict(recipe.arguments)
    if recipe.schedule not in ("constant", "cosine"):
        arguments["learning_rate"] = _schedule(recipe)
    elif recipe.schedule == "cosine":
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


def _schedule(recipe: Optimizer) -> Any:
    """One of Keras's schedules, by the name of its class in lower case."""
    name = "".join(part.capitalize() for part in recipe.schedule.split("_"))
    rate = {} if recipe.learning_rate is None else {"initial_learning_rate": recipe.learning_rate}
    try:
        found = getattr(keras.optimizers.schedules, name)(**rate, **recipe.schedule_arguments)
        found(0)  # some arguments are refused only now
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        problem = f"optimizer.schedule_arguments: {recipe.schedule}: {error}"
        raise CalotypeError(problem, f"see Keras's page on {name}.") from error
    return found


class Trainer:
    """A compiled Keras model with its data and its training function (see `runs.Trainer`).

    Attributes:
        steps: training steps of an epoch; the last may have fewer images.
    """

    def __init__(
        self,
        recipe: Recipe,
        train: Split,
        *,
        minimum: int | None,
        maximum: int | None,
        classes: int | None,
        stream_above: float = math.inf,
    ) -> None:
        """Build and compile the model.

        Args:
            recipe: what to train, and how.
            train: the training images.
            minimum, maximum: range of the labels, for `Recipe.scale_targets`; None where they are no counts.
            classes: number of classes; None where the labels are counts or other numbers.
            stream_above: MiB of training images; fewer are kept on the device. It changes no result.

        Raises:
            CalotypeError: the model or the optimizer cannot be made, or the model does not fit the images.
        """
        outputs, offset, scale = classes or 1, 0, 1
        if recipe.scale_targets and minimum is not None and maximum is not None:
            offset, scale = minimum, maximum - minimum
        keras.utils.clear_session()
        keras.config.set_dtype_policy(recipe.precision)
        self.recipe = recipe
        self.shape = train.images.shape[1:]
        self.outputs, self.offset, self.scale = outputs, offset, scale
        self.size = train.held_out_from(recipe.validation_split)  # what follows is held out
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
        # For `save`: of a compiled model Keras saves the optimizer, too: twice the size, for nobody's use. One for all
        # seeds: the file holds the names of the layers, which count up with each model that is built.
        self.plain = self._fresh_model(seed=0)
        self.steps = math.ceil(self.size / recipe.batch_size)
        optimizer = make_optimizer(recipe.optimizer, recipe.epochs * self.steps)
        self.model.compile(optimizer=optimizer, loss=self._loss(), metrics=self._metrics(), jit_compile=False)
        self.model.optimizer.build(self.model.trainable_variables)
        self.fresh_optimizer = [variable.numpy() for variable in self.model.optimizer.variables]
        weights = self._weights(train)
        self.weighted = weights is not None
        targets = self._targets(train.labels)
        if weights is not None:  # in one array with the targets, so that they take the same way
            targets = np.concatenate([targets.astype(np.float32), weights[:, None]], axis=1)
        streamed = train.images.nbytes > stream_above * 2**20
        self.feed = Streamed(train.images, targets, recipe.batch_size) if streamed else Resident(train.images, targets)
        kinds = (tf.float32, targets.dtype, tf.int32, tf.int32)
        columns = augment.epoch_draws(0, 0, 1, recipe.augment, *self.shape[:2])[1].shape[1]
        shapes = (self.shape, targets.shape[1:], (), (columns,))
        data = [tf.TensorSpec((None, *shape), kind) for shape, kind in zip(shapes, kinds, strict=True)]
        steps = [tf.TensorSpec((), tf.int32)] * 2
        self.xla = self._uses_xla()
        self.train_steps = tf.function(self._train_steps, input_signature=data + steps, jit_compile=self.xla)
        self.train_rest = tf.function(self._train_step)  # one step an epoch: XLA would take a second to compile it
        try:
            self.train_steps.get_concrete_function()  # Keras makes some of its variables when it first sees a step
        except (TypeError, ValueError) as error:
            problem = f"model: {recipe.model}: no training step can be made of it: {error}"
            raise CalotypeError(problem, "see that its output, the loss and `precision` fit each other.") from error
        self.test_steps = tf.function(self._test_steps, input_signature=data[:2])
        self.reset_metrics = tf.function(self.model.reset_metrics)
        self.metrics = tf.function(self.model.get_metrics_result)
        self.forward = tf.function(self._forward)

    def _uses_xla(self) -> bool:
        if self.recipe.jit_compile != "auto":
            return self.recipe.jit_compile
        kinds = {type(layer).__name__ for layer in self.model.layers}
        on_cpu = not tf.config.list_physical_devices("GPU")
        return on_cpu and not self.recipe.augment and kinds <= FASTER_WITH_XLA

    def _loss(self) -> Any:
        if self.recipe.label_smoothing:
            return keras.losses.CategoricalCrossentropy(label_smoothing=self.recipe.label_smoothing)
        return self.recipe.loss

    def _metrics(self) -> list[Any]:
        try:
            further = [keras.metrics.get(name) for name in self.recipe.training_metrics]
        except ValueError as error:
            raise CalotypeError(f"training_metrics: {error}", "see Keras's page on metrics.") from error
        if not self.recipe.classifies:
            return further
        kind = keras.metrics.SparseCategoricalAccuracy if self._sparse else keras.metrics.CategoricalAccuracy
        return [kind(name="accuracy"), *further]

    @property
    def _sparse(self) -> bool:
        """Whether the loss takes the number of a class instead of a row of zeros with a one."""
        return self.recipe.loss == "sparse_categorical_crossentropy"

    def _weights(self, train: Split) -> NDArray[np.float32] | None:
        """The weight of each image in the loss, shape (images,); None where all weigh the same."""
        chosen = self.recipe.class_weight
        if chosen is None:
            return train.weights
        counts = np.bincount(train.labels[: self.size].astype(np.int64), minlength=self.outputs)
        if chosen == "balanced":
            by_class = self.size / (self.outputs * np.maximum(counts, 1))
        else:
            if unknown := [number for number in chosen if not 0 <= number < self.outputs]:
                raise CalotypeError(
                    f"class_weight: there is no class {unknown[0]}.", f"they have the numbers 0 to {self.outputs - 1}."
                )
            by_class = np.array([chosen.get(number, 1.0) for number in range(self.outputs)])
        own = 1.0 if train.weights is None else np.asarray(train.weights)
        return np.asarray(by_class[train.labels.astype(np.int64)] * own, np.float32)

    def _targets(self, labels: NDArray[Any]) -> NDArray[Any]:
        if self._sparse:
            return labels[:, None].astype(np.int32)
        if self.recipe.classifies:
            return np.eye(self.outputs, dtype=np.float32)[labels]
        return ((labels[:, None] - self.offset) / self.scale).astype(np.float32)

    def _fresh_model(self, seed: int) -> Any:
        if ":" in self.recipe.model:
            keras.utils.set_random_seed(seed)  # somebody's own model may draw from any generator
        else:
            # Keras's initializers draw from Python's. A new seed of TensorFlow's would have it prepare every function
            # anew: 0.2 s for a small net, 1.3 s for one with convolutions.
            random.seed(seed)
        return build(self.recipe.model, self.shape, self.outputs, self.recipe.model_arguments)

    def _train_steps(self, images: Any, targets: Any, places: Any, draws: Any, first: Any, last: Any) -> Any:
        size = self.recipe.batch_size
        step = first
        while step < last:  # not `in tf.range`: for that, XLA would compile anew for every first and last
            if self.xla:  # which has to know how many images a step has
                chosen = tf.slice(places, [step * size], [size])
                numbers = tf.slice(draws, [step * size, 0], [size, draws.shape[1]])
            else:
                chosen, numbers = places[step * size : (step + 1) * size], draws[step * size : (step + 1) * size]
            self._train_step(images, targets, chosen, numbers)
            step += 1
        # Nobody needs it here, but without it TensorFlow optimizes another graph, and the last bits are others.
        return self.model.get_metrics_result()

    def _train_step(self, images: Any, targets: Any, chosen: Any, draws: Any) -> None:
        batch = augment.apply(tf.gather(images, chosen), draws, self.recipe.augment)
        self.model.train_step((batch, *self._with_weights(tf.gather(targets, chosen))))

    def _test_steps(self, images: Any, targets: Any) -> None:
        for start in tf.range(0, len(images), PREDICT_BATCH):
            chosen = targets[start : start + PREDICT_BATCH]
            self.model.test_step((images[start : start + PREDICT_BATCH], *self._with_weights(chosen)))

    def _with_weights(self, targets: Any) -> tuple[Any, ...]:
        """Targets, and apart from them the weights of their images where they have some."""
        if not self.weighted:
            return (targets,)
        labels = tf.cast(targets[:, :-1], tf.int32) if self._sparse else targets[:, :-1]
        return labels, targets[:, -1]

    def _forward(self, images: Any) -> Any:
        return tf.cast(self.model(images, training=False), tf.float32)

    def begin(self, seed: int) -> None:
        """Set weights and optimizer to what they are at the start of a run with this seed."""
        self.model.set_weights(self._fresh_model(seed).get_weights())
        for variable, value in zip(self.model.optimizer.variables, self.fresh_optimizer, strict=True):
            variable.assign(value)

    def begin_epoch(self, seed: int, epoch: int) -> None:
        """Draw the order of the images and their changes, and what dropout and the like draw from."""
        states = [variable for variable in self.model.non_trainable_variables if variable.name == SEED_STATE]
        for number, state in enumerate(states):
            state.assign(np.random.SeedSequence([seed, epoch, number]).generate_state(2))
        self.reset_metrics()
        self.feed.begin_epoch(*augment.epoch_draws(seed, epoch, self.size, self.recipe.augment, *self.shape[:2]))

    def train(self, first: int, last: int) -> None:
        """Take some steps of the epoch. The loop over them runs in TensorFlow: Python costs more than a small step."""
        for images, targets, places, draws, start, end in self.feed.parts(first, last):
            full = min(end, len(places) // self.recipe.batch_size)
            if start < full:
                try:
                    self.train_steps(images, targets, places, draws, tf.constant(start), tf.constant(full))
                except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
                    if not self.xla:
                        raise
                    problem = f"jit_compile: XLA cannot compile {self.recipe.model}: {error.message.splitlines()[0]}"
                    raise CalotypeError(problem, "set `jit_compile: false`.") from error
            if full < end:
                rest = full * self.recipe.batch_size
                self.train_rest(images, targets, places[rest:], draws[rest:])
        self.model.optimizer.iterations.numpy()  # on a GPU the steps may still be running

    def end_epoch(self) -> dict[str, float]:
        """The mean of the loss (and other metrics) over the images of the epoch.

        With a held-out part, its metrics follow as ``val_loss`` and so on.
        """
        logs = {key: float(value) for key, value in self.metrics().items()}
        if self.recipe.validation_split:
            self.reset_metrics()
            for images, targets in self.feed.held_out(self.size, PREDICT_BATCH):
                self.test_steps(images, targets)
            logs |= {f"val_{key}": float(value) for key, value in self.metrics().items()}
        return logs

    def _variables(self) -> dict[str, Any]:
        """Everything that a step reads and changes: weights, states of seed generators, optimizer, running metrics."""
        metrics = [variable for metric in self.model.metrics for variable in metric.variables]
        groups = {"model": self.model.variables, "optimizer": self.model.optimizer.variables, "metrics": metrics}
        return {f"{name}/{i:06d}": variable for name, group in groups.items() for i, variable in enumerate(group)}

    def state(self) -> dict[str, NDArray[Any]]:
        """The values of all variables."""
        return {name: np.asarray(variable.numpy()) for name, variable in self._variables().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Set all variables to what `state` gave."""
        for name, variable in self._variables().items():
            variable.assign(_typed(state[name], variable))

    def weights(self) -> list[NDArray[Any]]:
        """The weights of the model, in Keras's order."""
        return [np.asarray(weight) for weight in self.model.get_weights()]

    def set_weights(self, weights: Sequence[NDArray[Any]]) -> None:
        """Set the weights of the model."""
        self.model.set_weights([_typed(weight, own) for weight, own in zip(weights, self.model.weights, strict=True)])

    def save(self, models: Path, seed: int) -> None:
        """Write ``seed-000.weights.h5`` and, for all seeds, ``architecture.json``."""
        self.plain.set_weights(self.model.get_weights())
        self.plain.save_weights(models / f"seed-{seed:03d}.weights.h5")
        (models / "architecture.json").write_text(self.model.to_json() + "\n", encoding="utf-8")

    def layers(self) -> pd.DataFrame:
        """The layers of the model."""
        return layers_table(self.model)

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predictions, shape (images, outputs): numbers in units of the labels, or probabilities."""
        views = augment.test_views(images, self.recipe.test_views)
        found = np.mean([self.forward(np.ascontiguousarray(view)).numpy() for view in views], axis=0)
        return (found * np.float32(self.scale) + np.float32(self.offset)).astype(np.float32)


def _typed(value: NDArray[Any], variable: Any) -> NDArray[Any]:
    """A value of a variable. Types that numpy does not know, such as bfloat16, come back from a file as bytes."""
    return value.view(variable.numpy().dtype) if value.dtype.kind == "V" else value


def layers_table(model: Any) -> pd.DataFrame:
    """The layers of a Keras model, as `Model.summary` lists them: layer, kind, output_shape, parameters."""
    rows = [
        (layer.name, type(layer).__name__, str(tuple(layer.output.shape)), layer.count_params())
        for layer in model.layers
        if type(layer).__name__ != "InputLayer"
    ]
    return pd.DataFrame(rows, columns=["layer", "kind", "output_shape", "parameters"])
