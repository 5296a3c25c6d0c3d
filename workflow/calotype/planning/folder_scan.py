"""Scan a folder of images for `new_study`: their labels, splits, sizes and problems."""

import collections
import logging
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from calotype.config.load import NONE, Settings
from calotype.data.catalogue_common import spelled
from calotype.data.image_file import SUFFIXES, digest, is_grey, read_picture
from calotype.data.table_file import TABLES
from calotype.data.unread_formats import conversion, counted
from calotype.planning.folder_files import FolderFiles, find_files
from calotype.planning.folder_labels import FolderLabels, labels_of_folders
from calotype.planning.label_columns import Refused, typed
from calotype.planning.label_source import TableLabels, check_split_folders, find_table
from calotype.tasks.labels import LabelKind
from calotype.tasks.registry import TASKS
from calotype.util.errors import CalotypeError, nearest_path

logger = logging.getLogger(__name__)

Kind = Literal["folders", "split folders", "table"]
NEWS = 10.0  # seconds between two lines of progress


@dataclass
class FolderScan:
    """Result of a scan; images are named by their path from the folder."""

    folder: Path
    kind: Kind  # where the labels are
    labels: dict[str, str]  # label of each image
    holds: LabelKind = "classes"  # kind of the labels
    splits: dict[str, str] = field(default_factory=dict)  # given splits: name, and name of the folder or table value
    unclear: dict[str, dict[str, int]] = field(default_factory=dict)  # by split column: values that name no split
    groups: list[str] = field(default_factory=list)  # names of the groups in the table
    table: dict[str, str] = field(default_factory=dict)  # name of the table under `file`, and its columns by content
    why: dict[str, str] = field(default_factory=dict)  # reason for each column, and for the task
    instead: dict[str, list[str]] = field(default_factory=dict)  # other columns that are possible, by content
    unusual: list[str] = field(default_factory=list)  # properties of the table's text
    not_used: dict[str, str] = field(default_factory=dict)  # tables that are not used, with a sentence
    sizes: collections.Counter[tuple[int, int]] = field(default_factory=collections.Counter)  # (height, width)
    channels: collections.Counter[int] = field(default_factory=collections.Counter)
    bits: collections.Counter[int] = field(default_factory=collections.Counter)
    largest: int = 0  # largest value of a pixel
    unreadable: dict[str, str] = field(default_factory=dict)  # images that cannot be used, with the reason
    duplicates: list[list[str]] = field(default_factory=list)  # groups of images with the same pixels
    transparent: int = 0  # number of images with transparent pixels
    others: list[str] = field(default_factory=list)  # files that are not images
    unlabelled: list[str] = field(default_factory=list)  # images that are not in the table
    folders: FolderLabels | None = None  # if the labels are the names of folders
    files: FolderFiles = field(default_factory=FolderFiles)

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


def alike(names: Iterable[str]) -> list[list[str]]:
    """Return names that differ only in spaces, capitals, or the form of a number: 1, 01 and 1.0."""
    found = collections.defaultdict(list)
    for name in names:
        plain = "".join(name.split()).casefold()
        found[str(float(plain)) if re.fullmatch(r"[+-]?\d+(\.\d*)?(e[+-]?\d{1,2})?", plain) else plain].append(name)
    return [names for names in found.values() if len(names) > 1]


def natural(text: str) -> list[tuple[int, int | str]]:
    """Return a sort key by which 2 comes before 10."""
    return [(0, int(part)) if part.isdecimal() else (1, part.lower()) for part in re.split(r"(\d+)", text) if part]


