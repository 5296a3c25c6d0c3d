"""The raw images of a split, and how they are read whatever their source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calotype.util.errors import CalotypeError, with_hint
from calotype.util.files import check_regular, sha256

# Number, label (a count, a class, or any number), image of shape (height, width, channels).
Record = tuple[int, int | float, NDArray[np.uint8] | NDArray[np.uint16]]


@dataclass(frozen=True)
class Raw:
    """The raw images of a split.

    Attributes:
        size: how many there are.
        records: number, label and pixels (height, width, channels) of each, read as they are asked for.
        minimum, maximum: the range of the labels, where they are counts: of drawn images the one they were drawn from,
            of others that of the split.
        classes: how many classes there are, where the labels are classes, which count from 0.
        weights: of each image in the training loss, shape (images,), where they have any.
        groups: of each image, by number: what must not be parted, such as a patient; shape (images,), where there are.
        names: of each image, for errors; None where its number says enough.
    """

    size: int
    records: Iterator[Record]
    minimum: int | None = None
    maximum: int | None = None
    classes: int | None = None
    weights: NDArray[np.float32] | None = None
    groups: NDArray[np.int32] | None = None
    names: Sequence[str] | None = None

    @property
    def numbers(self) -> bool:
        """Whether the labels are any numbers, neither counts nor classes."""
        return self.classes is None and self.minimum is None


def part(
    images: NDArray[Any], labels: NDArray[np.int64], file: Path, first: int, number: int | None, classes: int
) -> Raw:
    """A part of the images of a file that was fetched; each keeps its number in the file, from 0.

    Args:
        images: shape (images, height, width) or (images, height, width, channels).
        labels: shape (images,).
        file: of the images, for errors.
        first, number: of the images that are taken; without a number all from the first on.
        classes: how many there are.

    Raises:
        CalotypeError: there are too few images, or a label is no class.
    """
    last = len(images) if number is None else first + number
    if not first < last <= len(images):
        raise CalotypeError(
            f"{file}: image {max(first, last - 1)}, counted from 0, is asked for, but there are {len(images)}.",
            "see `first` and `number` of this split in datasets.yaml.",
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise CalotypeError(
            f"{file}: image {wrong[0]}: the label {labels[wrong[0]]} is not one of the {classes} classes, 0 to "
            f"{classes - 1}.",
            "see `classes` of this dataset in datasets.yaml.",
        )
    pixels = np.asarray(images)  # a slice of an array costs much less than one of a memory map
    pixels = pixels[..., None] if pixels.ndim == 3 else pixels
    records = ((i, int(labels[i]), pixels[i]) for i in range(first, last))
    return Raw(last - first, records, classes=classes)


def read_raw(reader: str, folder: Path, files: Mapping[str, str] | None = None, **reading: Any) -> Raw:
    """The raw images of a split.

    Args:
        reader: the function that reads them, `module:function`, as their dataset names it.
        folder: of its files.
        files: names and SHA-256 of the files that it is read from, where they were fetched.
        reading: the further keywords of the reader.

    Raises:
        CalotypeError: a file is missing or broken, or not the one that was verified.
    """
    if files is None:
        return resolve_name(reader)(folder, **reading)
    for name, checksum in files.items():
        check_regular(folder / name)
        if (folder / name).is_file() and sha256(folder / name) != checksum:
            raise CalotypeError(
                f"{folder / name}: its content is not what datasets.yaml says (SHA-256).",
                f"delete {folder} to have it fetched again; or change `fetch.files`, if this is the file you want.",
            )
    with with_hint(f"delete {folder} to have it fetched again."):
        return resolve_name(reader)(folder, **reading)
