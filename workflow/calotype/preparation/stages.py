"""Take images through preparation steps, and keep track of what their pixels are."""

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
    """What is known of raw images of one size.

    Args:
        images: shape (images, height, width, channels).

    Raises:
        ValueError: they are not of a type that steps can work on.
    """
    _, height, width, channels = images.shape
    if images.dtype in WHITE:
        return Known("levels", WHITE[images.dtype], channels, (width, height))
    if images.dtype not in (np.float32, np.float64):
        raise ValueError(f"pixels of {images.dtype}, and not of uint8, uint16, float32 or float64")
    if not np.isfinite(images).all():
        raise ValueError("a pixel is NaN or infinite")
    return Known("any", None, channels, (width, height))


def _told(result: NDArray[Any], step: Step, known: Known) -> Known:
    """What is known of images after a step of which only the array that comes out says it.

    They are levels if they are whole numbers; else numbers of the kind that they were before, if those were no levels.
    """
    found = known_of(result)
    if found.values == "levels":
        return found
    kind = ("any", None, step.name) if known.values == "levels" else (known.values, known.white, known.since)
    return Known(kind[0], kind[1], found.channels, found.size, kind[2])


def _failed(where: str, name: Any, problem: Any) -> CalotypeError:
    return CalotypeError(f"prepare{where}: image {name}: {str(problem).rstrip('.')}.")


def _each(images: Images, step: ImageStep, known: Known, where: str, names: Sequence[Any]) -> NDArray[Any]:
    """Take images through a step one by one."""
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
    """Take images of one size through some steps, and give what there is before the first and after each.

    Steps that work pixel by pixel take all images at a time, and give each the bits that it gets alone.

    Args:
        images: shape (images, height, width, channels), of one type: uint8, uint16 or floats. Where one of the steps
            takes images `alone`, a single one.
        steps: with numbers in place of a split on which they are measured.
        names: what errors call the images.

    Raises:
        CalotypeError: a step cannot work on an image; both are named.
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
    """Take some images through some steps.

    Args:
        images: each of shape (height, width, channels). In a list they may differ in size and in type.

    Returns:
        The images, float32; one array of shape (images, height, width, channels) where they came in one size.

    Raises:
        CalotypeError: a step cannot work on an image; both are named.
    """
    alike = isinstance(images, np.ndarray) or len({(image.shape, image.dtype) for image in images}) == 1
    if alike and not any(step.alone for step in steps):
        return _last(images if isinstance(images, np.ndarray) else np.stack(images), steps, names)
    return [_last(image[None], steps, [name])[0] for image, name in zip(images, names, strict=True)]
