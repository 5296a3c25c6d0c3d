"""The types that all config is made of."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """No unknown keys, no silent conversions ("10" is not 10), no changes afterwards.

    Validators are built when they are first used: most calls read few sources of images, and no type by itself that is
    part of another one.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


PositiveInt = Annotated[int, Field(gt=0)]
Whole = Annotated[int, Field(ge=0)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


def is_default(default: Any) -> Callable[[Any], bool]:
    """For keys that came when there were results already: at its default, such a key is no part of the plain data.

    So what was trained before the key came is still what the same config asks for.
    """
    return lambda value: bool(value == default)
