"""Read a table of labels and find its images, in one way for `new_study` and the catalogue."""

import csv
import io
import os
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pandas as pd

from calotype.config.dataset_images import ImageTable
from calotype.data.catalogue_common import SHOWN, several
from calotype.data.unread_formats import format_of
from calotype.util.errors import CalotypeError, did_you_mean
from calotype.util.files import check_regular

TABLES = (".csv", ".tsv")
SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "vertical lines"}
COLUMNS = {"path": "image", "label": "label", "split": "split", "weight": "weight", "group": "group"}


def spelled(text: str) -> str:
    """Return a text in one Unicode form: Unicode may spell the same letters in two ways, and file systems change it."""
    return unicodedata.normalize("NFC", text)


@dataclass(frozen=True)
class LabelTable:
    """The text of a table: the names of its columns, and its lines with their numbers in the file."""

    file: Path
    header: list[str]
    lines: list[tuple[int, list[str]]]

    def column(self, name: str, key: str) -> list[str]:
        """Return the fields of a column; `key` is the config key that names the column."""
        names = [*map(spelled, self.header)]
        if (number := names.count(spelled(name))) > 1:
            raise CalotypeError(f"{self.file}: duplicate column `{name}` ({key}).", "rename one of them.")
        if not number:
            raise CalotypeError(f"{self.file}: column `{name}` ({key}) not found.", did_you_mean(name, self.header))
        place = names.index(spelled(name))
        return [fields[place] for _, fields in self.lines]


def read_table(file: Path) -> LabelTable:
    """Read a CSV file, or a TSV file (.tsv), as text; lines without any text are left out."""
    separator = "\t" if file.suffix.lower() == ".tsv" else ","
    check_regular(file)
    lines: list[tuple[int, list[str]]] = []
    begins = 1  # line of the file on which the next line of the table begins
    try:
        text = file.read_bytes().decode("utf-8-sig")
        # Not pandas: it pads short lines, and takes the first field of long ones as the index.
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
        for fields in reader:
            if any(field.strip() for field in fields):
                lines.append((reader.line_num, fields))
            begins = reader.line_num + 1
    except FileNotFoundError:
        raise CalotypeError(f"table.file: {file} not found.", "its path starts from `folder`.") from None
    except OSError as error:
        raise CalotypeError(f"table.file: {file}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CalotypeError(f"{file}: not UTF-8 text.", "save it as CSV in UTF-8.") from None
    except csv.Error as error:
        raise CalotypeError(f"{file}, line {begins}: not a table: {error}.", "check the quotes of this line.") from None
    if not lines:
        raise CalotypeError(f"{file}: not a table: it is empty.", "its first line must name the columns.")
    (_, header), *lines = lines
    if any("\0" in name for name in header):
        raise CalotypeError(f"{file}: not a table: it contains zero bytes.", "save it as CSV in UTF-8.")
    others = {each: header[0].count(each) for each in SEPARATORS if each != separator}
    found = max(others, key=lambda each: others[each])
    if len(header) == 1 and others[found]:
        raise CalotypeError(
            f"{file}: not a table: its columns are separated by {SEPARATORS[found]}, as in {header[0][:60]!r}.",
            f"separate its columns by {SEPARATORS[separator]}"
            + (", or rename it to .tsv." if found == "\t" else "; keep decimal points, as in 0.5."),
        )
    for line, fields in lines:
        if len(fields) != len(header):
            hint = "put quotes around fields that contain the separator."
            if len(header) == 1:
                hint = "the first line must name the columns, as in image,label."
            elif len(fields) < len(header):
                hint = "add the missing fields; an empty field also needs its separator."
            elif not any(fields[len(header) :]):
                hint = f"remove the {SEPARATORS[separator]} at the ends of lines, or add them to the first line."
            problem = f"not a table: {len(fields)} fields instead of {len(header)}."
            raise CalotypeError(f"{file}, line {line}: {problem}", hint)
    if not lines:
        raise CalotypeError(f"{file}: not a table: it has no line after its header.", "write one line for each image.")
    return LabelTable(file, header, lines)


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
