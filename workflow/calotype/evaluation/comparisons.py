"""The comparisons of a study: differences of variants, tests adjusted for their number, and verdicts."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from calotype.evaluation.divergence import converged
from calotype.evaluation.image_scores import converged_runs, image_scores
from calotype.evaluation.runs import SeedPredictions
from calotype.evaluation.tables import images_tested
from calotype.tasks.base import Task
from calotype.util.differences import ALPHA, Difference, difference, holm, holm_alphas

DIFFERENCES = [
    "study", "split", "metric", "variant", "than", "mean", "low", "high", "n", "n_than", "test", "p", "p_holm",
    "effect", "worth", "p_equivalent", "seeds_needed", "verdict",
]  # fmt: skip
PAIRED, WELCH = "paired", "Welch"
APART, EQUIVALENT, OPEN = "told apart", "equivalent", "open"
BOTH = f"{APART}, {EQUIVALENT}"


def _initial(layers: pd.DataFrame, variant: str) -> list[tuple[Any, ...]]:
    """Return the kinds and shapes of the layers with weights."""
    found = layers[(layers.variant == variant) & (layers.parameters > 0)]
    return [*found[["kind", "output_shape", "parameters"]].itertuples(index=False, name=None)]


def _effect(values: "pd.Series[float]", others: "pd.Series[float]") -> float:
    """Return the difference in standard deviations of single runs; NaN if equal seeds give equal values.

    Source: L. V. Hedges, Distribution theory for Glass's estimator of effect size, J. Educ. Stat. 6 (1981) 107.
    """
    degrees = len(values) + len(others) - 2
    pooled = ((len(values) - 1) * values.var() + (len(others) - 1) * others.var()) / degrees
    return float((values.mean() - others.mean()) / pooled**0.5 * (1 - 3 / (4 * degrees - 1))) if pooled else math.nan


def _verdict(p_holm: float, p_equivalent: float) -> str:
    apart, equivalent = p_holm <= ALPHA, p_equivalent <= ALPHA
    return BOTH if apart and equivalent else APART if apart else EQUIVALENT if equivalent else OPEN


@dataclass(frozen=True)
class _Pair:
    """A difference of two variants on one split: study, split, metric, variant, than; its seeds, test and effect."""

    key: tuple[str, ...]
    found: Difference
    seeds: tuple[int, int]
    test: str
    effect: float


def _tested(pairs: Sequence[_Pair], worth: float) -> pd.DataFrame:
    """Return the table of some differences, with intervals and tests adjusted for their number."""
    p = np.array([float(pair.found.p_value()) for pair in pairs])
    equivalent = holm(np.array([float(pair.found.p_equivalent(worth)) for pair in pairs]))
    alphas, adjusted = holm_alphas(p), holm(p)
    rows = []
    for i, pair in enumerate(pairs):
        low, high = map(float, pair.found.interval(alphas[i]))
        verdict, needed = _verdict(adjusted[i], equivalent[i]), math.nan
        if verdict == OPEN and math.isfinite(worth):
            needed = pair.found.seeds_needed(worth, ALPHA / len(pairs))
        tests = (pair.test, p[i], adjusted[i], pair.effect, worth, equivalent[i], needed, verdict)
        rows.append((*pair.key, pair.found.mean, low, high, *pair.seeds, *tests))
    return pd.DataFrame(rows, columns=DIFFERENCES)


def differences_table(
    runs: pd.DataFrame,
    pooled: pd.DataFrame,
    layers: pd.DataFrame,
    metric: str,
    task: Task,
    predicted: Iterable[SeedPredictions],
    comparisons: Mapping[str, Any],
) -> pd.DataFrame:
    """Compare pairs of variants on each test split, with the columns `DIFFERENCES`.

    A difference is that of ``variant`` minus ``than``. Variants are paired by seed (``test``) if equal seeds start from
    weights of the same shapes and see the images in the same order; else the seeds are independent (Welch). The
    interval holds the chance of seeds and of test images, and is adjusted for the number of comparisons, as
    ``p_holm`` is. ``effect`` is in standard deviations of single runs. Left out are seeds that diverged, pairs with
    fewer than two seeds, and pairs with different test images.

    Args:
        comparisons: as `Study.comparisons` returns them.
    """
    measured, images = task.measured[metric], images_tested(pooled)
    runs = converged(runs)
    scores: dict[tuple[str, str], dict[int, Any]] = {
        key: dict(zip([run.seed for run in some], image_scores(task, some, [measured])[metric], strict=True))
        for key, some in converged_runs(predicted).items()
    }
    pairs = []
    for (study, split), group in runs[runs.metric == metric].groupby(["study", "split"], sort=False):
        by_seed = {name: part.set_index("seed").value.dropna() for name, part in group.groupby("variant", sort=False)}
        for variant, than, same_order in comparisons["pairs"]:
            if not {variant, than} <= by_seed.keys() or images[than, split] != images[variant, split]:
                continue
            values, others = by_seed[variant], by_seed[than]
            paired = same_order and _initial(layers, variant) == _initial(layers, than)
            if paired:
                common = values.index.intersection(others.index)
                values, others = values[common], others[common]
            if min(len(values), len(others)) < 2:
                continue
            first, second = (
                np.stack([scores[name, split][seed] for seed in part.index])
                for name, part in ((variant, values), (than, others))
            )
            samples = (first - second,) if paired else (first, second)
            mean = float(values.mean() - others.mean())
            found = difference(mean, *samples, share_of_images=measured.of_images)
            key, seeds = (study, split, metric, variant, than), (len(values), len(others))
            pairs.append(_Pair(key, found, seeds, PAIRED if paired else WELCH, _effect(values, others)))
    return _tested(pairs, comparisons.get("worth", math.nan))
