"""Scan a folder of images for `new_study`: their labels, splits, sizes and problems."""

import collections
import logging
import os
import re
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from calotype.data.image_file import SUFFIXES, digest, is_grey, read_picture
from calotype.tasks.labels import LabelKind
from calotype.util.errors import CalotypeError
from calotype.util.files import files_below

logger = logging.getLogger(__name__)

Kind = Literal["folders", "split folders", "table"]
TABLES = (".csv", ".tsv")
# Names of columns by content, only letters and digits; the first that occurs counts.
IMAGE = ("image", "path", "file", "filename", "imagepath", "filepath", "img")
LABEL = ("label", "class", "category", "target", "species", "diagnosis", "type", "count", "value", "y")
SPLIT = ("split", "set", "subset", "part", "partition", "fold")
WEIGHT = ("weight", "sampleweight")
GROUP = ("group", "patient", "patientid", "subject", "subjectid", "donor", "plate", "slide", "animal", "site")
TRAIN, TEST = ("train", "training"), ("test", "testing", "held-out", "holdout")
VALIDATION = ("validation", "valid", "val", "dev")
NEWS = 10.0  # seconds between two lines of progress
LOOKED_AT = 200  # lines of a table from which its columns are guessed
MOST_CLASSES = 50  # more different whole numbers are numbers, not classes


