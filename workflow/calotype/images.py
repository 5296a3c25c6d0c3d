"""Read and prepare images with OpenCV, and keep them as one array file per split."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.errors import CalotypeError
from calotype.files import new_file, sha256

JPEG_END = b"\xff\xd9"


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


def read_labels(folder: Path, minimum: int, maximum: int) -> pd.DataFrame:
    """Read the labels of a folder of drawn images and hold them against the images that are there.

    Returns:
        Columns ``imageId`` and ``numberOfFeatures``, int64, in the order of the file.

    Raises:
        CalotypeError: the file is missing or not as expected, a count is out of range, an id stands twice, or
            labels and images do not match.
    """
    file = folder / "labels.csv"
    hint = f"delete {folder} to have it drawn again."
    try:
        table = pd.read_csv(file, usecols=["imageId", "numberOfFeatures"], dtype=np.int64)
    except FileNotFoundError:
        raise CalotypeError(f"{file}: there is no such file.", hint) from None
    except (ValueError, OSError) as error:
        problem = " ".join(str(error).split())
        raise CalotypeError(f"{file}: not a table of imageId and numberOfFeatures: {problem}.", hint) from None
    for row in table.itertuples():
        if not minimum <= row.numberOfFeatures <= maximum:
            raise CalotypeError(
                f"{file}: image {row.imageId}: the count {row.numberOfFeatures} is not in {minimum}..{maximum}.", hint
            )
    if table.imageId.duplicated().any():
        raise CalotypeError(
            f"{file}: image {table.imageId[table.imageId.duplicated()].iloc[0]} stands there twice.", hint
        )
    labelled = {f"img{number}.jpg" for number in table.imageId}
    there = {path.name for path in folder.glob("*.jpg")}
    for names, problem in (
        (labelled - there, "has a label, but there is no such image"),
        (there - labelled, "has no label"),
    ):
        if names:
            more = f" ({len(names)} in all)" if len(names) > 1 else ""
            raise CalotypeError(f"{folder / min(names)}: {problem}{more}.", hint)
    return table


def read_image(path: Path, width: int) -> NDArray[np.uint8]:
    """Read a colour image, shape (width, width, 3), blue first.

    Raises:
        CalotypeError: the file is missing, truncated, no image, or of another size.
    """
    hint = f"delete {path.parent} to have it drawn again."
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CalotypeError(f"{path}: cannot be read: {error.strerror}.", hint) from None
    # OpenCV fills what a truncated JPEG lacks with grey and only warns.
    if not content.rstrip(b"\0").endswith(JPEG_END):
        raise CalotypeError(f"{path}: truncated, or not a JPEG file ({len(content)} bytes).", hint)
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise CalotypeError(f"{path}: OpenCV cannot read this image.", hint)
    if image.shape != (width, width, 3):
        raise CalotypeError(f"{path}: {image.shape[1]} x {image.shape[0]} px instead of {width} x {width}.", hint)
    return np.asarray(image, np.uint8)


def prepare(image: NDArray[np.uint8], steps: Sequence[str]) -> NDArray[np.float32]:
    """Take an image through the preparation steps of its dataset.

    Args:
        image: shape (height, width, 3), 0 to 255.
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


def prepare_split(
    folder: Path,
    array_file: Path,
    manifest_file: Path,
    *,
    split: str,
    width: int,
    minimum: int,
    maximum: int,
    steps: Sequence[str],
) -> None:
    """Prepare all images of a folder and write them as one array, and a small manifest beside it.

    The array is a .npy file of records ``id`` (int64), ``label`` (int64), ``image`` (float32, height x width x
    channels), so that images, labels and ids cannot come apart and the file can be memory-mapped. The manifest holds
    the SHA-256 of the array: later stages are computed again when that changes, not when a time stamp does.

    Raises:
        CalotypeError: an image or a label is missing or broken (it is named), or the files cannot be written.
    """
    labels = read_labels(folder, minimum, maximum)
    if labels.empty:
        raise CalotypeError(f"{folder}: there are no images.", f"delete {folder} to have it drawn again.")
    with new_file(array_file) as aside:
        records: Any = None
        for i, row in enumerate(labels.itertuples()):
            image = prepare(read_image(folder / f"img{row.imageId}.jpg", width), steps)
            if records is None:
                kind = np.dtype([("id", np.int64), ("label", np.int64), ("image", np.float32, image.shape)])
                records = np.lib.format.open_memmap(aside, mode="w+", dtype=kind, shape=(len(labels),))
            records[i] = (row.imageId, row.numberOfFeatures, image)
        records.flush()
        digest = sha256(aside)
    manifest = {
        "split": split,
        "sha256": digest,
        "images": len(labels),
        "shape": list(records.dtype["image"].shape),
        "minimum": minimum,
        "maximum": maximum,
    }
    with new_file(manifest_file) as aside:
        aside.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def open_split(array_file: Path) -> Split:
    """Open a prepared split without reading it into memory.

    Raises:
        CalotypeError: the file is missing or not one that `prepare_split` wrote.
    """
    try:
        records = np.load(array_file, mmap_mode="r", allow_pickle=False)
        return Split(records["image"], records["label"], records["id"])
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise CalotypeError(
            f"{array_file}: not a prepared array: {error}.", "delete it to have it made again."
        ) from None
