"""Tables of a grid: its combinations of settings, and the means over each setting."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calotype.evaluation.choice import VALIDATION, ranking, score_interval
from calotype.evaluation.divergence import converged, divergences
from calotype.evaluation.image_scores import converged_runs, image_scores, interval
from calotype.evaluation.runs import SeedPredictions
from calotype.metrics.registry import METRICS
from calotype.tasks.base import Task
from calotype.util.csv_tables import where

EFFECTS = [
    "study", "grid", "setting", "level", "split", "metric", "mean", "low", "high", "n", "combinations", "diverged",
]  # fmt: skip
Grid = Mapping[str, Any]  # as `Study.grids` returns it


def combinations_table(
    study: str, grids: Mapping[str, Grid], runs: pd.DataFrame, summary: pd.DataFrame, metric: str, split: str
) -> pd.DataFrame:
    """Return one row for each combination of settings, in the order of the config.

    Columns: study, grid, rank (by validation images; empty if none can be chosen), variant, one column for each
    setting, the mean score on validation images with its interval over seeds, the metric on the test split with its
    interval over seeds and test images, n, diverged.
    """
    tables = []
    tested = where(summary, metric=metric, split=split).set_index("variant")
    for name, grid in grids.items():
        variants = [*grid["variants"]]
        found = pd.DataFrame({"study": study, "grid": name, "variant": variants})
        for place, key in enumerate(grid["settings"]):
            found[key] = [values[place] for values in grid["variants"].values()]
        ranked = ranking(runs, grid["by"], variants)
        ranks = pd.Series(ranked.index + 1, ranked.variant)
        found.insert(2, "rank", ranks.reindex(variants).astype("Int64").array)
        if score := grid["by"].get("metric"):
            scores = ranked.set_index("variant").reindex(variants)
            for column, of in ((score, "mean"), (f"{score}_low", "low"), (f"{score}_high", "high")):
                found[column] = scores[of].to_numpy()
        rows = tested.reindex(variants)
        for column, of in ((metric, "mean"), (f"{metric}_low", "low"), (f"{metric}_high", "high")):
            found[column] = rows[of].to_numpy()
        found["n"], found["diverged"] = rows.n.to_numpy(), rows.diverged.to_numpy()
        tables.append(found)
    return pd.concat(tables, ignore_index=True)


def together(parts: Sequence[Mapping[int, Any]]) -> NDArray[np.float64]:
    """Return the mean over combinations by seed, shape (seeds, ...); each combination counts the same.

    Args:
        parts: of each combination, a value or an array by seed. A missing seed has the mean of the others.
    """
    seeds = sorted({seed for part in parts for seed in part})
    filled = []
    for part in parts:
        centre = np.mean([*part.values()], axis=0)
        filled.append(np.stack([np.asarray(part.get(seed, centre), float) for seed in seeds]))
    return np.asarray(np.mean(filled, axis=0))


@dataclass(frozen=True)
class _Measured:
    """Values of all runs on some images, without runs that diverged: by variant, then by seed."""

    split: str
    metric: str
    values: Mapping[str, Mapping[int, float]]
    scores: Mapping[str, Mapping[int, NDArray[np.float64]]]  # of single images; empty: unknown
    labels: NDArray[Any] | None = None

    def level(self, variants: Sequence[str]) -> tuple[float, float, float, int, int]:
        """Return mean, low, high, number of seeds and number of combinations of the variants with a value."""
        known = [variant for variant in variants if self.values.get(variant)]
        if not known:
            return math.nan, math.nan, math.nan, 0, 0
        by_seed = together([self.values[variant] for variant in known])
        mean, low, high = score_interval(self.metric, by_seed.tolist())
        scores = [self.scores[variant] for variant in known if variant in self.scores]
        if len({len(each) for part in scores for each in part.values()}) == 1:  # else: other numbers of test images
            low, high, *_ = interval(METRICS[self.metric], mean, together(scores), np.asarray(self.labels))
        return mean, low, high, len(by_seed), len(known)


def _by_seed(runs: pd.DataFrame, split: str, metric: str | None) -> dict[str, dict[int, float]]:
    found = where(converged(runs), split=split, metric=metric).dropna(subset="value")
    return {str(name): dict(zip(part.seed, part.value, strict=True)) for name, part in found.groupby("variant")}


def _tested(runs: pd.DataFrame, task: Task, metric: str, predicted: Iterable[SeedPredictions]) -> _Measured:
    scores, labels, split = {}, None, ""
    for (variant, split), members in converged_runs(predicted).items():  # noqa: B007 # one split
        found = image_scores(task, members, [METRICS[metric]])[metric]
        scores[variant] = {run.seed: row for run, row in zip(members, found, strict=True)}
        labels = members[0].labels
    return _Measured(split, metric, _by_seed(runs, split, metric), scores, labels)


def effects_table(
    study: str,
    grids: Mapping[str, Grid],
    runs: pd.DataFrame,
    task: Task,
    metric: str,
    predicted: Iterable[SeedPredictions],
) -> pd.DataFrame:
    """Return the mean over each value of each setting of a grid, with `EFFECTS` as columns.

    It is the mean of all combinations with this value, and each combination counts the same. So its 95 % interval holds
    the chance of seeds and test images (of validation images: of seeds alone), but not the choice of the values of
    other settings. Runs that diverged are left out, and so are combinations without another run.

    Args:
        runs: all runs of the study.
        metric: on the test split; on validation images, it is that of each grid.
        predicted: all runs of the study on one test split.
    """
    lost, tested, rows = divergences(runs), _tested(runs, task, metric, predicted), []
    for name, grid in grids.items():
        score = grid["by"].get("metric")
        held_out = [_Measured(VALIDATION, score, _by_seed(runs, VALIDATION, score), {})] if score else []
        for place, (key, setting) in enumerate(grid["settings"].items()):
            for level in setting["values"]:
                variants = [variant for variant, texts in grid["variants"].items() if texts[place] == level]
                gone = sum(len(lost.get(variant, ())) for variant in variants)
                for measured in (*held_out, tested):
                    found = measured.level(variants)
                    rows.append((study, name, key, level, measured.split, measured.metric, *found, gone))
    return pd.DataFrame(rows, columns=EFFECTS)
