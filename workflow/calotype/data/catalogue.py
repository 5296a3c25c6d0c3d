"""Write the catalogue of a user's own images: a table of all images, their labels and splits."""

import hashlib
import json
import logging
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pandas as pd

from calotype.config.dataset_base import DUPLICATE, SKIPPED
from calotype.config.dataset_user import UserDataset
from calotype.data.catalogue_common import image_names, several
from calotype.data.random_split import LEFT
from calotype.data.skipped import OTHER_LABEL
from calotype.util.errors import CalotypeError
from calotype.util.files import write_csv, write_text

logger = logging.getLogger(__name__)

COLUMNS = (
    "number", "path", "label", "split", "weight", "group", "height", "width", "channels", "bits", "largest",
    "sha256", "pixels",
)  # fmt: skip


def _shuffled(found: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the images of a split in random order, each group together; number files by path, from 1.

    A variant's `validation_split` takes the last training images: sorted by name, they would be of the last class.
    """
    if "number" not in found:  # images of an array have their index
        found = found.assign(number=np.arange(1, len(found) + 1))
    rng = np.random.default_rng([seed, 0, 1])  # other numbers than those of the random split
    order = rng.permutation(len(found))
    if "group" in found and len(found):
        groups = pd.factorize(found.group)[0]
        order = order[np.argsort(rng.permutation(groups.max() + 1)[groups[order]], kind="stable")]
    return found.iloc[order].reset_index(drop=True)


def _check_sides(found: pd.DataFrame, dataset: UserDataset, where: Path) -> None:
    """Raise CalotypeError if two splits share an image; warn of copies with another label."""
    used = found.assign(name=image_names(found))[found.split != LEFT]
    same = used[used.duplicated("pixels", keep=False)]
    labels = same.groupby("pixels").label.nunique()
    if (labels > 1).any():
        example = same[same.pixels == labels.index[labels > 1][0]].drop_duplicates("label")
        named = [dataset.classes[int(label)] if dataset.classes else f"{label:g}" for label in example.label]
        logger.warning(
            "%d image(s) occur with different labels, such as %s. Hint: decide which label is right, and delete the "
            "copies with the other one, or correct that label.",
            int((labels > 1).sum()),
            " = ".join(f"{name} ({label})" for name, label in zip(example.name, named, strict=True)),
        )
    pairs = []
    for _, group in same.groupby("pixels", sort=False):
        first = group.iloc[0]
        pairs += [
            f"{first['name']} ({first.split}) = {other.name} ({other.split})"
            for other in group.iloc[1:].itertuples()
            if other.split != first.split
        ]
    if pairs and dataset.duplicates == "refuse":
        raise CalotypeError(
            f"{where}: {len(pairs)} image(s) have the same pixels as one of another split:{several(pairs)}",
            "delete one of each; or set `duplicates: keep_first`; or set `duplicates: allow` and accept test results "
            "that may be too good.",
        )
    within = int(used.duplicated(["pixels", "split"]).sum())
    if within:
        logger.warning("%d image(s) are duplicates within their split", within)


def write_skipped(skipped: list[tuple[str, str]], file: Path) -> None:
    """Write the images that are left out, with reasons, and log their number."""
    if skipped:
        copies = sum(reason.startswith(DUPLICATE) for _, reason in skipped)
        others = sum(reason.endswith(OTHER_LABEL) for _, reason in skipped)
        words = f" ({others} with another label)" if others else ""
        logger.warning(
            "Leaving out %d image(s): %d unusable, %d duplicate(s)%s, such as %s: %s. %s lists all.",
            len(skipped), len(skipped) - copies, copies, words, skipped[0][0], skipped[0][1].rstrip("."), file,
        )  # fmt: skip
    write_csv(pd.DataFrame(skipped, columns=["path", "reason"], dtype=object), file)


def write_catalogue(dataset: UserDataset, table_file: Path, manifest_file: Path, threads: int = 1) -> None:
    """Find and read all images of a dataset, and write a table of their labels and splits.

    The table has a line for each image, split by split in random order: number (of a file, from 1 in its split by path;
    in an array, its index, from 0), path (of the file, or name of the array), label, split (empty: in none),
    weight, group, height, width, channels, bits, largest (pixel value), sha256 (of the file), pixels (their SHA-256).
    The manifest holds the SHA-256 of the table, on which later stages depend. skipped.csv, beside the table, lists the
    images that the dataset leaves out, with reasons.
    """
    found, skipped = resolve_name(dataset.lister)(dataset, threads)
    _check_sides(found, dataset, Path(dataset.folder, dataset.named().get("table.file", "")))
    # Split by split: a further image in one changes no other.
    parts = [_shuffled(found[found.split == name], dataset.random.seed) for name in (*dataset.splits, LEFT)]
    found = pd.concat(parts, ignore_index=True)
    found = found[[column for column in COLUMNS if column in found]]
    write_skipped(skipped, table_file.with_name(f"{SKIPPED}.csv"))
    write_csv(found, table_file)
    manifest = {
        "sha256": hashlib.sha256(table_file.read_bytes()).hexdigest(),
        "images": found.split.value_counts().reindex([*dataset.splits]).to_dict(),
        "left": int((found.split == LEFT).sum()),
    }
    write_text(json.dumps(manifest, indent=1) + "\n", manifest_file)
