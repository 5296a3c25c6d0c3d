"""Read one image file of a user's: PNG, JPEG, TIFF, BMP or WebP, grey or colour, 8 or 16 bits.

Pillow looks at a file before OpenCV does: OpenCV decodes a file that is cut off in some formats, takes the first image
of several, and does not say what it leaves out.
"""

import hashlib
import io
import math
import stat
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from calotype.util.errors import CalotypeError

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "BMP", "WEBP")  # Pillow's names; MPO is a JPEG with more behind it
MOST_PIXELS = 100_000_000  # of an image; a few kilobytes can claim more than any memory holds
MOST_BYTES = 700_000_000  # of a file; so many pixels in colour, of 16 bits, take 600 million
ORIENTATION = 0x0112  # EXIF's tag
PHOTOMETRIC, PLANAR, EXTRA_SAMPLES = 262, 284, 338  # TIFF's tags
BEGINNINGS = {
    b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"II*\0": "TIFF", b"MM\0*": "TIFF", b"BM": "BMP", b"RIFF": "WebP",
}  # fmt: skip
Alpha = Literal["refuse", "drop", "black", "white"]
Pixels = NDArray[np.uint8] | NDArray[np.uint16]


# What brings an image upright, by EXIF's number for how it lies (Exif 2.3, tag Orientation).
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


# OpenCV says on the terminal, besides, what it meets in broken files; here an error does.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@dataclass(frozen=True)
class Picture:
    """An image and its file.

    Attributes:
        pixels: shape (height, width, 1) or (height, width, 3), red first, uint8 or uint16; upright.
        sha256: of the file's bytes, in hexadecimal.
        transparent: whether the file has pixels that are not opaque.
    """

    pixels: Pixels
    sha256: str
    transparent: bool = False


def is_grey(pixels: Pixels) -> bool:
    """Whether pixels, shape (height, width, channels), have no colour, whatever their channels."""
    some = pixels[::16, ::16]  # of an image in colour these show it, at a fraction of the time
    return pixels.shape[2] == 1 or all(
        np.array_equal(part[..., 0], part[..., other]) for part in (some, pixels) for other in (1, 2)
    )


def digest(pixels: Pixels) -> str:
    """SHA-256 of size and pixels: equal for equal images, in whatever format, grey or in colours that are grey.

    Args:
        pixels: shape (height, width, channels), uint8 or uint16.
    """
    pixels = pixels[..., :1] if is_grey(pixels) else pixels
    found = hashlib.sha256(f"{pixels.dtype} {pixels.shape} ".encode())
    found.update(np.ascontiguousarray(pixels).data)
    return found.hexdigest()


def read_picture(path: Path, *, alpha: Alpha = "refuse", name: str | None = None) -> Picture:
    """Read an image file.

    Args:
        alpha: what to do with transparency: refuse the image, drop it, or lay it on black or white.
        name: how errors name it; left out: by its path.

    Raises:
        CalotypeError: it cannot be read, is empty, truncated, of no known format, too large, animated, CMYK, has
            transparency that is not wanted, or pixels of another type than 8 or 16 bits.
    """
    name = name or str(path)
    content = _content(path, name)
    seen = _looked_at(content, name)
    if seen.transparent and alpha == "refuse":
        raise CalotypeError(
            f"{name}: has transparent pixels.", "say what to do with them: `alpha: drop`, `black` or `white`."
        )
    flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
    blended = seen.transparent and alpha in ("black", "white")
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED if blended else flags)
    except cv2.error:  # it has limits of its own, of sides for instance
        image = None
    if image is None:
        raise CalotypeError(f"{name}: OpenCV cannot read this image.", "write it anew, for instance as PNG.")
    if image.dtype not in (np.uint8, np.uint16):
        raise CalotypeError(f"{name}: its pixels are {image.dtype}.", "write it anew with 8 or 16 bits a channel.")
    if image.ndim == 2:
        image = image[..., None]
    if seen.kind == "TIFF" and image.dtype == np.uint16:
        image = _as_tiff_means(image, seen.tags, name)
    if seen.rgba is not None and image.dtype == np.uint8:
        # Of some kinds of files OpenCV gives no transparency, and of TIFF colours that are multiplied with it.
        image = seen.rgba[..., [2, 1, 0, 3]] if blended else seen.rgba[..., 2::-1]
    if blended:
        if image.shape[2] != 4:
            raise CalotypeError(f"{name}: its transparency cannot be read.", "write it anew, opaque or as RGBA.")
        image = _on_background(image, alpha)
    if seen.transparent and seen.grey:
        image = image[..., :1]
    if image.shape[2] not in (1, 3):
        raise CalotypeError(f"{name}: has {image.shape[2]} channels.", "write it anew, grey or in colour.")
    lies = 1 if seen.kind == "TIFF" and seen.rgba is None else seen.orientation  # TIFF comes upright from OpenCV
    upright = UPRIGHT.get(lies, UPRIGHT[1])(np.ascontiguousarray(image))
    if upright.ndim == 2:  # OpenCV drops a channel that is alone
        upright = upright[..., None]
    if upright.shape[2] == 3:
        upright = cv2.cvtColor(upright, cv2.COLOR_BGR2RGB)
    return Picture(upright, hashlib.sha256(content).hexdigest(), seen.transparent)


