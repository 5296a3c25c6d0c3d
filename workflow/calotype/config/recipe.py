"""The recipe of a training: everything in the config that can change its bytes, and nothing else.

Its own module, so that the training code depends on this and not on the rest of the config: a new key for a figure
or a claim then retrains nothing.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from calotype.config.augmentation import Augmentation
from calotype.config.optimizer import Optimizer, Plateau
from calotype.config.training_metrics import THE_MORE_THE_BETTER, TrainingMetric, fitting
from calotype.tasks.losses import OF_CLASS_NUMBERS, OF_CLASSES, OF_TWO_CLASSES, LossName
from calotype.tasks.registry import tasks_that
from calotype.util.typed import PositiveInt, Strict


def _by_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _class_weight(value: Any) -> Any:
    """Say what is wrong in one sentence: pydantic has one for each type that a value might have been."""
    if value is None or value == "balanced":
        return value
    if isinstance(value, dict):  # YAML reads a class that is called 3 as a number
        value = {str(key) if type(key) is int else key: weight for key, weight in value.items()}
    if not isinstance(value, dict | list) or not value:
        raise ValueError(f"{value!r} is neither `balanced` nor a mapping of classes to weights, such as {{leaf: 2.5}}")
    for key, weight in value.items() if isinstance(value, dict) else enumerate(value):
        if type(key) not in (str, int):
            raise ValueError(f"{key!r} is not the name of a class; put it in quotes")
        if type(weight) not in (int, float) or not 0 <= weight < math.inf:
            raise ValueError(f"{key}: {weight!r} is not a number from 0")
    return value


SMOOTHED = ("categorical_crossentropy", "binary_crossentropy")  # those that take `label_smoothing`

# scikit-learn's models that a variant may name, and the arguments that a recipe has no key for.
SCIKIT_LEARN = {"sklearn.neural_network.MLPClassifier": ("activation", "alpha", "hidden_layer_sizes")}


_CLASSES = tasks_that(lambda task: task.gives_probabilities)
_NUMBERS = tasks_that(lambda task: not task.gives_probabilities)
_SCALED = tasks_that(lambda task: task.scales_targets)


class Recipe(Strict):
    """What a training computes, given its data and its seed."""

    model: str = Field(
        description="A function of workflow/calotype/training/models.py, or `path/to/file.py:function`; it gets the "
        "image shape and the number of outputs and returns a Keras model. Or `sklearn.neural_network.MLPClassifier`."
    )
    model_arguments: dict[str, Any] = Field({}, description="Keyword arguments for the model function.")
    loss: LossName = Field(
        description=f"Keras's name of the loss: a crossentropy or the divergence for {_CLASSES}, one of the others for "
        f"{_NUMBERS}. With the `binary` ones, for two classes, the model has one output, a sigmoid: the probability of "
        f"the second class; with the others of {_CLASSES} a softmax. `poisson` takes outputs from 0, of "
        "a softplus for instance."
    )
    class_weight: Annotated[
        Literal["balanced"] | dict[str, float] | list[float] | None, BeforeValidator(_class_weight)
    ] = Field(
        None,
        description=f"{_CLASSES}: weights of classes in the training loss, by their names, those left out 1; or a list "
        "for all, in the dataset's order; or `balanced`: as if all classes had the same number of images. As in "
        "Keras's `fit`, they do not count in `val_loss`; weights of images do.",
    )
    training_metrics: list[TrainingMetric] = Field(
        [],
        description="Further metrics of the training history, by Keras's names. Loss, and accuracy of classes, are "
        "always there.",
    )
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0,
        description="With `categorical_crossentropy` and `binary_crossentropy`: the part of each target that is spread "
        "over all classes.",
    )
    optimizer: Annotated[Optimizer, BeforeValidator(_by_name)] = Field(description="A name, or a mapping with `name`.")
    epochs: PositiveInt = Field(description="Passes over the training images.")
    batch_size: PositiveInt = Field(description="Images per training step; the last step of an epoch takes the rest.")
    train: str = Field("train", description="The split to train on.")
    scale_targets: bool = Field(
        False,
        description=f"{_SCALED}: train on (label - minimum) / (maximum - minimum) instead of the label "
        "itself. Predictions, and all that is measured on them, are in the labels' own units; the loss and the metrics "
        "of the training history are in those of the scaled labels.",
    )
    augment: list[Annotated[Augmentation, BeforeValidator(_by_name)]] = Field(
        [], description="Random changes of the training images, in this order: names, or mappings with `name`."
    )
    validation_split: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0,
        description="The last part of the training images, which is held out to choose an epoch; as in Keras's `fit`.",
    )
    validation: str | None = Field(
        None,
        description="Instead of `validation_split`: the split that is held out to choose an epoch; never one of the "
        "study's `tests`.",
    )
    monitor: str = Field(
        "val_loss",
        description="By what the best epoch is chosen, the earliest of equals: `loss`, `accuracy` or one of "
        "`training_metrics`, with `val_` before it that of the held-out images.",
    )
    mode: Literal["auto", "min", "max"] = Field(
        "auto", description="Whether less (`min`) or more (`max`) of `monitor` is better. `auto`: as its name says."
    )
    min_delta: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0.0, description="By how much more than this an epoch must be better to count as better."
    )
    restore_best_weights: bool = Field(
        False, description="Go on with the weights of the best epoch by `monitor`, not with the last."
    )
    patience: PositiveInt | None = Field(
        None, description="Stop when so many epochs in a row were not better by `monitor`. Left out: never."
    )
    reduce_on_plateau: Plateau | None = Field(
        None,
        description="Lower the learning rate when epochs are no longer better by `monitor`, as Keras's "
        "ReduceLROnPlateau does: a mapping; `{}` has Keras's defaults.",
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32",
        description="Keras's dtype policy. With `mixed_...` weights are kept in float32 and layers compute in 16 bits, "
        "for GPUs and processors that have instructions for it.",
    )
    jit_compile: Literal["auto", True, False] = Field(
        "auto",
        description="Whether XLA compiles the training steps. `auto`: on a CPU, for dense layers alone, where it "
        "measures faster. It changes the last bits of the results.",
    )
    threads: PositiveInt = Field(
        1,
        description="Threads of one training. Their number changes the last bits of the results, so it is the same on "
        "a laptop and on a cluster.",
    )

    @property
    def splits(self) -> list[str]:
        """The splits that a training takes: the one to train on, then the one to validate on, if there is one."""
        return [self.train, *filter(None, [self.validation])]

    @property
    def holds_out(self) -> bool:
        """Whether there are images to validate on."""
        return self.validation is not None or self.validation_split > 0

    @property
    def classifies(self) -> bool:
        """Whether the predictions are a probability for each class; else one number."""
        return self.loss in OF_CLASSES

    @property
    def binary(self) -> bool:
        """Whether the model gives one output for two classes: the probability of the second."""
        return self.loss in OF_TWO_CLASSES

    @property
    def sparse(self) -> bool:
        """Whether the loss takes the number of a class instead of a row of zeros with a one."""
        return self.loss in OF_CLASS_NUMBERS

    @property
    def more_is_better(self) -> bool:
        """Whether an epoch is better with more of what is monitored; else with less."""
        if self.mode != "auto":
            return self.mode == "max"
        return self.monitor.removeprefix("val_") in THE_MORE_THE_BETTER

    def resolved(self) -> dict[str, bool]:
        """The keys as the code that trains and predicts reads them: values, as its digest holds nothing of config."""
        return {key: getattr(self, key) for key in ("binary", "classifies", "holds_out", "more_is_better", "sparse")}

    def _refuse(self, problems: Mapping[str, Any]) -> None:
        for problem, there in problems.items():
            if there:
                raise ValueError(problem)

    @model_validator(mode="after")
    def _keys_fit_each_other(self) -> "Recipe":
        self._refuse(
            {
                f"label_smoothing needs loss: {' or '.join(SMOOTHED)}": (
                    self.label_smoothing and self.loss not in SMOOTHED
                ),
                "class_weight needs a crossentropy as loss": self.class_weight is not None and not self.classifies,
                "training_metrics: a metric stands there twice": (
                    len(set(self.training_metrics)) < len(self.training_metrics)
                ),
            }
        )
        known = fitting(self.loss)
        for name in self.training_metrics:
            if name not in known:
                raise ValueError(
                    f"training_metrics: {name} does not fit loss {self.loss}; these do: {', '.join(known)}"
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
        on_held_out = self.monitor.startswith("val_")
        self._refuse(
            {
                "validation: a split that is trained on; name another": self.validation == self.train,
                "validation and validation_split: give one of them": (
                    self.validation is not None and self.validation_split
                ),
                f"monitor: {self.monitor} is not recorded; these are: {', '.join(known)}": self.monitor not in known,
                "restore_best_weights and patience need validation or validation_split: never choose on test images": (
                    chooses and on_held_out and not self.holds_out
                ),
                f"monitor: {self.monitor} needs validation or validation_split": (
                    on_held_out and (self.monitor != "val_loss" or reduces) and not self.holds_out
                ),
                "mode and min_delta need restore_best_weights or patience": (
                    ((self.mode != "auto" and not reduces) or self.min_delta) and not chooses
                ),
                f"reduce_on_plateau: schedule {self.optimizer.schedule} sets the rate already": (
                    reduces and self.optimizer.schedule != "constant"
                ),
            }
        )

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
                raise ValueError(f"{key}: {self.model} cannot do this; leave it out, or use a Keras model")
