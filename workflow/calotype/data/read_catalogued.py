"""Read a user's own images, in files and in arrays, as their catalogue lists them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import assert_never

import numpy as np
import pandas as pd

from calotype.data.array_files import open_array
from calotype.data.image_file import Alpha, digest, read_picture
from calotype.data.npz import as_images
from calotype.data.readers import Raw, Record
from calotype.tasks.labels import LabelKind
from calotype.util.errors import CalotypeError


def _catalogued(
    catalogue: Path, split: str, labels: LabelKind, classes: int, records: Callable[[pd.DataFrame], Iterator[Record]]
) -> Raw:
    """The images of a split as the catalogue lists them; `records` reads those of its lines."""
    kinds = {"path": str, "split": str, "group": str, "sha256": str}
    table = pd.read_csv(catalogue, dtype=kinds, keep_default_na=False)
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


def _changed(what: str) -> CalotypeError:
    return CalotypeError(
        f"{what}: was changed after it was catalogued.", "call Snakemake again: it catalogues the images anew."
    )


def read_files(folder: Path, *, split: str, catalogue: Path, alpha: Alpha, labels: LabelKind, classes: int) -> Raw:
    """The images of a split of a user's own files, as `catalogue.write_catalogue` lists them.

    Raises:
        CalotypeError: an image is missing, broken, or not the one that was catalogued. Images are read later.
    """

    def records(table: pd.DataFrame) -> Iterator[Record]:
        for number, path, label, known in zip(table.number, table.path, table.label, table.sha256, strict=True):
            picture = read_picture(folder / path, alpha=alpha)
            if picture.sha256 != known:
                raise _changed(str(folder / path))
            yield int(number), label, picture.pixels

    return _catalogued(catalogue, split, labels, classes, records)


def read_arrays(folder: Path, *, split: str, catalogue: Path, labels: LabelKind, classes: int) -> Raw:
    """The images of a split of a user's own arrays, as `catalogue.write_catalogue` lists them.

    The array of the images is opened once, when the first is asked for: one of an .npz file is then in memory as it was
    saved, the others are mapped. No image of it is copied.

    Raises:
        CalotypeError: a file is missing, broken, or has another image than the one that was catalogued.
    """

    def records(table: pd.DataFrame) -> Iterator[Record]:
        path = str(table.path.iloc[0])  # all of a split come from one array
        pixels = np.asarray(as_images(open_array(folder, path), path))
        for number, label, known in zip(table.number.tolist(), table.label, table.pixels, strict=True):
            if number >= len(pixels) or digest(pixels[number]) != known:
                raise _changed(f"{folder / path}, image {number}")
            yield number, label, pixels[number]

    return _catalogued(catalogue, split, labels, classes, records)
