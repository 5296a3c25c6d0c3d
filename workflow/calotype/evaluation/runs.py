"""The runs of a study, and the metrics of each."""

import math
import zipfile
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.config.metric_names import offered
from calotype.evaluation.metrics import Labels, binary_metrics, calibration, class_balance, number_metrics, ranks
from calotype.util.errors import CalotypeError

# By variant and test split: shape (seeds, images) for counts and other numbers, (seeds, images, classes) for
# probabilities.
Predictions = dict[str, dict[str, NDArray[np.float32]]]

SMALLEST_PROBABILITY = float(np.finfo(np.float32).eps)  # the log loss of a certain mistake stays finite


@dataclass(frozen=True)
class SeedPredictions:
    """What one run said about one test split.

    Attributes:
        labels: true counts, classes or other numbers, shape (images,).
        predictions: predicted numbers, counts before rounding, shape (images,), or probabilities, shape (images,
            classes).
        diverged: whether its training diverged.
    """

    variant: str
    seed: int
    split: str
    labels: Labels
    predictions: NDArray[np.float32]
    diverged: bool = False


def read_predictions(files: Sequence[Path], variants: Sequence[str], seeds: Mapping[str, int]) -> Predictions:
    """Read the predictions of all packs of a study.

    Args:
        files: predictions.npz of each pack, of the packs of a variant in the order of their seeds.
        variants: the variant of each file.
        seeds: how many seeds are asked for, by variant; a pack may hold more.

    Returns:
        By variant and test split: predictions of shape (seeds, images) or (seeds, images, classes).

    Raises:
        CalotypeError: a file cannot be read.
    """
    parts: dict[str, dict[str, list[NDArray[np.float32]]]] = {}
    for file, variant in zip(files, variants, strict=True):
        try:
            with np.load(file, allow_pickle=False) as found:
                for split in found.files:
                    parts.setdefault(variant, {}).setdefault(split, []).append(found[split])
        except (OSError, EOFError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise CalotypeError(
                f"{file}: cannot be read: {error}.", "delete it to have its pack trained again."
            ) from None
    return {
        variant: {split: np.concatenate(arrays)[: seeds[variant]] for split, arrays in splits.items()}
        for variant, splits in parts.items()
    }


def seed_predictions(
    predictions: Predictions, labels: Mapping[str, Labels], lost: Mapping[str, Container[int]] | None = None
) -> Iterator[SeedPredictions]:
    """Go through predictions run by run and split by split.

    Args:
        predictions: as `read_predictions` gives them.
        labels: true labels of each split, shape (images,); a variant may have been tested on the first ones only.
        lost: the seeds that diverged, by variant, as `diverged_runs` gives them; None for none.
    """
    for variant, splits in predictions.items():
        gone = (lost or {}).get(variant, ())
        for split, values in splits.items():
            for seed, row in enumerate(values):
                yield SeedPredictions(variant, seed, split, labels[split][: len(row)], row, seed in gone)


def rounded(predictions: NDArray[np.float32]) -> NDArray[np.float64]:
    """Predicted counts: the nearest whole number, the even one of two. What is not finite stays so."""
    return np.rint(predictions.astype(np.float64)) + 0.0  # -0 becomes 0


def count_metrics(labels: Labels, predictions: NDArray[np.float32]) -> dict[str, float]:
    """The metrics of task `count` on one split.

    Args:
        labels: true counts, shape (images,).
        predictions: predicted counts before rounding, shape (images,).

    Returns:
        Value by name, as in `metrics.TASK_METRICS`. Errors, their squares and R² are of the unrounded prediction.
    """
    counts = rounded(predictions)
    errors = predictions.astype(np.float64) - labels
    return {
        "exact": float(np.mean(counts == labels)),
        # "not at most one" rather than "more than one": true of what is not a number, too
        "off_by_more_than_one": float(np.mean(~(np.abs(counts - labels) <= 1))),
        "sum_of_squared_errors": float(np.sum(errors**2)),
        **number_metrics(labels, predictions),
    }


def classified(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """The most probable class, shape (..., images); NaN where a probability is not finite (a training diverged)."""
    found = probabilities.argmax(axis=-1).astype(np.float64)
    return np.where(np.isfinite(probabilities).all(axis=-1), found, np.nan)


def class_metrics(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> dict[str, float]:
    """The metrics of task `classify` on one split.

    Args:
        labels: true classes, shape (images,).
        probabilities: shape (images, classes).

    Returns:
        Value by name, as in `metrics.offered`. The log loss is the mean of the negative natural logarithm of the true
        class's probability. Where a probability is not finite, the image is wrong, and what weighs or ranks the
        probabilities of all images is NaN.
    """
    predicted, classes = classified(probabilities), probabilities.shape[1]
    accuracy = float(np.mean(predicted == labels))
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    places, bins = ranks(labels, probabilities), calibration(labels, probabilities)
    balanced, f1 = class_balance(labels, predicted)
    found = {
        "accuracy": accuracy,
        "error": 1 - accuracy,
        "log_loss": float(np.mean(-np.log(np.maximum(true, SMALLEST_PROBABILITY)))),
        "top_3": float(np.mean(places < 3)),
        "top_5": float(np.mean(places < 5)),
        "balanced_accuracy": balanced,
        "macro_f1": f1,
        "expected_calibration_error": bins.error if bins else math.nan,
        **(binary_metrics(labels, probabilities) if classes == 2 else {}),
    }
    return {name: found[name] for name in offered("classify", classes)}


def decided(predictions: NDArray[np.float32], task: str) -> NDArray[np.float64]:
    """What predictions of counts or classes come down to: rounded counts, or the most probable classes.

    Args:
        predictions: shape (..., images) for counts, (..., images, classes) for probabilities.
        task: `count` or `classify`.

    Returns:
        Shape (..., images).
    """
    return classified(predictions) if task == "classify" else rounded(predictions)


def metric_names(task: str, predictions: NDArray[np.float32]) -> tuple[str, ...]:
    """The metrics that a task has for these predictions."""
    return offered(task, predictions.shape[1] if task == "classify" else 0)


def measure(task: str, labels: Labels, predictions: NDArray[np.float32]) -> dict[str, float]:
    """The metrics of a run on one split; all are NaN where it predicts no number at all."""
    if not np.isfinite(predictions).any():
        return dict.fromkeys(metric_names(task, predictions), math.nan)
    measures: Mapping[str, Callable[..., dict[str, float]]] = {
        "count": count_metrics, "classify": class_metrics, "regress": number_metrics,
    }  # fmt: skip
    return measures[task](labels, predictions)


def training_accuracies(
    histories: Iterable[pd.DataFrame], variants: Sequence[str], train: Mapping[str, str], seeds: Mapping[str, int]
) -> list[tuple[str, int, str, str, float]]:
    """The accuracy that a training showed while its last epoch ran, as Keras's `fit` prints it.

    Args:
        histories: of each pack: seed, epoch, metric, value.
        variants: the variant of each pack.
        train: the training split of each variant.
        seeds: how many seeds are asked for, by variant.

    Returns:
        Rows for `runs_table`: variant, seed, split, metric, value; none for trainings that record no accuracy.
    """
    rows = []
    for history, variant in zip(histories, variants, strict=True):
        found = history[(history.metric == "accuracy") & (history.seed < seeds[variant])]
        for seed, group in found.groupby("seed"):
            value = float(group.value[group.epoch.idxmax()])
            rows.append((variant, int(seed), train[variant], "training_accuracy", value))
    return rows
