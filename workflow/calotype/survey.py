"""Look at images that nobody has described yet: where their labels are, their sizes, what is wrong with them."""

import collections
import logging
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from calotype.errors import CalotypeError
from calotype.files import files_below
from calotype.picture import SUFFIXES, read_picture

logger = logging.getLogger(__name__)

Kind = Literal["folders", "split folders", "table"]
TABLES = (".csv", ".tsv")
# Names of columns, and what they hold; the first that is there counts.
IMAGE = ("image", "path", "file", "filename", "file_name", "image_path", "filepath", "img")
LABEL = ("label", "class", "category", "target", "species", "diagnosis", "type", "count", "value", "y")
SPLIT = ("split", "set", "subset", "part", "partition", "fold")
WEIGHT = ("weight", "sample_weight")
GROUP = ("group", "patient", "patient_id", "subject", "subject_id", "donor", "plate", "slide", "animal", "site")
TRAIN, TEST = ("train", "training"), ("test", "testing", "held-out", "holdout")
VALIDATION = ("validation", "valid", "val", "dev")
NEWS = 10.0  # seconds between two lines that say how far it is
LOOKED_AT = 200  # lines of a table that are looked at to guess its columns
MOST_CLASSES = 50  # whole numbers beyond are taken for numbers


@dataclass
class Survey:
    """What was seen.

    Attributes:
        folder: that holds the images.
        kind: where the labels are: in the names of folders, below folders of splits, or in a table.
        labels: of each image, by its path from the folder.
        holds: what the labels are: classes, counts or numbers.
        splits: the splits that are given: name, and the name of their folder, or their value in the table.
        table: the name of the table, and its columns by what they hold.
        sizes: how often each (height, width) comes.
        channels, bits: how often each comes.
        unreadable: images that cannot be used, with the reason.
        twice: paths of images with the same pixels.
        transparent: how many have transparent pixels.
        others: files that are no images.
        unlabelled: images that the table does not name.
    """

    folder: Path
    kind: Kind
    labels: dict[str, str]
    holds: Literal["classes", "counts", "numbers"] = "classes"
    splits: dict[str, str] = field(default_factory=dict)
    table: dict[str, str] = field(default_factory=dict)
    sizes: collections.Counter[tuple[int, int]] = field(default_factory=collections.Counter)
    channels: collections.Counter[int] = field(default_factory=collections.Counter)
    bits: collections.Counter[int] = field(default_factory=collections.Counter)
    unreadable: dict[str, str] = field(default_factory=dict)
    twice: list[list[str]] = field(default_factory=list)
    transparent: int = 0
    others: list[str] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        """The names of the classes, sorted as people do: 2 before 10."""
        return sorted({*self.labels.values()}, key=natural) if self.holds == "classes" else []

    @property
    def balance(self) -> dict[str, int]:
        """How many images each class has."""
        found = collections.Counter(self.labels.values())
        return {name: found[name] for name in self.classes}


def natural(text: str) -> list[tuple[int, int | str]]:
    """A key to sort by in which 2 comes before 10."""
    return [(0, int(part)) if part.isdecimal() else (1, part.lower()) for part in re.split(r"(\d+)", text) if part]


def survey(place: Path) -> Survey:
    """Look at a folder of images, or at a table of them.

    Args:
        place: a folder with a folder for each class; one with folders for splits that hold such; one with images and a
            CSV or TSV file; or that file.

    Raises:
        CalotypeError: there is nothing of the kind.
    """
    if not place.exists():
        raise CalotypeError(
            f"images: {place}: there is no such file or folder.", "paths start from the working directory."
        )
    tables = [place] if place.is_file() else sorted(path for path in place.iterdir() if path.suffix.lower() in TABLES)
    folder = place.parent if place.is_file() else place
    if place.is_file() and place.suffix.lower() not in TABLES:
        raise CalotypeError(
            f"images: {place}: neither a folder nor a table (.csv, .tsv).",
            "arrays (.npz) and IDX files are described by hand: see config/README.md.",
        )
    paths, others = _split_by_suffix(folder)
    if not paths:
        raise CalotypeError(f"images: {folder}: there are no images ({', '.join(SUFFIXES)}) in it.")
    found = None
    for table in tables:
        found = found or _by_table(folder, table, {*paths})
    if found is None and place.is_file():
        raise CalotypeError(
            f"images: {place}: no column of it names images in {folder}.", "paths start from its folder."
        )
    found = found or _by_folders(folder, paths)
    if found is None:
        lost = next((path for path in paths if path.count("/") != 1), paths[0])
        raise CalotypeError(
            f"images: {folder}: neither a folder for each class nor a table that names the images, such as {lost}.",
            f"sort them into folders, as in {folder}/<class>/<image>.png; or put a CSV file with the columns image and "
            "label beside them; or name the folder that holds those of the classes.",
        )
    if found.holds == "classes" and len(found.classes) < 2:
        raise CalotypeError(
            f"images: {place}: all of them are `{found.classes[0]}`: there is nothing to tell apart.",
            "classes are the folders in that folder, or the labels in the table.",
        )
    found.others = [name for name in others if name != found.table.get("file")]
    found.unlabelled = sorted({*paths} - {*found.labels})
    if found.splits and not ("train" in found.splits and len(found.splits) > 1):
        given = ", ".join(found.splits.values())
        raise CalotypeError(
            f"images: {place}: of splits there is only {given}.",
            "a study needs `train` and `test` (or `validation`); without such folders, or such a column, images are "
            "dealt out at random.",
        )
    _look(found)
    if not found.sizes:
        path, reason = next(iter(found.unreadable.items()))
        raise CalotypeError(f"images: {folder}: none can be used: {path}: {reason}")
    return found


