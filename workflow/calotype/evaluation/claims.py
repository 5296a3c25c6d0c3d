"""Comparison of published numbers with ours."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from calotype.config.study import CLAIM_KINDS
from calotype.evaluation.divergence import converged, diverged_text, divergences
from calotype.evaluation.more_seeds import MoreSeeds
from calotype.evaluation.number_format import difference_text, interval_decimals, show, span_text
from calotype.evaluation.tables import images_tested
from calotype.metrics.registry import METRICS
from calotype.util.csv_tables import where
from calotype.util.statistics import Verdict, judge

VERDICTS = {True: "agrees", False: "differs", None: "open"}
WEAK = " (weak)"  # after "agrees", if almost any published value would agree
COLUMNS = [
    "study", "variant", "split", "metric", "quote", "kind", "number", "second", "other", "mean", "low", "high",
    "smallest", "largest", "n", "verdict", "reason", "note",
]  # fmt: skip


def _values(runs: pd.DataFrame, variant: str, metric: str, split: str | None) -> list[float]:
    found = where(runs, variant=variant, metric=metric)
    return (found if split is None else where(found, split=split)).value.tolist()


def _left_out(runs: pd.DataFrame, claim: Mapping[str, Any]) -> str:
    """Return as text how many seeds of a claim's variants diverged; empty if none did."""
    words = []
    for variant in filter(None, (claim["variant"], claim["similar_to"])):
        lost, seeds = len(divergences(runs)[variant]), where(runs, variant=variant).seed.nunique()
        if lost:
            name = f"{variant}: " if claim["similar_to"] else ""
            words.append(f"{name}{diverged_text(lost, seeds)} and {'is' if lost == 1 else 'are'} left out")
    return "; ".join(words)


def half_last_digit(share: float) -> float:
    """Return the largest rounding error of a published share: half a unit of its last digit, at most half a per cent.

    A share is not rounded to tens of per cent: 0.9 stands for 0.90, because YAML reads both as the same number.
    """
    exponent = Decimal(f"{share:.12g}").as_tuple().exponent
    assert isinstance(exponent, int)
    return 0.5 * 10.0 ** min(exponent, -2)


def _judge_claim(
    claim: Mapping[str, Any],
    runs: pd.DataFrame,
    pooled: pd.DataFrame,
    same_images: bool,
    interval: tuple[float, float],
) -> Verdict:
    """Judge a claim, and add the range that the verdict used to its reason."""
    variant, metric, split = claim["variant"], claim["metric"], claim["split"]
    share = METRICS[metric].share
    others = claim["similar_to"] and _values(runs, claim["similar_to"], metric, split)
    values = _values(runs, variant, metric, split)
    images = int(images_tested(pooled).get((variant, split), 0)) if METRICS[metric].counted else None
    numbers = {key: claim[key] for key in CLAIM_KINDS if key != "similar_to"}
    rounding = half_last_digit(claim["value"]) if claim["value"] is not None and METRICS[metric].share else 0.0
    further: Any = {"rounding": rounding, "interval": interval, "limits": METRICS[metric].limits}
    verdict = judge(values, **numbers, others=others, images=images, other_images=not same_images, **further)
    if verdict.compared is None:
        return verdict
    low, high = verdict.compared
    decimals = interval_decimals(0 if others else low, high, share)
    if others:
        difference = difference_text(float(np.mean(values) - np.mean(others)), share, decimals)
        unit = " points" if share else ""
        reason = f"{verdict.reason}; the means differ by {difference}{unit}, single runs by up to "
        reason += f"{show(high, share, unit=not share, decimals=decimals)}{unit}"
    else:
        reason = f"{verdict.reason}, {span_text(low, high, share, decimals)}"
    return replace(verdict, reason=f"{reason}; weak, as almost any value would agree" if verdict.weak else reason)


def claims_table(
    study: str,
    claims: Sequence[Mapping[str, Any]],
    runs: pd.DataFrame,
    summary: pd.DataFrame,
    pooled: pd.DataFrame,
    parameters: Mapping[str, int],
    *,
    same_images: bool,
    more: MoreSeeds | None = None,
) -> pd.DataFrame:
    """Compare each claim with our mean and its 95 % interval (of `summary_table`), without seeds that diverged.

    Args:
        runs, summary, pooled: tables of the study.
        same_images: whether the source used the same test images.
        more: forecasts the seeds that would tell open claims.

    Returns:
        One line a claim, with `COLUMNS`. ``kind`` is one of `config.study.CLAIM_KINDS`; ``number`` and ``second`` hold
        the published number or range, ``other`` the variant of similar_to.
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
            verdict = Verdict(equal, f"the numbers are {'equal' if equal else 'not equal'}")
            low = high = np.nan
        else:
            found = _values(kept, variant, metric, claim["split"])
            row = where(summary, variant=variant, metric=metric)
            row = (row if claim["split"] is None else where(row, split=claim["split"])).iloc[0]
            low, high = float(row.low), float(row.high)
            verdict = _judge_claim(claim, kept, pooled, same_images, (low, high))
            if verdict.agrees is None and more:
                images = int(images_tested(pooled).get((variant, claim["split"]), 0))
                told = more.text(claim, found, row.to_dict(), images)
                verdict = replace(verdict, reason="; ".join(filter(None, [verdict.reason, told])))
            if left_out := _left_out(runs, claim):
                verdict = replace(verdict, reason=f"{verdict.reason}; {left_out}")
        mean = float(np.mean(found)) if found else np.nan
        other = claim["similar_to"] or ""
        smallest, largest = min(found, default=np.nan), max(found, default=np.nan)
        said = VERDICTS[verdict.agrees] + WEAK * verdict.weak
        rows.append(
            (study, variant, claim["split"] or "", metric, claim["quote"], kind, number, second, other, mean, low, high,
             smallest, largest, len(found), said, verdict.reason, claim["note"])
        )  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)
