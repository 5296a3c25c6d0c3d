"""Read one image file of a user's: PNG, JPEG, TIFF, BMP or WebP, grey or colour, 8 or 16 bits.

Pillow looks at a file before OpenCV does: OpenCV decodes a file that is cut off in some formats, takes the first image
of several, and does not say what it leaves out.
"""

import hashlib
import io
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from calotype.errors import CalotypeError

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "BMP", "WEBP")  # Pillow's names; MPO is a JPEG with more behind it
MOST_PIXELS = 100_000_000  # of an image; a few kilobytes can claim more than any memory holds
ORIENTATION = 0x0112  # EXIF's tag
Alpha = Literal["refuse", "drop", "black", "white"]
Pixels = NDArray[np.uint8] | NDArray[np.uint16]


def _flipped(code: int) -> Callable[[Pixels], Any]:
    return lambda image: cv2.flip(image, code)


def _rotated(code: int) -> Callable[[Pixels], Any]:
    return lambda image: cv2.rotate(image, code)


# What brings an image upright, by EXIF's number for how it lies (Exif 2.3, tag Orientation).
UPRIGHT: dict[int, Callable[[Pixels], Any]] = {
    1: lambda image: image,
    2: _flipped(1),
    3: _rotated(cv2.ROTATE_180),
    4: _flipped(0),
    5: cv2.transpose,
    6: _rotated(cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.rotate(cv2.transpose(image), cv2.ROTATE_180),
    8: _rotated(cv2.ROTATE_90_COUNTERCLOCKWISE),
}


@dataclass(frozen=True)
class Picture:
    """An image and its file.

    Attributes:
        pixels: shape (height, width, 1) or (height, width, 3), red first, uint8 or uint16; upright.
        sha256: of the file's bytes, in hexadecimal.
        kind: Pillow's name of the file's format.
        transparent: whether the file has pixels that are not opaque.
    """

    pixels: Pixels
    sha256: str
    kind: str
    transparent: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 of size and pixels: equal for equal images, in whatever format, grey or in colours that are grey."""
        pixels = self.pixels[..., :1] if self.is_grey else self.pixels
        said = f"{pixels.dtype} {pixels.shape} ".encode()
        return hashlib.sha256(said + np.ascontiguousarray(pixels).tobytes()).hexdigest()

    @property
    def is_grey(self) -> bool:
        """Whether it has no colour, whatever its channels."""
        some = self.pixels[::16, ::16]  # of an image in colour these show it, at a fraction of the time
        return self.pixels.shape[2] == 1 or all(
            np.array_equal(part[..., 0], part[..., other]) for part in (some, self.pixels) for other in (1, 2)
        )


def read_picture(path: Path, *, alpha: Alpha = "refuse", name: str | None = None) -> Picture:
    """Read an image file.

    Args:
        path: the file.
        alpha: what to do with transparency: refuse the image, drop it, or lay it on black or white.
        name: how errors name it; left out: by its path.

    Raises:
        CalotypeError: it cannot be read, is empty, truncated, of no known format, too large, animated, CMYK, has
            transparency that is not wanted, or pixels of another type than 8 or 16 bits.
    """
    name = name or str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CalotypeError(f"{name}: cannot be read: {error.strerror}.") from None
    if not content:
        raise CalotypeError(f"{name}: the file is empty.", "delete it, or bring its image back.")
    kind, orientation, transparent = _looked_at(content, name)
    if transparent and alpha == "refuse":
        raise CalotypeError(
            f"{name}: has transparent pixels.", "say what to do with them: `alpha: drop`, `black` or `white`."
        )
    flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
    blended = transparent and alpha in ("black", "white")
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
    if blended:
        if image.shape[2] != 4:  # of some files OpenCV does not give the transparency
            raise CalotypeError(f"{name}: its transparency cannot be read.", "write it anew, opaque or as RGBA.")
        image = _on_background(image, alpha)
    if image.shape[2] not in (1, 3):
        raise CalotypeError(f"{name}: has {image.shape[2]} channels.", "write it anew, grey or in colour.")
    upright = UPRIGHT.get(orientation, UPRIGHT[1])(image)
    if upright.ndim == 2:  # OpenCV drops a channel that is alone
        upright = upright[..., None]
    if upright.shape[2] == 3:
        upright = cv2.cvtColor(upright, cv2.COLOR_BGR2RGB)
    return Picture(upright, hashlib.sha256(content).hexdigest(), kind, transparent)


def _looked_at(content: bytes, name: str) -> tuple[str, int, bool]:
    """What Pillow says of a file: its format, how it lies, and whether it has transparency.

    Raises:
        CalotypeError: as `read_picture`.
    """
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
                # Many programs write an alpha channel whether it is needed or not.
                seen = image.has_transparency_data and np.asarray(image.convert("RGBA"))[..., 3].min() < 255
        except CalotypeError:
            raise
        except Image.DecompressionBombError:
            raise CalotypeError(
                f"{name}: says that it has more than {MOST_PIXELS:,} px.", "scale it down, or cut it into pieces."
            ) from None
        except UnidentifiedImageError:
            raise CalotypeError(
                f"{name}: no image, or one that is broken from its first bytes on ({len(content)} bytes).",
                "delete it, bring it back, or list it under `ignore`.",
            ) from None
        except Exception as error:  # the decoders of broken files raise of every kind
            raise CalotypeError(f"{name}: truncated or broken: {error}.", "bring it back, or delete it.") from None
    return str(image.format), int(orientation) if isinstance(orientation, int) else 1, bool(seen)


def _on_background(image: Any, alpha: Alpha) -> Any:
    """Lay an image with an alpha channel, shape (height, width, 4), on black or white; rounds to the nearest."""
    largest = np.iinfo(image.dtype).max
    opacity = image[..., 3:].astype(np.float64) / largest
    background = 0.0 if alpha == "black" else float(largest)
    blended = image[..., :3] * opacity + background * (1 - opacity)
    return np.rint(blended).astype(image.dtype)
