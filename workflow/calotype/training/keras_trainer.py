"""Train Keras models.

The model is built, compiled and traced once for all seeds of a pack; for each its weights are set anew. Every run in a
pack is bit for bit the run it would be alone, because all that is random is keyed by the seed, or by (seed, epoch), and
nothing is carried over from one seed to the next.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.config.recipe import Recipe
from calotype.data.prepared_split import Split
from calotype.training import augmentation, output_layer
from calotype.training.backend import keras, tf
from calotype.training.input_pipeline import Resident, Streamed
from calotype.training.keras_model import KerasModel
from calotype.training.optimizer import class_name, make_optimizer
from calotype.util.errors import CalotypeError

TEST_BATCH = 250  # held-out images that are measured at a time
# What XLA makes faster on a CPU. Steps with convolutions it makes many times slower (tests/benchmarks), and those of
# the ablation with dropout four times, because of its random numbers.
FASTER_WITH_XLA = {"Activation", "Dense", "Flatten", "InputLayer"}


class Trainer(KerasModel):
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
        validation: Split | None = None,
        stream_above_mib: float = math.inf,
    ) -> None:
        """Build and compile the model.

        Args:
            recipe: what to train, and how.
            train: the training images.
            minimum, maximum: range of the labels, for `Recipe.scale_targets`; None where they are no counts. That of
                other numbers is taken from the images that are trained on.
            classes: number of classes; None where the labels are counts or other numbers.
            validation: the images of `Recipe.validation`; None where it names no split.
            stream_above_mib: MiB of training images; fewer are kept on the device. It changes no result.

        Raises:
            CalotypeError: the model or the optimizer cannot be made, or the model does not fit the images.
        """
        self.classes = classes or 0
        self.size = train.held_out_from(recipe.validation_split)  # what follows is held out
        if not 0 < self.size <= len(train.images) - (recipe.validation_split > 0):
            raise CalotypeError(
                f"validation_split: {recipe.validation_split} of {len(train.images)} images leaves none to train on, "
                "or none to validate on."
            )
        offset, scale = 0.0, 1.0
        if recipe.scale_targets:
            labels = train.labels[: self.size]
            offset = float(labels.min() if minimum is None else minimum)
            largest = float(labels.max() if maximum is None else maximum)
            # They may all be the same, or a smoke test's few of them.
            scale = (largest - offset) or 1.0
        super().__init__(recipe, train.images.shape[1:], {"classes": classes, "offset": offset, "scale": scale})
        if self.shape[0] != self.shape[1] and any(change.name == "dihedral" for change in recipe.augment):
            raise CalotypeError(f"augment: dihedral: the images are {self.shape[1]} x {self.shape[0]} px, not square.")
        # For `save`: of a compiled model Keras saves the optimizer, too: twice the size, for nobody's use. One for all
        # seeds: the file holds the names of the layers, which count up with each model that is built.
        self.plain = self.fresh_model(seed=0)
        if [weight.shape for weight in self.plain.weights] != [weight.shape for weight in self.model.weights]:
            raise CalotypeError(
                f"model: {recipe.model}: is another each time that it is built: its weights have other shapes.",
                "let only the image shape, the number of outputs and `model_arguments` decide what it is.",
            )
        self.steps = math.ceil(self.size / recipe.batch_size)
        optimizer = make_optimizer(recipe.optimizer, recipe.epochs * self.steps)
        self.model.compile(optimizer=optimizer, loss=self._loss(), metrics=self._metrics(), jit_compile=False)
        self.model.optimizer.build(self.model.trainable_variables)
        self.fresh_rate = float(self.model.optimizer.learning_rate)
        self.fresh_optimizer = [variable.numpy() for variable in self.model.optimizer.variables]
        self.weighted = recipe.class_weight is not None or any(
            split is not None and split.weights is not None for split in (train, validation)
        )
        targets = self._targets(train, self.size)
        trained_on = targets[: self.size, 0]  # held-out labels may lie outside of a range that was scaled to 0..1
        output_layer.check_activation(recipe, self.model, (float(trained_on.min()), float(trained_on.max())))
        mib = sum(split.images.nbytes for split in (train, validation) if split is not None) / 2**20
        self.streamed = mib > stream_above_mib
        self.feed = self._feed(train.images, targets)
        # Whatever is held out, and where it begins.
        self.held_out = (self.feed, self.size) if recipe.validation_split else None
        if validation is not None:
            self.held_out = self._feed(validation.images, self._targets(validation, 0)), 0
        kinds = (tf.float32, targets.dtype, tf.int32, tf.int32)
        columns = augmentation.epoch_draws(0, 0, 1, recipe.augment, *self.shape[:2])[1].shape[1]
        shapes = (self.shape, targets.shape[1:], (), (columns,))
        data = [tf.TensorSpec((None, *shape), kind) for shape, kind in zip(shapes, kinds, strict=True)]
        steps = [tf.TensorSpec((), tf.int32)] * 2
        self.xla = self._uses_xla()
        train_steps = tf.function(self._train_steps, input_signature=data + steps, jit_compile=self.xla)
        self.train_rest = tf.function(self._train_step)  # one step an epoch: XLA would take a second to compile it
        try:
            # Keras makes some of its variables when it first sees a step. What is kept, here and below, is the concrete
            # function: to find it anew at each call costs as much as six steps of a small net.
            self.train_steps = train_steps.get_concrete_function()
        except (TypeError, ValueError) as error:
            problem = f"model: {recipe.model}: no training step can be made of it: {error}"
            raise CalotypeError(problem, "see that its output, the loss and `precision` fit each other.") from error
        self.test_steps = tf.function(self._test_steps, input_signature=data[:2])
        self.reset_metrics = tf.function(self.model.reset_metrics).get_concrete_function()
        self.metrics = tf.function(self.model.get_metrics_result).get_concrete_function()

    def _uses_xla(self) -> bool:
        if self.recipe.jit_compile != "auto":
            return self.recipe.jit_compile
        kinds = {type(layer).__name__ for layer in self.model.layers}
        on_cpu = not tf.config.list_physical_devices("GPU")
        return on_cpu and not self.recipe.augment and kinds <= FASTER_WITH_XLA

    def _feed(self, images: NDArray[np.float32], targets: NDArray[Any]) -> Resident | Streamed:
        return Streamed(images, targets, self.recipe.batch_size) if self.streamed else Resident(images, targets)

    def _loss(self) -> Any:
        name, smoothing = self.recipe.loss, self.recipe.label_smoothing
        return getattr(keras.losses, class_name(name))(label_smoothing=smoothing) if smoothing else name

    def _metrics(self) -> list[Any]:
        further = [
            keras.metrics.get({"class_name": name, "config": {"name": name}}) for name in self.recipe.training_metrics
        ]
        if not self.recipe.classifies:
            return further
        kind = "SparseCategorical" if self.recipe.sparse else "Binary" if self.recipe.binary else "Categorical"
        return [getattr(keras.metrics, f"{kind}Accuracy")(name="accuracy"), *further]

    def _class_weights(self, labels: NDArray[Any]) -> NDArray[Any]:
        """The weight of each class, shape (classes,), given the labels that are trained on."""
        chosen = self.recipe.class_weight
        if chosen == "balanced":
            counts = np.bincount(labels.astype(np.int64), minlength=self.classes)
            return len(labels) / (self.classes * np.maximum(counts, 1))
        if not isinstance(chosen, list) or len(chosen) != self.classes:
            raise CalotypeError(f"class_weight: {chosen} is not a weight for each of {self.classes} classes.")
        return np.array(chosen)

    def _targets(self, split: Split, trained: int) -> NDArray[Any]:
        """What the model is to give for each image of a split; in the last column its weight, where they have some.

        In one array, so that they take the same way. As in Keras's `fit`, weights of classes count in training alone,
        weights of images everywhere.

        Args:
            split: the images.
            trained: how many of them, from the first on, are trained on.
        """
        labels = split.labels
        if self.recipe.sparse or self.recipe.binary:
            targets = labels[:, None].astype(np.int32 if self.recipe.sparse else np.float32)
        elif self.recipe.classifies:
            targets = np.eye(self.outputs, dtype=np.float32)[labels]
        else:
            targets = ((labels[:, None] - self.targets["offset"]) / self.targets["scale"]).astype(np.float32)
        if not self.weighted:
            return targets
        weights = np.ones(len(labels)) if split.weights is None else np.array(split.weights, np.float64)
        if self.recipe.class_weight is not None:
            weights[:trained] *= self._class_weights(labels[:trained])[labels[:trained].astype(np.int64)]
        return np.concatenate([targets.astype(np.float32), weights[:, None].astype(np.float32)], axis=1)

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
        batch = augmentation.apply(tf.gather(images, chosen), draws, self.recipe.augment)
        self.model.train_step((batch, *self._with_weights(tf.gather(targets, chosen))))

    def _test_steps(self, images: Any, targets: Any) -> None:
        for start in tf.range(0, len(images), TEST_BATCH):
            chosen = targets[start : start + TEST_BATCH]
            self.model.test_step((images[start : start + TEST_BATCH], *self._with_weights(chosen)))

    def _with_weights(self, targets: Any) -> tuple[Any, ...]:
        """Targets, and apart from them the weights of their images where they have some."""
        if not self.weighted:
            return (targets,)
        labels = tf.cast(targets[:, :-1], tf.int32) if self.recipe.sparse else targets[:, :-1]
        return labels, targets[:, -1]

    def begin(self, seed: int) -> None:
        """Set weights and optimizer to what they are at the start of a run with this seed."""
        self.model.set_weights(self.fresh_model(seed).get_weights())
        for variable, value in zip(self.model.optimizer.variables, self.fresh_optimizer, strict=True):
            variable.assign(value)

    def begin_epoch(self, seed: int, epoch: int) -> None:
        """Draw the order of the images and their changes, and what dropout and the like draw from."""
        self.key_draws(seed, epoch)
        self.reset_metrics()
        self.feed.begin_epoch(*augmentation.epoch_draws(seed, epoch, self.size, self.recipe.augment, *self.shape[:2]))

    def set_rate(self, part: float, least: float) -> None:
        """Set the learning rate to a part of the one at the start of a run, but not below some value."""
        self.model.optimizer.learning_rate = max(self.fresh_rate * part, least)

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
        if self.held_out is not None:
            feed, first = self.held_out
            self.reset_metrics()
            for images, targets in feed.held_out(first, TEST_BATCH):
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
