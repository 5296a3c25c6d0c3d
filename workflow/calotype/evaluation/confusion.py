"""The table of true against predicted labels."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from calotype.evaluation.runs import SeedPredictions
from calotype.tasks.base import Task

LARGEST_COUNT = 2.0**53  # larger floats do not hold every whole number


def confusion_table(study: str, task: Task, runs: Iterable[SeedPredictions]) -> pd.DataFrame:
    """Count true and predicted labels: study, variant, seed, split, true, predicted, images; empty for numbers.

    After the seeds of a variant, seed ``all`` has the sum of those that did not diverge, if any. Pairs that never occur
    are left out. ``predicted`` is empty if a prediction is not finite or too large.
    """
    if task.decide is None:
        return pd.DataFrame(columns=["study", "variant", "seed", "split", "true", "predicted", "images"])
    tables = []
    lost = set()
    for run in runs:
        lost |= {(run.variant, run.seed)} if run.diverged else set()
        predicted = task.decide(run.predictions)
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
    kept = single[[run not in lost for run in zip(single.variant, single.seed, strict=True)]]
    pooled = kept.groupby(keys, sort=False, dropna=False, as_index=False).images.sum()
    pooled = pooled.sort_values(["true", "predicted"]).assign(seed="all")[single.columns]
    parts = []
    for variant, group in single.groupby("variant", sort=False):
        together = pooled[pooled.variant == variant]
        parts += [group, *(together[together.split == split] for split in group.split.unique())]
    return pd.concat(parts, ignore_index=True)
