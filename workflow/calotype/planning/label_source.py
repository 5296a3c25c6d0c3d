"""Decide for `new_study` if the labels are in a table or are the names of folders; ask if both are possible."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from calotype.config.dataset_images import ImageTable
from calotype.config.load import NONE, Settings
from calotype.data.catalogue_common import several, spelled
from calotype.data.label_table import ImagePaths, labelled_images
from calotype.data.table_file import TABLES, LabelTable, read_table
from calotype.planning.label_columns import (
    BY_NAME,
    CHOSEN,
    Columns,
    MissingColumnError,
    Refused,
    choose_columns,
    split_name,
    typed,
)
from calotype.util.errors import CalotypeError

SPREADSHEETS = (".xlsx", ".xls", ".ods")


@dataclass
class TableLabels:
    """Labels of a table, and its columns."""

    file: str  # path from the folder
    columns: Columns
    images: pd.DataFrame  # path, label, and split, weight and group if the table has them
    unusual: list[str]  # of its text

    @property
    def entry(self) -> dict[str, str]:
        """The values of key `table` in datasets.yaml."""
        return {"file": self.file} | self.columns.names

    @property
    def labels(self) -> dict[str, str]:
        """Label of each image."""
        return dict(zip(self.images.path, map(spelled, self.images.label), strict=True))

    @property
    def groups(self) -> list[str]:
        """Names of the groups."""
        return sorted({*self.images.group}) if "group" in self.images else []


def find_table(
    place: Path, paths: Sequence[str], others: Collection[str], folders: Mapping[str, str] | None, asked: Settings
) -> tuple[TableLabels | None, dict[str, str]]:
    """Find the table that gives the labels of the images.

    Args:
        place: folder of the images, or a table.
        paths: of the images in the folder.
        others: other files in the folder.
        folders: labels of the images, if the names of folders can be labels.
        asked: choices of the user: `table`, and the columns.

    Returns:
        The labels, or None if the folders give them; and for each table that is not used a sentence with the reason.

    Raises:
        CalotypeError: Several tables, or a table and the folders, can give the labels; or the table has errors.
    """
    folder = place.parent if place.is_file() else place
    tables = [name for name in others if Path(name).suffix.lower() in TABLES]
    unread = {name: f"{name} is a spreadsheet: save it as CSV in UTF-8" for name in others if _is_spreadsheet(name)}
    named = _named_table(place, folder, tables, asked)
    if named == NONE:
        return None, {name: f"{name}: you chose the folders" for name in tables} | unread
    if named is not None:
        found = _labels_of(read_table(folder / named), folder, named, paths, asked)
        if isinstance(found, Refused):
            raise CalotypeError(f"images: {folder / named} {found.reason}.", found.hint or HINT)
        return found, {name: f"{name}: you chose {named}" for name in tables if name != named} | unread
    offers: dict[str, TableLabels] = {}
    refused: dict[str, Refused] = {}
    unreadable: dict[str, CalotypeError] = {}
    errors: dict[str, CalotypeError] = {}  # of tables that name images
    for name in tables:
        if "/" in name:
            unread[name] = f"{name} is in a subfolder: {typed('table', name)} uses it"
            continue
        try:
            table = read_table(folder / name)
        except CalotypeError as error:
            unreadable[name] = error
            continue
        try:
            read = _labels_of(table, folder, name, paths, asked)
        except CalotypeError as error:
            errors[name] = error
            continue
        if isinstance(read, Refused):
            refused[name] = read
        else:
            offers[name] = read
    asking = {name: each for name, each in refused.items() if each.asks}
    wrong = {name: error for name, error in errors.items() if not isinstance(error, MissingColumnError)}
    _ask_for_one(folder, offers, asking, unreadable | wrong)
    unread |= {name: f"{name} {each.reason}" for name, each in refused.items()}
    failed = unreadable | errors
    unread |= {name: f"{name}: {_first_line(error, folder / name)}" for name, error in failed.items()}
    if not offers:
        if folders:
            _ask_folders(folder, asking, wrong, folders)
        for name, each in asking.items():
            raise CalotypeError(f"images: {folder / name} {each.reason}.", each.hint)
        if failed and (not folders or asked.label is not None):
            raise next(iter(failed.values()))
        return None, unread
    (found,) = offers.values()
    if folders and asked.label is None:
        _ask_table_or_folders(found, folders, folder)
    return found, unread


HINT = "its first line must name the columns, as in image,label; paths start from its folder, and have a suffix."


def _is_spreadsheet(name: str) -> bool:
    return Path(name).suffix.lower() in SPREADSHEETS


def _named_table(place: Path, folder: Path, tables: Sequence[str], asked: Settings) -> str | None:
    """Return the table that the user names, by `images` or by `table`; `none` to use none."""
    if place.is_file():
        if asked.table not in (None, place.name):
            raise CalotypeError(
                f"table: `{asked.table}`: `images` already names the table {place}.", "give one of them."
            )
        return place.name
    if asked.table in (None, NONE):
        return asked.table
    name = Path(asked.table).as_posix()
    if name not in tables:
        known = f"tables there are {', '.join(tables)}." if tables else "it needs a table (.csv, .tsv) there."
        raise CalotypeError(f"table: {asked.table} not found in {folder}.", known)
    return name


def _labels_of(
    table: LabelTable, folder: Path, name: str, paths: Sequence[str], asked: Settings
) -> TableLabels | Refused:
    columns = choose_columns(table, ImagePaths(paths), asked)
    if isinstance(columns, Refused):
        return columns
    images = labelled_images(table, ImageTable.model_construct(None, file=name, **columns.names), folder, paths)
    return TableLabels(name, columns, images, table.unusual)


def _first_line(error: CalotypeError, file: Path) -> str:
    lines = str(error).partition("\nHint: ")[0].removeprefix(f"table.file: {file}").removeprefix(f"{file}")
    return ": ".join(line.strip(" ,:") for line in lines.split("\n")[:2] if line.strip(" ,:")).rstrip(".")


def _ask_for_one(
    folder: Path, offers: Mapping[str, TableLabels], asking: Mapping[str, Refused], errors: Mapping[str, CalotypeError]
) -> None:
    """Raise CalotypeError if a second table can give the labels."""
    if not offers or len(offers) + len(asking) + len(errors) < 2:
        return
    found = [f"{n}: column `{each.columns.names['label']}`, {len(each.images)} images" for n, each in offers.items()]
    found += [f"{name}: it {each.reason}" for name, each in asking.items()]
    found += [f"{name}: {_first_line(error, folder / name)}" for name, error in errors.items()]
    largest = max(offers, key=lambda name: len(offers[name].images))
    raise CalotypeError(
        f"images: {folder}: several tables can give the labels:{several(sorted(found))}",
        f"use one, such as {typed('table', largest)}; or join them in one table, with a column `split`.",
    )


def _ask_folders(
    folder: Path, asking: Mapping[str, Refused], errors: Mapping[str, CalotypeError], folders: Mapping[str, str]
) -> None:
    """Raise CalotypeError if the names of folders can be labels, and a table that has errors names images."""
    doubts = {name: (f", which {each.reason}", f"For the table: {each.hint}") for name, each in asking.items()}
    doubts |= {n: (f": {_first_line(each, folder / n)}", "For the table: correct it.") for n, each in errors.items()}
    for name, (reason, hint) in doubts.items():
        raise CalotypeError(
            f"images: {folder}: the labels can be the names of the folders ({_names(folders)}), or in {name}{reason}.",
            f"{typed('table', NONE)} uses the folders. {hint}",
        )


def _ask_table_or_folders(found: TableLabels, folders: Mapping[str, str], folder: Path) -> None:
    """Raise CalotypeError if a table contradicts the folders, or if both can give the labels."""
    column, names = found.columns.names["label"], {*map(_plain, folders.values())}
    labels = dict(zip(found.images.path, found.images.label, strict=True))
    choice = f"{typed('table', found.file)} uses the table, {typed('table', NONE)} the folders."
    if len(names) < 2:
        return
    if found.columns.why["label"] not in (BY_NAME, CHOSEN):
        raise CalotypeError(
            f"images: {folder}: the labels can be the names of the folders ({_names(folders)}), or the column "
            f"`{column}` of {found.file}.",
            choice,
        )
    wrong = [path for path, label in labels.items() if _plain(label) != _plain(folders.get(path, label))]
    if wrong and names & {*map(_plain, labels.values())}:
        first = wrong[0]
        raise CalotypeError(
            f"images: {folder}: {found.file} and the folders contradict each other for {len(wrong)} image(s), such as "
            f"{first}: `{labels[first]}` in the table, `{folders[first]}` as the folder.",
            choice,
        )


def check_split_folders(found: TableLabels, paths: Sequence[str], asked: Settings) -> None:
    """Raise CalotypeError if folders are named as splits, and the table gives no splits or other ones."""
    tops = {path: split_name(path.split("/")[0]) for path in paths if "/" in path}
    if asked.split is not None or len({*tops.values()} - {None}) < 2:
        return
    if not found.columns.splits:
        folders = sorted({path.split("/")[0] for path, split in tops.items() if split})
        raise CalotypeError(
            f"images: {found.file} has no column of splits, but folders are named as splits: {', '.join(folders)}.",
            f"add a column `split`; or {typed('split', NONE)} splits all images at random.",
        )
    values = {value: split for split, value in found.columns.splits.items()}
    rows = zip(found.images.path, found.images.split, strict=True)
    wrong = [path for path, value in rows if tops.get(path) and tops[path] != values.get(value, tops[path])]
    if wrong:
        column = found.columns.names["split"]
        raise CalotypeError(
            f"images: {found.file} and the folders contradict each other in the split of {len(wrong)} image(s), such "
            f"as {wrong[0]}.",
            f"correct the table; or {typed('split', column)} uses it.",
        )


def _plain(name: str) -> str:
    return " ".join(spelled(name).split()).casefold()


def _names(folders: Mapping[str, str]) -> str:
    names = sorted({*folders.values()})
    return ", ".join(names[:3]) + ", ..." * (len(names) > 3)
