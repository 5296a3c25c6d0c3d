"""The recipe of a training: everything in the config that can change its bytes, and nothing else.

Its own module, so that the training code depends on this and not on the rest of the config: a new key for a figure
or a claim then retrains nothing.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

PositiveInt = Annotated[int, Field(gt=0)]


class Strict(BaseModel):
    """No unknown keys, no silent conversions ("10" is not 10), no changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Optimizer(Strict):
    """A Keras optimizer. What is left out has Keras's default."""

    name: Literal["adadelta", "adagrad", "adam", "adamax", "adamw", "ftrl", "lion", "nadam", "rmsprop", "sgd"] = Field(
        description="Keras's name of the optimizer, in lower case."
    )
    learning_rate: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = Field(
        None, description="The rate; with a schedule, its highest value. Left out: the optimizer's own default."
    )
    schedule: Literal[
        "constant",
        "cosine",
        "cosine_decay",
        "cosine_decay_restarts",
        "exponential_decay",
        "inverse_time_decay",
        "piecewise_constant_decay",
        "polynomial_decay",
    ] = Field(
        "constant",
        description="How the rate changes. `cosine` falls to zero at the last step of the last epoch; the others are "
        "Keras's, and take `schedule_arguments`.",
    )
    schedule_arguments: dict[str, Any] = Field(
        {}, description="Of Keras's schedules: the keyword arguments of its class, which count in training steps."
    )
    warmup: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="With `cosine`: the part of all steps over which the rate first rises."
    )
    arguments: dict[str, Any] = Field({}, description="Further keyword arguments of the Keras class.")

    @model_validator(mode="after")
    def _schedule_is_complete(self) -> "Optimizer":
        if "learning_rate" in self.arguments:
            raise ValueError("arguments: learning_rate has a key of its own, beside name")
        if (self.learning_rate is None) != (
            self.schedule == "piecewise_constant_decay"
        ) and self.schedule != "constant":
            takes = "takes its rates from schedule_arguments.values, not" if self.learning_rate else "needs"
            raise ValueError(f"schedule {self.schedule} {takes} a learning_rate")
        if self.schedule != "cosine" and self.warmup:
            raise ValueError("warmup needs schedule: cosine")
        if self.schedule in ("constant", "cosine") and self.schedule_arguments:
            raise ValueError(f"schedule_arguments: schedule {self.schedule} takes none")
        if "initial_learning_rate" in self.schedule_arguments:
            raise ValueError("schedule_arguments: initial_learning_rate has a key of its own: learning_rate")
        return self


AUGMENTATION_KEYS = {
    "shift": {"pixels"},
    "rotate": {"degrees"},
    "affine": {"degrees", "zoom"},
    "brightness": {"strength"},
    "noise": {"strength"},
    "erase": {"pixels"},
}


class Augmentation(Strict):
    """What happens to each training image anew in each epoch, drawn by (seed, epoch)."""

    name: Literal["symmetries", "flip", "shift", "rotate", "affine", "brightness", "noise", "erase"] = Field(
        description="`symmetries`: one of the eight positions of the square; `flip`: left and right swapped, or not; "
        "`shift`: moved by up to `pixels` along either axis; `rotate`: turned by up to `degrees` about the middle; "
        "`affine`: that, and made larger or smaller by up to the part `zoom`; `brightness`: up to `strength` is added "
        "to all pixels, or taken away; `noise`: a normal random number of the deviation `strength` is added to each; "
        "`erase`: a square of `pixels` x `pixels` somewhere, cut at the edge, is set to zero."
    )
    pixels: PositiveInt | None = Field(None, description="Of `shift` and `erase`.")
    degrees: Annotated[float, Field(ge=0, le=180)] | None = Field(None, description="Of `rotate` and `affine`.")
    zoom: Annotated[float, Field(ge=0, lt=1)] | None = Field(None, description="Of `affine`.")
    strength: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None, description="Of `brightness` and `noise`, in the units of the prepared pixels."
    )
    fill: Literal["zero", "edge"] = Field(
        "zero", description="Of `shift`, `rotate` and `affine`: what moves in; with `edge` the outermost pixels again."
    )

    @model_validator(mode="after")
    def _keys_of_the_name(self) -> "Augmentation":
        needed = AUGMENTATION_KEYS.get(self.name, set())
        for key in ("pixels", "degrees", "zoom", "strength"):
            if (key in needed) != (getattr(self, key) is not None):
                raise ValueError(f"{self.name} {'needs' if key in needed else 'takes no'} {key}")
        if self.fill != "zero" and self.name not in ("shift", "rotate", "affine"):
            raise ValueError(f"{self.name} takes no fill")
        return self


def _by_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


# Losses of probabilities: those of task `classify`.
OF_PROBABILITIES = (
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "kl_divergence",
    "sparse_categorical_crossentropy",
)
# scikit-learn's models that a variant may name, and the arguments that a recipe has no key for.
SCIKIT_LEARN = {"sklearn.neural_network.MLPClassifier": ("activation", "alpha", "hidden_layer_sizes")}


