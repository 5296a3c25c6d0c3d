"""The best variant of a study, where its results tell it apart from all others."""

import math

import pandas as pd

from calotype.metrics.registry import METRICS
from calotype.util.csv_tables import where


def best_variant(summary: pd.DataFrame, differences: pd.DataFrame, metric: str, split: str) -> str | None:
    """Return the variant with the best mean of a metric on a split, or None if it is not told apart from another one.

    Two variants with several seeds are told apart if the interval of their difference excludes zero; if the study does
    not compare them, if their 95 % intervals do not overlap.
    """
    rows = where(summary, metric=metric, split=split)
    rows = rows[rows.n > 0]
    if len(rows) < 2 or rows.n.min() < 2:  # the interval of one seed holds the chance of images alone
        return None
    better = rows.sort_values("mean", ascending=METRICS[metric].less_is_better, kind="stable")
    best, others = better.iloc[0], better.iloc[1:]
    pairs = where(differences, metric=metric, split=split)
    compared = {
        frozenset((row.variant, row.than)): row.low > 0 or row.high < 0 for row in pairs.itertuples(index=False)
    }
    for other in others.itertuples():
        gap = best.low - other.high if not METRICS[metric].less_is_better else other.low - best.high
        apart = math.isfinite(gap) and gap > 0  # without an interval, nothing is told
        if not compared.get(frozenset((best.variant, other.variant)), apart):
            return None
    return str(best.variant)
