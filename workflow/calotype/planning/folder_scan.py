"""Scan a folder of images for `new_study`: their labels, splits, sizes and problems."""

import collections
import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from calotype.config.load import NONE, Settings
from calotype.data.image_file import SUFFIXES, digest, is_grey, levels_differ, read_picture, used_levels
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

NEWS = 10.0  # seconds between two lines of progress


@dataclass
class FolderScan:
    """Result of a scan; images are named by their path from the folder. A table or the folders give the labels."""

    folder: Path
    labels: dict[str, str]  # label of each image
    splits: dict[str, str]  # given splits: name, and name of the folder or table value
    table: TableLabels | None = None
    folders: FolderLabels | None = None
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
    files: FolderFiles = field(default_factory=FolderFiles)

    @property
    def holds(self) -> LabelKind:
        """Kind of the labels."""
        return self.table.columns.holds if self.table else "classes"

    @property
    def levels(self) -> int | None:
        """Largest level of a camera with fewer than 16 bits; None if all bits are used."""
        return used_levels(max(self.bits), self.largest)

    @property
    def levels_differ(self) -> bool:
        """True for images of 8 bits among those of such a camera: no two levels are black and white in both."""
        return levels_differ(self.bits, self.levels)

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in natural order: 2 before 10."""
        if self.holds != "classes":
            return []
        names = sorted({*self.labels.values()})  # a fixed order for `Oak` and `oak`, which have one key
        return sorted(names, key=natural)

    @property
    def images(self) -> int:
        """Number of images that can be read."""
        return len(self.labels) - len(self.unreadable)

    @property
    def balance(self) -> dict[str, int]:
        """Number of images of each class that can be read."""
        found = collections.Counter(label for path, label in self.labels.items() if path not in self.unreadable)
        return {name: found[name] for name in self.classes}


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
    if not files.images:
        unread = counted(files.formats, lambda path: path.rpartition("/")[0])
        also = f"; not read: {unread}" if unread else ""
        hint = f"{conversion(files.formats)}." if unread else None
        raise CalotypeError(f"images: {folder}: no images found ({', '.join(SUFFIXES)}){also}.", hint)
    found = _labelled(place, folder, files, asked)
    found.files = files
    found.others = [name for name in files.others if not found.table or name != found.table.file]
    found.unlabelled = sorted({*files.images} - {*found.labels})
    _look(found)
    if not found.sizes:
        path, reason = next(iter(found.unreadable.items()))
        raise CalotypeError(f"images: {folder}: no image can be used: {path}: {reason}")
    return found


def _labelled(place: Path, folder: Path, files: FolderFiles, asked: Settings) -> FolderScan:
    """Take the labels and splits of the images from a table or from the names of folders."""
    named = labels_of_folders(folder, files.images, asked.class_folder)
    by_folders = None if isinstance(named, Refused) else named
    clear = by_folders.labels if by_folders and len({*by_folders.labels.values()}) > 1 else None
    table, not_used = find_table(place, files.images, files.others, clear, asked)
    if table:
        check_split_folders(table, files.images, asked)
        found = FolderScan(folder, table.labels, table.columns.splits, table=table, not_used=not_used)
        if asked.class_folder is not None:
            problem = f"class_folder: the table {table.file} gives the labels."
            raise CalotypeError(problem, f"remove it, or type {typed('table', NONE)}.")
        reasons = ""
    else:
        reasons = _no_tables(folder, files.others, not_used)
        if isinstance(named, Refused):
            raise CalotypeError(f"images: {folder}: {named.reason}.{reasons}", named.hint)
        found = FolderScan(folder, named.labels, named.splits, folders=named, not_used=not_used)
        _check_folders(asked, folder)
    if found.holds == "classes" and len(found.classes) < 2:
        instead = found.folders.instead if found.folders else []
        raise CalotypeError(
            f"images: {place}: only one class found, `{found.classes[0]}`.{reasons}",
            "the classes are the folders in this folder, or the labels in the table"
            + (f"; or type class_folder=last: {', '.join(instead[:3])}." if instead else "."),
        )
    if found.splits and not ("train" in found.splits and len(found.splits) > 1):
        at_random = f"{typed('split', NONE)} splits" if table else "without folders of splits, it splits"
        raise CalotypeError(
            f"images: {place}: only the split {', '.join(found.splits.values())} was found.",
            f"a study needs `train` and `test` (or `validation`); {at_random} at random.",
        )
    return found


def _no_tables(folder: Path, others: Sequence[str], not_used: Mapping[str, str]) -> str:
    """Return lines about files that may be meant as the table of labels."""
    unknown = [name for name in others if name not in not_used and "/" not in name]
    above = [path for path in sorted(folder.parent.iterdir()) if path.suffix.lower() in TABLES]
    lines = [
        *not_used.values(),
        *(f"{path}: not in {folder}; {typed('images', str(path))} uses it" for path in above[:3]),
        *(f"{name}: not an image; rename it to .csv or .tsv if it is a table" for name in unknown[:3]),
    ]
    return "".join(f"\n  {line}" for line in lines)


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
