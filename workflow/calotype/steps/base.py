"""The class of a preparation step, and what steps share.

Between two steps images are float32 with the grey levels that were read: a mean keeps its fraction. A step that needs
whole numbers gets them rounded. Every call of Snakemake imports the steps: they import numpy and OpenCV when computing.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from calotype.util.typed import Registered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Image = NDArray[np.float32]  # shape (height, width, channels)
    Images = NDArray[np.float32]  # shape (images, height, width, channels)
else:
    Array = Image = Images = Any

LARGEST = 65535  # the largest grey level of any type that is read


def pixels(width: int, height: int) -> str:
    """Write a size in words."""
    return f"{width} x {height} px"


def _odd(size: Any) -> Any:
    if type(size) is int and size % 2 == 0:
        raise ValueError(f"{size} is even; the width must be odd, so that there is a middle pixel")
    return size


Kernel = Annotated[int, Field(ge=3, le=255), BeforeValidator(_odd)]  # width of a square of px


@dataclass(frozen=True)
class Known:
    """Properties of images before a step; None if unknown until the images are read."""

    values: Literal["levels", "unit", "any"] | None = "levels"  # grey levels from 0 on, 0 to 1, or any numbers
    white: float | None = None  # the largest possible value of a pixel; None for `any`
    channels: int | None = None
    size: tuple[int, int] | None = None  # width and height in px
    since: str = ""  # the step that replaced the grey levels that were read


class Step(Registered):
    """One step, which works on each pixel alone, and so on several images of one size at a time.

    A subclass annotates `name` with its name as a literal. Its docstring describes it in the key reference.
    """

    once: ClassVar[bool] = False  # a list may contain it only once
    alone: ClassVar[bool] = False  # each image may get another size or type

    name: str

    def check(self, known: Known) -> None:
        """Raise ValueError if the step cannot work on such images; unknown properties pass.

        It returns nothing, so a change of it prepares no image again.
        """

    @abstractmethod
    def after(self, known: Known) -> Known:
        """Return the properties of images after the step; with `values` None they are taken from the result."""

    @abstractmethod
    def apply(self, images: Images, known: Known) -> Array:
        """Apply the step; `images` stay unchanged, and all of `known` is known.

        Returns:
            As many images of the same size; their channels may have another shape.
        """

    @property
    def measures(self) -> str | None:
        """The split on which the step's numbers are measured; None for most steps."""
        return None

    def with_measured(self, measured: Mapping[str, Any]) -> "Step":
        """Return the step with the measured numbers instead of the split; most steps measure nothing and stay."""
        return self


class ImageStep(Step):
    """A step that works on one image after the other."""

    @abstractmethod
    def apply(self, image: Image, known: Known) -> Array:
        """Apply the step to one image; return shape (height, width) or (height, width, channels)."""


# ---- Checks ----------------------------------------------------------------------------------------------------------


def need_levels(known: Known, subject: str) -> None:
    """Raise ValueError if the pixels are known not to be grey levels."""
    if known.values in ("unit", "any"):
        cause = f"there are none after `{known.since}`: put it before `{known.since}`"
        raise ValueError(
            f"{subject} needs the grey levels that were read, and {cause if known.since else 'these are floats'}"
        )


def need_channels(known: Known, subject: str, *allowed: int) -> None:
    """Raise ValueError if the number of channels is known and not allowed."""
    if known.channels not in (None, *allowed):
        *others, last = ({1: "one", 3: "three", 4: "four"}[number] for number in allowed)
        needed = f"{', '.join(others)} or {last} channels" if others else "one channel"
        advice = "" if others else ": put `grey` before it"
        raise ValueError(f"{subject} needs {needed}, and the image has {known.channels}{advice}")


def need_in_range(known: Known, key: str, value: float | None) -> None:
    """Raise ValueError if no pixel can have a value, as far as is known."""
    white = known.white if known.white is not None else LARGEST if known.values == "levels" else None
    if value is not None and white is not None and not 0 <= value <= white:
        raise ValueError(f"{key}: {value:g} is not in 0..{white:g}, the range of the pixels there")


# ---- Titles ----------------------------------------------------------------------------------------------------------


def step_title(step: Step) -> tuple[str, str]:
    """Return the name of a step and its keys other than defaults, in words, for a figure."""
    given = step.model_dump(exclude={"name"}, exclude_none=True, exclude_defaults=True)
    words = [f"{given.pop('width')} × {given.pop('height')} px"] if {"width", "height"} <= given.keys() else []
    words += [key if value is True else f"{key} {_worded(value, key)}" for key, value in given.items()]
    return step.name, ", ".join(words).replace("_", " ")


def _worded(value: Any, key: str = "") -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return (" to " if key in ("range", "levels") else ", ").join(map(_worded, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_worded(entry)}" for name, entry in value.items())
    return str(value)


# ---- Shared by steps that compute ------------------------------------------------------------------------------------


def row(images: Images) -> Images:
    """Return images as one row of pixels, as OpenCV takes any number of them; it misreads a column of four numbers."""
    return images.reshape(1, -1, images.shape[-1])


def white(known: Known) -> "np.float32":
    """Return the value of a white pixel."""
    import numpy as np

    return np.float32(1 if known.white is None else known.white)


def whole(image: Image, known: Known) -> Array:
    """Return an image of grey levels, rounded, in the type that was read."""
    import numpy as np

    kind = np.uint8 if known.white == np.iinfo(np.uint8).max else np.uint16
    return np.rint(image).clip(0, known.white).astype(kind)


def default_sigma(size: int) -> float:
    """Return OpenCV's standard deviation in px of a Gaussian of a size; for small sizes OpenCV has tables instead."""
    return 0.3 * ((size - 1) / 2 - 1) + 0.8
