"""The types that all config is made of."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """No unknown keys, no silent conversions ("10" is not 10), no changes afterwards.

    Validators are built when they are first used: most calls read few sources of images, and no type by itself that is
    part of another one.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    def values(self, **which: Any) -> dict[str, Any]:
        """Give the keys that differ from their defaults as plain data: the values that stand for config in an identity.

        A key that is new and at its default makes nothing run again. Another default of an old key would not either:
        tests/unit/config/test_defaults.py says what to do then.

        Args:
            which: `include` or `exclude`, as for `model_dump`.
        """
        return self.model_dump(exclude_defaults=True, **which)


PositiveInt = Annotated[int, Field(gt=0)]
Whole = Annotated[int, Field(ge=0)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
