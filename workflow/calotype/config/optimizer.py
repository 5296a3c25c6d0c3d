"""The optimizer of a recipe, and its learning-rate schedule."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from calotype.util.typed import PositiveInt, Strict

OptimizerName = Literal[
    "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "ftrl", "lamb", "lion", "muon", "nadam", "rmsprop",
    "sgd",
]  # fmt: skip
Schedule = Literal[
    "constant", "cosine", "cosine_decay", "cosine_decay_restarts", "exponential_decay", "inverse_time_decay",
    "piecewise_constant_decay", "polynomial_decay",
]  # fmt: skip


class Optimizer(Strict):
    """A Keras optimizer. Omitted keys have Keras's defaults."""

    name: OptimizerName = Field(description="Keras's name of the optimizer, in lower case.")
    learning_rate: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = Field(
        None, description="Learning rate; with a schedule, its highest value. Default: that of the optimizer in Keras."
    )
    schedule: Schedule = Field(
        "constant",
        description="Schedule of the learning rate. `cosine` falls to zero at the last step of the last epoch. The "
        "others are Keras's and take `schedule_arguments`.",
    )
    schedule_arguments: dict[str, Any] = Field(
        {}, description="Keyword arguments of Keras's schedule class, which counts in training steps."
    )
    warmup_fraction: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Fraction of all training steps over which the rate first rises (`cosine` only)."
    )
    arguments: dict[str, Any] = Field({}, description="Further keyword arguments of the Keras class.")

    @model_validator(mode="after")
    def _schedule_is_complete(self) -> "Optimizer":
        if "learning_rate" in self.arguments:
            raise ValueError("arguments: learning_rate is not allowed here; set it beside `name`")
        if self.arguments.get("use_ema"):
            raise ValueError("arguments: use_ema is not supported: averages of weights are not saved")
        own_rates = self.schedule == "piecewise_constant_decay"
        if (self.learning_rate is None) != own_rates and self.schedule != "constant":
            takes = "takes its rates from schedule_arguments.values, not" if self.learning_rate else "needs"
            raise ValueError(f"schedule {self.schedule} {takes} a learning_rate")
        if self.schedule != "cosine" and self.warmup_fraction:
            raise ValueError("warmup_fraction needs schedule: cosine")
        if self.schedule in ("constant", "cosine") and self.schedule_arguments:
            raise ValueError(f"schedule_arguments: schedule {self.schedule} takes none")
        if "initial_learning_rate" in self.schedule_arguments:
            raise ValueError("schedule_arguments: initial_learning_rate is not allowed here; use `learning_rate`")
        return self


class Plateau(Strict):
    """Keras's ReduceLROnPlateau: lower the learning rate when `monitor` no longer improves."""

    factor: Annotated[float, Field(gt=0, lt=1)] = Field(0.1, description="Factor that multiplies the learning rate.")
    patience: PositiveInt = Field(10, description="Epochs in a row without improvement before the rate is lowered.")
    min_delta: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        1e-4, description="Threshold: an epoch counts as better if `monitor` improves by more than this."
    )
    cooldown: Annotated[int, Field(ge=0)] = Field(0, description="Epochs that do not count after the rate was lowered.")
    min_learning_rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0.0, description="Lowest learning rate."
    )
