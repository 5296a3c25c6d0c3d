"""The tables of a study: its runs, their summary, all seeds pooled, and the differences of consecutive variants."""

import itertools
import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from calotype.evaluation.divergence import converged, divergences
from calotype.evaluation.runs import SeedPredictions, measure
from calotype.metrics.registry import METRICS
from calotype.tasks.base import Task
from calotype.util.statistics import mean_interval, wilson_interval


def images_tested(pooled: pd.DataFrame) -> "pd.Series[int]":
    """How many images each variant was tested on, by (variant, split); 0 where all its seeds diverged."""
    return (pooled.images // pooled.seeds.clip(lower=1)).groupby([pooled.variant, pooled.split]).first()


def _wilson(share: float, images: int) -> tuple[float, float]:
    """Wilson's interval of a share of some images; NaN where there is no share."""
    if not math.isfinite(share):
        return math.nan, math.nan
    return wilson_interval(round(share * images), images)


def runs_table(
    study: str, task: Task, runs: Iterable[SeedPredictions], training: Iterable[tuple[str, int, str, str, float]] = ()
) -> pd.DataFrame:
    """All metrics of all runs, long: study, variant, seed, split, metric, value.

    Beside the task's first metric, such as ``exact``, stand ``exact_low`` and ``exact_high``, its Wilson interval over
    the images of the split, where it is a share of them.

    A run that diverged keeps its rows, with the metrics as they are measured, and has one more, ``diverged``: the epoch
    in which it happened, beside the training split.

    Args:
        training: rows of `training_rows` and `divergence_rows`.
    """
    rows = []
    first = task.metrics[0]
    for run in runs:
        metrics = measure(task, run.labels, run.predictions)
        if first.of_images:
            low, high = _wilson(metrics[first.name], len(run.labels))
            metrics |= {f"{first.name}_low": low, f"{first.name}_high": high}
        rows += [(study, run.variant, run.seed, run.split, metric, value) for metric, value in metrics.items()]
    rows += [(study, *row) for row in training]
    return pd.DataFrame(rows, columns=["study", "variant", "seed", "split", "metric", "value"])


def summary_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean and 95 % interval over seeds: study, variant, split, metric, mean, low, high, n, diverged.

    Seeds that diverged are left out: ``n`` is the number of the others, ``diverged`` that of those left out. Where none
    is left there is no mean. Student's t knows no bounds; the interval of a share is cut at 0 and 1.
    """
    lost = divergences(runs)
    kept = runs[runs.metric.isin(METRICS)]
    rows = []
    for key, group in kept.groupby(["study", "variant", "split", "metric"], sort=False):
        values = group.value[~group.seed.isin(list(lost[key[1]]))]
        mean, low, high = mean_interval(values.tolist())
        if METRICS[key[-1]].share:
            low, high = np.clip([low, high], 0, 1).tolist()
        rows.append((*key, mean, low, high, len(values), len(group) - len(values)))
    return pd.DataFrame(rows, columns=["study", "variant", "split", "metric", "mean", "low", "high", "n", "diverged"])


def pooled_table(study: str, task: Task, runs: Iterable[SeedPredictions]) -> pd.DataFrame:
    """The metrics over all seeds together: study, variant, split, metric, value, low, high, images, seeds.

    The Wilson interval takes every (seed, image) for an independent trial. The seeds share their test images, so it is
    narrower than the truth where seeds make the same mistakes; the interval over seeds is the one to quote.

    Seeds that diverged are left out; where none is left, values are NaN, and images and seeds 0.
    """
    groups: dict[tuple[str, str], list[SeedPredictions]] = {}
    for run in runs:
        groups.setdefault((run.variant, run.split), []).append(run)
    rows = []
    for key, group in groups.items():
        members = [run for run in group if not run.diverged]
        images = sum(len(run.labels) for run in members)
        labels, predictions = (
            np.concatenate([getattr(run, part) for run in members or group]) for part in ("labels", "predictions")
        )
        metrics = measure(task, labels, predictions)
        if not members:
            metrics = dict.fromkeys(metrics, math.nan)
        for metric, value in metrics.items():
            low, high = _wilson(value, images) if METRICS[metric].of_images else (math.nan, math.nan)
            rows.append((study, *key, metric, value, low, high, images, len(members)))
    columns = ["study", "variant", "split", "metric", "value", "low", "high", "images", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def differences_table(runs: pd.DataFrame, pooled: pd.DataFrame, metric: str) -> pd.DataFrame:
    """How neighbouring variants differ over the same seeds: study, split, metric, variant, than, mean, low, high, n.

    The differences are those of ``variant`` minus ``than``, the one before it, seed by seed; the 95 % interval of their
    mean is Student's. Seeds that diverged in either variant are left out, and so are neighbours without two seeds in
    common or tested on other images.
    """
    rows = []
    images = images_tested(pooled)
    runs = converged(runs)
    for (study, split), group in runs[runs.metric == metric].groupby(["study", "split"], sort=False):
        by_seed = {variant: part.set_index("seed").value for variant, part in group.groupby("variant", sort=False)}
        for than, variant in itertools.pairwise(by_seed):
            found = (by_seed[variant] - by_seed[than]).dropna()
            if len(found) > 1 and images[than, split] == images[variant, split]:
                rows.append((study, split, metric, variant, than, *mean_interval(found.tolist()), len(found)))
    columns = ["study", "split", "metric", "variant", "than", "mean", "low", "high", "n"]
    return pd.DataFrame(rows, columns=columns)
