"""What all kinds of datasets in datasets.yaml have in common."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from calotype.steps.base import Known
from calotype.steps.registry import BY_DEFAULT, Steps
from calotype.steps.sequence import check_steps
from calotype.util.typed import Strict

NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"
Name = Annotated[str, Field(pattern=rf"^{NAME}$")]
CATALOGUE = "catalogue"  # beside the prepared splits lies that of a user's own images
_STEPS = "OpenCV steps, in this order: names, or mappings with `name`."


def check_distinct(classes: list[str]) -> None:
    """See that each class has a name of its own.

    Raises:
        ValueError: two have the same.
    """
    if len(set(classes)) < len(classes):
        raise ValueError("classes: a name stands there twice")


class BaseDataset(Strict):
    """One dataset. Each kind has `source`, its name in datasets.yaml, and `splits`."""

    prepare: Steps = Field(BY_DEFAULT, description=_STEPS, validate_default=True)

    def raw_images(self) -> Known:
        """What is known of the raw images before they are read."""
        return Known()

    def may_hold(self, split: str, number: int, limit: int | None = None) -> bool:  # noqa: ARG002
        """Whether an image of a number may be in a split, as far as the config knows.

        Args:
            split: its name.
            number: of the image, as figures call it.
            limit: how many images of the split are taken; all, if left out.
        """
        return True

    @model_validator(mode="after")
    def _splits_and_steps_fit(self) -> "BaseDataset":
        splits: Mapping[str, Strict] = getattr(self, "splits")  # noqa: B009  # each kind has its own type of them
        if CATALOGUE in splits:
            raise ValueError(f"splits: a split cannot be called `{CATALOGUE}`: that name is taken")
        check_steps(self.prepare, self.raw_images(), splits)
        return self
