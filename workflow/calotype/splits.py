"""The prepared images of a split, as the stages after preparation see them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calotype.errors import CalotypeError


@dataclass(frozen=True)
class Split:
    """The prepared images of a split.

    Attributes:
        images: shape (images, height, width, channels), float32; a view of a memory-mapped file.
        labels: shape (images,), int64.
        ids: shape (images,), int64: the source's numbers of the images.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    ids: NDArray[np.int64]


def open_split(array_file: Path) -> Split:
    """Open a prepared split without reading it into memory.

    Raises:
        CalotypeError: the file is missing or not one that `write_split` wrote.
    """
    try:
        records = np.load(array_file, mmap_mode="r", allow_pickle=False)
        return Split(records["image"], records["label"], records["id"])
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise CalotypeError(
            f"{array_file}: not a prepared array: {error}.", "delete it to have it made again."
        ) from None


def place_of(split: Split, number: int) -> int:
    """The place of an image in a split, by its number at the source.

    Raises:
        CalotypeError: the split does not hold it.
    """
    places = np.flatnonzero(split.ids == number)
    if not places.size:
        numbers = f"{split.ids.min()} to {split.ids.max()}"
        raise CalotypeError(f"example: there is no test image {number}.", f"the numbers are {numbers}.")
    return int(places[0])
