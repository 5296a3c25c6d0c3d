"""What each preparation step does to images, with OpenCV. The steps are those of config/preparation_steps.py.

Between two steps images are float32, grey levels as they are: a mean keeps its fraction. A step that works on whole
numbers gets them rounded.
"""

import functools
import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from calotype.config.preparation_steps import (
    MEDIAN,
    Blur,
    Contrast,
    Crop,
    Grey,
    Known,
    Morphology,
    Normalise,
    Own,
    Pad,
    Resize,
    Threshold,
    after,
    corner,
    fitted,
    pixels,
)
from calotype.util.errors import CalotypeError

Images = NDArray[np.float32]  # shape (images, height, width, channels)
Image = NDArray[np.float32]  # shape (height, width, channels)
WHITE: Mapping[Any, int] = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601
INTERPOLATIONS = {
    "nearest": cv2.INTER_NEAREST_EXACT,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
    "area": cv2.INTER_AREA,
}
BORDERS = {"value": cv2.BORDER_CONSTANT, "edge": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT_101}
OPERATIONS = {
    "erode": cv2.MORPH_ERODE,
    "dilate": cv2.MORPH_DILATE,
    "open": cv2.MORPH_OPEN,
    "close": cv2.MORPH_CLOSE,
}
SHAPES = {"rectangle": cv2.MORPH_RECT, "ellipse": cv2.MORPH_ELLIPSE, "cross": cv2.MORPH_CROSS}


# ---- Pixel by pixel: on all images at a time -------------------------------------------------------------------------


def _row(images: Images) -> Images:
    """Images as OpenCV takes any number of them: one row of pixels. A column of four numbers it would take for one."""
    return images.reshape(1, -1, images.shape[-1])


def _grey(images: Images, step: Grey, _: Known) -> Images:
    channels = images.shape[-1]
    weights = np.full((1, channels), 1 / channels, np.float32)
    if step.method == "luminance" and channels > 1:
        weights = np.array([LUMINANCE], np.float32)
    return cv2.transform(_row(images), weights)


def _colour(images: Images, *_: Any) -> Images:
    return images.repeat(3, axis=-1) if images.shape[-1] == 1 else images


def _white(known: Known) -> np.float32:
    return np.float32(1 if known.white is None else known.white)


def _fixed(images: Images, step: Threshold, known: Known) -> Images:
    return np.where(images > np.float32(step.value or 0), _white(known), np.float32(0))


def _invert(images: Images, _: Any, known: Known) -> Images:
    return _white(known) - images


def _scale(images: Images, _: Any, known: Known) -> Images:
    row = _row(images)
    row = row if row.shape[-1] <= 4 else row.reshape(1, -1, 1)  # it takes no more than four factors
    return cv2.multiply(row, np.full(4, 1 / float(known.white or 1)))


def _normalise(images: Images, step: Normalise, _: Known) -> Images:
    if step.range is None:
        mean, deviation = np.array(step.mean, np.float32), np.array(step.deviation, np.float32)
        return (images - mean) / deviation
    low, high = map(np.float32, step.range)
    if step.levels is not None:
        first, last = map(np.float32, step.levels)
        return low + (images - first) * ((high - low) / (last - first))
    first = images.min(axis=(1, 2, 3), keepdims=True)
    last = images.max(axis=(1, 2, 3), keepdims=True)
    apart = np.where(last > first, last - first, np.float32(1))
    return (low + (images - first) * ((high - low) / apart)).clip(low, high)


PIXELWISE: Mapping[str, Callable[[Images, Any, Known], Images]] = {  # and `threshold` by a fixed value
    "grey": _grey,
    "colour": _colour,
    "invert": _invert,
    "scale": _scale,
    "normalise": _normalise,
}


# ---- Image by image --------------------------------------------------------------------------------------------------


def _whole(image: Image, known: Known) -> NDArray[Any]:
    """An image of grey levels in the type that it was read in."""
    kind = np.uint8 if known.white == WHITE[np.dtype(np.uint8)] else np.uint16
    return np.rint(image).clip(0, known.white).astype(kind)


