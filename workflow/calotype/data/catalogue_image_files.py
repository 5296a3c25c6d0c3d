"""List a user's image files with labels and splits, from folders or from a table."""

import itertools
import logging
import os
import re
import unicodedata
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from calotype.config.dataset_images import ImagesDataset, ImageTable
from calotype.data.catalogue_common import SHOWN, check_splits, numbered, several, spelled, split_at_random
from calotype.data.image_file import SUFFIXES, digest, read_picture
from calotype.data.label_table import absent, labelled_images
from calotype.data.random_split import LEFT
from calotype.data.skipped import Listing, check_classes, without_copies
from calotype.data.table_file import TABLES, read_table
from calotype.data.unread_formats import conversion, counted, image_formats, patterns
from calotype.util.errors import CalotypeError, did_you_mean, nearest_path
from calotype.util.files import files_below

logger = logging.getLogger(__name__)

BATCH = 1000  # images queued for the threads
DESCRIBED = ("height", "width", "channels", "bits", "largest", "sha256", "pixels")


def list_files(dataset: ImagesDataset, threads: int = 1) -> Listing:
    """Find all images of a dataset with their labels and splits, and read each image.

    Args:
        threads: number of threads that read, each one image at a time. Large images gain most from more threads.

    Returns:
        Columns path, label, split, weight and group if given, and those of `DESCRIBED`; in the order of the paths. And
        the images that are left out.
    """
    folder, where = Path(dataset.folder), _where(dataset)
    if dataset.table and (unusual := read_table(where).unusual):
        logger.info("%s: %s", where, "; ".join(unusual))
    found, unusable = _described(folder, listed(dataset), dataset, threads)
    if not dataset.skips():
        return Listing(found, [])
    if shares := _shares(dataset):
        found = found.assign(split=next(iter(shares)))  # split again below, without the images that are left out
    found, copies = without_copies(found, dataset)
    check_classes(found, dataset, where)
    if shares:
        found = found.assign(split=split_at_random(found, shares, dataset))
    check_splits(found, dataset, where)
    return Listing(found, [*unusable, *copies])


def listed(dataset: ImagesDataset) -> pd.DataFrame:
    """Find all images of a dataset with their labels and splits, and check these; read no image."""
    folder, where = Path(dataset.folder), _where(dataset)
    found = _by_table(folder, dataset, dataset.table) if dataset.table else _by_folder(folder, dataset)
    found = _split_up(numbered(found, dataset, where), dataset)
    check_splits(found, dataset, where)
    return found


def _where(dataset: ImagesDataset) -> Path:
    return Path(dataset.folder, dataset.table.file if dataset.table else "")


def _shares(dataset: ImagesDataset) -> dict[str, float]:
    return {name: split.share for name, split in dataset.splits.items() if split.share is not None}


