"""Read a user's own images, in files and in arrays, as their catalogue lists them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, assert_never

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.data.idx import read_idx
from calotype.data.image_file import Alpha, digest, read_picture
from calotype.data.npz import as_images, open_npy, read_npz
from calotype.data.readers import Raw, Record
from calotype.tasks.labels import LabelKind
from calotype.util.errors import CalotypeError, with_hint
from calotype.util.files import check_regular, unharmed


def open_array(folder: Path, name: str) -> NDArray[Any]:
    """Open a user's array by its name: `faces.npz:images`, `images.npy`, or the name of an IDX file.

    An array of an .npz file is in memory; others are mapped.
    """
    file, _, array = name.partition(":")
    path = folder / file
    check_regular(path)
    with with_hint("restore it, or save it again; .npz, .npy and IDX files are read."):
        if array:
            return read_npz(path, array)
        return open_npy(path) if path.suffix.lower() == ".npy" else read_idx(path)


def _catalogued(
    catalogue: Path, split: str, labels: LabelKind, classes: int, records: Callable[[pd.DataFrame], Iterator[Record]]
) -> Raw:
    """Return the images of a split as the catalogue lists them; `records` reads the images of some lines."""
    kinds = {"path": str, "split": str, "group": str, "sha256": str}
    table = pd.read_csv(catalogue, dtype=kinds, keep_default_na=False)
    table = table.assign(**{name: table[name].map(unharmed) for name in kinds if name in table})
    table = table[table.split == split]
    facts: dict[str, int] = {}
    match labels:
        case "classes":
            table, facts = table.astype({"label": np.int64}), {"classes": classes}
        case "counts":  # of this split alone: targets are scaled by it, and a training must see no test label
            table = table.astype({"label": np.int64})
            facts = {"minimum": int(table.label.min()), "maximum": int(table.label.max())}
        case "numbers":
            table = table.astype({"label": np.float64})
        case kind:
            assert_never(kind)
    weights = table.weight.to_numpy(np.float32) if "weight" in table else None
    groups = pd.factorize(table.group)[0].astype(np.int32) if "group" in table else None
    names = table.path if "sha256" in table else table.path + ", image " + table.number.astype(str)
    return Raw(len(table), records(table), weights=weights, groups=groups, names=names.tolist(), **facts)


def _changed(image: str) -> CalotypeError:
    return CalotypeError(
        f"{image}: changed after it was catalogued.", "call Snakemake again: it catalogues the images again."
    )


def read_files(folder: Path, *, split: str, catalogue: Path, alpha: Alpha, labels: LabelKind, classes: int) -> Raw:
    """Return the images of a split of a user's files; an image that changed since the catalogue is an error."""

    def records(table: pd.DataFrame) -> Iterator[Record]:
        for number, path, label, known in zip(table.number, table.path, table.label, table.sha256, strict=True):
            picture = read_picture(folder / path, alpha=alpha)
            if picture.sha256 != known:
                raise _changed(str(folder / path))
            yield int(number), label, picture.pixels

    return _catalogued(catalogue, split, labels, classes, records)


def read_arrays(folder: Path, *, split: str, catalogue: Path, labels: LabelKind, classes: int) -> Raw:
    """Return the images of a split of a user's arrays; an image that changed since the catalogue is an error.

    The array is opened once, with the first image; no image is copied.
    """

    def records(table: pd.DataFrame) -> Iterator[Record]:
        path = str(table.path.iloc[0])  # a split comes from one array
        pixels = np.asarray(as_images(open_array(folder, path), path))
        for number, label, known in zip(table.number.tolist(), table.label, table.pixels, strict=True):
            if number >= len(pixels) or digest(pixels[number]) != known:
                raise _changed(f"{folder / path}, image {number}")
            yield number, label, pixels[number]

    return _catalogued(catalogue, split, labels, classes, records)
