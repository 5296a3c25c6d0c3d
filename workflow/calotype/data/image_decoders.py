"""Decode PNG with OpenCV, JPEG with simplejpeg, BMP and WebP with Pillow.

Each format has one decoder, chosen for what it reports:
- OpenCV keeps 16 bits of a colour PNG, Pillow does not.
- simplejpeg reports libjpeg's warnings, so an image whose data end early is found; OpenCV and Pillow fill it with grey.
- Pillow reads all kinds of BMP.
Pillow reads the headers, without the pixels. No decoder reports a WebP, BMP or uncompressed TIFF file whose pixels were
overwritten: these formats have no checksums.
"""

import io
import math
import struct
import warnings
import zlib
from typing import Any

import cv2
import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from calotype.data.jpeg_scans import check_scans
from calotype.util.errors import CalotypeError

RESTORE = "restore it, or delete it."
AGAIN = "save it again as PNG, JPEG, TIFF, BMP or WebP."
ORIENTATION = 0x0112  # EXIF's tag
BEGINNINGS = {
    b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"II*\0": "TIFF", b"MM\0*": "TIFF", b"II+\0": "TIFF", b"MM\0+": "TIFF",
    b"BM": "BMP", b"RIFF": "WebP",
}  # fmt: skip
# Formats that are not read, by bytes at a place.
OTHERS = [
    (4, b"ftyphei", "a HEIC file"), (4, b"ftypmif", "a HEIC file"), (4, b"JXL ", "a JPEG XL file"),
    (0, b"\xff\x0a", "a JPEG XL file"), (128, b"DICM", "a DICOM file"), (0, b"%PDF", "a PDF file"),
    (0, b"version https://git-lfs", "a pointer of Git LFS, not the image: run `git lfs pull`"),
]  # fmt: skip

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # an error of ours names the file


def kind_of(content: bytes) -> str | None:
    """Return the format by the first bytes of a file; None for a format that is not read."""
    return next((kind for start, kind in BEGINNINGS.items() if content.startswith(start)), None)


def decode(content: bytes, most_pixels: int) -> tuple[Any, Any, int]:
    """Decode a PNG, JPEG, BMP or WebP file.

    Args:
        content: bytes of the file.
        most_pixels: largest accepted width x height.

    Returns:
        Pixels, shape (height, width, 1 or 3), red first, uint8 or uint16, as stored; alpha, shape (height, width),
        or None; and EXIF's orientation, 1 to 8. Orientation in XMP alone does not count, as in other viewers.

    Raises:
        CalotypeError: the file is damaged, of another format, an animation, or not grey or RGB.
    """
    kind = kind_of(content)
    chunks = _check_png(content) if kind == "PNG" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged EXIF data, and of large images: they get an error of ours
        try:
            with Image.open(io.BytesIO(content)) as image:
                _check_header(image, most_pixels)
                if kind == "PNG":
                    pixels, alpha = _decode_png(content, chunks.get(b"tRNS"))
                elif kind == "JPEG":
                    colours = "GRAY" if image.mode == "L" else "RGB"
                    pixels, alpha = simplejpeg.decode_jpeg(content, colours, strict=True), None
                    check_scans(content)
                else:
                    pixels, alpha = _decode_with_pillow(image, content)
                return pixels, alpha, _orientation(chunks.get(b"eXIf") or image.info.get("exif") or b"")
        except CalotypeError:
            raise
        except Image.DecompressionBombError:
            raise CalotypeError(
                f"its header claims more than {most_pixels:,} px.", "scale it down, or cut it into pieces."
            ) from None
        except UnidentifiedImageError:
            if kind:
                raise CalotypeError(
                    f"begins like a {kind} file, but is not an image: damaged, or of a rare type.",
                    f"save it again, grey or RGB, with 8 or 16 bits; or {RESTORE}",
                ) from None
            for place, start, other in OTHERS:
                if content.startswith(start, place):
                    raise CalotypeError(f"{other}.", AGAIN) from None
            raise CalotypeError(
                f"not an image, or its header is corrupt ({len(content)} bytes).",
                "delete it, restore it, or list it under `ignore`.",
            ) from None
        except Exception as error:  # of every type, for damaged files
            raise CalotypeError(f"truncated or damaged: {error}.", RESTORE) from None


def _check_header(image: Image.Image, most_pixels: int) -> None:
    """Refuse all but one grey or RGB image, before memory is taken for it."""
    if math.prod(image.size) > most_pixels:
        raise Image.DecompressionBombError
    if image.format not in ("PNG", "JPEG", "MPO", "BMP", "WEBP"):  # MPO is a JPEG with more images behind it
        raise CalotypeError(f"of the format {image.format}.", AGAIN)
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise CalotypeError(f"contains {frames} images (an animation).", "save each as a file.")
    if image.mode in ("CMYK", "YCCK", "LAB", "HSV") or image.mode.startswith("F"):
        raise CalotypeError(f"its pixels are {image.mode}.", "save it again, grey or RGB, with 8 or 16 bits.")


def _orientation(content: bytes) -> int:
    exif = Image.Exif()
    exif.load(content)
    found = exif.get(ORIENTATION, 1)
    return found if isinstance(found, int) else 1


def _check_png(content: bytes) -> dict[bytes, bytes]:
    """Check the length and the checksum of each chunk: OpenCV allocates what a damaged length claims.

    Returns:
        The content of the chunks tRNS, which holds transparency, and eXIf, which may follow the pixels.
    """
    place, found = 8, dict[bytes, bytes]()
    while place + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        end = place + 8 + length
        if end + 4 > len(content):
            break
        if zlib.crc32(content[place + 4 : end]) != struct.unpack_from(">I", content, end)[0]:
            raise CalotypeError(f"truncated or damaged: wrong checksum of chunk {kind!r}.", RESTORE)
        if kind == b"IEND":
            return found
        if kind in (b"tRNS", b"eXIf"):
            found[kind] = content[place + 8 : end]
        place = end + 4
    raise CalotypeError("truncated or damaged: its end is missing.", RESTORE)


def _decode_png(content: bytes, seen_through: bytes | None) -> tuple[Any, Any]:
    """Return pixels and alpha, from a file whose chunks are whole, and its chunk tRNS."""
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:  # OpenCV limits the sides of an image
        image = None
    if image is None:
        raise CalotypeError("truncated or damaged: OpenCV cannot read it.", RESTORE)
    image = image[..., None] if image.ndim == 2 else image
    alpha = image[..., 3] if image.shape[2] == 4 else None
    bits, colour_type = content[24], content[25]
    if colour_type == 0 and seen_through:  # one grey level is transparent, and OpenCV does not say which
        level = int.from_bytes(seen_through[:2], "big") * (255 // (2**bits - 1) if bits < 8 else 1)
        largest = image.dtype.type(np.iinfo(image.dtype).max)
        alpha = np.where(image[..., 0] == level, image.dtype.type(0), largest)
    return image[..., :1] if colour_type in (0, 4) else image[..., 2::-1], alpha


def _decode_with_pillow(image: Image.Image, content: bytes) -> tuple[Any, Any]:
    if image.format == "WEBP" and struct.unpack_from("<I", content, 4)[0] + 8 > len(content):
        raise CalotypeError("truncated or damaged: its end is missing.", RESTORE)
    image.load()
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        return np.ascontiguousarray(rgba[..., :3]), rgba[..., 3]
    pixels = np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    return pixels[..., None] if pixels.ndim == 2 else pixels, None
