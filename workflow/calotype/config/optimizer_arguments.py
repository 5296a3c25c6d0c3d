"""The arguments of Keras's optimizers and learning-rate schedules, and the values that Keras can train with.

Every call of Snakemake checks them, so this module imports no Keras; a test compares it with Keras.
"""

import functools
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidatorFunctionWrapHandler, WrapValidator, create_model, model_validator

from calotype.util.typed import Number, Positive, PositiveInt, Strict, Whole

NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
NotPositive = Annotated[float, Field(le=0, allow_inf_nan=False)]
UpToOne = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
BelowOne = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
WithoutSlash = Annotated[str, Field(pattern=r"^[^/]*$")]


def _with_point(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Refuse a whole number where Keras takes only floats."""
    found = check(value)
    if type(value) is int:
        raise ValueError(f"{value} is a whole number; Keras needs a decimal number here\nHint: write {value}.0")
    return found


def _regular(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return pattern


class OptimizerArguments(Strict):
    """The arguments that all optimizers take, besides `learning_rate`."""

    weight_decay: NotNegative | None = None
    clipnorm: Positive | None = None
    clipvalue: Positive | None = None
    global_clipnorm: Positive | None = None
    use_ema: bool = False
    ema_momentum: UpToOne = 0.99
    ema_overwrite_frequency: PositiveInt | None = None
    loss_scale_factor: Positive | None = None
    gradient_accumulation_steps: Annotated[int, Field(ge=2)] | None = None
    name: WithoutSlash | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> "OptimizerArguments":
        given = [key for key in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, key) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)}: give only one")
        return self


# The other arguments of each optimizer.
OF_OPTIMIZER: Mapping[str, Mapping[str, Any]] = {
    "adadelta": {"rho": UpToOne, "epsilon": NotNegative},
    "adafactor": {
        "beta_2_decay": NotPositive, "epsilon_1": NotNegative, "epsilon_2": NotNegative, "clip_threshold": Positive,
        "relative_step": bool,
    },
    "adagrad": {"initial_accumulator_value": NotNegative, "epsilon": NotNegative},
    "adam": {"beta_1": BelowOne, "beta_2": BelowOne, "epsilon": NotNegative, "amsgrad": bool},
    "adamax": {"beta_1": BelowOne, "beta_2": UpToOne, "epsilon": NotNegative},
    "adamw": {
        "weight_decay": NotNegative, "beta_1": BelowOne, "beta_2": BelowOne, "epsilon": NotNegative, "amsgrad": bool,
    },
    "ftrl": {
        "learning_rate_power": NotPositive, "initial_accumulator_value": NotNegative, "beta": NotNegative,
        "l1_regularization_strength": NotNegative, "l2_regularization_strength": NotNegative,
        "l2_shrinkage_regularization_strength": NotNegative,
    },
    "lamb": {"beta_1": BelowOne, "beta_2": BelowOne, "epsilon": NotNegative},
    "lion": {"beta_1": Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)], "beta_2": UpToOne},
    "muon": {
        "adam_beta_1": BelowOne, "adam_beta_2": BelowOne, "adam_weight_decay": NotNegative | None,
        "epsilon": NotNegative, "exclude_layers": list[Annotated[str, AfterValidator(_regular)]] | None,
        "exclude_embeddings": bool, "muon_a": Number, "muon_b": Number, "muon_c": Number,
        "adam_lr_ratio": NotNegative, "momentum": UpToOne, "ns_steps": Whole, "nesterov": bool,
        "rms_rate": NotNegative | None,
    },
    "nadam": {"beta_1": UpToOne, "beta_2": BelowOne, "epsilon": NotNegative},
    "rmsprop": {"rho": BelowOne, "momentum": UpToOne, "epsilon": NotNegative, "centered": bool},
    "sgd": {"momentum": Annotated[UpToOne, WrapValidator(_with_point)], "nesterov": bool},
}  # fmt: skip

DEFAULT_RATE = 0.001  # learning rate of all optimizers but `sgd`, in Keras and scikit-learn


def default_rate(name: str) -> float:
    """Return the learning rate of a Keras optimizer if none is given."""
    return 0.01 if name == "sgd" else DEFAULT_RATE


@functools.cache
def optimizer_arguments(name: str) -> type[Strict]:
    """Return the type of the arguments of an optimizer."""
    own: Any = {key: (kind, None) for key, kind in OF_OPTIMIZER[name].items()}
    return create_model("Arguments", __base__=OptimizerArguments, **own)


class _Named(Strict):
    name: WithoutSlash | None = None


class CosineDecay(_Named):
    """Arguments of the schedule `cosine_decay`."""

    decay_steps: Positive
    alpha: NotNegative = 0.0
    warmup_target: NotNegative | None = None
    warmup_steps: NotNegative = 0


class CosineDecayRestarts(_Named):
    """Arguments of the schedule `cosine_decay_restarts`; Keras's rate is NaN for `t_mul` below 1."""

    first_decay_steps: Positive
    t_mul: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 2.0
    m_mul: NotNegative = 1.0
    alpha: NotNegative = 0.0


class ExponentialDecay(_Named):
    """Arguments of the schedule `exponential_decay`."""

    decay_steps: Positive
    decay_rate: Positive
    staircase: bool = False


class InverseTimeDecay(_Named):
    """Arguments of the schedule `inverse_time_decay`."""

    decay_steps: Positive
    decay_rate: NotNegative
    staircase: bool = False


class PiecewiseConstantDecay(_Named):
    """Arguments of the schedule `piecewise_constant_decay`."""

    boundaries: Annotated[list[NotNegative], Field(min_length=1)]
    rates: list[Annotated[NotNegative, WrapValidator(_with_point)]] = Field(alias="values")

    @model_validator(mode="after")
    def _a_value_for_each_part(self) -> "PiecewiseConstantDecay":
        if len(self.rates) != len(self.boundaries) + 1:
            problem = f"{len(self.rates)} do not fit {len(self.boundaries)} boundaries"
            raise ValueError(f"values: {problem}\nHint: give one value more than boundaries")
        if sorted(set(self.boundaries)) != self.boundaries:
            raise ValueError(f"boundaries: {self.boundaries} do not rise")
        return self


class PolynomialDecay(_Named):
    """Arguments of the schedule `polynomial_decay`."""

    decay_steps: Positive
    end_learning_rate: NotNegative = 0.0001
    power: NotNegative = 1.0
    cycle: bool = False


OF_SCHEDULE: Mapping[str, type[Strict]] = {
    "cosine_decay": CosineDecay,
    "cosine_decay_restarts": CosineDecayRestarts,
    "exponential_decay": ExponentialDecay,
    "inverse_time_decay": InverseTimeDecay,
    "piecewise_constant_decay": PiecewiseConstantDecay,
    "polynomial_decay": PolynomialDecay,
}