class Recipe(Strict):
    """What a training computes, given its data and its seed."""

    model: str = Field(
        description="A function of workflow/calotype/models.py, or `path/to/file.py:function`; it gets the image shape "
        "and the number of outputs and returns a Keras model. Or `sklearn.neural_network.MLPClassifier`."
    )
    model_arguments: dict[str, Any] = Field({}, description="Keyword arguments for the model function.")
    loss: Literal[
        "mean_squared_error",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_logarithmic_error",
        "huber",
        "log_cosh",
        "poisson",
        "categorical_crossentropy",
        "categorical_focal_crossentropy",
        "kl_divergence",
        "sparse_categorical_crossentropy",
    ] = Field(
        description="Keras's name of the loss: a crossentropy or the divergence for task `classify`, one of the others "
        "for `count` and `regress`."
    )
    class_weight: Literal["balanced"] | dict[int, Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None = Field(
        None,
        description="`classify`: weights of the classes in the training loss, by their numbers from 0, those left out "
        "1; or `balanced`: as if all classes had the same number of images.",
    )
    training_metrics: list[str] = Field(
        [],
        description="Further metrics of the training history, by Keras's names, such as `top_k_categorical_accuracy`.",
    )
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="With `categorical_crossentropy`: the part of each target that is spread over all classes."
    )
    optimizer: Annotated[Optimizer, BeforeValidator(_by_name)] = Field(description="A name, or a mapping with `name`.")
    epochs: PositiveInt = Field(description="Passes over the training images.")
    batch_size: PositiveInt = Field(description="Images per training step; the last step of an epoch takes the rest.")
    train: str = Field("train", description="The split to train on.")
    scale_targets: bool = Field(
        False, description="`count`: train on (count - minimum) / (maximum - minimum) instead of the count itself."
    )
    augment: list[Annotated[Augmentation, BeforeValidator(_by_name)]] = Field(
        [], description="Random changes of the training images, in this order: names, or mappings with `name`."
    )
    validation_split: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0,
        description="The last part of the training images, which is held out to choose an epoch; as in Keras's `fit`.",
    )
    monitor: Literal["val_loss", "val_accuracy"] = Field(
        "val_loss", description="By what the best epoch is chosen; the earliest of equals."
    )
    restore_best_weights: bool = Field(
        False, description="Go on with the weights of the best epoch on the held-out images, not with the last."
    )
    patience: PositiveInt | None = Field(
        None, description="Stop when so many epochs in a row were not better on the held-out images. Left out: never."
    )
    test_images: PositiveInt | None = Field(
        None,
        description="Test on the first so many images of each test split: a bound on the cost of large ones. Left out: "
        "on all.",
    )
    test_views: list[Literal["flip", "shift"]] = Field(
        [],
        description="Average each test image's prediction over further views of it: `flip`, left and right swapped; "
        "`shift`, moved by one pixel up, down, left and right; with both, also each of these swapped.",
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
    def classifies(self) -> bool:
        """Whether the model gives a probability for each class; else one number."""
        return self.loss in OF_PROBABILITIES

    @model_validator(mode="after")
    def _keys_fit_each_other(self) -> "Recipe":
        if self.label_smoothing and self.loss != "categorical_crossentropy":
            raise ValueError("label_smoothing needs loss: categorical_crossentropy")
        if (self.restore_best_weights or self.patience) and not self.validation_split:
            raise ValueError("restore_best_weights and patience need a validation_split: never choose on test images")
        if self.monitor != "val_loss" and not self.validation_split:
            raise ValueError("monitor needs a validation_split")
        if self.monitor == "val_accuracy" and not self.classifies:
            raise ValueError("monitor: val_accuracy needs a crossentropy as loss")
        if self.class_weight is not None and not self.classifies:
            raise ValueError("class_weight needs a crossentropy as loss")
        if len(set(self.training_metrics)) < len(self.training_metrics) or {"loss", "accuracy"} & {
            *self.training_metrics
        }:
            raise ValueError("training_metrics: a metric stands there twice; loss and accuracy are always recorded")
        if self.model in SCIKIT_LEARN:
            self._fits_scikit_learn()
        return self

    def _fits_scikit_learn(self) -> None:
        optimizer, known = self.optimizer, {"sgd": {"momentum", "nesterov"}, "adam": set()}
        refused = {
            "optimizer": optimizer.name not in known,
            "optimizer.schedule": optimizer.schedule != "constant",
            "optimizer.arguments": not optimizer.arguments.keys() <= known.get(optimizer.name, set()),
            "loss": self.loss != "categorical_crossentropy",
            "label_smoothing": self.label_smoothing,
            "class_weight": self.class_weight,
            "training_metrics": self.training_metrics,
            "augment": self.augment,
            "validation_split": self.validation_split,
            "test_views": self.test_views,
            "precision": self.precision != "float32",
            "jit_compile": self.jit_compile != "auto",
        }
        for key, problem in refused.items():
            if problem:
                raise ValueError(f"{key}: {self.model} cannot do this; leave it out, or use a Keras model")
