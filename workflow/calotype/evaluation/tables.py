"""The tables of a study: its runs, their summary, all seeds pooled, and the confusions."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from calotype.evaluation.divergence import divergences
from calotype.evaluation.image_scores import converged_runs, image_scores, interval
from calotype.evaluation.runs import SeedPredictions, measure
from calotype.tasks.base import Task
from calotype.util.statistics import mean_interval, seeds_formula, wilson_interval

SUMMARY = [
    "study", "variant", "split", "metric", "mean", "low", "high", "n", "diverged", "t", "standard_error",
    "independent_images",
]  # fmt: skip
CONFUSION = ["study", "variant", "seed", "split", "true", "predicted", "images"]
LARGEST_COUNT = 2.0**53  # larger floats do not hold every whole number


def images_tested(pooled: pd.DataFrame) -> "pd.Series[int]":
    """Return the number of test images by (variant, split); 0 if all seeds diverged."""
    return (pooled.images // pooled.seeds.clip(lower=1)).groupby([pooled.variant, pooled.split]).first()


def runs_table(
    study: str, task: Task, runs: Iterable[SeedPredictions], training: Iterable[tuple[str, int, str, str, float]] = ()
) -> pd.DataFrame:
    """Return all metrics of all runs in long form: study, variant, seed, split, metric, value.

    If the task's first metric, such as ``exact``, is a share of the images, its Wilson interval follows as
    ``exact_low`` and ``exact_high``. A run that diverged keeps its rows and has another one, ``diverged``: the epoch,
    with the training split. `training` are rows of `training_rows` and `divergence_rows`.
    """
    rows = []
    first = task.metrics[0]
    for run in runs:
        metrics = measure(task, run.labels, run.predictions)
        if first.of_images:
            share, images = metrics[first.name], len(run.labels)
            finite = math.isfinite(share)
            low, high = wilson_interval(round(share * images), images) if finite else (math.nan, math.nan)
            metrics |= {f"{first.name}_low": low, f"{first.name}_high": high}
        rows += [(study, run.variant, run.seed, run.split, metric, value) for metric, value in metrics.items()]
    rows += [(study, *row) for row in training]
    return pd.DataFrame(rows, columns=["study", "variant", "seed", "split", "metric", "value"])


def summary_table(runs: pd.DataFrame, task: Task, predicted: Iterable[SeedPredictions]) -> pd.DataFrame:
    """Return mean and 95 % interval of each metric, with the columns `SUMMARY`.

    The interval holds the chance of seeds and of test images (`share_formula`, `score_formula`); with one seed, that of
    the images. Metrics of the training have Student's over seeds. ``n`` counts the seeds, without those in
    ``diverged``, which are left out; if n is 0, the mean is NaN. The last three columns are the numbers in the
    interval's formula (`Interval`).

    Args:
        predicted: all runs of the table, for their scores on single images.
    """
    lost = divergences(runs)
    kept = runs[runs.metric.isin(task.measured)]
    by_key = converged_runs(predicted)
    scores, scored = {}, None  # of one variant on one split, to hold little in memory
    rows = []
    for key, group in kept.groupby(["study", "variant", "split", "metric"], sort=False):
        values = group.value[~group.seed.isin(list(lost[key[1]]))]
        mean, found = mean_interval(values.tolist())[0], seeds_formula(values.tolist())
        metric, members = task.measured[key[3]], by_key.get(key[1:3], [])
        if metric.tested and members:
            if scored != key[1:3]:
                scores, scored = image_scores(task, members, task.offered(members[0].classes)), key[1:3]
            found = interval(metric, mean, scores[metric.name], members[0].labels)
        low, high, *formula = found
        low, high = np.clip([low, high], *metric.limits).tolist()
        rows.append((*key, mean, low, high, len(values), len(group) - len(values), *formula))
    return pd.DataFrame(rows, columns=SUMMARY)


def pooled_table(study: str, task: Task, runs: Iterable[SeedPredictions]) -> pd.DataFrame:
    """Return the metrics over all seeds together: study, variant, split, metric, value, images, seeds.

    Seeds that diverged are left out; if none remains, values are NaN, and images and seeds 0.
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
            rows.append((study, *key, metric, value, images, len(members)))
    columns = ["study", "variant", "split", "metric", "value", "images", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def confusion_table(study: str, task: Task, runs: Iterable[SeedPredictions]) -> pd.DataFrame:
    """Count true and predicted labels: study, variant, seed, split, true, predicted, images; empty for numbers.

    After the seeds of a variant, seed ``all`` has the sum of those that did not diverge, if any. Pairs that never occur
    are left out. ``predicted`` is empty if a prediction is not finite or too large.
    """
    if task.decide is None:
        return pd.DataFrame(columns=CONFUSION)
    tables = []
    lost = set()
    for run in runs:
        lost |= {(run.variant, run.seed)} if run.diverged else set()
        predicted = task.decide(run.predictions)
        predicted[~(np.abs(predicted) < LARGEST_COUNT)] = np.nan
        pairs = pd.DataFrame({"true": run.labels, "predicted": pd.Series(predicted).astype("Int64")})
        counted = pairs.value_counts(["true", "predicted"], sort=False, dropna=False).rename("images").reset_index()
        counted = counted.sort_values(["true", "predicted"], ignore_index=True)
        names = {"study": study, "variant": run.variant, "seed": run.seed, "split": run.split}
        tables.append(counted.assign(**names)[CONFUSION])
    single = pd.concat(tables, ignore_index=True)
    keys = ["study", "variant", "split", "true", "predicted"]
    kept = single[[run not in lost for run in zip(single.variant, single.seed, strict=True)]]
    pooled = kept.groupby(keys, sort=False, dropna=False, as_index=False).images.sum()
    pooled = pooled.sort_values(["true", "predicted"]).assign(seed="all")[single.columns]
    parts = []
    for variant, group in single.groupby("variant", sort=False):
        together = pooled[pooled.variant == variant]
        parts += [group, *(together[together.split == split] for split in group.split.unique())]
    return pd.concat(parts, ignore_index=True)
