"""Look at images that nobody has described yet: where their labels are, their sizes, what is wrong with them."""

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
# Names of columns, of their letters and digits alone, and what they hold; the first that is there counts.
IMAGE = ("image", "path", "file", "filename", "imagepath", "filepath", "img")
LABEL = ("label", "class", "category", "target", "species", "diagnosis", "type", "count", "value", "y")
SPLIT = ("split", "set", "subset", "part", "partition", "fold")
WEIGHT = ("weight", "sampleweight")
GROUP = ("group", "patient", "patientid", "subject", "subjectid", "donor", "plate", "slide", "animal", "site")
TRAIN, TEST = ("train", "training"), ("test", "testing", "held-out", "holdout")
VALIDATION = ("validation", "valid", "val", "dev")
NEWS = 10.0  # seconds between two lines that say how far it is
LOOKED_AT = 200  # lines of a table that are looked at to guess its columns
MOST_CLASSES = 50  # whole numbers beyond are taken for numbers


@dataclass
class FolderScan:
    """What was seen.

    Attributes:
        folder: that holds the images.
        kind: where the labels are: in the names of folders, below folders of splits, or in a table.
        labels: of each image, by its path from the folder.
        holds: what the labels are: classes, counts or numbers.
        splits: the splits that are given: name, and the name of their folder, or their value in the table.
        unclear: what is not understood in columns that are called as if they gave the splits: how many images each
            such value has, by column.
        table: the name of the table, and its columns by what they hold.
        not_used: tables that are none of labels, with the reason.
        absent: images that the table names, and that are not there.
        sizes: how often each (height, width) comes.
        channels, bits: how often each comes.
        largest: value of a pixel.
        unreadable: images that cannot be used, with the reason.
        duplicates: paths of images with the same pixels.
        transparent: how many have transparent pixels.
        others: files that are no images.
        unlabelled: images that the table does not name.
    """

    folder: Path
    kind: Kind
    labels: dict[str, str]
    holds: LabelKind = "classes"
    splits: dict[str, str] = field(default_factory=dict)
    unclear: dict[str, dict[str, int]] = field(default_factory=dict)
    table: dict[str, str] = field(default_factory=dict)
    not_used: dict[str, str] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    sizes: collections.Counter[tuple[int, int]] = field(default_factory=collections.Counter)
    channels: collections.Counter[int] = field(default_factory=collections.Counter)
    bits: collections.Counter[int] = field(default_factory=collections.Counter)
    largest: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    duplicates: list[list[str]] = field(default_factory=list)
    transparent: int = 0
    others: list[str] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        """The names of the classes, sorted as people do: 2 before 10."""
        if self.holds != "classes":
            return []
        names = sorted({*self.labels.values()})  # a set has no order, and `Oak` and `oak` have one key
        return sorted(names, key=natural)

    @property
    def balance(self) -> dict[str, int]:
        """How many images each class has."""
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
    """A key to sort by in which 2 comes before 10."""
    return [(0, int(part)) if part.isdecimal() else (1, part.lower()) for part in re.split(r"(\d+)", text) if part]


def scan_folder(place: Path) -> FolderScan:
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
    found, not_used = None, {}
    for table in tables:
        found = _by_table(folder, table, paths)
        if isinstance(found, FolderScan):
            break
        not_used[table.name] = found
    if place.is_file() and not_used:
        raise CalotypeError(
            f"images: {place} {not_used[place.name]}.",
            "its first line names the columns, as in image,label; paths start from its folder, and have a suffix.",
        )
    reasons = "".join(f"\n  {name} {reason}" for name, reason in not_used.items())
    found = found if isinstance(found, FolderScan) else _by_folders(folder, paths)
    if found is None:
        lost = next((path for path in paths if path.count("/") != 1), paths[0])
        raise CalotypeError(
            f"images: {folder}: neither a folder for each class nor a table of the labels of images, such as {lost}."
            + reasons,
            f"sort them into folders, as in {folder}/<class>/<image>.png; or put a CSV file with the columns image and "
            "label beside them; or name the folder that holds those of the classes.",
        )
    if found.holds == "classes" and len(found.classes) < 2:
        raise CalotypeError(
            f"images: {place}: all of them are `{found.classes[0]}`: there is nothing to tell apart.{reasons}",
            "classes are the folders in that folder, or the labels in the table.",
        )
    found.not_used = not_used
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


