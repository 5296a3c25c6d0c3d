"""Apply preparation steps to images, and track the kind of their pixel values."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from calotype.steps.base import ImageStep, Known, Step, pixels
from calotype.util.errors import CalotypeError

Images = NDArray[np.float32]  # shape (images, height, width, channels)
Image = NDArray[np.float32]  # shape (height, width, channels)
WHITE: Mapping[Any, int] = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}


def known_of(images: NDArray[Any]) -> Known:
    """Describe raw images, shape (images, height, width, channels).

    Raises:
        ValueError: they have another type than uint8, uint16 or floats, or a pixel is NaN or infinite.
    """
    _, height, width, channels = images.shape
    if images.dtype in WHITE:
        return Known("levels", WHITE[images.dtype], channels, (width, height))
    if images.dtype not in (np.float32, np.float64):
        raise ValueError(f"pixels must be uint8, uint16, float32 or float64, not {images.dtype}")
    if not np.isfinite(images).all():
        raise ValueError("a pixel is NaN or infinite")
    return Known("any", None, channels, (width, height))


def _told(result: NDArray[Any], step: Step, known: Known) -> Known:
    """Describe the result of a step by its array: integers are grey levels; floats keep their kind from before."""
    found = known_of(result)
    if found.values == "levels":
        return found
    if known.values == "levels":
        return Known("any", None, found.channels, found.size, step.name)
    return Known(known.values, known.white, found.channels, found.size, known.since)


def _failed(where: str, name: Any, problem: Any) -> CalotypeError:
    return CalotypeError(f"prepare{where}: image {name}: {str(problem).rstrip('.')}.")


def _each(images: Images, step: ImageStep, known: Known, where: str, names: Sequence[Any]) -> NDArray[Any]:
    """Apply a step image by image."""
    results = []
    for name, image in zip(names, images, strict=True):
        try:
            result = step.apply(image, known)
        except cv2.error as error:
            shown = f"{pixels(image.shape[1], image.shape[0])}, {image.shape[2]} channels"
            raise _failed(where, name, f"OpenCV: {error.err} ({shown})") from error
        results.append(result.reshape(*result.shape[:2], -1))
    return np.stack(results)


def _step(images: Images, step: Step, known: Known, where: str, names: Sequence[Any]) -> tuple[Images, Known]:
    step.check(known)
    following = step.after(known)
    if isinstance(step, ImageStep):
        result = _each(images, step, known, where, names)
    else:
        result = step.apply(images, known).reshape(*images.shape[:-1], -1)
    if following.values is None:
        following = _told(result, step, known)
    return result.astype(np.float32, copy=False), following


def stages(images: NDArray[Any], steps: Sequence[Step], names: Sequence[Any]) -> Iterator[tuple[Images, Known]]:
    """Apply steps to images of one size, and yield the images before the first step and after each.

    Args:
        images: shape (images, height, width, channels), of type uint8, uint16 or floats. A single image, if a step
            works on images `alone`.
        steps: with measured values.
        names: of the images, for errors.

    Raises:
        CalotypeError: a step fails on an image.
    """
    where = ""
    try:
        known = known_of(images)
        result = images.astype(np.float32)
        yield result, known
        for place, step in enumerate(steps):
            where = f".{place}.{step.name}"
            result, known = _step(result, step, known, where, names)
            yield result, known
    except ValueError as problem:
        raise _failed(where, names[0], problem) from problem.__cause__


def _last(image: NDArray[Any], steps: Sequence[Step], names: Sequence[Any]) -> Images:
    *_, (result, _) = stages(image, steps, names)
    return result


def take(
    images: Sequence[NDArray[Any]] | NDArray[Any], steps: Sequence[Step], names: Sequence[Any]
) -> Images | list[Image]:
    """Apply steps to images of shape (height, width, channels), whose sizes and types may differ in a list.

    Returns:
        One array of shape (images, height, width, channels) if size and type are equal, else a list, of float32.
    """
    alike = isinstance(images, np.ndarray) or len({(image.shape, image.dtype) for image in images}) == 1
    if alike and not any(step.alone for step in steps):
        return _last(images if isinstance(images, np.ndarray) else np.stack(images), steps, names)
    return [_last(image[None], steps, [name])[0] for image, name in zip(images, names, strict=True)]
