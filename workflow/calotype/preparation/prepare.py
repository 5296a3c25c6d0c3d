"""Prepare images with OpenCV, and keep them as one array file per split."""

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

BLOCK = 300_000  # numbers prepared at a time: they fit a core's cache, and calling OpenCV no longer counts


def _alike(
    images: NDArray[np.float32] | list[NDArray[np.float32]], names: Sequence[Any],
    first: tuple[Any, tuple[int, ...]] | None = None,
) -> NDArray[np.float32]:  # fmt: skip
    """Prepared images as one array; `first` has name and shape of the split's first image if that is not among them."""
    name, shape = first or (names[0], images[0].shape)
    some = images if isinstance(images, list) else images[:1]
    for other, image in zip(names, some, strict=False):
        if image.shape != shape:
            raise CalotypeError(
                f"prepare: image {other} comes out as {_shape(image.shape)}, image {name} as {_shape(shape)}: all of "
                "a split must be alike.",
                "end `prepare` with `resize`, or with `crop` or `pad`, and `grey` or `colour`.",
            )
    return images if isinstance(images, np.ndarray) else np.stack(images)


def _shape(shape: tuple[int, ...]) -> str:
    return f"{pixels(shape[1], shape[0])} ({shape[2]} channel{'s' * (shape[2] > 1)})"


def _prepared(raw: Raw, steps: Sequence[Step]) -> Iterator[NDArray[Any]]:
    """Prepare images block by block: arrays of records, as `write_split` says."""
    start: tuple[Any, tuple[int, ...]] | None = None
    place = 0
    for first in raw.records:
        numbers, labels, images = zip(first, *_further(raw.records, first[2].size), strict=True)
        names = numbers if raw.names is None else raw.names[place : place + len(numbers)]
        prepared = _alike(take(images, steps, names), names, start)
        start = start or (names[0], prepared.shape[1:])
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
    """The next images of a block of which some numbers are taken; images may be of any size."""
    while taken < BLOCK and (record := next(records, None)) is not None:
        taken += record[2].size
        yield record


def _header(block: NDArray[Any], size: int) -> bytes:
    """How the .npy file of `size` such records begins."""
    header = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(block.dtype), "fortran_order": False, "shape": (size,)}
    np.lib.format.write_array_header_1_0(header, described)
    return header.getvalue()


def write_split(raw: Raw, array_file: Path, manifest_file: Path, *, split: str, steps: Sequence[Step]) -> None:
    """Prepare all images of a split and write them as one array, and a small manifest beside it.

    The array is a .npy file of records ``id`` (int64), ``label`` (int64, or float64 where labels are any numbers),
    ``image`` (float32, height x width x channels) and, where images have them, ``weight`` (float32) and ``group``
    (int32), so that they cannot come apart and the file can be memory-mapped. The manifest holds the SHA-256 of the
    array: later stages are computed again when that changes, not when a time stamp does.

    Args:
        steps: of a dataset, with numbers in place of a split on which they are measured.

    Raises:
        CalotypeError: an image or a label is missing or broken, a step cannot work on an image, or images come out in
            different shapes (they are named); or the files cannot be written.
    """
    digest = hashlib.sha256()
    # Written, and not through a memory map: a full disk is an error then, and no signal that ends the process.
    with new_file(array_file) as aside, open(aside, "wb") as file:
        blocks = _prepared(raw, steps)
        first = next(blocks)
        pieces: Iterator[Any] = chain([_header(first, raw.size), first], blocks)
        for piece in pieces:
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
    with new_file(manifest_file) as aside:
        aside.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


# ---- What is measured on a split -------------------------------------------------------------------------------------


def read_split(preparation: Mapping[str, Any], path: Path, place: Mapping[str, Any] | None = None) -> Raw:
    """The raw images of a split.

    Args:
        preparation: everything that decides how it is prepared, as its dataset gives it.
        path: the folder of the images, a file beside them, or the manifest of a catalogue of them.
        place: the ``folder`` of a user's own images, which have a catalogue; nothing of others.

    Raises:
        CalotypeError: a file is missing or broken, or not the one that was verified.
    """
    reader, reading = preparation["reader"], preparation["reading"]
    if not place:
        return read_raw(reader, path if path.is_dir() else path.parent, **reading)
    listed = {"split": preparation["split"], "catalogue": path.with_suffix(".csv")}
    return read_raw(reader, Path(place["folder"]), **reading, **listed)


def measure(raw: Raw, steps: Sequence[Step]) -> dict[str, list[float]]:
    """Mean and standard deviation of each channel, over all pixels of all images after some steps.

    Sums are float64, and taken block by block about each block's own mean (Chan, Golub and LeVeque 1979), so that
    neither memory nor the error grows with the number of images.

    Returns:
        ``mean`` and ``std``, a number for each channel.

    Raises:
        CalotypeError: as for `write_split`; or all pixels of a channel are alike.
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
            f"prepare: normalise: all pixels of channel {channel} are {mean[channel]:g}: there is no deviation.",
            "see the steps before it.",
        )
    return {"mean": mean.tolist(), "std": np.sqrt(squares / count).tolist()}


def write_measured(raw: Raw, file: Path, *, split: str, steps: Sequence[Step]) -> None:
    """Write what `measure` finds on a split, as JSON.

    Raises:
        CalotypeError: as for `measure`, or the file cannot be written.
    """
    write_text(json.dumps({"split": split, **measure(raw, steps)}, indent=1) + "\n", file)


def with_measured(steps: Sequence[Step], files: Sequence[str]) -> Sequence[Step]:
    """The steps that a split is prepared with.

    Args:
        steps: of its dataset.
        files: the one that `write_measured` wrote for the dataset, if a step takes numbers from it; or none.
    """
    for file in files:
        steps = sequence.with_measured(steps, json.loads(Path(file).read_text(encoding="utf-8")))
    return steps
