"""Train Keras models.

The model is built, compiled and traced once for all seeds of a pack. A run gives the same bits in any pack: all random
numbers are keyed by seed, or by (seed, epoch), and `begin` resets everything else.
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
from calotype.training.backend import device_name, keras, tf
from calotype.training.input_pipeline import Resident, Streamed
from calotype.training.keras_model import KerasModel
from calotype.training.optimizer import class_name, make_optimizer
from calotype.util.errors import CalotypeError

TEST_BATCH = 250  # held-out images per step
# Layers that XLA makes faster on a CPU. It makes convolutions many times slower (tests/benchmarks), and dropout four
# times slower.
FASTER_WITH_XLA = {"Activation", "Dense", "Flatten", "InputLayer"}


class Trainer(KerasModel):
    """A compiled Keras model with its data (methods as in `trainer.Trainer`). The last step may have fewer images."""

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
            recipe: the recipe.
            train: the training images.
            minimum, maximum: range of labels that are counts, for `Recipe.scale_targets`. None takes the range from the
                training images.
            classes: number of classes; None where the labels are numbers.
            validation: the images of `Recipe.validation`.
            stream_above_mib: stream the images if they take more MiB. It changes no result.

        Raises:
            CalotypeError: the model or the optimizer cannot be made, or the model does not fit the images.
        """
        self.device, self.classes = device_name(), classes or 0
        self.size = train.held_out_from(recipe.validation_split)  # number of images to train on
        if not 0 < self.size <= len(train.images) - (recipe.validation_split > 0):
            where = f"validation_split: {recipe.validation_split} of {len(train.images)} images"
            problem = f"{where} leaves none to train on, or none to validate on."
            raise CalotypeError(problem, "use more images, or another fraction.")
        offset, scale = 0.0, 1.0
        if recipe.scale_targets:
            labels = train.labels[: self.size]
            offset = float(labels.min() if minimum is None else minimum)
            largest = float(labels.max() if maximum is None else maximum)
            scale = (largest - offset) or 1.0  # all labels may be equal
        super().__init__(recipe, train.images.shape[1:], {"classes": classes, "offset": offset, "scale": scale})
        if self.shape[0] != self.shape[1] and any(change.name == "dihedral" for change in recipe.augment):
            problem = f"augment: dihedral: the images are {self.shape[1]} x {self.shape[0]} px, not square."
            raise CalotypeError(problem, "use `flip`, or make the images square with `crop` or `pad`.")
        # For `save`: of a compiled model, Keras also saves the optimizer. One model for all seeds, because files hold
        # names of layers, and these count the models that were built.
        self.plain = self.fresh_model(seed=0)
        if [weight.shape for weight in self.plain.weights] != [weight.shape for weight in self.model.weights]:
            raise CalotypeError(
                f"model: {recipe.model}: the shapes of its weights change each time it is built.",
                "make the model depend only on the image shape, the number of outputs and `model_arguments`.",
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
        trained_on = targets[: self.size, 0]  # held-out targets may lie outside the scaled range
        output_layer.check_activation(recipe, self.model, (float(trained_on.min()), float(trained_on.max())))
        mib = sum(split.images.nbytes for split in (train, validation) if split is not None) / 2**20
        self.streamed = mib > stream_above_mib
        self.feed = self._feed(train.images, targets)
        # The feed of the held-out images, and the index of the first one.
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
        self.train_rest = tf.function(self._train_step)  # not with XLA, which compiles it for a second
        try:
            # Keras makes some variables at the first trace. Concrete functions, here and below, because finding them at
            # each call costs as much as six steps of a small model.
            self.train_steps = train_steps.get_concrete_function()
        except (TypeError, ValueError) as error:
            problem = f"model: {recipe.model}: its training step cannot be built: {error}"
            raise CalotypeError(problem, "check that its output, the loss and `precision` fit each other.") from error
        # State that the model keeps outside of Keras: it is no part of the saved weights.
        self.untracked: list[Any] = []
        known = {id(variable.value) for variable in self._variables().values()}
        self.untracked = [each for each in self.train_steps.variables if id(each) not in known]
        self.fresh_untracked = [variable.numpy() for variable in self.untracked]
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
        """Return the weight of each class, shape (classes,), given the training labels."""
        chosen = self.recipe.class_weight
        if chosen == "balanced":
            counts = np.bincount(labels.astype(np.int64), minlength=self.classes)
            return len(labels) / (self.classes * np.maximum(counts, 1))
        if not isinstance(chosen, list) or len(chosen) != self.classes:
            raise CalotypeError(f"class_weight: {chosen}: must have one weight for each of the {self.classes} classes.")
        return np.array(chosen)

    def _targets(self, split: Split, trained: int) -> NDArray[Any]:
        """Return the targets of a split and, in the last column, the weights of its images, if any.

        As in Keras's `fit`, class weights count for the first `trained` images only, image weights for all.
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
        while step < last:  # for `in tf.range`, XLA would compile again for every first and last
            if self.xla:  # it needs a constant batch size
                chosen = tf.slice(places, [step * size], [size])
                numbers = tf.slice(draws, [step * size, 0], [size, draws.shape[1]])
            else:
                chosen, numbers = places[step * size : (step + 1) * size], draws[step * size : (step + 1) * size]
            self._train_step(images, targets, chosen, numbers)
            step += 1
        # Not used, but without it TensorFlow optimizes the graph in another way, which changes the last bits.
        return self.model.get_metrics_result()

    def _train_step(self, images: Any, targets: Any, chosen: Any, draws: Any) -> None:
        batch = augmentation.apply(tf.gather(images, chosen), draws, self.recipe.augment)
        self.model.train_step((batch, *self._with_weights(tf.gather(targets, chosen))))

    def _test_steps(self, images: Any, targets: Any) -> None:
        for start in tf.range(0, len(images), TEST_BATCH):
            chosen = targets[start : start + TEST_BATCH]
            self.model.test_step((images[start : start + TEST_BATCH], *self._with_weights(chosen)))

    def _with_weights(self, targets: Any) -> tuple[Any, ...]:
        """Split an array of `_targets` into targets and weights."""
        if not self.weighted:
            return (targets,)
        labels = tf.cast(targets[:, :-1], tf.int32) if self.recipe.sparse else targets[:, :-1]
        return labels, targets[:, -1]

    def begin(self, seed: int) -> None:
        self.model.set_weights(self.fresh_model(seed).get_weights())
        for variable, value in zip(self.model.optimizer.variables, self.fresh_optimizer, strict=True):
            variable.assign(value)
        for variable, value in zip(self.untracked, self.fresh_untracked, strict=True):
            variable.assign(value)

    def begin_epoch(self, seed: int, epoch: int) -> None:
        self.key_draws(seed, epoch)
        self.reset_metrics()
        self.feed.begin_epoch(*augmentation.epoch_draws(seed, epoch, self.size, self.recipe.augment, *self.shape[:2]))

    def set_rate(self, part: float, least: float) -> None:
        self.model.optimizer.learning_rate = max(self.fresh_rate * part, least)

    def train(self, first: int, last: int) -> None:
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
        self.model.optimizer.iterations.numpy()  # waits for the steps, which may still run on a GPU

    def end_epoch(self) -> dict[str, float]:
        logs = {key: float(value) for key, value in self.metrics().items()}
        if self.held_out is not None:
            feed, first = self.held_out
            self.reset_metrics()
            for images, targets in feed.held_out(first, TEST_BATCH):
                self.test_steps(images, targets)
            logs |= {f"val_{key}": float(value) for key, value in self.metrics().items()}
        return logs

    def _variables(self) -> dict[str, Any]:
        """Return the variables that a step changes: weights, seed generators, optimizer, running metrics, others."""
        metrics = [variable for metric in self.model.metrics for variable in metric.variables]
        groups = {"model": self.model.variables, "optimizer": self.model.optimizer.variables, "metrics": metrics}
        groups |= {"unseeded": [self.unseeded.state], "untracked": self.untracked}
        return {f"{name}/{i:06d}": variable for name, group in groups.items() for i, variable in enumerate(group)}

    def state(self) -> dict[str, NDArray[Any]]:
        return {name: np.asarray(variable.numpy()) for name, variable in self._variables().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        for name, variable in self._variables().items():
            variable.assign(_typed(state[name], variable))

    def set_weights(self, weights: Sequence[NDArray[Any]]) -> None:
        self.model.set_weights([_typed(weight, own) for weight, own in zip(weights, self.model.weights, strict=True)])

    def save(self, models: Path, seed: int) -> None:
        self.plain.set_weights(self.model.get_weights())
        self.plain.save_weights(models / f"seed-{seed:03d}.weights.h5")
        (models / "architecture.json").write_text(self.model.to_json() + "\n", encoding="utf-8")

    def layers(self) -> pd.DataFrame:
        return layers_table(self.model)


def _typed(value: NDArray[Any], variable: Any) -> NDArray[Any]:
    """Restore the type of a value: files hold types that NumPy does not know, such as bfloat16, as bytes."""
    return value.view(variable.numpy().dtype) if value.dtype.kind == "V" else value


def layers_table(model: Any) -> pd.DataFrame:
    """List the layers of a Keras model, as `Model.summary` does: layer, kind, output_shape, parameters."""
    rows = [
        (layer.name, type(layer).__name__, str(tuple(layer.output.shape)), layer.count_params())
        for layer in model.layers
        if type(layer).__name__ != "InputLayer"
    ]
    return pd.DataFrame(rows, columns=["layer", "kind", "output_shape", "parameters"])
