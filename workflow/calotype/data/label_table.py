"""Find the images that a table of labels names, in one way for `new_study` and the catalogue."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pandas as pd

from calotype.config.dataset_images import ImageTable
from calotype.data.catalogue_common import SHOWN, several, spelled
from calotype.data.table_file import LabelTable
from calotype.data.unread_formats import format_of
from calotype.util.errors import CalotypeError, did_you_mean

COLUMNS = {"path": "image", "label": "label", "split": "split", "weight": "weight", "group": "group"}


class ImagePaths:
    """The images in a folder, as the lines of a table may name them."""

    def __init__(self, there: Sequence[str]) -> None:
        self.there = there
        self._names = {spelled(path): path for path in there} | {path: path for path in there}

    def find(self, entry: str) -> str | None:
        """Return the path of the image that a field names; None if there is no such image."""
        if (path := _normal(entry)) is None:
            return None
        return self._names.get(path) or self._names.get(spelled(path))

    def meant(self, entry: str) -> str | None:
        """Return the image that a field names but for its folder, its suffix, its capitals or Windows separators."""
        windows = PureWindowsPath(entry.strip()).as_posix()
        if found := self.find(windows):
            return found
        last = _name(windows).casefold()
        same = [path for path in self.there if last and last in (_name(path).casefold(), _stem(path).casefold())]
        return same[0] if len(same) == 1 else None

    def problem(self, entry: str, folder: Path) -> str:
        """Return the reason why a field names no image, and the path that is probably meant."""
        meant = f" (did you mean `{found}`?)" if (found := self.meant(entry)) else ""
        if (path := _normal(entry)) is None:
            return f"{entry.strip()!r} is not in {folder}{meant}"
        if not meant and (kind := format_of(path)):
            return f"image {path!r}: {kind} is not read; convert the file, and write its new name"
        if not meant:  # slow; not for thousands of names
            hint = did_you_mean(path, self.there[:2000]) or ""
            meant = f" ({hint})" * hint.startswith("did")
        return f"image {path if path.isprintable() else repr(path)} not found{meant}"


def _normal(entry: str) -> str | None:
    """Return the path that a field names; None if it is empty or outside the folder."""
    raw = entry.strip()
    path = os.path.normpath(raw).replace(os.sep, "/")
    outside = not raw or os.path.isabs(raw) or path == ".." or path.startswith("../")
    return None if outside else path


def _name(path: str) -> str:
    return spelled(PurePosixPath(path).name)


def _stem(path: str) -> str:
    return spelled(PurePosixPath(path).stem)


def labelled_images(table: LabelTable, columns: ImageTable, folder: Path, there: Sequence[str]) -> pd.DataFrame:
    """List the images that a table names: path, label, and split, weight and group if the config names their columns.

    Args:
        there: paths of all images in the folder.

    Returns:
        Fields as text, in the order of the paths: random splits go by position, which must not depend on the order of
        the lines.
    """
    keys = {name: key for name, key in COLUMNS.items() if getattr(columns, key) is not None}
    fields = {name: table.column(getattr(columns, key), f"table.{key}") for name, key in keys.items()}
    paths = ImagePaths(there)
    rows: list[tuple[Any, ...]] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    for (line, _), entry in zip(table.lines, zip(*fields.values(), strict=True), strict=True):
        path = paths.find(entry[0])
        if path is None:
            reason = paths.problem(entry[0], folder) if len(problems) < SHOWN else f"image {entry[0].strip()} not found"
            problems.append(f"line {line}: {reason}")
        elif path in seen:
            problems.append(f"line {line}: duplicate of line {seen[path]}: {path}")
        else:
            seen[path] = line
            rows.append((path, *entry[1:]))
    if problems:
        raise CalotypeError(f"{table.file}:{several(problems)}", "paths start from `folder`; each image has one line.")
    return pd.DataFrame(rows, columns=[*fields]).sort_values("path", ignore_index=True)


def absent(labelled: Collection[str], there: Sequence[str]) -> list[str]:
    """Return the images that a table does not name."""
    return sorted({*there} - {*labelled})
