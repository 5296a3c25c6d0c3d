"""The scores of all runs on each test image, and the intervals of metrics over seeds and images."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calotype.evaluation.runs import SeedPredictions
from calotype.metrics.base import Metric, Predicted
from calotype.tasks.base import Task
from calotype.util.statistics import NO_INTERVAL, Interval, Scores, score_formula, share_formula

GROUPS = 20  # of a jackknife


def converged_runs(predicted: Iterable[SeedPredictions]) -> dict[tuple[str, str], list[SeedPredictions]]:
    """Return the runs that did not diverge by (variant, split)."""
    found: dict[tuple[str, str], list[SeedPredictions]] = defaultdict(list)
    for run in predicted:
        if not run.diverged:
            found[run.variant, run.split].append(run)
    return found


def image_scores(task: Task, runs: Sequence[SeedPredictions], metrics: Sequence[Metric]) -> dict[str, Scores]:
    """Return by metric scores whose mean over images is the metric, shape (seeds, images).

    Metrics that are no mean over images have the pseudo-values of a jackknife, shape (seeds, groups): each leaves out
    one of 20 groups of images drawn at random.

    Source: B. Efron, R. J. Tibshirani, An introduction to the bootstrap, 1993, chapter 11.

    Args:
        runs: of one variant on one test split.
    """
    made: dict[str, list[Scores]] = defaultdict(list)
    for run in runs:
        images = len(run.labels)
        whole = Predicted(run.labels, run.predictions, task.decide)
        parts: list[Predicted] = []
        for metric in metrics:
            if metric.scores:
                made[metric.name].append(metric.scores(whole).astype(float))
                continue
            if not parts:
                groups = np.random.default_rng(0).permutation(images) % GROUPS
                kept = [groups != group for group in range(min(GROUPS, images))] if images > 1 else []
                parts = [Predicted(run.labels[part], run.predictions[part], task.decide) for part in kept]
            n, value = len(parts), metric.measure(whole)
            made[metric.name].append(
                np.array([n * value - (n - 1) * metric.measure(part) for part in parts] or [value])
            )
    return {name: np.stack(rows) for name, rows in made.items()}


def _independent(labels: NDArray[Any]) -> float:
    """Return the number of images of a mean over classes: classes times the harmonic mean of their images."""
    counts = np.unique(labels, return_counts=True)[1]
    return len(counts) ** 2 / float((1 / counts).sum())


def interval(metric: Metric, mean: float, scores: Scores, labels: NDArray[Any]) -> Interval:
    """Return the 95 % interval of a mean over seeds and images; NaN if the mean is NaN."""
    if not math.isfinite(mean):
        return NO_INTERVAL
    if not metric.share:
        return score_formula(mean, scores, *metric.limits)
    return share_formula(mean, scores, None if metric.scores else _independent(labels))