def _content(path: Path, name: str) -> bytes:
    """What stands in a file."""
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_size > MOST_BYTES:
            raise CalotypeError(f"{name}: a file of {status.st_size:,} bytes.", "cut the image into pieces.")
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):  # to read it may take for ever
            raise CalotypeError(f"{name}: no file, but a pipe, a socket or a device.", "move it away.")
        content = path.read_bytes()
    except OSError as error:
        raise CalotypeError(f"{name}: cannot be read: {error.strerror}.") from None
    if not content:
        raise CalotypeError(f"{name}: the file is empty.", "delete it, or bring its image back.")
    return content


@dataclass(frozen=True)
class _Seen:
    """What Pillow says of a file: its format, how it lies, whether it is grey, TIFF's tags, and its transparency.

    `rgba` are its pixels in 8 bits where some of them are not opaque; None, too, where Pillow cannot tell which.
    """

    kind: str
    orientation: int
    grey: bool
    tags: Any
    transparent: bool
    rgba: NDArray[np.uint8] | None


def _looked_at(content: bytes, name: str) -> _Seen:
    """Have Pillow look at a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of broken EXIF data, and of large images: they get an error of ours
        try:
            with Image.open(io.BytesIO(content)) as image:
                if math.prod(image.size) > MOST_PIXELS:
                    raise Image.DecompressionBombError
                if image.format not in FORMATS:
                    raise CalotypeError(
                        f"{name}: a {image.format} file.", "write it anew as PNG, JPEG, TIFF, BMP or WebP."
                    )
                frames = getattr(image, "n_frames", 1)
                if frames > 1 and image.format != "MPO":
                    raise CalotypeError(
                        f"{name}: holds {frames} images (an animation, or pages).", "write each into a file of its own."
                    )
                if image.mode in ("CMYK", "LAB", "HSV") or image.mode.startswith(("F", "I;32")):
                    raise CalotypeError(
                        f"{name}: its pixels are {image.mode}.", "write it anew, grey or in RGB, with 8 or 16 bits."
                    )
                orientation = image.getexif().get(ORIENTATION, 1)
                image.load()
                return _Seen(
                    str(image.format),
                    int(orientation) if isinstance(orientation, int) else 1,
                    image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I"),
                    getattr(image, "tag_v2", {}),
                    *_transparency(image),
                )
        except CalotypeError:
            raise
        except Image.DecompressionBombError:
            raise CalotypeError(
                f"{name}: says that it has more than {MOST_PIXELS:,} px.", "scale it down, or cut it into pieces."
            ) from None
        except UnidentifiedImageError:
            if kind := next((kind for start, kind in BEGINNINGS.items() if content.startswith(start)), None):
                raise CalotypeError(
                    f"{name}: begins like a {kind} file, but is no image: broken, or of a rare kind.",
                    "write it anew, grey or in RGB, with 8 or 16 bits; or bring it back, or delete it.",
                ) from None
            raise CalotypeError(
                f"{name}: no image, or one that is broken from its first bytes on ({len(content)} bytes).",
                "delete it, bring it back, or list it under `ignore`.",
            ) from None
        except Exception as error:  # the decoders of broken files raise of every kind
            raise CalotypeError(f"{name}: truncated or broken: {error}.", "bring it back, or delete it.") from None


def _transparency(image: Image.Image) -> tuple[bool, NDArray[np.uint8] | None]:
    """Whether an image has pixels that are not opaque, and then its pixels, RGBA of 8 bits where Pillow can tell."""
    if not image.has_transparency_data:
        return False, None
    colour = image.info.get("transparency")  # of PNG: one that is to be seen through; Pillow takes it for 8 bits
    if image.mode.startswith("I") or (isinstance(colour, tuple) and max(colour) > 255):
        return True, None
    rgba = np.asarray(image.convert("RGBA"))
    # Many programs write an alpha channel whether it is needed or not.
    return (True, rgba) if rgba[..., 3].min() < 255 else (False, None)


def _as_tiff_means(image: Any, tags: Any, name: str) -> Any:
    """An image of 16 bits from a TIFF file, of which OpenCV gives the numbers as they stand there."""
    if image.shape[2] > 1 and tags.get(PLANAR) == 2:
        raise CalotypeError(
            f"{name}: its channels stand one after the other (planar).", "write it anew with the channels together."
        )
    if 1 in tags.get(EXTRA_SAMPLES, ()):
        raise CalotypeError(
            f"{name}: its colours are multiplied with its transparency.", "write it anew, opaque or as plain RGBA."
        )
    return np.iinfo(np.uint16).max - image if tags.get(PHOTOMETRIC) == 0 else image  # 0 is white there


def _on_background(image: Any, alpha: Alpha) -> Any:
    """Lay an image with an alpha channel, shape (height, width, 4), on black or white; rounds to the nearest."""
    largest = np.iinfo(image.dtype).max
    opacity = image[..., 3:].astype(np.float64) / largest
    background = 0.0 if alpha == "black" else float(largest)
    blended = image[..., :3] * opacity + background * (1 - opacity)
    return np.rint(blended).astype(image.dtype)
