"""The prepared images of a split, as the stages after preparation see them."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calotype.util.errors import CalotypeError
from calotype.util.files import sha256


@dataclass(frozen=True)
class Split:
    """The prepared images of a split.

    Attributes:
        images: shape (images, height, width, channels), float32; a view of a memory-mapped file.
        labels: shape (images,): int64, counts or classes; float64, where they are other numbers.
        ids: shape (images,), int64: the source's numbers of the images.
        weights: of each image in the training loss, shape (images,), float32; None where all weigh the same.
        groups: of each image, by number, shape (images,), int32: what must not be parted; None where there are none.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64] | NDArray[np.float64]
    ids: NDArray[np.int64]
    weights: NDArray[np.float32] | None = None
    groups: NDArray[np.int32] | None = None

    def held_out_from(self, part: float) -> int:
        """The first of the last images that are held out.

        Args:
            part: of the images that are held out, in 0..1, as in Keras's `fit`. The images of a group, which lie one
                after the other, stay together: the place is the nearest one between two groups.

        Raises:
            CalotypeError: all images are of one group.
        """
        first = int(len(self.labels) * (1 - part))
        if self.groups is None or not part:
            return first
        edges = np.flatnonzero(np.diff(self.groups)) + 1
        if not len(edges):
            raise CalotypeError(
                f"validation_split: {part} of the training images cannot be held out: all of them are of one group.",
                "name a split with `validation`, or set `validation_split: 0`.",
            )
        return int(edges[np.abs(edges - first).argmin()])


def _may_be_late(error: Exception) -> bool:
    """Whether a file cannot be read for want of bytes, which may still be on their way; numpy says so in words."""
    short = isinstance(error, FileNotFoundError | EOFError | json.JSONDecodeError)
    return short or "EOF" in str(error) or "mmap length" in str(error)


def open_split(array_file: Path, patience: float = 0.0, *, verify: bool = True) -> Split:
    """Open a prepared split without reading it into memory.

    Args:
        array_file: as `write_split` wrote it, beside its manifest.
        patience: seconds to wait for a file that is missing or too short: file servers may show what another node wrote
            a minute late.
        verify: see that its checksum is that of the manifest, once in a process: about 0.7 s a GiB.

    Raises:
        CalotypeError: the file is missing, not one that `write_split` wrote, or not the one of the manifest.
    """
    began = time.monotonic()
    while True:
        try:
            records = np.load(array_file, mmap_mode="r", allow_pickle=False)
            images, labels, ids = (records[name] for name in ("image", "label", "id"))
            further = (records[name] if name in records.dtype.names else None for name in ("weight", "group"))
            split = Split(images, labels, ids, *further)
            if verify:
                _verify(array_file)
            return split
        except (OSError, EOFError, ValueError, LookupError) as error:
            if _may_be_late(error) and time.monotonic() - began < patience:
                time.sleep(1)
                continue
            raise CalotypeError(
                f"{array_file}: not a prepared array: {error}.", "delete it to have it made again."
            ) from None


def checksum(array_file: Path) -> str:
    """The SHA-256 of a prepared array, as its manifest has it."""
    return str(json.loads(array_file.with_suffix(".json").read_text(encoding="utf-8"))["sha256"])


def _verify(array_file: Path) -> None:
    """See that an array has the checksum of its manifest; once in a process."""
    expected, status = checksum(array_file), array_file.stat()
    known = (array_file.absolute(), status.st_size, status.st_mtime_ns, expected)
    if known not in _verified:
        if sha256(array_file) != expected:
            raise CalotypeError(
                f"{array_file}: its checksum is not that of its manifest: its content has changed.",
                "delete it to have it prepared again.",
            )
        _verified.add(known)


_verified: set[tuple[object, ...]] = set()


def place_of(split: Split, number: int, tested: int | None = None) -> int:
    """The place of an image in a split, by its number at the source.

    Args:
        split: that holds it.
        number: of the image.
        tested: how many images of the split models are tested on at most; None: of no matter here.

    Raises:
        CalotypeError: the split does not hold it, or no model is tested on it.
    """
    places = np.flatnonzero(split.ids == number)
    if not places.size:
        numbers = f"{split.ids.min()} to {split.ids.max()}"
        raise CalotypeError(f"example: there is no test image {number}.", f"the numbers are {numbers}.")
    if tested is not None and places[0] >= tested:
        problem = f"example: the test image {number} is not among the first {tested}, on which models are tested"
        raise CalotypeError(f"{problem} (`test_images`).", f"image {split.ids[0]} is the first of them.")
    return int(places[0])
