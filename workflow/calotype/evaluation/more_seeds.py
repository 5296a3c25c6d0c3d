"""The number of seeds that would tell, and their cost by the measured times."""

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calotype.evaluation.packs import PackOrigin
from calotype.metrics.registry import METRICS
from calotype.util.differences import MOST, Difference
from calotype.util.statistics import RARE, wilson_interval


def _hours(seconds: float, unit: str) -> str:
    hours = seconds / 3600
    if hours < 0.1:
        return f"{max(1, round(60 * hours))} {unit} minute{'s' * (round(60 * hours) > 1)}"
    return f"{hours:.2g} {unit} hours" if hours < 10 else f"{hours:,.0f} {unit} hours"


def cost_text(origins: Sequence[PackOrigin], further: Mapping[str, int]) -> str:
    """Return what further seeds of some variants cost, by the median time of their seeds: ``about 3.2 core hours``.

    Args:
        further: number of seeds by variant.
    """
    seconds = {"core": 0.0, "GPU": 0.0}
    for variant, number in further.items():
        packs = [pack.origin for pack in origins if pack.variant == variant]
        one = statistics.median(time for origin in packs for time in origin["seconds"].values())
        on_cpu = packs[0]["machine"]["device"] == "cpu"
        seconds["core" if on_cpu else "GPU"] += number * one * (packs[0]["config"].get("threads", 1) if on_cpu else 1)
    return "about " + " and ".join(_hours(time, unit) for unit, time in seconds.items() if time)


def seeds_text(needed: float, seeds: Mapping[str, int], origins: Sequence[PackOrigin]) -> str:
    """Return how many seeds would tell, and their cost: ``24 seeds would tell (19 more, about 2 core hours)``.

    Args:
        needed: as `Difference.seeds_needed` returns it.
        seeds: present number by variant.
    """
    if math.isnan(needed):
        return "the spread is unknown, so no number of seeds can be forecast"
    if math.isinf(needed):
        return f"{MOST:,} seeds would not tell; test on more images"
    further = {variant: int(needed) - n for variant, n in seeds.items() if n < needed}
    each = " of each" if len(seeds) > 1 else ""
    if not further:
        return f"{int(needed):,} seeds{each} tell in 80 % of studies; more seeds raise this chance"
    more = " and ".join(f"{number:,}" for number in dict.fromkeys(further.values()))
    return f"{int(needed):,} seeds{each} would tell ({more} more, {cost_text(origins, further)})"


def worth_text(worth: float, share: bool) -> str:
    """Return the smallest difference that matters: ``0.5 points`` of a share, else ``0.5``."""
    text = f"{100 * worth if share else worth:.3g}"
    return f"{text} point{'s' * (text != '1')}" if share else text


@dataclass(frozen=True)
class MoreSeeds:
    """Forecasts for open claims of a study.

    Attributes:
        metric: the headline metric.
        worth: its smallest difference that matters, of shares as a fraction; None if unknown: nothing is forecast.
    """

    metric: str
    worth: float | None
    origins: Sequence[PackOrigin]

    def text(self, claim: Mapping[str, Any], values: Sequence[float], mean: Mapping[str, Any], images: int) -> str:
        """Return how many seeds would tell an open claim; empty if that is unknown.

        Args:
            values: of the seeds.
            mean: the line of `summary_table` about them.
            images: number of test images.
        """
        n, bound = len(values), claim["at_most"] is not None or claim["at_least"] is not None
        if self.worth is None or claim["metric"] != self.metric or n < 2:
            return ""
        if claim["as_low_as"] is not None:
            enough = next(i for i in itertools.count(2) if wilson_interval(0, i)[1] < RARE)
            return f"without a run as low, {seeds_text(enough, {claim['variant']: n}, self.origins)}"
        if not bound:
            return ""
        share, of_seeds = METRICS[self.metric].share, float(np.var(values, ddof=1))
        variance = mean["standard_error"] ** 2
        if math.isfinite(mean["independent_images"]):
            variance = mean["mean"] * (1 - mean["mean"]) / mean["independent_images"]
        found = Difference(mean["mean"], [of_seeds], [n], max(0.0, variance - of_seeds / n), 0.0, images)
        needed = found.seeds_needed(self.worth, equivalence=False)
        told = seeds_text(needed, {claim["variant"]: n}, self.origins)
        return f"{told} if the mean is {worth_text(self.worth, share)} from the bound"
