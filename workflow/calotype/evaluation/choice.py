"""The choice among variants by validation images; never by test images."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from calotype.evaluation.divergence import converged, divergences
from calotype.util.csv_tables import where
from calotype.util.statistics import mean_interval

VALIDATION = "validation"  # the split of these rows in runs.csv
# Possible values of scores; those of others are 0 and above.
LIMITS = {"val_r2_score": (-math.inf, 1.0)} | {
    f"val_{name}": (0.0, 1.0)
    for name in (
        "accuracy", "auc", "precision", "recall", "sparse_top_k_categorical_accuracy", "top_k_categorical_accuracy",
    )
}  # fmt: skip


def validation_rows(
    history: pd.DataFrame, kept: Mapping[str, Mapping[int, int]]
) -> list[tuple[str, int, str, str, float]]:
    """Return rows of `runs_table` with the scores of all runs on validation images, such as ``val_accuracy``.

    Args:
        history: of all runs: variant, seed, epoch, metric, value.
        kept: by variant and seed the epoch of the kept weights; the last epoch of other runs.
    """
    scores = history[history.metric.str.startswith("val_")]
    rows = []
    for (variant, seed, metric), group in scores.groupby(["variant", "seed", "metric"], sort=False):
        epoch = kept.get(variant, {}).get(seed, group.epoch.max())
        value = group.value[group.epoch == epoch]
        rows.append((variant, int(seed), VALIDATION, metric, float(value.iloc[0])))
    return rows


def score_interval(metric: str, values: Sequence[float]) -> tuple[float, float, float]:
    """Return mean, low and high of the 95 % interval over seeds, within the possible values of a metric."""
    mean, low, high = mean_interval(values)
    low, high = np.clip([low, high], *LIMITS.get(metric, (0.0, math.inf))).tolist()
    return mean, low, high


def ranking(runs: pd.DataFrame, by: Mapping[str, Any], variants: Sequence[str]) -> pd.DataFrame:
    """Return variants by their mean score on validation images, the best first: variant, mean, low, high, n, diverged.

    A variant with seeds that diverged ranks behind all others, and one without any score is left out. Equal ones keep
    their order. The 95 % interval holds the chance of seeds alone.

    Args:
        runs: all runs of the study.
        by: how to choose, as `choosing` returns it; without a metric, the table is empty.
    """
    lost, rows = divergences(runs), []
    scores = where(converged(runs), split=VALIDATION, metric=by.get("metric"))
    for variant in variants:
        values = scores.value[scores.variant == variant].dropna().tolist()
        if values:
            rows.append((variant, *score_interval(by["metric"], values), len(values), len(lost.get(variant, {}))))
    found = pd.DataFrame(rows, columns=["variant", "mean", "low", "high", "n", "diverged"])
    order = found.assign(lost=found.diverged > 0, loss=-found["mean"] if by.get("more") else found["mean"])
    return found.loc[order.sort_values(["lost", "loss"], kind="stable").index].reset_index(drop=True)


def shown_variants(runs: pd.DataFrame, variants: Sequence[str], chosen: Mapping[str, Any] | None) -> list[str]:
    """Return the variants that figures and the report show, in the study's order.

    Args:
        chosen: as `config.choice.shown` returns it. The first variants replace the best if none can be chosen.
    """
    if chosen is None:
        return [*variants]
    if "names" in chosen:
        kept = {*chosen["names"]}
    else:
        best = ranking(runs, chosen["by"], variants).variant.tolist() or variants
        kept = {*best[: chosen["best"]]}
    return [variant for variant in variants if variant in kept | {*chosen["always"]}]


def score_text(metric: str) -> str:
    """Return the name of a score on validation images for readers: ``validation accuracy``."""
    return f"validation {metric.removeprefix('val_').replace('_', ' ')}"


def is_share(metric: str) -> bool:
    """Return True if a score on validation images is a share of them, shown in per cent."""
    return metric.endswith("accuracy")
