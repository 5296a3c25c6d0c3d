"""List the images of a user's arrays with labels, groups, weights and splits."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.config.dataset_arrays import Arrays, ArraysDataset, ArraySplit
from calotype.data.catalogue_common import check_splits, numbered, several, split_at_random
from calotype.data.image_file import digest
from calotype.data.npz import as_images, one_each
from calotype.data.random_split import LEFT
from calotype.data.read_catalogued import open_array
from calotype.data.skipped import Listing, check_classes, without_copies
from calotype.util.errors import CalotypeError

logger = logging.getLogger(__name__)


def list_arrays(dataset: ArraysDataset, threads: int = 1) -> Listing:  # noqa: ARG001
    """List all images of a dataset with their labels and splits, opening one array at a time.

    Returns:
        Columns path (name of the array), number (index in it, from 0), label, split, weight and group if given,
        height, width, channels, bits, largest (pixel value), and pixels (SHA-256); in the order of the arrays. And the
        images that are left out.
    """
    folder = Path(dataset.folder)
    parts = [_rows(folder, arrays) for arrays, _ in dataset.by_arrays()]
    if any("weight" in part for part in parts):
        parts = [part if "weight" in part else part.assign(weight=1.0) for part in parts]
    found = pd.concat(parts, ignore_index=True)
    if found.label.dtype == object:  # some are numbers, others are text
        found = found.assign(label=found.label.map(str))
    found = numbered(found, dataset, folder).assign(split=LEFT)
    random = {}  # shares by name of the array
    for arrays, splits in dataset.by_arrays():
        here = found.path == arrays.images
        if shares := {name: split.share for name, split in splits.items() if split.share is not None}:
            random[arrays.images] = shares
        found.loc[here, "split"] = next(iter(shares), None) or _given(splits, int(here.sum()), arrays.images)
    found, skipped = without_copies(found, dataset)
    check_classes(found, dataset, folder)
    for name, shares in random.items():
        here = found.path == name
        found.loc[here, "split"] = split_at_random(found[here], shares, dataset)
    check_splits(found, dataset, folder)
    return Listing(found, skipped)


def _rows(folder: Path, arrays: Arrays) -> pd.DataFrame:
    """List the images of an array."""
    pixels = as_images(open_array(folder, arrays.images), arrays.images)
    images, height, width, channels = pixels.shape
    columns: dict[str, Any] = {"path": arrays.images, "number": np.arange(images)}
    for what in ("labels", "groups", "weights"):
        name = getattr(arrays, what)
        if name is not None:
            columns[what.removesuffix("s")] = _values(one_each(open_array(folder, name), images, name, what), name)
    if "group" in columns:
        columns["group"] = [str(value) for value in columns["group"]]
        if without := [f"image {place}" for place, value in enumerate(columns["group"]) if not value.strip()]:
            raise CalotypeError(f"{arrays.groups}: empty for:{several(without)}", "fill it in, or remove `groups`.")
    size = {"height": height, "width": width, "channels": channels, "bits": 8 * pixels.dtype.itemsize}
    seen = {"largest": [int(image.max()) for image in pixels], "pixels": [*map(digest, np.asarray(pixels))]}
    return pd.DataFrame(columns | size | seen)


def _values(array: NDArray[Any], name: str) -> list[Any]:
    """Return the entries of an array as plain numbers or text."""
    if array.dtype.kind not in "biufUS":
        raise CalotypeError(f"{name} holds {array.dtype}.", "save it as an array of numbers or of text.")
    try:
        return np.char.decode(array, "utf-8").tolist() if array.dtype.kind == "S" else array.tolist()
    except UnicodeDecodeError:
        raise CalotypeError(f"{name}: not UTF-8 text.") from None


def _given(splits: Mapping[str, ArraySplit], images: int, name: str) -> NDArray[np.object_]:
    """Return the split of each image of an array, by `first` and `number` of each split."""
    found = np.full(images, LEFT, object)
    for split, part in splits.items():
        first = part.first or 0
        last = images if part.number is None else first + part.number
        if not first < last <= images:
            raise CalotypeError(
                f"splits.{split}: image {max(first, last - 1)} of {name} not found; the {images} images are numbered "
                "from 0.",
                "see `first` and `number`.",
            )
        if (taken := found[first:last] != LEFT).any():
            place = first + int(np.flatnonzero(taken)[0])
            raise CalotypeError(
                f"splits.{split}: image {place} of {name} is already in `{found[place]}`.",
                "give both a `share`, or see `first` and `number`.",
            )
        found[first:last] = split
    if left := int((found == LEFT).sum()):
        logger.warning("%s: %d image(s) are in no split", name, left)
    return found
