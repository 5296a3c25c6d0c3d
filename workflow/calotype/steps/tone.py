"""Steps that change grey levels and channels."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, model_validator

from calotype.steps.base import (
    Array,
    Image,
    Images,
    ImageStep,
    Kernel,
    Known,
    Step,
    default_sigma,
    need_channels,
    need_in_range,
    need_levels,
    pixels,
    row,
    white,
    whole,
)
from calotype.util.typed import Number, Positive

LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601


class Grey(Step):
    """One channel from several; one channel stays unchanged."""

    once = True

    name: Literal["grey"]
    method: Literal["mean", "luminance"] = Field(
        "mean",
        description="`mean` of the channels, or `luminance`, the perceived brightness: 0.299 red + 0.587 green + "
        "0.114 blue (Rec. 601).",
    )

    def check(self, known: Known) -> None:
        if self.method == "luminance":
            need_channels(known, "method `luminance`", 1, 3)

    def after(self, known: Known) -> Known:
        return replace(known, channels=1)

    def apply(self, images: Images, known: Known) -> Images:
        import cv2
        import numpy as np

        channels = images.shape[-1]
        weights = np.full((1, channels), 1 / channels, np.float32)
        if self.method == "luminance" and channels > 1:
            weights = np.array([LUMINANCE], np.float32)
        return cv2.transform(row(images), weights)


class Colour(Step):
    """Three equal channels from one, for models that take three; three channels stay unchanged."""

    once = True

    name: Literal["colour"]

    def check(self, known: Known) -> None:
        need_channels(known, "it", 1, 3)

    def after(self, known: Known) -> Known:
        return replace(known, channels=3)

    def apply(self, images: Images, known: Known) -> Images:
        return images.repeat(3, axis=-1) if images.shape[-1] == 1 else images


class Threshold(ImageStep):
    """Black and white: pixels above a threshold become white, the others 0.

    White is 255 in 8 bits, 65535 in 16 bits, and 1 after `scale`.
    """

    name: Literal["threshold"]
    method: Literal["fixed", "otsu", "adaptive"] = Field(
        description="`fixed`: one `value` for all images; `otsu`: the value that best separates the grey levels of "
        "each image; `adaptive`: the mean around each pixel, minus `constant`."
    )
    value: Number | None = Field(None, description="`fixed`: the threshold, in the range of the pixels there.")
    block: Kernel | None = Field(None, description="`adaptive`: width of the square around a pixel in px, odd.")
    constant: Number | None = Field(
        None, description="`adaptive`: subtracted from the mean, in the range of the pixels there. Default: 0."
    )
    window: Literal["flat", "gaussian"] | None = Field(
        None, description="`adaptive`: weights of the pixels in the mean. Default: `flat`."
    )

    @model_validator(mode="after")
    def _keys_of_the_method(self) -> "Threshold":
        needed = {"fixed": {"value"}, "adaptive": {"block"}}.get(self.method, set())
        allowed = needed | ({"constant", "window"} if self.method == "adaptive" else set())
        for key in ("value", "block", "constant", "window"):
            if getattr(self, key) is None and key in needed:
                raise ValueError(f"{key}: method `{self.method}` needs it")
            if getattr(self, key) is not None and key not in allowed:
                raise ValueError(f"{key}: method `{self.method}` takes none")
        return self

    def check(self, known: Known) -> None:
        if self.method == "otsu":
            need_levels(known, "method `otsu`")
            need_channels(known, "method `otsu`", 1)
        need_in_range(known, "value", self.value)

    def after(self, known: Known) -> Known:
        return replace(known, values="unit", white=1.0) if known.values == "any" else known

    def apply(self, image: Image, known: Known) -> Array:
        import cv2
        import numpy as np

        limit: Any
        if self.method == "otsu":
            return cv2.threshold(whole(image, known), 0, float(known.white or 0), cv2.THRESH_OTSU)[1]
        if self.method == "fixed":
            limit = np.float32(self.value or 0)
        else:
            block = int(self.block or 0)
            if self.window == "gaussian":
                mean = cv2.GaussianBlur(image, (block, block), default_sigma(block), borderType=cv2.BORDER_REPLICATE)
            else:
                mean = cv2.blur(image, (block, block), borderType=cv2.BORDER_REPLICATE)
            limit = mean.reshape(image.shape) - np.float32(self.constant or 0)
        return np.where(image > limit, white(known), np.float32(0))


class Invert(Step):
    """Black and white swapped."""

    name: Literal["invert"]

    def check(self, known: Known) -> None:
        if known.values == "any":
            raise ValueError(f"there is no white after `{known.since}`: put `invert` before it")

    def after(self, known: Known) -> Known:
        return known

    def apply(self, images: Images, known: Known) -> Images:
        return white(known) - images


class Contrast(ImageStep):
    """Higher contrast: the histogram of each tile is equalised, up to a limit (CLAHE)."""

    name: Literal["contrast"]
    clip: Positive = Field(
        2.0, description="The limit: largest count of a grey level, as a multiple of the average count."
    )
    tiles: int = Field(8, ge=1, le=256, description="Number of tiles per row and per column.")

    def check(self, known: Known) -> None:
        need_levels(known, "it")
        need_channels(known, "it", 1)
        if known.size and min(known.size) < self.tiles:
            has = pixels(*known.size)
            raise ValueError(f"tiles: {self.tiles} per row and column, but the image has only {has}")

    def after(self, known: Known) -> Known:
        return known

    def apply(self, image: Image, known: Known) -> Array:
        import cv2

        return cv2.createCLAHE(self.clip, (self.tiles, self.tiles)).apply(whole(image, known))
