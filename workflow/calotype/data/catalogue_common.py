"""What catalogues of files and of arrays have in common: labels and weights as numbers, images dealt out at random."""

import logging
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_never

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.config.dataset_user import OwnDataset
from calotype.data.random_split import LEFT, deal, deal_groups
from calotype.tasks.labels import LARGEST_COUNT
from calotype.util.errors import CalotypeError, did_you_mean

logger = logging.getLogger(__name__)

SHOWN = 5  # of a list of mistakes


def several(problems: list[str]) -> str:
    """The first of some lines, and how many more there are."""
    if len(problems) > SHOWN:
        logger.debug("All of them:\n  %s", "\n  ".join(problems))
    more = [f"and {len(problems) - SHOWN} more (the log has them all)"] * (len(problems) > SHOWN)
    return "\n  ".join(["", *problems[:SHOWN], *more])


def image_names(found: pd.DataFrame) -> "pd.Series[str]":
    """How errors call images: a file by its path, one of an array by the array and its place in it."""
    return found.path + ", image " + found.number.astype(str) if "number" in found else found.path


def numbered(found: pd.DataFrame, dataset: OwnDataset, where: Path) -> pd.DataFrame:
    """Labels and weights as numbers: classes count from 0, in the config's order.

    Args:
        found: columns path, label (text, or numbers of an array), and weight where there is one.

    Raises:
        CalotypeError: a label is no class, no count, or no number; a weight is no number, or negative.
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
            raise CalotypeError(f"{where}: {names[weights < 0].iloc[0]}: the weight is negative.")
        if not weights.any():
            raise CalotypeError(f"{where}: all weights are 0.", "name another, or none.")
        found = found.assign(weight=weights)
    return found


def _classes(labels: "pd.Series[Any]", names: "pd.Series[str]", classes: list[str], where: Path) -> NDArray[np.int64]:
    if pd.api.types.is_numeric_dtype(labels):
        values = _numbers(labels, names, where, "label")
        places = values.where((values % 1 == 0) & (values >= 0) & (values < len(classes)))
        said, hint = f"not one of the {len(classes)} classes, 0 to {len(classes) - 1}", "see `classes`."
    else:
        # Two ways to write the same letters, as in names of folders.
        known = {unicodedata.normalize("NFC", name): place for place, name in enumerate(classes)}
        places = labels.map(lambda label: known.get(unicodedata.normalize("NFC", label)))
        said, hint = "no class", None
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
        raise CalotypeError(f"{where}: every count is {numbers.min():g}: there is nothing to learn.", "see `labels`.")
    return numbers.to_numpy(np.int64)


def _numbers(values: "pd.Series[Any]", names: "pd.Series[str]", where: Path, column: str) -> "pd.Series[float]":
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    wrong = ~(numbers.abs() <= np.finfo(np.float32).max)  # what a training computes with; NaN is no less
    if wrong.any():
        problems = [
            f"{name}: {value!r} is not a number"
            for name, value in zip(names[wrong], values[wrong].tolist(), strict=True)
        ]
        raise CalotypeError(f"{where}: {column}:{several(problems)}")
    return numbers


def dealt(found: pd.DataFrame, shares: Mapping[str, float], dataset: OwnDataset) -> NDArray[np.object_]:
    """The split of each image, dealt out at random as the dataset says; `LEFT` for those that no share takes.

    Args:
        found: columns label, as a number, and group where there are groups: these are not parted.
        shares: of each split.
        dataset: with a seed, and whether every split gets the same part of each class.
    """
    strata = found.label.tolist() if dataset.random.stratify and dataset.labels == "classes" else None
    if "group" in found:
        splits = deal_groups(found.group.tolist(), shares, dataset.random.seed, strata)
    else:
        splits = deal(len(found), shares, dataset.random.seed, strata)
    if left := int((splits == LEFT).sum()):
        logger.warning("%d image(s) are in no split: the shares are not 1 in all", left)
    return splits


def check_splits(found: pd.DataFrame, dataset: OwnDataset, where: Path) -> None:
    """See that every split has images, and say which classes one lacks.

    Raises:
        CalotypeError: one has none.
    """
    for name in dataset.splits:
        labels = {*found.label[found.split == name]}
        if not labels:
            raise CalotypeError(f"{where}: the split `{name}` has no images.", "see `splits`.")
        if absent := [known for place, known in enumerate(dataset.classes) if place not in labels]:
            logger.warning("the split `%s` has no image of: %s", name, ", ".join(absent))
