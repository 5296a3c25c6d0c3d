"""The predictions of all runs of a study on one test split, in one file."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calotype.util.errors import CalotypeError
from calotype.util.files import new_file

Labels = NDArray[np.int64] | NDArray[np.float64]  # counts or classes, or other numbers

LABELS, VARIANT = "labels", "variant/"  # in the file: the name of the labels, and the prefix of a variant


@dataclass(frozen=True)
class SplitPredictions:
    """The predictions of all runs of a study on one test split.

    Attributes:
        labels: true labels of all images of the split, shape (images,): int64 counts or classes, or float64 numbers.
        variants: float32 predictions of each variant, one row a seed: numbers before rounding, shape (seeds, images),
            or probabilities, shape (seeds, images, classes). A variant with fewer test images has the first ones.
    """

    labels: Labels
    variants: Mapping[str, NDArray[np.float32]]


def write_predictions(predictions: SplitPredictions, file: Path) -> None:
    """Write the predictions of a split as .npz."""
    arrays = {f"{VARIANT}{variant}": array for variant, array in predictions.variants.items()}
    with new_file(file) as aside:
        np.savez(aside, allow_pickle=False, **{LABELS: predictions.labels}, **arrays)


def read_predictions(file: Path) -> SplitPredictions:
    """Read the predictions of a split."""
    try:
        with np.load(file, allow_pickle=False) as found:
            variants = {name.removeprefix(VARIANT): found[name] for name in found.files if name != LABELS}
            return SplitPredictions(found[LABELS], variants)
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise CalotypeError(f"{file}: cannot be read: {error}.", "delete it; the next call writes it again.") from None
