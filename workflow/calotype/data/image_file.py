"""Read one image file: PNG, JPEG, TIFF, BMP or WebP, grey or RGB, 8 or 16 bits."""

import hashlib
import stat
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from calotype.data.image_decoders import decode, kind_of
from calotype.data.tiff_file import decode_tiff
from calotype.util.errors import CalotypeError, about

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".webp")
MOST_PIXELS = 100_000_000  # of an image; a few kilobytes can claim more than any memory holds
MOST_BYTES = 700_000_000  # of a file; so many RGB pixels of 16 bits take 600 million
BLOCK = 2**20  # pixels that are blended at once
Alpha = Literal["refuse", "drop", "black", "white"]
Pixels = NDArray[np.uint8] | NDArray[np.uint16]


# Turns an image upright, by the number of EXIF's Orientation (Exif 2.3).
UPRIGHT: dict[int, Callable[[Pixels], Any]] = {
    1: lambda image: image,
    2: partial(cv2.flip, flipCode=1),
    3: partial(cv2.rotate, rotateCode=cv2.ROTATE_180),
    4: partial(cv2.flip, flipCode=0),
    5: cv2.transpose,
    6: partial(cv2.rotate, rotateCode=cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.rotate(cv2.transpose(image), cv2.ROTATE_180),
    8: partial(cv2.rotate, rotateCode=cv2.ROTATE_90_COUNTERCLOCKWISE),
}


@dataclass(frozen=True)
class Picture:
    """An image and its file."""

    pixels: Pixels  # shape (height, width, 1) or (height, width, 3), red first; upright
    sha256: str  # of the file's bytes, in hexadecimal
    transparent: bool = False  # the file has pixels that are not opaque


def is_grey(pixels: Pixels) -> bool:
    """Tell if pixels, shape (height, width, channels), are grey, also in three equal channels."""
    some = pixels[::16, ::16]  # of a colour image, these are enough, and faster
    return pixels.shape[2] == 1 or all(
        np.array_equal(part[..., 0], part[..., other]) for part in (some, pixels) for other in (1, 2)
    )


def digest(pixels: Pixels) -> str:
    """Return the SHA-256 of type, size and pixels: equal for equal images in any format, grey or as grey colours."""
    pixels = pixels[..., :1] if is_grey(pixels) else pixels
    found = hashlib.sha256(f"{pixels.dtype} {pixels.shape} ".encode())
    found.update(np.ascontiguousarray(pixels).data)
    return found.hexdigest()


def used_levels(bits: int, largest: int) -> int | None:
    """Return the largest level of a camera with fewer than 16 bits, such as 4095 for 12; None if 16 bits are used."""
    return 2 ** largest.bit_length() - 1 if bits == 16 and 0 < largest < 2**15 else None


def levels_differ(bits: Collection[int], levels: int | None) -> bool:
    """Return True for images of 8 bits among those of a camera with fewer than 16: they differ in what is white.

    Args:
        bits: of all images.
        levels: as `used_levels` returns them.
    """
    return len({*bits}) > 1 and (levels or 0) > 255


def read_picture(path: Path, *, alpha: Alpha = "refuse", name: str | None = None) -> Picture:
    """Read an image file.

    Args:
        alpha: how to treat transparency: refuse the image, drop it, or lay it on black or white.
        name: name of the image in errors; default: its path.

    Raises:
        CalotypeError: the file is missing, empty, damaged, too large, of another format, or not one grey or RGB image
            of 8 or 16 bits; or it has transparency, which `alpha` refuses.
    """
    with about(name or str(path)):
        content = _content(path)
        multiplied = False
        if kind_of(content) == "TIFF":
            pixels, opacity, lies, multiplied = decode_tiff(content, MOST_PIXELS, drop=alpha == "drop")
        else:
            pixels, opacity, lies = decode(content, MOST_PIXELS)
        largest = np.iinfo(pixels.dtype).max
        transparent = opacity is not None and bool(opacity.min() < largest)  # many programs write alpha without need
        if transparent:
            pixels = _without_alpha(pixels, opacity, alpha, multiplied)
        upright = UPRIGHT.get(lies, UPRIGHT[1])(np.ascontiguousarray(pixels))
        upright = upright[..., None] if upright.ndim == 2 else upright  # OpenCV drops a channel that is alone
        return Picture(upright, hashlib.sha256(content).hexdigest(), transparent)


def _content(path: Path) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_size > MOST_BYTES:
            raise CalotypeError(f"a file of {status.st_size:,} bytes.", "cut the image into pieces.")
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):  # reading it may never end
            raise CalotypeError("not a file, but a pipe, a socket or a device.", "move it away.")
        content = path.read_bytes()
    except OSError as error:
        raise CalotypeError(f"cannot be read: {error.strerror}.") from error
    if not content:
        raise CalotypeError("the file is empty.", "delete it, or restore its image.")
    return content


def _without_alpha(pixels: Any, opacity: Any, alpha: Alpha, multiplied: bool) -> Any:
    """Return opaque pixels, as the config treats transparency.

    Args:
        pixels: shape (height, width, channels).
        opacity: shape (height, width).
        multiplied: the file stores colours multiplied by opacity.
    """
    largest = int(np.iinfo(pixels.dtype).max)
    if alpha == "refuse":
        raise CalotypeError("has transparent pixels.", "choose how to treat them: `alpha: drop`, `black` or `white`.")
    if alpha == "drop":
        if multiplied and ((opacity > 0) & (opacity < largest)).any():
            raise CalotypeError("its colours are multiplied by its transparency.", "use `alpha: black` or `white`.")
        return pixels
    if not opacity.any():
        raise CalotypeError(
            "all its pixels are transparent.", "delete it; or, if only its alpha channel is wrong, use `alpha: drop`."
        )
    background = 0 if alpha == "black" else largest
    blended = np.empty_like(pixels)
    rows = max(1, BLOCK // pixels.shape[1])
    for first in range(0, len(pixels), rows):  # block by block, in 32 bits: the sums are at most (2^16 - 1)^2
        block = np.s_[first : first + rows]
        seen = opacity[block][..., None].astype(np.uint32)
        colours = pixels[block].astype(np.uint32) * (largest if multiplied else seen)
        blended[block] = np.minimum((colours + background * (largest - seen) + largest // 2) // largest, largest)
    return blended
