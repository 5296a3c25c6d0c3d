"""The step that calls a user's function."""

import functools
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from calotype.steps.base import Array, Image, ImageStep, Known, whole
from calotype.util.errors import about
from calotype.util.user_code import load_function


class Custom(ImageStep):
    """A custom function."""

    alone = True

    name: Literal["custom"]
    function: Annotated[str, Field(pattern=r"^.+\.py:[A-Za-z_]\w*$")] = Field(
        description="`path/to/file.py:function`; the path starts from the working directory. It gets `(image, "
        "**arguments)`, shape (height, width, channels), and returns an image."
    )
    arguments: dict[str, Any] = Field({}, description="Keyword arguments of the function.")
    files: list[str] = Field(
        [],
        exclude=True,
        description="Files and folders that the function reads; paths start from the working directory. If their "
        "content changes, the images are prepared again.",
    )

    def after(self, known: Known) -> Known:
        return Known(values=None)

    def apply(self, image: Image, known: Known) -> Array:
        """Call the function with the grey levels that were read, or with floats after a step that replaced them."""
        function = _function(self.function)
        given = whole(image, known) if known.values == "levels" else image.copy()
        try:
            result = function(given, **self.arguments)
        except Exception as error:
            raise ValueError(f"{self.function}: {type(error).__name__}: {error}") from error
        try:
            return _returned(result)
        except ValueError as problem:
            raise ValueError(f"{self.function}: {problem}") from None


@functools.cache
def _function(name: str) -> Callable[..., Any]:
    with about("prepare: custom"):
        return load_function(name)


def _returned(result: Any) -> Array:
    """Return the result of a function as an image, shape (height, width, channels)."""
    import numpy as np

    if not isinstance(result, np.ndarray):
        raise ValueError(f"returned {type(result).__name__}, not an array")
    if result.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise ValueError(f"returned an array of {result.dtype}, not of uint8, uint16, float32 or float64")
    if result.ndim not in (2, 3) or not result.size:
        shape = " x ".join(map(str, result.shape))
        raise ValueError(f"returned an array of shape ({shape}), not (height, width) or (height, width, channels)")
    if not np.isfinite(result).all():
        raise ValueError("returned NaN or infinite values")
    found = result.reshape(*result.shape[:2], -1)
    if found.shape[2] not in (1, 3):
        raise ValueError(f"returned an image of {found.shape[2]} channels, not of 1 (grey) or 3 (colour)")
    return found