def _images(folder: Path, dataset: ImagesDataset) -> list[str]:
    """Return the paths of all images below the folder, relative to it, with /; sorted."""
    if not folder.is_dir():
        raise CalotypeError(f"folder: {folder} not found.", nearest_path(folder, folder=True))
    home, found, others = folder.resolve(), [], []
    table = folder / dataset.table.file if dataset.table else None
    watched = {*files_below(folder, dataset.ignore, dataset.follow_links)}
    for file in sorted(watched):
        path, name = Path(file), Path(os.path.relpath(file, folder)).as_posix()
        if path == table:
            continue
        # Control characters, line ends, and bytes that are not text. Joiners, which some scripts need, are allowed.
        if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name):
            raise CalotypeError(f"{folder}: the name {name!r} has characters that cannot be printed.", "rename it.")
        if path.suffix.lower() not in SUFFIXES:
            others.append(name)
        elif path.is_symlink() and not path.exists():
            raise CalotypeError(f"{file}: a broken link.", "delete it, or restore the image.")
        elif not dataset.follow_links and not path.resolve().is_relative_to(home):
            hint = "copy the image there, or set `follow_links: true`."
            raise CalotypeError(f"{file}: a link to {path.resolve()}, outside {folder}.", hint)
        else:
            found.append(name)
    if others:
        formats = image_formats(folder, others)
        unread = counted(formats, lambda path: _class_folder(path, dataset))
        said = f" ({unread}: formats that are not read)" if unread else ""
        some = ", ".join(map(repr, patterns(formats or ["a.txt"])))
        tables = "" if dataset.table else "".join([n for n in others if Path(n).suffix.lower() in TABLES][:1])
        use = f"name {tables} under `table` if it gives the labels; or " if tables else ""
        raise CalotypeError(
            f"{folder}: not images ({', '.join(SUFFIXES)}), and not ignored{said}:{several(others)}",
            f"{use}{conversion(formats) or 'move them away'}; or list them under `ignore`, as in `ignore: [{some}]`.",
        )
    ignored = sorted({*files_below(folder, follow=dataset.follow_links)} - watched)
    formats = image_formats(folder, [Path(os.path.relpath(file, folder)).as_posix() for file in ignored])
    unread = counted(formats, lambda path: _class_folder(path, dataset))
    if not found:
        also = f"; not read: {unread}" if unread else ""
        hint = f"{conversion(formats)}." if unread else "see `folder`."
        raise CalotypeError(f"{folder}: no images found ({', '.join(SUFFIXES)}){also}.", hint)
    if unread:
        logger.warning("Ignoring images in formats that are not read: %s. To use them, %s", unread, conversion(formats))
    return found


def _class_folder(path: str, dataset: ImagesDataset) -> str:
    """Return the name of the folder that names the class of an image; empty if there is none, or with a table."""
    below = 1 if any(split.folder is not None for split in dataset.splits.values()) else 0
    inner = [] if dataset.table else path.split("/")[below:-1]
    return inner[0 if dataset.class_folder == "first" else -1] if inner else ""


def _by_folder(folder: Path, dataset: ImagesDataset) -> pd.DataFrame:
    """List the images in folders of classes: path, label (the folder's name), and split if splits have folders."""
    splits = {split.folder: name for name, split in dataset.splits.items() if split.folder is not None}
    classes = {spelled(name): name for name in dataset.classes}
    rows: list[tuple[str, str, str]] = []
    strangers: dict[str, list[str]] = {}
    for path in _images(folder, dataset):
        above = path.split("/")[:-1]
        split = splits.get(above[0]) if splits and above else LEFT
        label = spelled(_class_folder(path, dataset))
        if label not in classes or split is None:
            where = "/".join(above if dataset.class_folder == "last" else above[: 1 + bool(splits)])
            strangers.setdefault(where, []).append(path)
        else:
            rows.append((path, classes[label], split))
    if strangers:
        named = [
            f"{where or '(outside all folders)'}: {len(paths)} image(s), such as {paths[0]}"
            for where, paths in strangers.items()
        ]
        wrong = next((where.split("/")[-1] for where in strangers if where), "")
        other = dataset.model_copy(update={"class_folder": "last" if dataset.class_folder == "first" else "first"})
        lost = [path for paths in strangers.values() for path in paths]
        if all(spelled(_class_folder(path, other)) in classes for path in lost):
            hint: str | None = f"set `class_folder: {other.class_folder}`."
        else:
            hint = did_you_mean(wrong, dataset.classes)
        raise CalotypeError(
            f"{folder}: not in a folder of a class"
            + (f" in a folder of a split ({', '.join(splits)})" if splits else "")
            + f":{several(named)}",
            hint or "see `classes`.",
        )
    return pd.DataFrame(rows, columns=["path", "label", "split"])


def _by_table(folder: Path, dataset: ImagesDataset, table: ImageTable) -> pd.DataFrame:
    """List the images that a table names, with its columns; in the order of the paths."""
    file = folder / table.file
    lines = read_table(file)
    there = _images(folder, dataset)
    found = labelled_images(lines, table, folder, there)
    if (unnamed := absent(found.path, there)) and dataset.unlabelled == "refuse":
        raise CalotypeError(
            f"{file}: {len(unnamed)} image(s) in {folder} are not in the table:{several(unnamed)}",
            "add their labels, move them away, or set `unlabelled: ignore`.",
        )
    if unnamed:
        logger.warning("Leaving out %d image(s) without a label, such as %s", len(unnamed), unnamed[0])
    return found


