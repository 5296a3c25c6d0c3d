"""Steps that rescale pixels."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from calotype.steps.base import Images, Known, Step, need_levels, row
from calotype.util.typed import Number, Positive


def _listed(value: Any) -> Any:
    if isinstance(value, bool | str) or not isinstance(value, int | float | list):
        raise ValueError(f"{value!r} is neither a number nor a list of numbers, one for each channel")
    return value if isinstance(value, list) else [value]


class _OneOrMore:
    """Schema: a list of numbers may be given as one number."""

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        found: dict[str, Any] = handler(core)
        return {"anyOf": [found["items"], found]}


Numbers = Annotated[list[Number], Field(min_length=1), BeforeValidator(_listed), _OneOrMore()]
Positives = Annotated[list[Positive], Field(min_length=1), BeforeValidator(_listed), _OneOrMore()]
Range = Annotated[list[Number], Field(min_length=2, max_length=2)]


class Scale(Step):
    """Rescaling of 0..255, or 0..65535 in 16 bits, to 0..1."""

    once = True

    name: Literal["scale"]

    def check(self, known: Known) -> None:
        need_levels(known, "it")

    def after(self, known: Known) -> Known:
        return replace(known, values="unit", white=1.0, since=self.name)

    def apply(self, images: Images, known: Known) -> Images:
        import cv2
        import numpy as np

        pixels = row(images)
        pixels = pixels if pixels.shape[-1] <= 4 else pixels.reshape(1, -1, 1)  # it takes at most four factors
        return cv2.multiply(pixels, np.full(4, 1 / float(known.white or 1)))


class Normalise(Step):
    """Shift and scale by `range`, by `mean` and `std`, or by those of a `split`."""

    name: Literal["normalise"]
    range: Range | None = Field(
        None, description="[low, high]: the darkest pixel becomes low, the brightest high, the others in proportion."
    )
    levels: Range | None = Field(
        None,
        description="With `range`: the two numbers that become low and high in all images; values outside them are "
        "not clipped. Default: minimum and maximum of each image (if they are equal, all pixels become low).",
    )
    mean: Numbers | None = Field(
        None, description="This value becomes 0: one number, or one for each channel; needs `std`."
    )
    std: Positives | None = Field(
        None, description="This difference from `mean` becomes 1: one number, or one for each channel; needs `mean`."
    )
    split: str | None = Field(
        None,
        description="A split on which no model is tested. `mean` and `std` of each channel are measured on its images "
        "after the previous steps, and used for all splits.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> "Normalise":
        ways = [key for key in ("range", "mean", "std", "split") if getattr(self, key) is not None]
        if ways not in (["range"], ["mean", "std"], ["split"]):
            raise ValueError("give `range`, or `mean` and `std`, or `split`")
        if self.levels is not None and self.range is None:
            raise ValueError("levels: needs range")
        for key in ("range", "levels"):
            ends = getattr(self, key)
            if ends is not None and ends[0] >= ends[1]:
                raise ValueError(f"{key}: {ends[0]:g} is not below {ends[1]:g}")
        if self.mean and self.std and 1 != len(self.mean) != len(self.std) != 1:
            raise ValueError(f"mean has {len(self.mean)} numbers, std {len(self.std)}")
        return self

    @property
    def measures(self) -> str | None:
        return self.split

    def with_measured(self, measured: Mapping[str, Any]) -> "Normalise":
        return Normalise(name=self.name, mean=measured["mean"], std=measured["std"])

    def check(self, known: Known) -> None:
        for key, numbers in (("mean", self.mean), ("std", self.std)):
            if numbers and len(numbers) > 1 and known.channels not in (None, len(numbers)):
                raise ValueError(f"{key}: has {len(numbers)} numbers, and the image {known.channels} channels")

    def after(self, known: Known) -> Known:
        if self.range == [0, 1] and self.levels is None:
            return replace(known, values="unit", white=1.0, since=self.name)
        return replace(known, values="any", white=None, since=self.name)

    def apply(self, images: Images, known: Known) -> Images:
        import numpy as np

        if self.split:
            raise ValueError(f"split `{self.split}` has to be measured first")
        if self.range is None:
            mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
            return (images - mean) / std
        low, high = map(np.float32, self.range)
        if self.levels is not None:
            first, last = map(np.float32, self.levels)
            return low + (images - first) * ((high - low) / (last - first))
        first = images.min(axis=(1, 2, 3), keepdims=True)
        last = images.max(axis=(1, 2, 3), keepdims=True)
        apart = np.where(last > first, last - first, np.float32(1))
        return (low + (images - first) * ((high - low) / apart)).clip(low, high)