def scan_folder(place: Path, asked: Settings | None = None) -> FolderScan:
    """Scan a folder of images.

    Args:
        place: a folder with a folder for each class, directly or below folders for splits; a folder with images and a
            CSV or TSV file; or that file.
        asked: choices of the user: the table, its columns, and the task.
    """
    asked = asked or Settings()
    if not place.exists():
        raise CalotypeError(f"images: file or folder {place} not found.", nearest_path(place))
    folder = place.parent if place.is_file() else place
    if place.is_file() and place.suffix.lower() not in TABLES:
        raise CalotypeError(
            f"images: {place}: must be a folder or a table (.csv, .tsv).",
            "describe arrays (.npz) and IDX files by hand: see config/README.md.",
        )
    files = find_files(folder)
    paths, others = files.images, files.others
    if not paths:
        unread = counted(files.formats, lambda path: path.rpartition("/")[0])
        also = f"; not read: {unread}" if unread else ""
        hint = f"{conversion(files.formats)}." if unread else None
        raise CalotypeError(f"images: {folder}: no images found ({', '.join(SUFFIXES)}){also}.", hint)
    named = labels_of_folders(folder, paths, asked.class_folder)
    by_folders = None if isinstance(named, Refused) else _by_folders(folder, named)
    folders = by_folders.labels if by_folders and len(by_folders.classes) > 1 else None
    table, not_used = find_table(place, paths, others, folders, asked)
    unknown = [name for name in others if name not in not_used and "/" not in name and not table]
    reasons = "".join(f"\n  {reason}" for reason in not_used.values())
    above = [path for path in sorted(folder.parent.iterdir()) if path.suffix.lower() in TABLES and not table]
    reasons += "".join(f"\n  {path}: not in {folder}; {typed('images', str(path))} uses it" for path in above[:3])
    reasons += "".join(f"\n  {name}: not an image; rename it to .csv or .tsv if it is a table" for name in unknown[:3])
    found = _by_table(folder, table, paths, asked) if table else by_folders
    if found is None:
        assert isinstance(named, Refused)
        raise CalotypeError(f"images: {folder}: {named.reason}.{reasons}", named.hint)
    if not table:
        _check_folders(asked, folder)
    elif asked.class_folder is not None:
        raise CalotypeError(
            f"class_folder: the table {table.file} gives the labels.", f"remove it, or type {typed('table', NONE)}."
        )
    if found.holds == "classes" and len(found.classes) < 2:
        instead = found.folders.instead if found.folders else []
        raise CalotypeError(
            f"images: {place}: only one class found, `{found.classes[0]}`.{reasons}",
            "the classes are the folders in this folder, or the labels in the table"
            + (f"; or type class_folder=last: {', '.join(instead[:3])}." if instead else "."),
        )
    found.not_used, found.files = not_used, files
    found.others = [name for name in others if name != found.table.get("file")]
    found.unlabelled = sorted({*paths} - {*found.labels})
    if found.splits and not ("train" in found.splits and len(found.splits) > 1):
        given = ", ".join(found.splits.values())
        raise CalotypeError(
            f"images: {place}: only the split {given} was found.",
            "a study needs `train` and `test` (or `validation`); "
            + (
                f"{typed('split', NONE)} splits at random."
                if table
                else "without folders of splits, it splits at random."
            ),
        )
    _look(found)
    if not found.sizes:
        path, reason = next(iter(found.unreadable.items()))
        raise CalotypeError(f"images: {folder}: no image can be used: {path}: {reason}")
    return found


def _by_folders(folder: Path, named: FolderLabels) -> FolderScan:
    kind: Kind = "split folders" if named.splits else "folders"
    return FolderScan(folder, kind, named.labels, splits=named.splits, folders=named)


def _by_table(folder: Path, table: TableLabels, paths: Sequence[str], asked: Settings) -> FolderScan:
    """Take labels and splits from a table."""
    check_split_folders(table, paths, asked)
    columns, labels = table.columns, dict(zip(table.images.path, map(spelled, table.images.label), strict=True))
    groups = sorted({*table.images.group}) if "group" in table.images else []
    return FolderScan(
        folder, "table", labels, columns.holds, columns.splits, columns.unclear, groups,
        {"file": table.file} | columns.names, columns.why, columns.instead, table.unusual,
    )  # fmt: skip


def _check_folders(asked: Settings, folder: Path) -> None:
    """Raise CalotypeError for choices of the user that need a table."""
    for key in ("label", "group", "split", "weight"):
        if getattr(asked, key) not in (None, NONE):
            raise CalotypeError(
                f"{key}: names a column, but {folder} has no table of labels.",
                "remove it; see `random.group_pattern` in config/README.md for groups." if key == "group" else None,
            )
    if asked.task is not None and TASKS[asked.task].labels != "classes":
        raise CalotypeError(
            f"task: `{asked.task}` needs numbers, and folders give classes.", "write a table of labels."
        )


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
