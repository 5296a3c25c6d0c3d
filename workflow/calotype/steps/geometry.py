"""Steps that change the size of images."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, model_validator

from calotype.steps.base import Image, ImageStep, Known, need_in_range, pixels, white
from calotype.util.typed import Number, Whole

Side = Annotated[int, Field(ge=1, le=16384)]  # px
OPENCV = {"nearest": "nearest_exact", "lanczos": "lanczos4"}  # names of interpolations in OpenCV that differ
BORDERS = {"edge": "BORDER_REPLICATE", "reflect": "BORDER_REFLECT_101"}


class _Sized(ImageStep):
    width: Side = Field(description="Width of the result in px.")
    height: Side = Field(description="Height of the result in px.")


class Resize(_Sized):
    """Resampling to another width and height."""

    name: Literal["resize"]
    keep_aspect: bool = Field(
        False,
        description="Keep the aspect ratio: the result fits into `width` and `height`; `pad` can fill the rest.",
    )
    interpolation: Literal["auto", "nearest", "linear", "cubic", "lanczos", "area"] = Field(
        "auto",
        description="`auto`: `area` along an axis that shrinks, so that every pixel counts, and `linear` along an axis "
        "that grows. The results of the others are clipped to black and white.",
    )

    def fitted(self, width: int, height: int) -> tuple[int, int]:
        """Return width and height of the result, in px."""
        if not self.keep_aspect:
            return self.width, self.height
        if self.width * height <= self.height * width:
            return self.width, max(1, (2 * height * self.width + width) // (2 * width))
        return max(1, (2 * width * self.height + height) // (2 * height)), self.height

    def after(self, known: Known) -> Known:
        size = self.fitted(*(known.size or (self.width, self.height)))
        return replace(known, size=size if known.size or not self.keep_aspect else None)

    def apply(self, image: Image, known: Known) -> Image:
        import cv2

        height, width = image.shape[:2]
        across, down = self.fitted(width, height)
        if self.interpolation != "auto":
            method = getattr(cv2, f"INTER_{OPENCV.get(self.interpolation, self.interpolation).upper()}")
            image = cv2.resize(image, (across, down), interpolation=method)
        else:
            smaller = min(width, across), min(height, down)
            if smaller != (width, height):
                image = cv2.resize(image, smaller, interpolation=cv2.INTER_AREA)
            if smaller != (across, down):
                image = cv2.resize(image, (across, down), interpolation=cv2.INTER_LINEAR)
        return image if known.white is None else image.clip(0, known.white)


class Crop(_Sized):
    """Rectangle of the image, from the middle unless `left` and `top` are given; a smaller image is an error."""

    name: Literal["crop"]
    left: Whole | None = Field(None, description="Pixels cut off on the left; needs `top`.")
    top: Whole | None = Field(None, description="Pixels cut off at the top; needs `left`.")

    @model_validator(mode="after")
    def _both_or_neither(self) -> "Crop":
        if (self.left is None) != (self.top is None):
            raise ValueError(f"left and top: give both or neither; {'left' if self.left is None else 'top'} is missing")
        return self

    def corner(self, width: int, height: int) -> tuple[int, int]:
        """Return the pixels to the left of and above the part that is kept."""
        left = (width - self.width) // 2 if self.left is None else self.left
        top = (height - self.height) // 2 if self.top is None else self.top
        return left, top

    def check(self, known: Known) -> None:
        if known.size:
            (width, height), (left, top) = known.size, self.corner(*known.size)
            if not (0 <= left <= width - self.width and 0 <= top <= height - self.height):
                part = pixels(self.width, self.height) + ("" if self.left is None else f" at left {left}, top {top}")
                raise ValueError(f"{part} do not lie within the image, which has {pixels(width, height)}")

    def after(self, known: Known) -> Known:
        return replace(known, size=(self.width, self.height))

    def apply(self, image: Image, known: Known) -> Image:
        left, top = self.corner(image.shape[1], image.shape[0])
        return image[top : top + self.height, left : left + self.width]


class Pad(_Sized):
    """Border on all sides; an odd pixel goes to the right or the bottom. A larger image is an error."""

    name: Literal["pad"]
    border: Literal["value", "white", "edge", "reflect"] = Field(
        "value",
        description="`value`: one `value`; `white`: white; `edge`: repeat the outermost pixels; `reflect`: mirror the "
        "image at its outermost pixels.",
    )
    value: Number | None = Field(
        None,
        description="`value`: value of the border, in the range of the pixels there. Default: the background on which "
        "`alpha` of the dataset lays transparent images, else 0.",
    )

    @model_validator(mode="after")
    def _value_of_border(self) -> "Pad":
        if self.border != "value" and self.value is not None:
            raise ValueError(f"value: border `{self.border}` takes none")
        return self

    def check(self, known: Known) -> None:
        if known.size and not (known.size[0] <= self.width and known.size[1] <= self.height):
            raise ValueError(f"the image has {pixels(*known.size)}, more than {pixels(self.width, self.height)}")
        if self.border == "white" and known.values == "any":
            raise ValueError(f"border: there is no white after `{known.since}`: put `pad` before it, or give a `value`")
        need_in_range(known, "value", self.value)

    def after(self, known: Known) -> Known:
        return replace(known, size=(self.width, self.height))

    def apply(self, image: Image, known: Known) -> Image:
        import cv2
        import numpy as np

        height, width, channels = image.shape
        above, left = (self.height - height) // 2, (self.width - width) // 2
        below, right = self.height - height - above, self.width - width - left
        if self.border in ("value", "white"):
            value = white(known) if self.border == "white" else self.value or 0
            result = np.full((self.height, self.width, channels), value, np.float32)
            result[above : above + height, left : left + width] = image
            return result
        return cv2.copyMakeBorder(image, above, below, left, right, getattr(cv2, BORDERS[self.border]))