def _by_folders(folder: Path, paths: Sequence[str]) -> FolderScan | None:
    """Labels from the names of folders; None where the images lie at different depths, or at none."""
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
    """The split that a word stands for; None for other words."""
    for name, words in (("train", TRAIN), ("test", TEST), ("validation", VALIDATION)):
        if word.strip().lower() in words:
            return name
    return None


def _given_splits(values: Collection[str]) -> dict[str, str]:
    """The splits that a column gives, and its value for each.

    None where two values may stand for one split; or where only some are understood, and these are no split to train on
    and another one: then nobody can tell what the rest are.
    """
    known = {value: name for value in values if (name := split_name(value))}
    splits = {name: value for value, name in known.items()}
    if len(splits) < len(known) or (len(known) < len(values) and not ("train" in splits and len(splits) > 1)):
        return {}
    return _in_order(splits)


def _in_order(splits: dict[str, str]) -> dict[str, str]:
    return {name: splits[name] for name in ("train", "validation", "test") if name in splits}


def _by_table(folder: Path, file: Path, paths: Sequence[str]) -> FolderScan | str:
    """Labels from a table; or why it is none of labels, in words that go on from its name."""
    separator = "\t" if file.suffix.lower() == ".tsv" else ","
    try:
        lines = pd.read_csv(
            file, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True
        )
    except (OSError, ValueError):  # pandas' and those of UTF-8 are such, too
        return f"cannot be read as UTF-8 text with {'commas' if separator == ',' else 'tabs'} between its columns"
    columns = _columns(lines, paths)
    if isinstance(columns, str):
        return columns
    named = lines[columns["image"]].map(_plain_path)
    there = named.isin(paths)
    labels = dict(zip(named[there], lines[columns["label"]][there], strict=True))
    if without := [path for path, label in labels.items() if not label.strip()]:
        raise CalotypeError(
            f"images: {file}: nothing in the column `{columns['label']}` for {len(without)} image(s), such as "
            f"{without[0]}.",
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
    """What the columns of a table hold: image, label, and split, weight and group where some are called so.

    Returns:
        Their names by what they hold; or why it is no table of labels.
    """
    names = {column: "".join(filter(str.isalnum, column.casefold())) for column in lines.columns}
    first = lines.head(LOOKED_AT)
    hits = {column: int(first[column].map(_plain_path).isin(paths).sum()) for column in lines.columns}

    def called(words: Sequence[str]) -> list[str]:
        return sorted((column for column in names if names[column] in words), key=lambda each: words.index(names[each]))

    images = [column for column in [*called(IMAGE), *lines.columns] if hits[column] > len(first) / 2]
    if not images:
        if most := max(hits.values(), default=0):
            return f"names images that are there in only {most} of its first {len(first)} lines"
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
        why = [f"`{column}` is taken for {what}" for what, each in taken.items() for column in each if column in rest]
        said = f" ({', '.join(why)})" if why else ""
        return f"names images, but no column is left for a label{said}; call that one `label`"
    found = {"image": images[0], "label": labels[0]}
    ways = {"split": splits, "weight": taken["weights"], "group": taken["groups"]}
    return found | {key: each[0] for key, each in ways.items() if each and each[0] not in found.values()}


def _held(labels: "pd.Series[str]") -> LabelKind:
    """What labels of a table are: a few whole numbers are classes, unless their column is called a count."""
    numbers = pd.to_numeric(labels, errors="coerce")
    if numbers.isna().any():
        return "classes"
    whole = bool((numbers % 1 == 0).all() and (numbers >= 0).all())
    if whole and "count" in str(labels.name).lower():
        return "counts"
    return "classes" if whole and labels.nunique() <= MOST_CLASSES else "numbers"


def _look(found: FolderScan) -> None:
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
        found.channels[1 if is_grey(picture.pixels) else 3] += 1
        found.bits[8 * picture.pixels.dtype.itemsize] += 1
        found.largest = max(found.largest, int(picture.pixels.max()))
        found.transparent += picture.transparent
        places[digest(picture.pixels)].append(path)
    found.duplicates = [paths for paths in places.values() if len(paths) > 1]
