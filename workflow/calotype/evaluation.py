"""From predictions to metrics, per seed and pooled over seeds."""

import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.errors import CalotypeError
from calotype.statistics import mean_interval, wilson_interval


@dataclass(frozen=True)
class Metric:
    """How a metric is shown.

    Attributes:
        label: its name in figures and tables.
        share: a share of the images, shown in per cent; else a plain number.
    """

    label: str
    share: bool


LARGEST_COUNT = 2.0**53  # beyond it a float no longer holds every whole number

Predictions = dict[str, dict[str, NDArray[np.float32]]]  # by variant and test split: shape (seeds, images)

# The metrics of task `count`, in the order of the tables.
COUNT_METRICS = {
    "exact": Metric("exact count", share=True),
    "off_by_more_than_one": Metric("off by more than one", share=True),
    "sum_of_squared_errors": Metric("sum of squared errors", share=False),
}


@dataclass(frozen=True)
class SeedPredictions:
    """What one run said about one test split.

    Attributes:
        labels: true counts, shape (images,).
        predictions: predicted counts before rounding, shape (images,).
    """

    variant: str
    seed: int
    split: str
    labels: NDArray[np.int64]
    predictions: NDArray[np.float32]


def read_predictions(files: Sequence[Path], variants: Sequence[str], seeds: Mapping[str, int]) -> Predictions:
    """Read the predictions of all packs of a study.

    Args:
        files: predictions.npz of each pack, of the packs of a variant in the order of their seeds.
        variants: the variant of each file.
        seeds: how many seeds are asked for, by variant; a pack may hold more.

    Returns:
        By variant and test split: predictions of shape (seeds, images).

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


def seed_predictions(predictions: Predictions, labels: Mapping[str, NDArray[np.int64]]) -> Iterator[SeedPredictions]:
    """Go through predictions run by run and split by split.

    Args:
        predictions: as `read_predictions` gives them.
        labels: true counts of each split, shape (images,); a variant may have been tested on the first ones only.
    """
    for variant, splits in predictions.items():
        for split, values in splits.items():
            for seed, row in enumerate(values):
                yield SeedPredictions(variant, seed, split, labels[split][: len(row)], row)


def rounded(predictions: NDArray[np.float32]) -> NDArray[np.float64]:
    """Predicted counts: the nearest whole number, the even one of two. What is not finite stays so."""
    return np.rint(predictions.astype(np.float64)) + 0.0  # -0 becomes 0


def count_metrics(labels: NDArray[np.int64], predictions: NDArray[np.float32]) -> dict[str, float]:
    """The metrics of task `count` on one split.

    Args:
        labels: true counts, shape (images,).
        predictions: predicted counts before rounding, shape (images,).

    Returns:
        Value by name, as in `COUNT_METRICS`. The squared errors are of the unrounded prediction.
    """
    counts = rounded(predictions)
    errors = predictions.astype(np.float64) - labels
    return {
        "exact": float(np.mean(counts == labels)),
        # "not at most one" rather than "more than one": true of what is not a number, too
        "off_by_more_than_one": float(np.mean(~(np.abs(counts - labels) <= 1))),
        "sum_of_squared_errors": float(np.sum(errors**2)),
    }


def runs_table(study: str, runs: Iterable[SeedPredictions]) -> pd.DataFrame:
    """All metrics of all runs, long: study, variant, seed, split, metric, value.

    Beside each ``exact`` stand ``exact_low`` and ``exact_high``, its Wilson interval over the images of the split.
    """
    rows = []
    for run in runs:
        metrics = count_metrics(run.labels, run.predictions)
        low, high = wilson_interval(round(metrics["exact"] * len(run.labels)), len(run.labels))
        metrics |= {"exact_low": low, "exact_high": high}
        rows += [(study, run.variant, run.seed, run.split, metric, value) for metric, value in metrics.items()]
    return pd.DataFrame(rows, columns=["study", "variant", "seed", "split", "metric", "value"])


def summary_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean and 95 % interval over seeds: study, variant, split, metric, mean, low, high, n.

    Student's t knows no bounds; the interval of a share is cut at 0 and 1.
    """
    kept = runs[runs.metric.isin(COUNT_METRICS)]
    rows = []
    for key, group in kept.groupby(["study", "variant", "split", "metric"], sort=False):
        mean, low, high = mean_interval(group.value.tolist())
        if COUNT_METRICS[key[-1]].share:
            low, high = np.clip([low, high], 0, 1).tolist()
        rows.append((*key, mean, low, high, len(group)))
    return pd.DataFrame(rows, columns=["study", "variant", "split", "metric", "mean", "low", "high", "n"])


def pooled_table(study: str, runs: Iterable[SeedPredictions]) -> pd.DataFrame:
    """The metrics over all seeds together: study, variant, split, metric, value, low, high, images, seeds.

    The Wilson interval takes every (seed, image) for an independent trial. The seeds share their test images, so it is
    narrower than the truth where seeds make the same mistakes; the interval over seeds is the one to quote.
    """
    groups: dict[tuple[str, str], list[SeedPredictions]] = {}
    for run in runs:
        groups.setdefault((run.variant, run.split), []).append(run)
    rows = []
    for (variant, split), members in groups.items():
        labels = np.concatenate([run.labels for run in members])
        metrics = count_metrics(labels, np.concatenate([run.predictions for run in members]))
        for metric, shown in COUNT_METRICS.items():
            low, high = np.nan, np.nan
            if shown.share:
                low, high = wilson_interval(round(metrics[metric] * len(labels)), len(labels))
            rows.append((study, variant, split, metric, metrics[metric], low, high, len(labels), len(members)))
    columns = ["study", "variant", "split", "metric", "value", "low", "high", "images", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def confusion_table(study: str, runs: Iterable[SeedPredictions]) -> pd.DataFrame:
    """How often each true count was predicted as which: study, variant, seed, split, true, predicted, images.

    After the seeds of a variant comes ``all``, their sum.

    Pairs that never occur are left out; a prediction that is no number, or a senseless one, stands as an empty
    ``predicted``.
    """
    tables = []
    for run in runs:
        predicted = rounded(run.predictions)
        predicted[~(np.abs(predicted) < LARGEST_COUNT)] = np.nan
        pairs = pd.DataFrame({"true": run.labels, "predicted": pd.Series(predicted).astype("Int64")})
        counted = pairs.value_counts(["true", "predicted"], sort=False, dropna=False).rename("images").reset_index()
        counted = counted.sort_values(["true", "predicted"], ignore_index=True)
        for place, (name, value) in enumerate(
            [("study", study), ("variant", run.variant), ("seed", run.seed), ("split", run.split)]
        ):
            counted.insert(place, name, value)
        tables.append(counted)
    single = pd.concat(tables, ignore_index=True)
    keys = ["study", "variant", "split", "true", "predicted"]
    pooled = single.groupby(keys, sort=False, dropna=False, as_index=False).images.sum()
    pooled = pooled.sort_values(["true", "predicted"]).assign(seed="all")[single.columns]
    parts = []
    for variant, group in single.groupby("variant", sort=False):
        together = pooled[pooled.variant == variant]
        parts += [group, *(together[together.split == split] for split in group.split.unique())]
    return pd.concat(parts, ignore_index=True)
