"""Prepare images with OpenCV and write one array file per split."""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calotype.data.readers import Raw, Record, read_raw
from calotype.preparation.stages import take
from calotype.steps import sequence
from calotype.steps.base import Step, pixels
from calotype.util.errors import CalotypeError
from calotype.util.files import new_file, write_text

BLOCK = 300_000  # numbers prepared at a time: they fit a core's cache, and OpenCV's call overhead is negligible


def _shape(shape: Sequence[int]) -> str:
    return f"{pixels(shape[1], shape[0])} ({shape[2]} channel{'s' * (shape[2] > 1)})"


def _stacked(
    images: NDArray[np.float32] | list[NDArray[np.float32]], names: Sequence[Any], first: tuple[Any, Sequence[int]]
) -> NDArray[np.float32]:
    """Stack prepared images; `first` has name and shape of the split's first image."""
    some = images if isinstance(images, list) else images[:1]
    for name, image in zip(names, some, strict=False):
        if image.shape != first[1]:
            raise CalotypeError(
                f"prepare: image {name} has {_shape(image.shape)} after the last step, and image {first[0]} has "
                f"{_shape(first[1])}: all images of a split must have the same shape.",
                "end `prepare` with `resize`, or with `crop` or `pad`, and `grey` or `colour`.",
            )
    return images if isinstance(images, np.ndarray) else np.stack(images)


def _prepared(raw: Raw, steps: Sequence[Step]) -> Iterator[NDArray[Any]]:
    """Prepare images block by block, as the records of `write_split`."""
    start: tuple[Any, Sequence[int]] | None = None
    place = 0
    for first in raw.records:
        numbers, labels, images = zip(first, *_further(raw.records, first[2].size), strict=True)
        names = numbers if raw.names is None else raw.names[place : place + len(numbers)]
        results = take(images, steps, names)
        start = start or (names[0], results[0].shape)
        prepared = _stacked(results, names, start)
        label = np.float64 if raw.numbers else np.int64
        kind: list[Any] = [("id", np.int64), ("label", label), ("image", np.float32, prepared.shape[1:])]
        further = {"weight": raw.weights, "group": raw.groups}
        kind += [(name, values.dtype) for name, values in further.items() if values is not None]
        block = np.empty(len(prepared), kind)
        block["id"], block["label"], block["image"] = numbers, labels, prepared
        for name, values in further.items():
            if values is not None:
                block[name] = values[place : place + len(block)]
        place += len(block)
        yield block


def _further(records: Iterator[Record], taken: int) -> Iterator[Record]:
    """Take further images, of any size, until a block is full."""
    while taken < BLOCK and (record := next(records, None)) is not None:
        taken += record[2].size
        yield record


def _header(block: NDArray[Any], size: int) -> bytes:
    """Return the first bytes of a .npy file with `size` such records."""
    header = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(block.dtype), "fortran_order": False, "shape": (size,)}
    np.lib.format.write_array_header_1_0(header, described)
    return header.getvalue()


def write_split(raw: Raw, array_file: Path, manifest_file: Path, *, split: str, steps: Sequence[Step]) -> None:
    """Prepare all images of a split, and write an array and a manifest.

    The array is a .npy file of records, which can be memory-mapped. Its fields are ``id`` (int64), ``label`` (int64, or
    float64 for any numbers) and ``image`` (float32, height x width x channels). Optional fields are ``weight``
    (float32) and ``group`` (int32). The manifest holds its SHA-256: later stages run again if it changes.

    Args:
        steps: of the dataset, with measured values.

    Raises:
        CalotypeError: an image or a label is missing or damaged, a step fails, prepared images differ in shape, or a
            file cannot be written.
    """
    digest = hashlib.sha256()
    # Not through a memory map: there, a full disk would kill the process.
    with new_file(array_file) as aside, open(aside, "wb") as file:
        blocks = _prepared(raw, steps)
        first = next(blocks)
        for piece in chain[Any]([_header(first, raw.size), first], blocks):
            file.write(piece)
            digest.update(piece)
    manifest = {
        "split": split,
        "sha256": digest.hexdigest(),
        "images": raw.size,
        "shape": list(first.dtype["image"].shape),
        "minimum": raw.minimum,
        "maximum": raw.maximum,
        "classes": raw.classes,
    }
    write_text(json.dumps(manifest, indent=1) + "\n", manifest_file)


# ---- Measured values -------------------------------------------------------------------------------------------------


def read_split(preparation: Mapping[str, Any], path: Path, place: Mapping[str, Any] | None = None) -> Raw:
    """Read the raw images of a split.

    Args:
        preparation: the settings of the dataset, with ``reader``, ``reading`` and ``split``.
        path: the folder of the images, a file in it, or the manifest of their catalogue.
        place: the ``folder`` of a user's images, which have a catalogue.

    Raises:
        CalotypeError: a file is missing or damaged, or has changed.
    """
    reader, reading = preparation["reader"], preparation["reading"]
    if not place:
        return read_raw(reader, path if path.is_dir() else path.parent, **reading)
    listed = {"split": preparation["split"], "catalogue": path.with_suffix(".csv")}
    return read_raw(reader, Path(place["folder"]), **reading, **listed)


def measure(raw: Raw, steps: Sequence[Step]) -> dict[str, list[float]]:
    """Compute ``mean`` and ``std`` of each channel, over all pixels of all images after some steps.

    Sums are float64, block by block about the mean of the block (Chan, Golub and LeVeque 1979). Memory and error do not
    grow with the number of images.

    Raises:
        CalotypeError: as for `write_split`, or all pixels of a channel are equal.
    """
    count, mean, squares = 0, np.zeros(1), np.zeros(1)
    for block in _prepared(raw, steps):
        values = block["image"].reshape(-1, block["image"].shape[-1]).astype(np.float64)
        own = values.mean(axis=0)
        apart = own - mean
        whole = count + len(values)
        squares = squares + np.square(values - own).sum(axis=0) + apart**2 * (count * len(values) / whole)
        mean = mean + apart * (len(values) / whole)
        count = whole
    for channel in np.flatnonzero(squares == 0):
        raise CalotypeError(
            f"prepare: normalise: all pixels of channel {channel} are {mean[channel]:g}: the standard deviation is 0.",
            "check the steps before it.",
        )
    return {"mean": mean.tolist(), "std": np.sqrt(squares / count).tolist()}


def write_measured(raw: Raw, file: Path, *, split: str, steps: Sequence[Step]) -> None:
    """Write the values of `measure` as JSON."""
    write_text(json.dumps({"split": split, **measure(raw, steps)}, indent=1) + "\n", file)


def with_measured(steps: Sequence[Step], files: Sequence[str]) -> Sequence[Step]:
    """Put the values of `write_measured` into the steps; `files` has one file, or none if no step needs it."""
    for file in files:
        steps = sequence.with_measured(steps, json.loads(Path(file).read_text(encoding="utf-8")))
    return steps
