"""The measured numbers of a study: the lines of the first screen, each with its seeds and what was published."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calotype.config.choice import BEST, LARGE
from calotype.evaluation.choice import ranking, score_text
from calotype.evaluation.divergence import converged
from calotype.evaluation.number_format import mean_texts
from calotype.evaluation.study_results import StudyResults
from calotype.evaluation.tables import images_tested
from calotype.metrics.base import Metric
from calotype.metrics.registry import METRICS
from calotype.util.csv_tables import where
from calotype.util.statistics import NO_INTERVAL, Interval, next_run_interval

Line = Mapping[Hashable, Any]


@dataclass(frozen=True)
class Number:
    """A metric of one variant on one split: its mean over seeds, and the claims about it.

    Attributes:
        name: the metric's label, with its unit.
        split: empty for a number of the model.
        formula: the interval, and the numbers in its formula.
        seeds: the value of each seed that did not diverge.
        next_run: low and high of one more run; NaN if unknown.
        other_images: whether that run has other images, as the source cannot have had the same.
        images: number of test images; 0 if unknown.
        claims: lines of claims.csv.
    """

    variant: str
    label: str
    split: str
    metric: Metric
    name: str
    mean: float
    formula: Interval = NO_INTERVAL
    seeds: Mapping[int, float] = field(default_factory=dict)
    next_run: tuple[float, float] = (math.nan, math.nan)
    other_images: bool = False
    images: int = 0
    lost: int = 0
    claims: Sequence[Line] = ()

    @property
    def texts(self) -> tuple[str, str]:
        """Return mean and interval as text; the interval may be empty."""
        if self.metric.of_model:
            return f"{self.mean:,.0f}", ""
        return mean_texts(self.mean, self.formula.low, self.formula.high, self.metric.share)

    @property
    def published(self) -> list[float]:
        """Return all published values, bounds and ends of ranges."""
        return [value for claim in self.claims for value in (claim["number"], claim["second"]) if math.isfinite(value)]


def _number(
    results: StudyResults, tables: Mapping[str, Any], same_images: bool, row: Line, claims: list[Line]
) -> Number:
    metric = METRICS[row["metric"]]
    found = where(tables["runs"], variant=row["variant"], metric=metric.name)
    found = found if metric.recorded else where(found, split=row["split"])
    seeds = dict(zip(found.seed.astype(int), found.value, strict=True))
    images = int(tables["images"].get((row["variant"], row["split"]), 0))
    one_more = next_run_interval([*seeds.values()], images if metric.counted else None, not same_images)
    low, high = np.clip(one_more, *metric.limits).tolist()
    return Number(
        variant=row["variant"],
        label=results.labels[row["variant"]],
        split=row["split"],
        metric=metric,
        name=metric.named(results.unit),
        mean=row["mean"],
        formula=Interval(*(row[key] for key in ("low", "high", "t", "standard_error", "independent_images"))),
        seeds=seeds,
        next_run=(low, high),
        other_images=metric.counted and not same_images,
        images=images,
        lost=int(row["diverged"]),
        claims=claims,
    )


def numbers(results: StudyResults, headline: str, same_images: bool) -> list[Number]:
    """Return the headline of each variant and test split, and every other number with a claim, variant by variant.

    Args:
        same_images: whether the source may have used the same test images.
    """
    summary, claims = results.table("summary"), results.table("claims").fillna({"split": "", "other": ""})
    tables = {"runs": converged(results.table("runs")), "images": images_tested(results.table("pooled"))}
    found = []
    for variant, label in results.labels.items():
        about = where(claims, variant=variant)
        wanted = dict.fromkeys([(headline, split) for split in results.tests])
        wanted |= dict.fromkeys(zip(about.metric, about.split, strict=True))
        for metric, split in wanted:
            own: list[Line] = where(about, metric=metric, split=split).to_dict("records")
            if METRICS[metric].of_model:
                mean = own[0]["mean"]
                found.append(Number(variant, label, "", METRICS[metric], METRICS[metric].label, mean, claims=own))
                continue
            rows = where(summary, variant=variant, metric=metric)
            rows = where(rows, split=split) if split else rows
            if len(rows):
                found.append(_number(results, tables, same_images, rows.iloc[0].to_dict(), own))
    return found


@dataclass(frozen=True)
class Order:
    """The variants of a study in an order that no test image has chosen.

    Attributes:
        variants: by their score on validation images, the best first; without comparable scores, as in the config.
        score: the name of this score; empty without comparable scores of all variants.
    """

    variants: Sequence[str]
    score: str

    @property
    def prominent(self) -> list[str]:
        """The variants that are shown unfolded: all, or the first of a large study."""
        return [*self.variants] if len(self.variants) <= LARGE else [*self.variants[:BEST]]


def order(results: StudyResults, by: Mapping[str, Any]) -> Order:
    """Return the variants by validation images.

    Args:
        by: how variants are compared, as `config.choice.choosing` returns it.
    """
    found = ranking(results.table("runs"), by, [*results.labels]).variant.tolist()
    others = [variant for variant in results.labels if variant not in found]
    return Order([*found, *others], score_text(by["metric"]) if found and not others else "")