def _split_by_suffix(folder: Path) -> tuple[list[str], list[str]]:
    names = sorted(Path(os.path.relpath(file, folder)).as_posix() for file in files_below(folder))
    images = [name for name in names if Path(name).suffix.lower() in SUFFIXES]
    return images, sorted({*names} - {*images})


def _by_folders(folder: Path, paths: Sequence[str]) -> Survey | None:
    """Labels from the names of folders; None where the images lie at different depths, or at none."""
    depths = {path.count("/") for path in paths}
    if depths == {1}:
        return Survey(folder, "folders", {path: path.split("/")[0] for path in paths})
    tops = {path.split("/")[0] for path in paths}
    known = {top: _split_name(top) for top in tops}
    if depths == {2} and all(known.values()) and len({*known.values()}) == len(tops):
        splits = {name: top for top, name in known.items() if name is not None}
        return Survey(folder, "split folders", {path: path.split("/")[1] for path in paths}, splits=_in_order(splits))
    return None


def _split_name(word: str) -> str | None:
    for name, words in (("train", TRAIN), ("test", TEST), ("validation", VALIDATION)):
        if word.lower() in words:
            return name
    return None


def _names_splits(words: set[str]) -> bool:
    names = {_split_name(word) for word in words}
    return None not in names and len(names) == len(words)


def _in_order(splits: dict[str, str]) -> dict[str, str]:
    return {name: splits[name] for name in ("train", "validation", "test") if name in splits}


def _by_table(folder: Path, file: Path, there: set[str]) -> Survey | None:
    """Labels from a table; None where no column of it names images."""
    separator = "\t" if file.suffix.lower() == ".tsv" else ","
    try:
        lines = pd.read_csv(
            file, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True
        )
    except (OSError, ValueError, pd.errors.ParserError):
        return None
    names = {column: column.strip().lower().replace(" ", "_") for column in lines.columns}

    def called(words: Sequence[str]) -> list[str]:
        return sorted((column for column in names if names[column] in words), key=lambda each: words.index(names[each]))

    def named(column: str) -> float:
        """The part of the first lines whose entry is an image."""
        entries = lines[column].head(LOOKED_AT)
        return float(np.mean([os.path.normpath(entry) in there for entry in entries])) if len(entries) else 0.0

    images = [column for column in [*called(IMAGE), *lines.columns] if named(column) > 0.5]
    if not images:
        return None
    rest = [column for column in lines.columns if column != images[0]]
    splits = [column for column in called(SPLIT) if _names_splits({*lines[column]})]
    others = [column for column in rest if column not in (*splits, *called(WEIGHT), *called(GROUP))]
    labels = [column for column in called(LABEL) if column in others]
    labels += [column for column in others if names[column].endswith(tuple(f"_{word}" for word in LABEL))]
    labels += others if len(others) == 1 else [c for c in others if 1 < lines[c].nunique() <= len(lines) / 2]
    if not labels:
        return None
    columns = {"file": file.name, "image": images[0], "label": labels[0]}
    columns |= {
        key: found[0]
        for key, found in (("split", splits), ("weight", called(WEIGHT)), ("group", called(GROUP)))
        if found
    }
    paths = [Path(os.path.normpath(entry)).as_posix() for entry in lines[images[0]]]
    labels_of = {path: label for path, label in zip(paths, lines[labels[0]], strict=True) if path in there}
    if without := [path for path, label in labels_of.items() if not label.strip()]:
        raise CalotypeError(
            f"images: {file}: nothing in the column `{labels[0]}` for {len(without)} image(s), such as {without[0]}.",
            "fill it in, or delete these lines.",
        )
    found = Survey(folder, "table", labels_of, table=columns)
    found.holds = _held(lines[labels[0]])
    if splits:
        found.splits = _in_order({str(_split_name(value)): value for value in {*lines[splits[0]]}})
    return found


def _held(labels: "pd.Series[str]") -> Literal["classes", "counts", "numbers"]:
    """What labels of a table are: a few whole numbers are classes, unless their column is called a count."""
    numbers = pd.to_numeric(labels, errors="coerce")
    if numbers.isna().any():
        return "classes"
    whole = bool((numbers % 1 == 0).all() and (numbers >= 0).all())
    if whole and "count" in str(labels.name).lower():
        return "counts"
    return "classes" if whole and labels.nunique() <= MOST_CLASSES else "numbers"


def _look(found: Survey) -> None:
    """Read every image, one after the other."""
    places = collections.defaultdict(list)
    said = time.monotonic()
    for done, path in enumerate(found.labels):
        if time.monotonic() - said > NEWS:
            said = time.monotonic()
            logger.info("%d of %d images", done, len(found.labels))
        try:
            picture = read_picture(found.folder / path, alpha="white", name=path)
        except CalotypeError as error:
            found.unreadable[path] = str(error).split("\n")[0].removeprefix(f"{path}: ")
            continue
        found.sizes[picture.pixels.shape[:2]] += 1
        found.channels[1 if picture.is_grey else 3] += 1
        found.bits[8 * picture.pixels.dtype.itemsize] += 1
        found.transparent += picture.transparent
        places[picture.digest].append(path)
    found.twice = [paths for paths in places.values() if len(paths) > 1]
