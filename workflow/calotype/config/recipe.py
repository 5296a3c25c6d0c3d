"""The recipe of a training run: all config that can change its weights.

A separate module, so that training code imports no other config: a new key for a figure or a claim retrains nothing.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from calotype.config.augmentation import Augmentation
from calotype.config.optimizer import Optimizer, Plateau
from calotype.config.training_metrics import THE_MORE_THE_BETTER, TrainingMetric, fitting
from calotype.tasks.labels import OF_CLASS_NUMBERS, OF_CLASSES, OF_TWO_CLASSES, LossName
from calotype.tasks.registry import tasks_that
from calotype.util.typed import PositiveInt, Strict


def _by_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _class_weight(value: Any) -> Any:
    """Raise one error for a wrong value; pydantic would raise one for each possible type."""
    if value is None or value == "balanced":
        return value
    if isinstance(value, dict):  # YAML reads a class named 3 as a number
        value = {str(key) if type(key) is int else key: weight for key, weight in value.items()}
    if not isinstance(value, dict | list) or not value:
        raise ValueError(f"{value!r} is neither `balanced` nor a mapping of classes to weights, such as {{leaf: 2.5}}")
    for key, weight in value.items() if isinstance(value, dict) else enumerate(value):
        if type(key) not in (str, int):
            raise ValueError(f"{key!r} is not the name of a class; put it in quotes")
        if type(weight) not in (int, float) or not 0 <= weight < math.inf:
            raise ValueError(f"{key}: {weight!r} is not a number >= 0")
    return value


SMOOTHED = ("categorical_crossentropy", "binary_crossentropy")  # losses with `label_smoothing`
SCIKIT_LEARN = ("sklearn.neural_network.MLPClassifier",)  # models that a variant may use
_CLASSES = tasks_that(lambda task: task.gives_probabilities)
_NUMBERS = tasks_that(lambda task: not task.gives_probabilities)
_SCALED = tasks_that(lambda task: task.scales_targets)


class Recipe(Strict):
    """Everything that determines a training run, besides its images and its seed."""

    model: str = Field(
        description="Model function: one of workflow/calotype/training/models.py, or `path/to/file.py:function`. It "
        "gets the image shape and the number of outputs, and returns a Keras model. Or "
        "`sklearn.neural_network.MLPClassifier`."
    )
    model_arguments: dict[str, Any] = Field({}, description="Keyword arguments for the model function.")
    loss: LossName = Field(
        description=f"Keras's name of the loss: a crossentropy or the divergence for {_CLASSES}, one of the others for "
        f"{_NUMBERS}. The `binary` losses need two classes and a model with one sigmoid output, the probability of the "
        f"second class. The other losses of {_CLASSES} need a softmax. `poisson` needs outputs >= 0, for example of a "
        "softplus."
    )
    class_weight: Annotated[
        Literal["balanced"] | dict[str, float] | list[float] | None, BeforeValidator(_class_weight)
    ] = Field(
        None,
        description=f"{_CLASSES}: class weights in the training loss. A mapping by class name (default 1), a list in "
        "the dataset's order, or `balanced`: the same total weight for all classes. As in Keras's `fit`, `val_loss` "
        "ignores them, but not the weights of images.",
    )
    training_metrics: list[TrainingMetric] = Field(
        [],
        description="Further metrics of the training history, by Keras's names. Loss, and accuracy of classes, are "
        "always recorded.",
    )
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0,
        description="Fraction of each target that is spread over all classes (`categorical_crossentropy` and "
        "`binary_crossentropy`).",
    )
    optimizer: Annotated[Optimizer, BeforeValidator(_by_name)] = Field(description="A name, or a mapping with `name`.")
    epochs: PositiveInt = Field(description="Passes over the training images.")
    batch_size: PositiveInt = Field(description="Images per training step; the last step of an epoch takes the rest.")
    train: str = Field("train", description="Training split.")
    scale_targets: bool = Field(
        False,
        description=f"{_SCALED}: train on (label - minimum) / (maximum - minimum) instead of the label. Predictions "
        "and test metrics keep the unit of the labels; the training history has the unit of the scaled labels.",
    )
    augment: list[Annotated[Augmentation, BeforeValidator(_by_name)]] = Field(
        [], description="Random changes of the training images, in this order: names, or mappings with `name`."
    )
    validation_split: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0,
        description="Fraction of the training images that is held out to choose an epoch: the last ones, as in Keras's "
        "`fit`.",
    )
    validation: str | None = Field(
        None,
        description="Split that is held out to choose an epoch, instead of `validation_split`; never one of the "
        "study's `tests`.",
    )
    monitor: str = Field(
        "val_loss",
        description="Metric that chooses the best epoch, the earliest of equals: `loss`, `accuracy` or one of "
        "`training_metrics`; with the prefix `val_` it is measured on the held-out images.",
    )
    mode: Literal["auto", "min", "max"] = Field(
        "auto",
        description="Direction of `monitor`: `min` if less is better, `max` if more is better. `auto` follows the "
        "metric's name.",
    )
    min_delta: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0.0, description="Threshold: an epoch counts as better if `monitor` improves by more than this."
    )
    restore_best_weights: bool = Field(
        False, description="Use the weights of the best epoch by `monitor`, instead of the last epoch."
    )
    patience: PositiveInt | None = Field(
        None,
        description="Stop training after this number of epochs in a row without improvement of `monitor`. Default: "
        "never.",
    )
    reduce_on_plateau: Plateau | None = Field(
        None,
        description="Lower the learning rate when `monitor` no longer improves, as Keras's ReduceLROnPlateau: a "
        "mapping; `{}` uses Keras's defaults.",
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32",
        description="Keras's dtype policy. `mixed_...` keeps weights in float32 and computes layers in 16 bits, for "
        "GPUs and processors with such instructions.",
    )
    jit_compile: Literal["auto", True, False] = Field(
        "auto",
        description="Compile the training steps with XLA. `auto`: only dense models on a CPU, where it is faster. "
        "It changes the last bits of the results.",
    )
    threads: PositiveInt = Field(
        1,
        description="Threads of a training job. The number changes the last bits of the results, so it is the same "
        "on a laptop and on a cluster.",
    )

    @property
    def splits(self) -> list[str]:
        """The training split, then the validation split if there is one."""
        return [self.train, *filter(None, [self.validation])]

    @property
    def holds_out(self) -> bool:
        """True if some images are held out for validation."""
        return self.validation is not None or self.validation_split > 0

    @property
    def classifies(self) -> bool:
        """True if the model predicts a probability for each class, not a number."""
        return self.loss in OF_CLASSES

    @property
    def binary(self) -> bool:
        """True if the model has one output for two classes: the probability of the second."""
        return self.loss in OF_TWO_CLASSES

    @property
    def sparse(self) -> bool:
        """True if the loss takes class numbers, not one-hot rows."""
        return self.loss in OF_CLASS_NUMBERS

    @property
    def more_is_better(self) -> bool:
        """True if a higher value of `monitor` is better."""
        if self.mode != "auto":
            return self.mode == "max"
        return self.monitor.removeprefix("val_") in THE_MORE_THE_BETTER

    def resolved(self) -> dict[str, bool]:
        """Return the properties that training reads, as values: the digest of its code leaves out this module."""
        return {key: getattr(self, key) for key in ("binary", "classifies", "holds_out", "more_is_better", "sparse")}

    @model_validator(mode="after")
    def _keys_fit_each_other(self) -> "Recipe":
        if self.label_smoothing and self.loss not in SMOOTHED:
            raise ValueError(f"label_smoothing needs loss: {' or '.join(SMOOTHED)}")
        if self.class_weight is not None and not self.classifies:
            raise ValueError("class_weight needs a crossentropy as loss")
        if len(set(self.training_metrics)) < len(self.training_metrics):
            raise ValueError("training_metrics: duplicate metric")
        known = fitting(self.loss)
        for name in self.training_metrics:
            if name not in known:
                raise ValueError(
                    f"training_metrics: {name} does not fit loss {self.loss}; allowed values are {', '.join(known)}"
                )
        self._chooses_an_epoch()
        if self.model in SCIKIT_LEARN:
            self._fits_scikit_learn()
        return self

    def _chooses_an_epoch(self) -> None:
        recorded = ["loss", *(["accuracy"] * self.classifies), *self.training_metrics]
        known = [*(f"val_{name}" for name in recorded), *recorded]
        chooses = self.restore_best_weights or self.patience is not None
        reduces = self.reduce_on_plateau is not None
        lacks_images = self.monitor.startswith("val_") and not self.holds_out
        if self.validation == self.train:
            raise ValueError("validation: is the training split; name another")
        if self.validation is not None and self.validation_split:
            raise ValueError("validation and validation_split: give only one")
        if self.monitor not in known:
            raise ValueError(f"monitor: {self.monitor} is not recorded; allowed values are {', '.join(known)}")
        if chooses and lacks_images:
            raise ValueError(
                "restore_best_weights and patience need validation or validation_split: never choose on test images"
            )
        if lacks_images and (self.monitor != "val_loss" or reduces):
            raise ValueError(f"monitor: {self.monitor} needs validation or validation_split")
        if not chooses and (self.min_delta or (self.mode != "auto" and not reduces)):
            raise ValueError("mode and min_delta need restore_best_weights or patience")
        if reduces and self.optimizer.schedule != "constant":
            raise ValueError(f"reduce_on_plateau: schedule {self.optimizer.schedule} already sets the rate")

    def _fits_scikit_learn(self) -> None:
        optimizer, known = self.optimizer, {"sgd": {"momentum", "nesterov"}, "adam": set()}
        refused = {
            "optimizer": optimizer.name not in known,
            "optimizer.schedule": optimizer.schedule != "constant",
            "optimizer.arguments": not optimizer.arguments.keys() <= known.get(optimizer.name, set()),
            "loss": self.loss != "categorical_crossentropy",
        }
        without = (
            "label_smoothing", "class_weight", "training_metrics", "augment", "validation_split", "validation",
            "monitor", "patience", "restore_best_weights", "reduce_on_plateau", "precision", "jit_compile",
        )  # fmt: skip
        refused |= {key: getattr(self, key) != Recipe.model_fields[key].default for key in without}
        for key, problem in refused.items():
            if problem:
                raise ValueError(f"{key}: not supported by {self.model}; remove it, or use a Keras model")
