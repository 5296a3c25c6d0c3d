"""Shared by catalogues of files and of arrays: labels and weights as numbers, random splits, checks."""

import logging
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_never

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.config.dataset_user import UserDataset
from calotype.data.random_split import LEFT, split_groups, split_images
from calotype.tasks.labels import LARGEST_COUNT
from calotype.util.entry_point import log_list
from calotype.util.errors import CalotypeError, did_you_mean

logger = logging.getLogger(__name__)

SHOWN = 5  # problems of a list in an error


def spelled(text: str) -> str:
    """Return a text in one Unicode form: Unicode may spell the same letters in two ways, and file systems change it."""
    return unicodedata.normalize("NFC", text)


def several(problems: list[str]) -> str:
    """Return the first problems, a line each, and the number of the others; log all of them."""
    more = []
    if len(problems) > SHOWN:
        file = log_list(problems)
        more = [f"and {len(problems) - SHOWN} more" + (f" ({file} lists all)" if file else "")]
    return "\n  ".join(["", *problems[:SHOWN], *more])


def image_names(found: pd.DataFrame) -> "pd.Series[str]":
    """Return the names of images in errors: the path of a file, or an array with the index in it."""
    return found.path + ", image " + found.number.astype(str) if "number" in found else found.path


def numbered(found: pd.DataFrame, dataset: UserDataset, where: Path) -> pd.DataFrame:
    """Convert labels and weights to numbers: classes count from 0, in the config's order.

    Args:
        found: columns path, label (text, or numbers of an array), and weight if there is one.
        where: file or folder, for errors.
    """
    names = image_names(found)
    match dataset.labels:
        case "classes":
            found = found.assign(label=_classes(found.label, names, dataset.classes, where))
        case "counts":
            found = found.assign(label=_counts(found.label, names, where))
        case "numbers":
            found = found.assign(label=_numbers(found.label, names, where, "label"))
        case kind:
            assert_never(kind)
    if "weight" in found:
        weights = _numbers(found.weight, names, where, "weight")
        if (weights < 0).any():
            problem = f"{where}: {names[weights < 0].iloc[0]}: the weight is negative."
            raise CalotypeError(problem, "weights must be 0 or more.")
        if not weights.any():
            raise CalotypeError(f"{where}: all weights are 0.", "name another column or array, or none.")
        found = found.assign(weight=weights)
    return found


def _classes(labels: "pd.Series[Any]", names: "pd.Series[str]", classes: list[str], where: Path) -> NDArray[np.int64]:
    if pd.api.types.is_numeric_dtype(labels):
        values = _numbers(labels, names, where, "label")
        places = values.where((values % 1 == 0) & (values >= 0) & (values < len(classes)))
        said, hint = f"not one of the {len(classes)} classes, 0 to {len(classes) - 1}", "see `classes`."
    else:
        known = {spelled(name): place for place, name in enumerate(classes)}
        places = labels.map(lambda label: known.get(spelled(label)))
        said, hint = "not a class", None
    if (wrong := places.isna()).any():
        problems = [
            f"{name}: the label {label!r} is {said}" + (" (it is empty)" if label == "" else "")
            for name, label in zip(names[wrong], labels[wrong].tolist(), strict=True)
        ]
        raise CalotypeError(f"{where}:{several(problems)}", hint or did_you_mean(str(labels[wrong].iloc[0]), classes))
    held = {*places}
    if absent := [name for place, name in enumerate(classes) if place not in held]:
        raise CalotypeError(f"{where}: no image of: {', '.join(absent)}.", "see `classes`.")
    return places.to_numpy(np.int64)


def _counts(labels: "pd.Series[Any]", names: "pd.Series[str]", where: Path) -> NDArray[np.int64]:
    numbers = _numbers(labels, names, where, "label")
    wrong = (numbers < 0) | (numbers > LARGEST_COUNT) | (numbers % 1 != 0)
    if wrong.any():
        problems = [f"{name}: {label!r}" for name, label in zip(names[wrong], labels[wrong].tolist(), strict=True)]
        raise CalotypeError(
            f"{where}: not a whole number from 0 to {LARGEST_COUNT}:{several(problems)}",
            "`labels: numbers` (task regress) takes any number.",
        )
    if numbers.min() == numbers.max():
        raise CalotypeError(
            f"{where}: every count is {numbers.min():g}; a model cannot learn from one count.", "see `labels`."
        )
    return numbers.to_numpy(np.int64)


def as_numbers(values: "pd.Series[Any]") -> "pd.Series[float]":
    """Convert labels or weights to numbers; NaN replaces those that are no finite number of float32."""
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    return numbers.where(numbers.abs() <= np.finfo(np.float32).max)


def _numbers(values: "pd.Series[Any]", names: "pd.Series[str]", where: Path, column: str) -> "pd.Series[float]":
    numbers = as_numbers(values)
    wrong = numbers.isna()
    if wrong.any():
        problems = [
            f"{name}: {value!r} is not a number"
            for name, value in zip(names[wrong], values[wrong].tolist(), strict=True)
        ]
        raise CalotypeError(
            f"{where}: {column}:{several(problems)}", "write numbers as 0.5 or 1000, without commas and units."
        )
    return numbers


def split_at_random(found: pd.DataFrame, shares: Mapping[str, float], dataset: UserDataset) -> NDArray[np.object_]:
    """Split images at random by the shares of splits and the dataset's `random`; groups stay whole."""
    strata = found.label.tolist() if dataset.random.stratify and dataset.labels == "classes" else None
    if "group" in found:
        splits = split_groups(found.group.tolist(), shares, dataset.random.seed, strata)
    else:
        splits = split_images(len(found), shares, dataset.random.seed, strata)
    if left := int((splits == LEFT).sum()):
        logger.warning("%d image(s) are in no split: the shares sum to less than 1", left)
    return splits


def check_splits(found: pd.DataFrame, dataset: UserDataset, where: Path) -> None:
    """Raise CalotypeError for a split without images, or a group in two splits; warn of a split that lacks a class."""
    for name in dataset.splits:
        labels = {*found.label[found.split == name]}
        if not labels:
            few = f"each of the {found.group.nunique()} groups stays in one split; " if "group" in found else ""
            raise CalotypeError(f"{where}: the split `{name}` has no images.", f"{few}see `splits`.")
        if absent := [known for place, known in enumerate(dataset.classes) if place not in labels]:
            logger.warning("the split `%s` has no image of: %s", name, ", ".join(absent))
    used = found[found.split != LEFT]
    if "group" in used:
        parted = used.groupby("group").split.nunique()
        names = [
            f"{name}: in {', '.join(sorted({*used.split[used.group == name]}))}" for name in parted.index[parted > 1]
        ]
        if names:
            raise CalotypeError(f"{where}: groups in more than one split:{several(names)}", "see table.group.")
