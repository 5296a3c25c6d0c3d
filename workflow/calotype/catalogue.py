"""The catalogue of a user's own images: which there are, their labels, and the split of each."""

import csv
import hashlib
import io
import json
import logging
import os
import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from calotype.datasets import ImagesDataset, ImageTable
from calotype.errors import CalotypeError, did_you_mean
from calotype.files import files_below, write_csv, write_text
from calotype.partition import LEFT, deal, deal_groups
from calotype.picture import SUFFIXES, read_picture

logger = logging.getLogger(__name__)

SHOWN = 5  # of a list of mistakes
MOST = 1_000_000_000  # of what is counted
COLUMNS = (
    "number",
    "path",
    "label",
    "split",
    "weight",
    "group",
    "height",
    "width",
    "channels",
    "bits",
    "sha256",
    "pixels",
)


def _several(problems: list[str]) -> str:
    """The first of some lines, and how many more there are."""
    if len(problems) > SHOWN:
        logger.debug("All of them:\n  %s", "\n  ".join(problems))
    more = [f"and {len(problems) - SHOWN} more (the log has them all)"] * (len(problems) > SHOWN)
    return "\n  ".join(["", *problems[:SHOWN], *more])


# ---- Which images there are, and what they are called ----------------------------------------------------------------


def _images(folder: Path, dataset: ImagesDataset) -> list[str]:
    """The paths of all images below the folder, from there, with /; sorted.

    Raises:
        CalotypeError: there is no such folder, or something in it is neither an image nor to be ignored.
    """
    if not folder.is_dir():
        raise CalotypeError(f"folder: {folder}: there is no such folder.", "paths start from the working directory.")
    home, found, others = folder.resolve(), [], []
    table = folder / dataset.table.file if dataset.table else None
    for file in sorted(files_below(folder, dataset.ignore)):
        path, name = Path(file), Path(os.path.relpath(file, folder)).as_posix()
        if path == table:
            continue
        # Control characters, ends of lines, and bytes that are no text. Joiners, which some scripts need, are allowed.
        if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name):
            raise CalotypeError(f"{folder}: the name {name!r} has signs that cannot be printed.", "rename it.")
        if path.suffix.lower() not in SUFFIXES:
            others.append(name)
        elif not path.resolve().is_relative_to(home):
            raise CalotypeError(f"{file}: a link to {path.resolve()}, outside {folder}.", "copy the image into it.")
        else:
            found.append(name)
    if others:
        raise CalotypeError(
            f"{folder}: neither images ({', '.join(SUFFIXES)}) nor to be ignored:{_several(others)}",
            "move them away, or list them under `ignore`, as in `ignore: ['*.txt']`.",
        )
    if not found:
        raise CalotypeError(f"{folder}: there are no images ({', '.join(SUFFIXES)}).", "see `folder`.")
    return found


def _by_folder(folder: Path, dataset: ImagesDataset) -> pd.DataFrame:
    """The images of classes that have a folder each: path, label (its name), and split where splits have folders.

    Raises:
        CalotypeError: as `_images`, or an image is in no class's folder, or a class or a split has none.
    """
    splits = {split.folder: name for name, split in dataset.splits.items() if split.folder is not None}
    classes = {unicodedata.normalize("NFC", name): name for name in dataset.classes}
    rows: list[tuple[str, str, str]] = []
    strangers: dict[str, list[str]] = {}
    for path in _images(folder, dataset):
        above = path.split("/")[:-1]
        where = "/".join(above[: 1 + bool(splits)])
        split = splits.get(above[0]) if splits and above else LEFT
        # Two ways to write the same letters: some file systems change the one into the other.
        label = unicodedata.normalize("NFC", where.split("/")[-1])
        if label not in classes or split is None or len(above) < 1 + bool(splits):
            strangers.setdefault(where, []).append(path)
        else:
            rows.append((path, classes[label], split))
    if strangers:
        named = [
            f"{where or '(beside the folders)'}: {len(paths)} image(s), such as {paths[0]}"
            for where, paths in strangers.items()
        ]
        wrong = next((where.split("/")[-1] for where in strangers if where), "")
        raise CalotypeError(
            f"{folder}: in no folder of a class"
            + (f" in a folder of a split ({', '.join(splits)})" if splits else "")
            + f":{_several(named)}",
            did_you_mean(wrong, dataset.classes) or "see `classes`.",
        )
    return pd.DataFrame(rows, columns=["path", "label", "split"])


