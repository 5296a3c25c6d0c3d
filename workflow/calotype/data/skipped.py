"""Images that a catalogue leaves out at the user's request: copies, and images that cannot be used."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from calotype.config.dataset_base import DUPLICATE
from calotype.config.dataset_user import UserDataset
from calotype.data.catalogue_common import image_names
from calotype.data.random_split import LEFT
from calotype.util.errors import CalotypeError

OTHER_LABEL = ", which has another label"  # ends the reason of some copies


class Listing(NamedTuple):
    """The images of a catalogue, and the images that it leaves out."""

    found: pd.DataFrame
    skipped: list[tuple[str, str]]  # image and reason


def without_copies(found: pd.DataFrame, dataset: UserDataset) -> Listing:
    """Keep the first of the images with the same pixels if the dataset says so; images in no split come last.

    Args:
        found: columns path, label, split and pixels, and number for arrays; in the order of the paths.
    """
    if dataset.duplicates != "keep_first":
        return Listing(found, [])
    ordered = found.assign(name=image_names(found), left=found.split == LEFT).sort_values("left", kind="stable")
    first = ordered.groupby("pixels", sort=False)[["name", "label"]].transform("first")
    copies = ordered.duplicated("pixels")
    skipped = {
        name: f"{DUPLICATE}{kept}" + ("" if label == kept_label else OTHER_LABEL)
        for name, label, kept, kept_label in zip(
            ordered.name[copies], ordered.label[copies], first.name[copies], first.label[copies], strict=True
        )
    }
    return Listing(found[~copies.sort_index()].reset_index(drop=True), sorted(skipped.items()))


def check_classes(found: pd.DataFrame, dataset: UserDataset, where: Path) -> None:
    """Raise CalotypeError if a class has no image left."""
    left = {*found.label}
    if absent := [name for place, name in enumerate(dataset.classes) if place not in left]:
        raise CalotypeError(
            f"{where}: all images were skipped of: {', '.join(absent)}.",
            "the log lists them; replace them, or remove these names from `classes`.",
        )
    if not len(found):
        raise CalotypeError(f"{where}: all images were skipped.", "the log lists them; replace them.")