@dataclass
class FolderScan:
    """Result of a scan; images are named by their path from the folder."""

    folder: Path
    kind: Kind  # where the labels are
    labels: dict[str, str]  # label of each image
    holds: LabelKind = "classes"  # kind of the labels
    splits: dict[str, str] = field(default_factory=dict)  # given splits: name, and name of the folder or table value
    unclear: dict[str, dict[str, int]] = field(default_factory=dict)  # by split column: values that name no split
    table: dict[str, str] = field(default_factory=dict)  # name of the table under `file`, and its columns by content
    not_used: dict[str, str] = field(default_factory=dict)  # tables without labels, with the reason
    absent: list[str] = field(default_factory=list)  # images in the table that do not exist
    sizes: collections.Counter[tuple[int, int]] = field(default_factory=collections.Counter)  # (height, width)
    channels: collections.Counter[int] = field(default_factory=collections.Counter)
    bits: collections.Counter[int] = field(default_factory=collections.Counter)
    largest: int = 0  # largest value of a pixel
    unreadable: dict[str, str] = field(default_factory=dict)  # images that cannot be used, with the reason
    duplicates: list[list[str]] = field(default_factory=list)  # groups of images with the same pixels
    transparent: int = 0  # number of images with transparent pixels
    others: list[str] = field(default_factory=list)  # files that are not images
    unlabelled: list[str] = field(default_factory=list)  # images that are not in the table

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in natural order: 2 before 10."""
        if self.holds != "classes":
            return []
        names = sorted({*self.labels.values()})  # a fixed order for `Oak` and `oak`, which have one key
        return sorted(names, key=natural)

    @property
    def balance(self) -> dict[str, int]:
        """Number of images of each class."""
        found = collections.Counter(self.labels.values())
        return {name: found[name] for name in self.classes}

    @property
    def alike(self) -> list[list[str]]:
        """Classes whose names differ only in spaces or capitals."""
        found = collections.defaultdict(list)
        for name in self.classes:
            found["".join(name.split()).casefold()].append(name)
        return [names for names in found.values() if len(names) > 1]


def natural(text: str) -> list[tuple[int, int | str]]:
    """Return a sort key by which 2 comes before 10."""
    return [(0, int(part)) if part.isdecimal() else (1, part.lower()) for part in re.split(r"(\d+)", text) if part]


def scan_folder(place: Path) -> FolderScan:
    """Scan a folder of images.

    Args:
        place: a folder with a folder for each class, directly or below folders for splits; a folder with images and a
            CSV or TSV file; or that file.
    """
    if not place.exists():
        raise CalotypeError(f"images: file or folder {place} not found.", "paths start from the working directory.")
    tables = [place] if place.is_file() else sorted(path for path in place.iterdir() if path.suffix.lower() in TABLES)
    folder = place.parent if place.is_file() else place
    if place.is_file() and place.suffix.lower() not in TABLES:
        raise CalotypeError(
            f"images: {place}: must be a folder or a table (.csv, .tsv).",
            "describe arrays (.npz) and IDX files by hand: see config/README.md.",
        )
    paths, others = _split_by_suffix(folder)
    if not paths:
        raise CalotypeError(f"images: {folder}: no images found ({', '.join(SUFFIXES)}).")
    found, not_used = None, {}
    for table in tables:
        found = _by_table(folder, table, paths)
        if isinstance(found, FolderScan):
            break
        not_used[table.name] = found
    if place.is_file() and not_used:
        raise CalotypeError(
            f"images: {place} {not_used[place.name]}.",
            "its first line must name the columns, as in image,label; paths start from its folder, and have a suffix.",
        )
    reasons = "".join(f"\n  {name} {reason}" for name, reason in not_used.items())
    found = found if isinstance(found, FolderScan) else _by_folders(folder, paths)
    if found is None:
        lost = next((path for path in paths if path.count("/") != 1), paths[0])
        raise CalotypeError(
            f"images: {folder}: must have a folder for each class, or a table of labels; see {lost}.{reasons}",
            f"sort the images into folders, as in {folder}/<class>/<image>.png; or add a CSV file with columns image "
            "and label; or name the folder that contains the folders of the classes.",
        )
    if found.holds == "classes" and len(found.classes) < 2:
        raise CalotypeError(
            f"images: {place}: only one class found, `{found.classes[0]}`.{reasons}",
            "the classes are the folders in this folder, or the labels in the table.",
        )
    found.not_used = not_used
    found.others = [name for name in others if name != found.table.get("file")]
    found.unlabelled = sorted({*paths} - {*found.labels})
    if found.splits and not ("train" in found.splits and len(found.splits) > 1):
        given = ", ".join(found.splits.values())
        raise CalotypeError(
            f"images: {place}: only the split {given} was found.",
            "a study needs `train` and `test` (or `validation`); without folders or a column of splits, the images "
            "are split at random.",
        )
    _look(found)
    if not found.sizes:
        path, reason = next(iter(found.unreadable.items()))
        raise CalotypeError(f"images: {folder}: no image can be used: {path}: {reason}")
    return found


def _split_by_suffix(folder: Path) -> tuple[list[str], list[str]]:
    names = sorted(Path(os.path.relpath(file, folder)).as_posix() for file in files_below(folder))
    images = [name for name in names if Path(name).suffix.lower() in SUFFIXES]
    return images, sorted({*names} - {*images})


def _by_folders(folder: Path, paths: Sequence[str]) -> FolderScan | None:
    """Take labels from the names of folders; None if images are at different depths, or outside folders."""
    depths = {path.count("/") for path in paths}
    if depths == {1}:
        return FolderScan(folder, "folders", {path: path.split("/")[0] for path in paths})
    tops = {path.split("/")[0] for path in paths}
    known = {top: split_name(top) for top in tops}
    if depths == {2} and all(known.values()) and len({*known.values()}) == len(tops):
        splits = {name: top for top, name in known.items() if name is not None}
        return FolderScan(
            folder, "split folders", {path: path.split("/")[1] for path in paths}, splits=_in_order(splits)
        )
    return None


def split_name(word: str) -> str | None:
    """Return the split that a word names; None for other words."""
    for name, words in (("train", TRAIN), ("test", TEST), ("validation", VALIDATION)):
        if word.strip().lower() in words:
            return name
    return None


def _given_splits(values: Collection[str]) -> dict[str, str]:
    """Return the splits that a column gives, with their values; nothing if they are unclear.

    They are unclear if two values may name one split, or if some values name none and there is no `train` with another
    split.
    """
    known = {value: name for value in values if (name := split_name(value))}
    splits = {name: value for value, name in known.items()}
    if len(splits) < len(known) or (len(known) < len(values) and not ("train" in splits and len(splits) > 1)):
        return {}
    return _in_order(splits)


def _in_order(splits: dict[str, str]) -> dict[str, str]:
    return {name: splits[name] for name in ("train", "validation", "test") if name in splits}


def _by_table(folder: Path, file: Path, paths: Sequence[str]) -> FolderScan | str:
    """Take labels from a table; or return the reason why it has none, which continues a sentence about the table."""
    separator = "\t" if file.suffix.lower() == ".tsv" else ","
    try:
        lines = pd.read_csv(
            file, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True
        )
    except (OSError, ValueError):  # also the errors of pandas and of UTF-8
        return f"cannot be read as UTF-8 text with {'commas' if separator == ',' else 'tabs'} between its columns"
    columns = _columns(lines, paths)
    if isinstance(columns, str):
        return columns
    named = lines[columns["image"]].map(_plain_path)
    there = named.isin(paths)
    labels = dict(zip(named[there], lines[columns["label"]][there], strict=True))
    if without := [path for path, label in labels.items() if not label.strip()]:
        raise CalotypeError(
            f"images: {file}: empty `{columns['label']}` for {len(without)} image(s), such as {without[0]}.",
            "fill it in, or delete these lines.",
        )
    found = FolderScan(folder, "table", labels, table={"file": file.name} | columns)
    found.holds = _held(lines[columns["label"]])
    found.absent = lines[columns["image"]][~there].tolist()
    if "split" in columns:
        values = lines[columns["split"]][there].value_counts()
        found.splits = _given_splits(values.index)
        if not found.splits:
            del found.table["split"]
        strange = {value: int(number) for value, number in values.items() if value not in found.splits.values()}
        if strange and len(values) > 1:
            found.unclear = {columns["split"]: strange}
    return found


def _plain_path(entry: str) -> str:
    return Path(os.path.normpath(entry.strip())).as_posix()


def _columns(lines: pd.DataFrame, paths: Sequence[str]) -> dict[str, str] | str:
    """Return the columns of a table by content: image, label, and split, weight and group if their names say so.

    If it is not a table of labels, return the reason.
    """
    names = {column: "".join(filter(str.isalnum, column.casefold())) for column in lines.columns}
    first = lines.head(LOOKED_AT)
    hits = {column: int(first[column].map(_plain_path).isin(paths).sum()) for column in lines.columns}

    def called(words: Sequence[str]) -> list[str]:
        return sorted((column for column in names if names[column] in words), key=lambda each: words.index(names[each]))

    images = [column for column in [*called(IMAGE), *lines.columns] if hits[column] > len(first) / 2]
    if not images:
        if most := max(hits.values(), default=0):
            return f"names existing images in only {most} of its first {len(first)} lines"
        parted = "; it has only one column" if len(hits) == 1 else ""
        return f"names none of the images, such as {paths[0]}{parted}"
    rest = [column for column in lines.columns if column != images[0]]
    splits = [column for column in called(SPLIT) if column in rest]
    splits.sort(key=lambda column: not _given_splits({*lines[column]}))
    taken = {"splits": splits, "weights": called(WEIGHT), "groups": called(GROUP)}
    others = [column for column in rest if not any(column in each for each in taken.values())]
    labels = [column for column in called(LABEL) if column in others]
    labels += [column for column in others if re.split(r"[\W_]+", column.strip().lower())[-1] in LABEL]
    labels += others if len(others) == 1 else [c for c in others if 1 < lines[c].nunique() <= len(lines) / 2]
    if not labels and not others and len(alone := [column for column in rest if column not in splits]) == 1:
        labels = alone
    if not labels:
        why = [f"`{column}` gives {what}" for what, each in taken.items() for column in each if column in rest]
        said = f" ({', '.join(why)})" if why else ""
        return f"names images, but no column for a label is left{said}; name that column `label`"
    found = {"image": images[0], "label": labels[0]}
    ways = {"split": splits, "weight": taken["weights"], "group": taken["groups"]}
    return found | {key: each[0] for key, each in ways.items() if each and each[0] not in found.values()}


def _held(labels: "pd.Series[str]") -> LabelKind:
    """Return the kind of labels of a table: a few whole numbers are classes, unless their column is named a count."""
    numbers = pd.to_numeric(labels, errors="coerce")
    if numbers.isna().any():
        return "classes"
    whole = bool((numbers % 1 == 0).all() and (numbers >= 0).all())
    if whole and "count" in str(labels.name).lower():
        return "counts"
    return "classes" if whole and labels.nunique() <= MOST_CLASSES else "numbers"


def _look(found: FolderScan) -> None:
    """Read every image and add its properties."""
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
        found.channels[1 if is_grey(picture.pixels) else 3] += 1
        found.bits[8 * picture.pixels.dtype.itemsize] += 1
        found.largest = max(found.largest, int(picture.pixels.max()))
        found.transparent += picture.transparent
        places[digest(picture.pixels)].append(path)
    found.duplicates = [paths for paths in places.values() if len(paths) > 1]