def _by_table(folder: Path, dataset: ImagesDataset, table: ImageTable) -> pd.DataFrame:
    """The images that a table names: path, label, split, weight and group as it has them.

    Raises:
        CalotypeError: it cannot be read, lacks a column, names an image twice or one that is not there; or images are
            there that it does not name.
    """
    file = folder / table.file
    lines = _read_table(file, table)
    there = _images(folder, dataset)
    written = {unicodedata.normalize("NFC", path): path for path in there}
    rows: list[tuple[Any, ...]] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    for line, raw, *entry in lines.itertuples():
        raw = raw.strip()
        path = unicodedata.normalize("NFC", os.path.normpath(raw).replace(os.sep, "/"))
        if not raw or os.path.isabs(raw) or path.startswith(".."):
            problems.append(f"line {line}: {raw!r} does not lie in {folder}")
        elif path not in written:
            # To look for the nearest name takes a moment, which a hundred thousand wrong lines would each take.
            hint = (did_you_mean(path, there[:2000]) or "") if len(problems) < SHOWN else ""
            shown = path if path.isprintable() else repr(path)
            problems.append(f"line {line}: there is no image {shown}" + f" ({hint})" * hint.startswith("did"))
        elif path in seen:
            problems.append(f"line {line}: {path} stands in line {seen[path]} already")
        else:
            rows.append((written[path], *entry))
        seen.setdefault(path, line)
    if problems:
        raise CalotypeError(f"{file}:{_several(problems)}", "paths start from `folder`; each image has one line.")
    found = pd.DataFrame(rows, columns=lines.columns)
    if (unnamed := sorted({*there} - {*found.path})) and dataset.unlabelled == "refuse":
        raise CalotypeError(
            f"{file}: names no label of {len(unnamed)} image(s) in {folder}:{_several(unnamed)}",
            "add them, move them away, or set `unlabelled: ignore`.",
        )
    if unnamed:
        logger.warning("%d image(s) without a label are left out, such as %s", len(unnamed), unnamed[0])
    return found


