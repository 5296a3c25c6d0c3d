"""What the figures over all images of a split start from: the true labels, and what every variant predicted."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calotype.evaluation.divergence import diverged, diverged_runs, leave_out
from calotype.evaluation.predictions import Labels, read_predictions
from calotype.util.csv_tables import read_csv

# By what a variant is called: labels, shape (images,), and predictions, shape (seeds, images, ...).
Predicted = dict[str, tuple[Labels, NDArray[np.float32]]]


def predicted(
    predictions: str,
    histories: Iterable[str],
    array: str,  # noqa: ARG001
    *,
    split: str,
    variants: Sequence[str],
    seeds: Mapping[str, int],
    labels: Mapping[str, str],
) -> tuple[Predicted, dict[str, int]]:
    """Read what every variant of a study predicted on a split; seeds that diverged are left out.

    Args:
        predictions, histories: files of all packs of the study, in the same order.
        array: the prepared split.
        split: its name.
        variants: the variant of each pack.
        seeds: the number of seeds of each variant.
        labels: what figures call each variant.

    Returns:
        Labels and predictions of each variant, by what it is called (a variant that was tested on fewer images has the
        first labels); and likewise the number of its seeds that diverged.

    Raises:
        CalotypeError: a file cannot be read, or predictions of a seed are missing.
    """
    lost = diverged_runs(map(read_csv, histories), variants, seeds)
    read = read_predictions(Path(predictions))
    found = leave_out({variant: {split: values} for variant, values in read.variants.items()}, lost)
    true = read.labels
    runs = {label: found[variant][split] for variant, label in labels.items()}
    numbers = {label: len(lost[variant]) for variant, label in labels.items()}
    return {label: (true[: run.shape[1]], run) for label, run in runs.items()}, numbers


def first_seeds(
    predictions: str,
    histories: Sequence[str],
    *,
    split: str,  # noqa: ARG001
    variants: Sequence[str],
) -> Iterator[tuple[str, NDArray[np.float32], int | None]]:
    """Read what the first seed of every variant of a study predicted on a split.

    Args:
        predictions, histories: files of the pack with seed 0 of each variant.
        split: its name.
        variants: in the order of the files.

    Yields:
        The variant, its predictions, shape (images, ...), and the epoch in which the seed diverged, if it did.

    Raises:
        CalotypeError: a file cannot be read.
    """
    read = read_predictions(Path(predictions))
    for variant, history in zip(variants, histories, strict=True):
        yield variant, read.variants[variant][0], diverged(read_csv(history)).get(0)
