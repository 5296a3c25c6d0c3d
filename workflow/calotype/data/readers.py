"""The raw images of a split, and the call of their reader.

Readers raise CalotypeError for a file that is missing, damaged or changed, and for a wrong label.
"""

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
    """The raw images of a split."""

    size: int  # number of images
    records: Iterator[Record]  # number, label and pixels of each image, read one at a time
    minimum: int | None = None  # smallest count: of drawn images as asked for, of others in the split
    maximum: int | None = None  # largest count
    classes: int | None = None  # number of classes, which count from 0
    weights: NDArray[np.float32] | None = None  # of each image in the training loss, shape (images,)
    groups: NDArray[np.int32] | None = None  # number of each image's group, such as a patient; shape (images,)
    names: Sequence[str] | None = None  # of the images in errors; None if their numbers are enough

    @property
    def numbers(self) -> bool:
        """True if the labels are any numbers, neither counts nor classes."""
        return self.classes is None and self.minimum is None


def part(
    images: NDArray[Any], labels: NDArray[np.int64], file: Path, first: int, number: int | None, classes: int
) -> Raw:
    """Return some images of a fetched file; each keeps its number in the file, from 0.

    Args:
        images: shape (images, height, width) or (images, height, width, channels).
        labels: shape (images,).
        file: file of the images, for errors.
        first, number: the first image and the number of images; without a number, all from the first on.
        classes: number of classes.
    """
    last = len(images) if number is None else first + number
    if not first < last <= len(images):
        raise CalotypeError(
            f"{file}: image {max(first, last - 1)} not found; the {len(images)} images are numbered from 0.",
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
    """Return the raw images of a split.

    Args:
        reader: the dataset's function that reads them, `module:function`.
        folder: folder of the images.
        files: names and SHA-256 of fetched files.
        reading: further keywords of the reader.
    """
    if files is None:
        return resolve_name(reader)(folder, **reading)
    for name, checksum in files.items():
        check_regular(folder / name)
        if (folder / name).is_file() and sha256(folder / name) != checksum:
            raise CalotypeError(
                f"{folder / name}: its SHA-256 is not the one in datasets.yaml.",
                f"delete {folder}; Snakemake fetches it again. Or change `fetch.files`, if this is the file you want.",
            )
    with with_hint(f"delete {folder}; Snakemake fetches it again."):
        return resolve_name(reader)(folder, **reading)
