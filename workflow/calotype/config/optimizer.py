"""The optimizer of a recipe, and how its learning rate changes."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from calotype.util.typed import PositiveInt, Strict


class Optimizer(Strict):
    """A Keras optimizer. What is left out has Keras's default."""

    name: Literal[
        "adadelta",
        "adafactor",
        "adagrad",
        "adam",
        "adamax",
        "adamw",
        "ftrl",
        "lamb",
        "lion",
        "muon",
        "nadam",
        "rmsprop",
        "sgd",
    ] = Field(description="Keras's name of the optimizer, in lower case.")
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
    warmup_fraction: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="With `cosine`: the part of all steps over which the rate first rises."
    )
    arguments: dict[str, Any] = Field({}, description="Further keyword arguments of the Keras class.")

    @model_validator(mode="after")
    def _schedule_is_complete(self) -> "Optimizer":
        if "learning_rate" in self.arguments:
            raise ValueError("arguments: learning_rate has a key of its own, beside name")
        if self.arguments.get("use_ema"):
            raise ValueError("arguments: use_ema: averages of weights are not kept here")
        if (self.learning_rate is None) != (
            self.schedule == "piecewise_constant_decay"
        ) and self.schedule != "constant":
            takes = "takes its rates from schedule_arguments.values, not" if self.learning_rate else "needs"
            raise ValueError(f"schedule {self.schedule} {takes} a learning_rate")
        if self.schedule != "cosine" and self.warmup_fraction:
            raise ValueError("warmup_fraction needs schedule: cosine")
        if self.schedule in ("constant", "cosine") and self.schedule_arguments:
            raise ValueError(f"schedule_arguments: schedule {self.schedule} takes none")
        if "initial_learning_rate" in self.schedule_arguments:
            raise ValueError("schedule_arguments: initial_learning_rate has a key of its own: learning_rate")
        return self


class Plateau(Strict):
    """Keras's ReduceLROnPlateau: a lower learning rate when a training no longer becomes better by `monitor`."""

    factor: Annotated[float, Field(gt=0, lt=1)] = Field(0.1, description="What the rate is multiplied by.")
    patience: PositiveInt = Field(10, description="After so many epochs in a row that were not better.")
    min_delta: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        1e-4, description="By how much more than this an epoch must be better to count as better."
    )
    cooldown: Annotated[int, Field(ge=0)] = Field(0, description="Epochs after that of which none is counted.")
    min_learning_rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0.0, description="The rate does not fall below this."
    )