def _resize(image: Image, step: Resize, known: Known) -> Image:
    height, width = image.shape[:2]
    across, down = fitted(step, width, height)
    if step.interpolation != "auto":
        image = cv2.resize(image, (across, down), interpolation=INTERPOLATIONS[step.interpolation])
    else:
        smaller = min(width, across), min(height, down)
        if smaller != (width, height):
            image = cv2.resize(image, smaller, interpolation=cv2.INTER_AREA)
        if smaller != (across, down):
            image = cv2.resize(image, (across, down), interpolation=cv2.INTER_LINEAR)
    return image if known.white is None else image.clip(0, known.white)


def _crop(image: Image, step: Crop, _: Known) -> Image:
    left, top = corner(step, image.shape[1], image.shape[0])
    return image[top : top + step.height, left : left + step.width]


def _pad(image: Image, step: Pad, _: Known) -> Image:
    height, width, channels = image.shape
    above, left = (step.height - height) // 2, (step.width - width) // 2
    below, right = step.height - height - above, step.width - width - left
    if step.border == "value":
        result = np.full((step.height, step.width, channels), step.value or 0, np.float32)
        result[above : above + height, left : left + width] = image
        return result
    return cv2.copyMakeBorder(image, above, below, left, right, BORDERS[step.border])


def _sigma(size: int) -> float:
    """The standard deviation in px that OpenCV takes for a Gaussian of a size; of small ones it has tables instead."""
    return 0.3 * ((size - 1) / 2 - 1) + 0.8


def _threshold(image: Image, step: Threshold, known: Known) -> Image:
    if step.method == "otsu":
        return cv2.threshold(_whole(image, known), 0, float(known.white or 0), cv2.THRESH_OTSU)[1]
    block = int(step.block or 0)
    if step.window == "gaussian":
        mean = cv2.GaussianBlur(image, (block, block), _sigma(block), borderType=cv2.BORDER_REPLICATE)
    else:
        mean = cv2.blur(image, (block, block), borderType=cv2.BORDER_REPLICATE)
    limit = mean.reshape(image.shape) - np.float32(step.constant or 0)
    return np.where(image > limit, _white(known), np.float32(0))


def _blur(image: Image, step: Blur, known: Known) -> Image:
    if step.method == "median":
        return cv2.medianBlur(image if step.size <= MEDIAN else _whole(image, known), step.size)
    size = step.size, step.size
    image = cv2.blur(image, size) if step.method == "box" else cv2.GaussianBlur(
        image, size, step.sigma or _sigma(step.size)
    )  # fmt: skip
    return image if known.white is None else image.clip(0, known.white)  # sums of rounded weights are not quite one


def _morphology(image: Image, step: Morphology, _: Known) -> Image:
    kernel = cv2.getStructuringElement(SHAPES[step.shape], (step.size, step.size))
    return cv2.morphologyEx(image, OPERATIONS[step.operation], kernel, iterations=step.iterations)


def _contrast(image: Image, step: Contrast, known: Known) -> Image:
    return cv2.createCLAHE(step.clip, (step.tiles, step.tiles)).apply(_whole(image, known))


IMAGEWISE: Mapping[str, Callable[[Image, Any, Known], Image]] = {
    "resize": _resize,
    "crop": _crop,
    "pad": _pad,
    "threshold": _threshold,
    "blur": _blur,
    "morphology": _morphology,
    "contrast": _contrast,
}


# ---- A function of the user's ----------------------------------------------------------------------------------------


