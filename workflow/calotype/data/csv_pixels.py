"""Read images from a CSV file: each line has the pixels of a square image, row by row, and then the label."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calotype.data.readers import Raw, part
from calotype.util.errors import CalotypeError


def read_part(folder: Path, *, table: str, first: int, number: int | None, classes: int) -> Raw:
    """Return some images of a CSV file."""
    return part(*_read_table(folder / table), folder / table, first, number, classes)


def _read_table(file: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    try:
        numbers = np.loadtxt(file, delimiter=",", dtype=np.int64, ndmin=2)
    except (OSError, ValueError) as error:
        problem = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error).rstrip(".")
        raise CalotypeError(f"{file}: not a table of whole numbers: {problem}.") from None
    width = round((numbers.shape[1] - 1) ** 0.5)
    if width < 1 or width**2 != numbers.shape[1] - 1:
        raise CalotypeError(f"{file}: {numbers.shape[1] - 1} pixels in a line are not a square.")
    pixels = numbers[:, :-1]
    if pixels.size and not 0 <= pixels.min() <= pixels.max() <= 255:
        raise CalotypeError(f"{file}: a pixel is not in 0..255.")
    return pixels.astype(np.uint8).reshape(-1, width, width), numbers[:, -1]
