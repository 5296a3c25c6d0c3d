"""Read IDX files, the format of MNIST and similar datasets.

Source of the format: "THE IDX FILE FORMAT" on the page of the MNIST database: two zero bytes, one byte for the type of
the numbers, one for the number of dimensions, each dimension as a big-endian 32-bit number, and then the numbers.
"""

import math
import os
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calotype.data.readers import Raw, part
from calotype.util.errors import CalotypeError

UNSIGNED_BYTE = 0x08
OTHER_TYPES = {0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}
MOST_DIMENSIONS = 4
GZIP = b"\x1f\x8b"  # first bytes of a gzip file


def _broken(path: Path, problem: str) -> CalotypeError:
    return CalotypeError(f"{path}: {problem}.")


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Open an IDX file of unsigned bytes, read-only, without reading it into memory."""
    try:
        with open(path, "rb") as file:
            magic = file.read(4)
            dimensions = file.read(4 * magic[3]) if len(magic) == 4 else b""
            length = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise _broken(path, f"cannot be read: {error.strerror or error}") from None
    if len(magic) < 4 or magic[:2] != b"\0\0":
        hint = "it is compressed: unpack it with gunzip." if magic[:2] == GZIP else None
        begins = magic.hex(" ") or "nothing"
        raise CalotypeError(f"{path}: not an IDX file: it begins with {begins} instead of 00 00 08.", hint)
    if magic[2] != UNSIGNED_BYTE:
        kind = OTHER_TYPES.get(magic[2], "unknown")
        raise _broken(path, f"an IDX file of type 0x{magic[2]:02x} ({kind}) instead of 0x08 (uint8)")
    if not 1 <= magic[3] <= MOST_DIMENSIONS:
        raise _broken(path, f"an IDX file of {magic[3]} dimensions instead of 1 to {MOST_DIMENSIONS}")
    if len(dimensions) < 4 * magic[3]:
        raise _broken(path, f"truncated within its header ({length} bytes)")
    shape = struct.unpack(f">{magic[3]}I", dimensions)
    header = 4 + len(dimensions)
    expected = header + math.prod(shape)
    if length != expected:
        said = " x ".join(map(str, shape))
        problem = "truncated" if length < expected else "too long"
        raise _broken(path, f"{problem}: {length} bytes instead of {expected} ({said} and a header of {header})")
    if expected == header:
        raise _broken(path, "an IDX file without content")
    try:
        return np.memmap(path, np.uint8, "r", header, shape)
    except (OSError, ValueError) as error:
        raise _broken(path, f"cannot be read: {error}") from None


def read_images(images: Path, labels: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Open a file of images, shape (images, height, width), and read their labels, shape (images,)."""
    pixels, numbers = read_idx(images), read_idx(labels)
    for path, array, dimensions, kind in ((images, pixels, 3, "images"), (labels, numbers, 1, "labels")):
        if array.ndim != dimensions:
            raise _broken(path, f"{array.ndim} dimensions instead of the {dimensions} of {kind}")
    if len(pixels) != len(numbers):
        raise _broken(images, f"{len(pixels)} images, but {len(numbers)} labels in {labels.name}")
    return pixels, numbers.astype(np.int64)


def read_part(folder: Path, *, images: str, labels: str, first: int, number: int | None, classes: int) -> Raw:
    """Return some images of a pair of IDX files."""
    return part(*read_images(folder / images, folder / labels), folder / images, first, number, classes)