def _read_table(file: Path, table: ImageTable) -> pd.DataFrame:
    """The columns of a table that the config names, as text; the index says in which line of the file each stands.

    Raises:
        CalotypeError: the file cannot be read as a table, is empty, lacks a column, or has a line of another length.
    """
    separator = "\t" if file.suffix.lower() == ".tsv" else ","
    try:
        text = io.StringIO(file.read_bytes().decode("utf-8-sig"), newline="")
        # Not by pandas: it fills short lines up, and takes the first field of long ones for their names.
        reader = csv.reader(text, delimiter=separator, skipinitialspace=True, strict=True)
        lines = [(reader.line_num, fields) for fields in reader if any(fields)]
    except FileNotFoundError:
        raise CalotypeError(f"table.file: {file}: there is no such file.", "its path starts from `folder`.") from None
    except OSError as error:
        raise CalotypeError(f"table.file: {file}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CalotypeError(f"{file}: not UTF-8 text.", "save it as CSV in UTF-8.") from None
    except csv.Error as error:
        raise CalotypeError(f"{file}, line {reader.line_num}: not a table: {error}.", "see its quotes.") from None
    if not lines:
        raise CalotypeError(f"{file}: not a table: nothing stands in it.")
    (_, header), *lines = lines
    for line, fields in lines:
        if len(fields) != len(header):
            raise CalotypeError(
                f"{file}, line {line}: not a table: {len(fields)} fields instead of {len(header)}.",
                "put quotes around what has the separator in it.",
            )
    columns = {"path": "image", "label": "label", "split": "split", "weight": "weight", "group": "group"}
    wanted = {name: getattr(table, key) for name, key in columns.items() if getattr(table, key) is not None}
    for name, column in wanted.items():
        if column not in header:
            parted = "tabs" if separator == "\t" else "commas"
            one = f"its columns are not parted by {parted}." if len(header) == 1 else None
            raise CalotypeError(
                f"{file}: has no column `{column}` (table.{columns[name]}).", one or did_you_mean(column, header)
            )
        if header.count(column) > 1:
            raise CalotypeError(f"{file}: the column `{column}` stands there twice.")
    if not lines:
        raise CalotypeError(f"{file}: has no lines.")
    places = {name: header.index(column) for name, column in wanted.items()}
    found = {name: [fields[place] for _, fields in lines] for name, place in places.items()}
    return pd.DataFrame(found, index=[line for line, _ in lines])


# ---- Labels, weights, splits -----------------------------------------------------------------------------------------


def _numbered(found: pd.DataFrame, dataset: ImagesDataset, file: Path) -> pd.DataFrame:
    """Labels and weights as numbers: classes count from 0, in the config's order.

    Raises:
        CalotypeError: a label is no class, or no number; a weight is no number, or negative.
    """
    problems = []
    if dataset.labels == "classes":
        known = {unicodedata.normalize("NFC", name): place for place, name in enumerate(dataset.classes)}
        labels = found.label.map(lambda label: known.get(unicodedata.normalize("NFC", label)))
        for path, label in found.loc[labels.isna(), ["path", "label"]].itertuples(index=False):
            problems.append(f"{path}: the label {label!r} is no class" + (" (it is empty)" if not label else ""))
        if problems:
            strange = str(found.loc[labels.isna(), "label"].iloc[0])
            raise CalotypeError(f"{file}:{_several(problems)}", did_you_mean(strange, dataset.classes))
        held = {*labels}
        if absent := [name for place, name in enumerate(dataset.classes) if place not in held]:
            raise CalotypeError(f"{file}: no image of: {', '.join(absent)}.", "see `classes`.")
        found = found.assign(label=labels.astype(np.int64))
    else:
        numbers = _numbers(found, "label", file)
        if dataset.labels == "counts":
            wrong = found[(numbers < 0) | (numbers % 1 != 0) | (numbers > MOST)]
            if len(wrong):
                problems = [f"{path}: {text!r}" for path, text in wrong[["path", "label"]].itertuples(index=False)]
                raise CalotypeError(
                    f"{file}: not a whole number from 0 to {MOST:,}:{_several(problems)}", "see `labels`."
                )
            numbers = numbers.astype(np.int64)
        found = found.assign(label=numbers)
    if "weight" in found:
        weights = _numbers(found, "weight", file)
        if (weights < 0).any():
            raise CalotypeError(f"{file}: {found.path[weights < 0].iloc[0]}: the weight is negative.")
        if not weights.any():
            raise CalotypeError(f"{file}: all weights are 0.", "see table.weight.")
        found = found.assign(weight=weights)
    return found


def _numbers(found: pd.DataFrame, column: str, file: Path) -> "pd.Series[float]":
    numbers = pd.to_numeric(found[column], errors="coerce").astype(np.float64)
    wrong = found[~(numbers.abs() <= np.finfo(np.float32).max)]  # what a training computes with; NaN is no less
    if len(wrong):
        problems = [
            f"{path}: {text!r} is not a number" for path, text in wrong[["path", column]].itertuples(index=False)
        ]
        raise CalotypeError(f"{file}: {column}:{_several(problems)}")
    return numbers


def _dealt(found: pd.DataFrame, dataset: ImagesDataset, where: Path) -> pd.DataFrame:
    """Give each image its split.

    Raises:
        CalotypeError: the table names a split that the config does not, or a split has no images.
    """
    groups = _groups(found, dataset.random.group_pattern)
    if groups is not None:
        found = found.assign(group=groups)
    values = {split.value: name for name, split in dataset.splits.items() if split.value is not None}
    shares = {name: split.share for name, split in dataset.splits.items() if split.share is not None}
    if values:
        splits = found.split.map(values)
        if splits.isna().any():
            strange = sorted({*found.split[splits.isna()]})
            lost = int(splits.isna().sum())
            logger.warning(
                "%d image(s) are in no split: the table says %s", lost, ", ".join(map(repr, strange[:SHOWN]))
            )
        found = found.assign(split=splits.fillna(LEFT))
    elif shares:
        random = dataset.random
        strata = found.label.tolist() if random.stratify and dataset.labels == "classes" else None
        if groups is None:
            found = found.assign(split=deal(len(found), shares, random.seed, strata))
        else:
            found = found.assign(split=deal_groups(groups, shares, random.seed, strata))
        if left := int((found.split == LEFT).sum()):
            logger.warning("%d image(s) are in no split: the shares are not 1 in all", left)
    for name in dataset.splits:
        labels = {*found.label[found.split == name]}
        if not labels:
            raise CalotypeError(f"{where}: the split `{name}` has no images.", "see `splits`.")
        if absent := [known for place, known in enumerate(dataset.classes) if place not in labels]:
            logger.warning("the split `%s` has no image of: %s", name, ", ".join(absent))
    return found


def _shuffled(found: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The images of a split, numbered from 1 by path, and in random order, those of a group one after the other.

    A variant's `validation_split` takes the last of the training images: by name they would be those of the last class.
    """
    found = found.assign(number=np.arange(1, len(found) + 1))
    rng = np.random.default_rng([seed, 0, 1])  # other numbers than those that deal
    order = rng.permutation(len(found))
    if "group" in found and len(found):
        groups = pd.factorize(found.group)[0]
        order = order[np.argsort(rng.permutation(groups.max() + 1)[groups[order]], kind="stable")]
    return found.iloc[order].reset_index(drop=True)


def _groups(found: pd.DataFrame, pattern: str | None) -> list[str] | None:
    """The group of each image, by the table or by a pattern; None where there are none.

    Raises:
        CalotypeError: an image has none.
    """
    if pattern is None:
        if "group" not in found:
            return None
        if without := found.path[found.group.str.strip() == ""].tolist():
            raise CalotypeError(f"table.group: nothing stands there for:{_several(without)}")
        return list(found.group)
    matches = [re.search(pattern, path) for path in found.path]
    without = [path for path, match in zip(found.path, matches, strict=True) if match is None or not match[1]]
    if without:
        raise CalotypeError(f"random.group_pattern: finds nothing in:{_several(without)}")
    return [match[1] for match in matches if match is not None]


def _described(folder: Path, found: pd.DataFrame, dataset: ImagesDataset) -> pd.DataFrame:
    """Read every image, so that a broken one is found now: size, channels, bits and checksums.

    Raises:
        CalotypeError: some cannot be read; all are named.
    """
    rows, problems, hints = [], [], []
    for path in found.path:
        try:
            picture = read_picture(folder / path, alpha=dataset.alpha, name=path)
        except CalotypeError as error:
            problem, _, hint = str(error).partition("\nHint: ")
            problems.append(problem)
            hints.append(hint)
            continue
        height, width, channels = picture.pixels.shape
        bits = 8 * picture.pixels.dtype.itemsize
        rows.append((height, width, channels, bits, picture.sha256, picture.digest))
    if problems:
        hint = hints[0] if len({*hints}) == 1 else f"of the first: {hints[0]}"
        raise CalotypeError(f"{folder}: {len(problems)} image(s) cannot be used:{_several(problems)}", hint)
    return found.assign(**dict(zip(COLUMNS[6:], zip(*rows, strict=True), strict=True)))


def _check_sides(found: pd.DataFrame, dataset: ImagesDataset, where: Path) -> None:
    """See that no two splits have an image, or a group, in common.

    Raises:
        CalotypeError: they have; the images are listed.
    """
    used = found[found.split != LEFT]
    if "group" in used:
        parted = used.groupby("group").split.nunique()
        if (parted > 1).any():
            names = [
                f"{name}: in {', '.join(sorted({*used.split[used.group == name]}))}"
                for name in parted.index[parted > 1]
            ]
            raise CalotypeError(f"{where}: groups on both sides of a split:{_several(names)}", "see table.group.")
    same = used[used.duplicated("pixels", keep=False)]
    pairs = []
    for _, group in same.groupby("pixels", sort=False):
        first = group.iloc[0]
        pairs += [
            f"{first.path} ({first.split}) = {other.path} ({other.split})"
            for other in group.iloc[1:].itertuples()
            if other.split != first.split
        ]
    if pairs and not dataset.allow_duplicates:
        raise CalotypeError(
            f"{where}: {len(pairs)} image(s) have the same pixels as one of another split:{_several(pairs)}",
            "delete one of each; or set `allow_duplicates: true`, if test results may be too good.",
        )
    within = int(used.duplicated(["pixels", "split"]).sum())
    if within:
        logger.warning("%d image(s) are twice in their split", within)
    labels = same.groupby("pixels").label.nunique()
    if (labels > 1).any():
        example = same[same.pixels == labels.index[labels > 1][0]]
        logger.warning(
            "%d image(s) stand there under different labels, such as %s",
            int((labels > 1).sum()),
            " and ".join(example.path),
        )


def write_catalogue(dataset: ImagesDataset, table_file: Path, manifest_file: Path) -> None:
    """Find all images of a dataset, read each, and write down its label and its split.

    The table has a line for each image, split by split in random order: number (in its split, from 1), path, label,
    split (empty: in none), weight, group, height, width, channels, bits, sha256 (of the file), pixels (SHA-256 of the
    pixels). The manifest holds the SHA-256 of the table: later stages are computed again when that changes, not when a
    time stamp does.

    Raises:
        CalotypeError: an image or a label is missing, broken or unknown, or stands on both sides of a split.
    """
    folder = Path(dataset.folder)
    where = folder / dataset.table.file if dataset.table else folder
    found = _by_table(folder, dataset, dataset.table) if dataset.table else _by_folder(folder, dataset)
    found = _dealt(_numbered(found, dataset, where), dataset, where)
    found = _described(folder, found, dataset)
    _check_sides(found, dataset, where)
    # Split by split, so that an image more in one changes no other.
    parts = [_shuffled(found[found.split == name], dataset.random.seed) for name in (*dataset.splits, LEFT)]
    found = pd.concat(parts, ignore_index=True)
    found = found[[column for column in COLUMNS if column in found]]
    write_csv(found, table_file)
    manifest = {
        "sha256": hashlib.sha256(table_file.read_bytes()).hexdigest(),
        "images": found.split.value_counts().reindex([*dataset.splits]).to_dict(),
        "left": int((found.split == LEFT).sum()),
    }
    write_text(json.dumps(manifest, indent=1) + "\n", manifest_file)
