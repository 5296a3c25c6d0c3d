"""Prepare images with OpenCV, and keep them as one array file per split."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from calotype.errors import CalotypeError
from calotype.files import new_file, sha256
from calotype.raw import Raw


def prepare(image: NDArray[np.uint8], steps: Sequence[str]) -> NDArray[np.float32]:
    """Take an image through the preparation steps of its dataset.

    Args:
        image: shape (height, width, channels), whole numbers.
        steps: ``grey``, the mean of the channels; ``scale``, from 0..255 to 0..1.

    Returns:
        Shape (height, width, channels).
    """
    result = image.astype(np.float32)
    for step in steps:
        if step == "grey":
            result = cv2.transform(result, np.full((1, result.shape[2]), 1 / result.shape[2], np.float32))
        elif step == "scale":
            result = cv2.multiply(result, np.full(4, 1 / 255))
        else:
            raise CalotypeError(f"prepare: there is no step `{step}`.")
        result = result.reshape(*image.shape[:2], -1)
    return result.astype(np.float32, copy=False)


def write_split(raw: Raw, array_file: Path, manifest_file: Path, *, split: str, steps: Sequence[str]) -> None:
    """Prepare all images of a split and write them as one array, and a small manifest beside it.

    The array is a .npy file of records ``id`` (int64), ``label`` (int64), ``image`` (float32, height x width x
    channels), so that images, labels and ids cannot come apart and the file can be memory-mapped. The manifest holds
    the SHA-256 of the array: later stages are computed again when that changes, not when a time stamp does.

    Raises:
        CalotypeError: an image or a label is missing or broken (it is named), or the files cannot be written.
    """
    with new_file(array_file) as aside:
        records: Any = None
        for i, (number, label, pixels) in enumerate(raw.records):
            image = prepare(pixels, steps)
            if records is None:
                kind = np.dtype([("id", np.int64), ("label", np.int64), ("image", np.float32, image.shape)])
                records = np.lib.format.open_memmap(aside, mode="w+", dtype=kind, shape=(raw.size,))
            records[i] = (number, label, image)
        records.flush()
        digest = sha256(aside)
    manifest = {
        "split": split,
        "sha256": digest,
        "images": raw.size,
        "shape": list(records.dtype["image"].shape),
        "minimum": raw.minimum,
        "maximum": raw.maximum,
        "classes": raw.classes,
    }
    with new_file(manifest_file) as aside:
        aside.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
