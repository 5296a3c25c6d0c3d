"""Published numbers beside what we measured."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from calotype.config.study import CLAIM_KINDS
from calotype.evaluation.divergence import converged, diverged_text, divergences
from calotype.metrics.registry import METRICS
from calotype.util.csv_tables import where
from calotype.util.statistics import Verdict, judge, mean_interval

VERDICTS = {True: "agrees", False: "differs", None: "open"}
COLUMNS = [
    "study", "variant", "split", "metric", "quote", "kind", "number", "second", "other", "mean", "low", "high",
    "smallest", "largest", "n", "verdict", "reason", "note",
]  # fmt: skip


def _values(runs: pd.DataFrame, variant: str, metric: str, split: str | None) -> list[float]:
    found = where(runs, variant=variant, metric=metric)
    return (found if split is None else where(found, split=split)).value.tolist()


def _left_out(runs: pd.DataFrame, claim: Mapping[str, Any]) -> str:
    """Which seeds a claim is judged without, in words: those that diverged; empty if there are none."""
    words = []
    for variant in filter(None, (claim["variant"], claim["similar_to"])):
        lost, seeds = len(divergences(runs)[variant]), where(runs, variant=variant).seed.nunique()
        if lost:
            name = f"{variant}: " if claim["similar_to"] else ""
            words.append(f"{name}{diverged_text(lost, seeds)} and {'is' if lost == 1 else 'are'} left out")
    return "; ".join(words)


def half_last_digit(share: float) -> float:
    """By how much a published share may have been rounded: half a unit of its last digit, at most half a per cent.

    Nobody rounds a share to tens of per cent; 0.9 is 90 %, which YAML does not tell from 0.90.
    """
    exponent = Decimal(str(float(share))).as_tuple().exponent
    assert isinstance(exponent, int)
    return 0.5 * 10.0 ** min(exponent, -2)


def _judge_claim(claim: Mapping[str, Any], runs: pd.DataFrame, pooled: pd.DataFrame, same_images: bool) -> Verdict:
    variant, metric, split = claim["variant"], claim["metric"], claim["split"]
    others = claim["similar_to"] and _values(runs, claim["similar_to"], metric, split)
    values = _values(runs, variant, metric, split)
    images = None
    if values and METRICS[metric].of_images and METRICS[metric].tested and not same_images:
        row = where(pooled, variant=variant, metric=metric, split=split).iloc[0]
        images = int(row["images"] // row["seeds"])
    numbers = {key: claim[key] for key in CLAIM_KINDS if key != "similar_to"}
    rounding = half_last_digit(claim["value"]) if claim["value"] is not None and METRICS[metric].share else 0.0
    verdict = judge(values, **numbers, others=others, images=images, rounding=rounding)
    if not others or verdict.agrees is None:
        return verdict
    factor, unit = (100, " points") if METRICS[metric].share else (1, "")
    difference = factor * float(np.mean(values) - np.mean(others))
    return Verdict(verdict.agrees, f"{verdict.reason}; the means differ by {difference:+.2f}{unit}")


def claims_table(
    study: str,
    claims: Sequence[Mapping[str, Any]],
    runs: pd.DataFrame,
    pooled: pd.DataFrame,
    parameters: Mapping[str, int],
    *,
    same_images: bool,
) -> pd.DataFrame:
    """One line a claim: what was published, our mean and its 95 % interval over seeds, and whether they agree.

    Args:
        runs, pooled: the tables of `evaluation`. Seeds that diverged are left out, and the reason says so.
        same_images: whether the source tested on the very images that we test on.

    Returns:
        The columns `COLUMNS`. ``kind`` is one of `config.study.CLAIM_KINDS`; ``number`` and ``second``
        hold the published number or range, ``other`` the variant of similar_to.
    """
    rows = []
    kept = converged(runs)
    for claim in claims:
        kind = next(key for key in CLAIM_KINDS if claim[key] is not None)
        numbers: list[float] = claim["between"] or ([] if kind == "similar_to" else [claim[kind]])
        number, second, *_ = (*numbers, np.nan, np.nan)
        variant, metric = claim["variant"], claim["metric"]
        if METRICS[metric].of_model:
            found = [float(parameters[variant])]
            equal = parameters[variant] == claim["value"]
            verdict = Verdict(equal, "the numbers are equal" if equal else "the numbers are not equal")
        else:
            found = _values(kept, variant, metric, claim["split"])
            verdict = _judge_claim(claim, kept, pooled, same_images)
            if left_out := _left_out(runs, claim):
                verdict = Verdict(verdict.agrees, f"{verdict.reason}; {left_out}")
        mean, low, high = mean_interval(found)
        if METRICS[metric].share:
            low, high = np.clip([low, high], 0, 1).tolist()
        other = claim["similar_to"] or ""
        smallest, largest = min(found, default=np.nan), max(found, default=np.nan)
        rows.append(
            (study, variant, claim["split"] or "", metric, claim["quote"], kind, number, second, other, mean, low, high,
             smallest, largest, len(found), VERDICTS[verdict.agrees], verdict.reason, claim["note"])
        )  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)
