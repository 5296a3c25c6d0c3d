"""Prepare images with OpenCV, and keep them as one array file per split."""

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from calotype.errors import CalotypeError
from calotype.files import new_file
from calotype.raw import Raw

BLOCK = 300_000  # numbers prepared at a time: they fit a core's cache, and calling OpenCV no longer counts


def prepare(image: NDArray[np.uint8], steps: Sequence[str]) -> NDArray[np.float32]:
    """Take an image, or a stack of images, through the preparation steps of its dataset.

    Args:
        image: shape (height, width, channels) or (images, height, width, channels), whole numbers.
        steps: ``grey``, the mean of the channels; ``scale``, from 0..255 to 0..1. They work pixel by pixel, so an image
            comes out of a stack with the bits that it gets alone.

    Returns:
        As many dimensions, and as many images of the same height and width.
    """
    result = image.astype(np.float32)
    for step in steps:
        # To OpenCV a stack is one row of pixels; a column of four numbers it would take for a scalar.
        result = result.reshape(1, -1, result.shape[-1])
        if step == "grey":
            result = cv2.transform(result, np.full((1, result.shape[2]), 1 / result.shape[2], np.float32))
        elif step == "scale":
            result = cv2.multiply(result, np.full(4, 1 / 255))
        else:
            raise CalotypeError(f"prepare: there is no step `{step}`.")
        result = result.reshape(*image.shape[:-1], -1)
    return result.astype(np.float32, copy=False)


def _prepared(raw: Raw, steps: Sequence[str]) -> Iterator[NDArray[Any]]:
    """Prepare images block by block: arrays of records of ``id``, ``label``, ``image``, and ``weight`` if they have."""
    place = 0
    for first in raw.records:
        numbers, labels, images = zip(first, *islice(raw.records, BLOCK // first[2].size), strict=True)
        prepared = prepare(np.stack(images), steps)
        label = np.float64 if raw.numbers else np.int64
        kind: list[Any] = [("id", np.int64), ("label", label), ("image", np.float32, prepared.shape[1:])]
        kind += [("weight", np.float32)] * (raw.weights is not None)
        block = np.empty(len(prepared), kind)
        block["id"], block["label"], block["image"] = numbers, labels, prepared
        if raw.weights is not None:
            block["weight"] = raw.weights[place : place + len(block)]
        place += len(block)
        yield block


def _header(block: NDArray[Any], size: int) -> bytes:
    """How the .npy file of `size` such records begins."""
    header = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(block.dtype), "fortran_order": False, "shape": (size,)}
    np.lib.format.write_array_header_1_0(header, described)
    return header.getvalue()


def write_split(raw: Raw, array_file: Path, manifest_file: Path, *, split: str, steps: Sequence[str]) -> None:
    """Prepare all images of a split and write them as one array, and a small manifest beside it.

    The array is a .npy file of records ``id`` (int64), ``label`` (int64, or float64 where labels are any numbers),
    ``image`` (float32, height x width x channels) and, where images have one, ``weight`` (float32), so that they cannot
    come apart and the file can be memory-mapped. The manifest holds the SHA-256 of the array: later stages are computed
    again when that changes, not when a time stamp does.

    Raises:
        CalotypeError: an image or a label is missing or broken (it is named), or the files cannot be written.
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