def _split_up(found: pd.DataFrame, dataset: ImagesDataset) -> pd.DataFrame:
    """Assign a split to each image, unless folders give it."""
    groups = _groups(found, dataset.random.group_pattern)
    if groups is not None:
        found = found.assign(group=groups)
    values = {spelled(split.value): name for name, split in dataset.splits.items() if split.value is not None}
    if values:
        splits = found.split.map(spelled).map(values)
        if splits.isna().any():
            strange = sorted({*found.split[splits.isna()]})
            lost = int(splits.isna().sum())
            logger.warning("%d image(s) are in no split: the table has %s", lost, ", ".join(map(repr, strange[:SHOWN])))
        found = found.assign(split=splits.fillna(LEFT))
    elif shares := _shares(dataset):
        found = found.assign(split=split_at_random(found, shares, dataset))
    return found


def _groups(found: pd.DataFrame, pattern: str | None) -> list[str] | None:
    """Return the group of each image, from the table or a pattern; None without groups."""
    if pattern is None:
        if "group" not in found:
            return None
        if without := found.path[found.group.str.strip() == ""].tolist():
            raise CalotypeError(
                f"table.group: empty for:{several(without)}",
                "fill it in; or use no groups: remove `table.group` (for new_study: type group=none).",
            )
        return list(found.group)
    matches = [re.search(pattern, path) for path in found.path]
    without = [path for path, match in zip(found.path, matches, strict=True) if match is None or not match[1]]
    if without:
        hint = "correct the pattern: (plant-[0-9]+) finds plant-12 in oak/plant-12_3.png; or rename these files."
        raise CalotypeError(f"random.group_pattern: finds no group in:{several(without)}", hint)
    return [match[1] for match in matches if match is not None]


def _described(folder: Path, found: pd.DataFrame, dataset: ImagesDataset, threads: int) -> Listing:
    """Read every image and add the columns of `DESCRIBED`, so that a damaged image is found now, or skipped."""

    def look(path: str) -> tuple[Any, ...] | CalotypeError:
        try:
            picture = read_picture(folder / path, alpha=dataset.alpha, name=path)
        except CalotypeError as error:
            return error
        bits = 8 * picture.pixels.dtype.itemsize
        return (*picture.pixels.shape, bits, int(picture.pixels.max()), picture.sha256, digest(picture.pixels))

    seen: list[tuple[Any, ...] | CalotypeError] = []
    with ThreadPoolExecutor(threads) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # all threads share one filter; those of `read_picture` would undo each other's
        for first in range(0, len(found), BATCH):
            seen += pool.map(look, found.path[first : first + BATCH])
    errors = [each for each in seen if isinstance(each, CalotypeError)]
    skipped: list[tuple[str, str]] = []
    if dataset.unusable == "skip":  # but no image that the system does not let us read now
        usable = [not isinstance(each, CalotypeError) for each in seen]
        skipped = [
            (path, str(error).split("\n")[0].removeprefix(f"{path}: "))
            for path, error in zip(found.path, seen, strict=True)
            if isinstance(error, CalotypeError)
        ]
        found, seen = found[usable].reset_index(drop=True), [*itertools.compress(seen, usable)]
        errors = [error for error in errors if isinstance(error.__cause__, OSError)]
    if errors:
        problems, _, hints = zip(*(str(error).partition("\nHint: ") for error in errors), strict=True)
        hint = hints[0] if len({*hints}) == 1 else f"for the first: {hints[0]}"
        raise CalotypeError(f"{folder}: {len(problems)} image(s) cannot be used:{several([*problems])}", hint)
    described = zip(*seen, strict=True) if seen else ([] for _ in DESCRIBED)
    return Listing(found.assign(**dict(zip(DESCRIBED, described, strict=True))), skipped)