@functools.cache
def _function(name: str) -> Callable[..., Any]:
    file, _, function = name.rpartition(":")
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    if spec is None or spec.loader is None or not Path(file).is_file():
        raise CalotypeError(f"prepare: own: {name}: there is no Python file {file}.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        problem = f"{file} cannot be imported: {type(error).__name__}: {error}"
        raise CalotypeError(f"prepare: own: {name}: {problem}.") from error
    found = getattr(module, function, None)
    if not callable(found):
        raise CalotypeError(f"prepare: own: {name}: there is no such function.")
    return found


def _returned(result: Any) -> NDArray[Any]:
    """What a function returned, shape (height, width, channels).

    Raises:
        ValueError: it is no image.
    """
    if not isinstance(result, np.ndarray):
        raise ValueError(f"returned {type(result).__name__}, not an array")
    if result.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise ValueError(f"returned an array of {result.dtype}, not of uint8, uint16, float32 or float64")
    if result.ndim not in (2, 3) or not result.size:
        shape = " x ".join(map(str, result.shape))
        raise ValueError(f"returned an array of shape ({shape}), not (height, width) or (height, width, channels)")
    if not np.isfinite(result).all():
        raise ValueError("returned NaN or infinity among its numbers")
    found = result.reshape(*result.shape[:2], -1)
    if found.shape[2] not in (1, 3):
        raise ValueError(f"returned an image of {found.shape[2]} channels, not of 1 (grey) or 3 (colour)")
    return found


def _own(image: Image, step: Own, known: Known) -> tuple[Image, Known]:
    function = _function(step.function)
    given = _whole(image, known) if known.values == "levels" else image.copy()
    try:
        result = function(given, **step.arguments)
    except Exception as error:
        raise ValueError(f"{step.function}: {type(error).__name__}: {error}") from error
    try:
        found = _returned(result)
    except ValueError as problem:
        raise ValueError(f"{step.function}: {problem}") from None
    height, width, channels = found.shape
    known = Known(known.values, known.white, channels, (width, height), known.since)
    if found.dtype in WHITE:
        known = Known("levels", WHITE[found.dtype], channels, (width, height))
    elif known.values == "levels":
        known = Known("any", None, channels, (width, height), step.name)
    return found.astype(np.float32), known


# ---- All steps -------------------------------------------------------------------------------------------------------


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
    return Known("any", None, channels, (width, height), f"they are {images.dtype}")


def _failed(where: str, name: Any, problem: Any) -> CalotypeError:
    return CalotypeError(f"prepare{where}: image {name}: {str(problem).rstrip('.')}.")


def _each(images: Images, step: Any, known: Known, where: str, names: Sequence[Any]) -> Images:
    """Take images through a step one by one."""
    results = []
    for name, image in zip(names, images, strict=True):
        try:
            result = IMAGEWISE[step.name](image, step, known)
        except cv2.error as error:
            shown = f"{pixels(image.shape[1], image.shape[0])}, {image.shape[2]} channels"
            raise _failed(where, name, f"OpenCV: {error.err} ({shown})") from error
        results.append(result.reshape(*result.shape[:2], -1))
    return np.stack(results).astype(np.float32, copy=False)


def _step(images: Images, step: Any, known: Known, where: str, names: Sequence[Any]) -> tuple[Images, Known]:
    if isinstance(step, Normalise) and step.split:
        raise ValueError(f"split `{step.split}` has to be measured first")
    following = after(step, known)
    if isinstance(step, Own):
        assert len(images) == 1, "a function of the user's may give each image another size"
        result, following = _own(images[0], step, known)
        return result[None], following
    change = _fixed if isinstance(step, Threshold) and step.method == "fixed" else PIXELWISE.get(step.name)
    if change is None:
        return _each(images, step, known, where, names), following
    return change(images, step, known).reshape(*images.shape[:-1], -1), following


def stages(images: NDArray[Any], steps: Sequence[Any], names: Sequence[Any]) -> Iterator[tuple[Images, Known]]:
    """Take images of one size through some steps, and give what there is before the first and after each.

    Steps that work pixel by pixel take all images at a time, and give each the bits that it gets alone.

    Args:
        images: shape (images, height, width, channels), of one type: uint8, uint16 or floats. Where one of the steps
            is a function of the user's, a single one.
        steps: of config.preparation_steps; what `normalise` takes from a split has been measured.
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


def _last(image: NDArray[Any], steps: Sequence[Any], names: Sequence[Any]) -> Images:
    *_, (result, _) = stages(image, steps, names)
    return result


def take(
    images: Sequence[NDArray[Any]] | NDArray[Any], steps: Sequence[Any], names: Sequence[Any]
) -> Images | list[Image]:
    """Take some images through some steps.

    Args:
        images: each of shape (height, width, channels). In a list they may differ in size and in type.
        steps: as for `stages`.
        names: what errors call the images.

    Returns:
        The images, float32; one array of shape (images, height, width, channels) where they came in one size.

    Raises:
        CalotypeError: a step cannot work on an image; both are named.
    """
    alike = isinstance(images, np.ndarray) or len({(image.shape, image.dtype) for image in images}) == 1
    if alike and not any(isinstance(step, Own) for step in steps):
        return _last(images if isinstance(images, np.ndarray) else np.stack(images), steps, names)
    return [_last(image[None], steps, [name])[0] for image, name in zip(images, names, strict=True)]
