"""The images of a study: their numbers, labels, checksums, source and preparation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from calotype.config.dataset_base import CATALOGUE, DUPLICATE
from calotype.data.prepared_split import open_split
from calotype.evaluation.number_format import show
from calotype.report.links import Links
from calotype.util.errors import CalotypeError
from calotype.util.files import read_json

MANY = 40  # classes of which not each number is shown


def _labels(array: Path, names: Sequence[str]) -> str:
    """Return the number of images of each label, or the range of numbers; empty if the array is not there."""
    if not array.exists():
        return ""
    labels = open_split(array, verify=False).labels
    if labels.dtype.kind == "f":
        return f"labels from {show(float(labels.min()), False)} to {show(float(labels.max()), False)}"
    found, counts = np.unique(labels, return_counts=True)
    if len(found) > MANY:
        return f"{len(found)} labels, of {counts.min():,} to {counts.max():,} images"
    shown = [names[label] if label < len(names) else str(label) for label in found]
    return ", ".join(f"{name}: {count:,}" for name, count in zip(shown, counts, strict=True))


def _split(name: str, manifest: Path, names: Sequence[str]) -> dict[str, Any]:
    try:
        found = read_json(manifest)
        size = " × ".join(map(str, (found["shape"][1], found["shape"][0], *found["shape"][2:])))
        shown = {"images": found["images"], "size": size, "sha256": found["sha256"]}
    except (OSError, ValueError, LookupError) as error:
        raise CalotypeError(f"{manifest}: cannot be read: {error}.", "delete it to prepare the split again.") from None
    return {"name": name, "labels": _labels(manifest.with_suffix(".npy"), names), **shown}


def skipped_text(file: Path) -> str:
    """Return the number of skipped images of a dataset as text."""
    reasons = pd.read_csv(file, dtype=str, keep_default_na=False).reason
    copies = int(reasons.str.startswith(DUPLICATE).sum())
    if not len(reasons):
        return "No image was skipped."
    images = "1 image was" if len(reasons) == 1 else f"{len(reasons):,} images were"
    kinds = f"{len(reasons) - copies:,} unusable, {copies:,} duplicate"
    return f"{images} skipped: {kinds}. {file} lists each with its reason."


def images_of(study: Mapping[str, Any], names: Sequence[str], links: Links) -> dict[str, Any]:
    """Return the images of a study for the template.

    Args:
        study: one of `Layout.described`.
        names: of the classes.
    """
    keys = {study["dataset"]: study["dataset_keys"]}
    catalogue = Path(next(iter(study["splits"].values()))).with_name(f"{CATALOGUE}.csv")
    return {
        "keys": yaml.safe_dump(keys, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None),
        "splits": [_split(name, Path(file), names) for name, file in study["splits"].items()],
        "files": links.there({"catalogue (CSV)": catalogue}),
    }
