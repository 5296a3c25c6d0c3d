"""Prepared images of a split, as later stages read them."""

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
    """The prepared images of a split."""

    images: NDArray[np.float32]  # shape (images, height, width, channels); a view of a memory-mapped file
    labels: NDArray[np.int64] | NDArray[np.float64]  # shape (images,): counts or classes, or other numbers
    ids: NDArray[np.int64]  # shape (images,): the source's numbers of the images
    weights: NDArray[np.float32] | None = None  # shape (images,): of each image in the training loss
    groups: NDArray[np.int32] | None = None  # shape (images,): number of each image's group

    def held_out_from(self, part: float) -> int:
        """Return the index of the first held-out image; the last images are held out.

        Groups stay whole: the index is the closest one between two groups.

        Args:
            part: share of the images, in 0..1, as in Keras's `fit`.
        """
        first = int(len(self.labels) * (1 - part))
        if self.groups is None or not part:
            return first
        edges = np.flatnonzero(np.diff(self.groups)) + 1
        if not len(edges):
            raise CalotypeError(
                f"validation_split: {part} of the training images cannot be held out: they are all of one group.",
                "name a split with `validation`, or set `validation_split: 0`.",
            )
        return int(edges[np.abs(edges - first).argmin()])


def _may_be_late(error: Exception) -> bool:
    """Tell if a file is missing or too short, so that it may still arrive; numpy reports it in words."""
    short = isinstance(error, FileNotFoundError | EOFError | json.JSONDecodeError)
    return short or "EOF" in str(error) or "mmap length" in str(error)


def open_split(array_file: Path, patience: float = 0.0, *, verify: bool = True) -> Split:
    """Open a prepared split without reading it into memory.

    Args:
        array_file: array of `write_split`, beside its manifest.
        patience: seconds to wait for a missing or short file: a file server may show another node's file a minute late.
        verify: compare its checksum with the manifest, once per process: about 0.7 s per GiB.
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
                f"{array_file}: not a prepared array: {error}.", "delete it; Snakemake prepares it again."
            ) from None


def checksum(array_file: Path) -> str:
    """Return the SHA-256 of a prepared array from its manifest."""
    return str(json.loads(array_file.with_suffix(".json").read_text(encoding="utf-8"))["sha256"])


def _verify(array_file: Path) -> None:
    """Raise CalotypeError if the checksum of an array differs from its manifest; once per process."""
    expected, status = checksum(array_file), array_file.stat()
    known = (array_file.absolute(), status.st_size, status.st_mtime_ns, expected)
    if known not in _verified:
        if sha256(array_file) != expected:
            raise CalotypeError(
                f"{array_file}: its checksum is not that of its manifest: its content has changed.",
                "delete it; Snakemake prepares it again.",
            )
        _verified.add(known)


_verified: set[tuple[object, ...]] = set()


def place_of(split: Split, number: int, tested: int | None = None) -> int:
    """Return the index of an image, by its number at the source; models are tested on the first `tested` images."""
    places = np.flatnonzero(split.ids == number)
    if not places.size:
        numbers = f"{split.ids.min()} to {split.ids.max()}"
        raise CalotypeError(f"example: test image {number} not found.", f"the numbers are {numbers}.")
    if tested is not None and places[0] >= tested:
        problem = f"example: the test image {number} is not among the first {tested}, on which models are tested"
        raise CalotypeError(f"{problem} (`test_images`).", f"image {split.ids[0]} is the first of them.")
    return int(places[0])
