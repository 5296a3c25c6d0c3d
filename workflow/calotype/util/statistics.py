"""Means, intervals, and verdicts on published numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95  # of all intervals
RARE = 0.05  # a share of runs that is too small to be seen in a few runs
NEGLIGIBLE = 1e-12  # rounding, when equal seeds meet a bound


def t_quantile(n: int) -> float:
    """Return the factor of a two-sided interval from n values: Student's t with n - 1 degrees of freedom."""
    from scipy.special import stdtrit  # the import takes 0.3 s

    return float(stdtrit(n - 1, 0.5 + LEVEL / 2))


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return mean, low and high of the 95 % interval of the mean over seeds (Student's t).

    Low and high are NaN for a single value, and all three are NaN for none.
    """
    array = np.asarray(values, float)
    mean = float(array.mean()) if array.size else math.nan
    if array.size < 2:
        return mean, math.nan, math.nan
    half = t_quantile(array.size) * float(array.std(ddof=1)) / array.size**0.5
    return mean, mean - half, mean + half


def next_run_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return low and high of the 95 % prediction interval of one more run (Student's t); NaN for a single value."""
    array = np.asarray(values, float)
    if array.size < 2:
        return math.nan, math.nan
    half = t_quantile(array.size) * float(array.std(ddof=1)) * (1 + 1 / array.size) ** 0.5
    return float(array.mean()) - half, float(array.mean()) + half


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return low and high of the 95 % interval of a proportion.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, J. Am. Stat. Assoc. 22
    (1927) 209.

    Raises:
        ValueError: no trials, or more successes than trials.
    """
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} successes in {trials} trials")
    from scipy.special import ndtri

    z = float(ndtri(0.5 + LEVEL / 2))
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * (share * (1 - share) / trials + z**2 / (4 * trials**2)) ** 0.5
    # The ends are exact if nothing or everything succeeded; rounding would leave 3e-18.
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == trials else centre + half)


@dataclass(frozen=True)
class Verdict:
    """The result of a comparison between a claim and the runs."""

    agrees: bool | None  # None: undecided, as more seeds are needed
    reason: str


def _judge_value(values: Sequence[float], value: float, images: int | None, rounding: float) -> Verdict:
    low, high = next_run_interval(values)
    if images:
        mean = float(np.mean(values))
        drawn = t_quantile(len(values)) ** 2 * 2 * mean * (1 - mean) / images
        half = (((high - low) / 2) ** 2 + drawn) ** 0.5
        low, high = mean - half, mean + half
    inside = low - rounding - NEGLIGIBLE <= value <= high + rounding + NEGLIGIBLE
    return Verdict(inside, f"{'inside' if inside else 'outside'} the 95 % range of one more run")


def _judge_bound(values: Sequence[float], at_most: float, at_least: float) -> Verdict:
    _, low, high = mean_interval(values)
    keeps = high <= at_most + NEGLIGIBLE and low >= at_least - NEGLIGIBLE
    breaks = low > at_most + NEGLIGIBLE or high < at_least - NEGLIGIBLE
    if keeps:
        return Verdict(True, f"the whole interval lies {'below' if math.isfinite(at_most) else 'above'} the bound")
    if breaks:
        return Verdict(False, "the whole interval is outside the bound")
    return Verdict(None, "the interval contains the bound; run more seeds")


def _judge_range(values: Sequence[float], between: Sequence[float]) -> Verdict:
    inside = sum(between[0] - NEGLIGIBLE <= value <= between[1] + NEGLIGIBLE for value in values)
    low, high = wilson_interval(inside, len(values))
    agrees = True if low > 0.5 else False if high < 0.5 else None
    return Verdict(agrees, f"{inside} of {len(values)} runs lie in the range")


def _judge_lowest(values: Sequence[float], bound: float) -> Verdict:
    below = sum(value <= bound + NEGLIGIBLE for value in values)
    rare = wilson_interval(below, len(values))[1] < RARE
    return Verdict(True if below else False if rare else None, f"{below} of {len(values)} runs are as low")


def _judge_similar(values: Sequence[float], others: Sequence[float]) -> Verdict:
    n = min(len(values), len(others))
    spread = (np.var(values, ddof=1) + np.var(others, ddof=1)) ** 0.5
    half = t_quantile(n) * float(spread) * (1 + 1 / n) ** 0.5
    difference = float(np.mean(values) - np.mean(others))
    alike = abs(difference) <= half + NEGLIGIBLE
    return Verdict(alike, f"the difference {'is within' if alike else 'exceeds'} the variation of single runs")


def judge(
    values: Sequence[float],
    *,
    value: float | None = None,
    at_most: float | None = None,
    at_least: float | None = None,
    between: Sequence[float] | None = None,
    as_low_as: float | None = None,
    others: Sequence[float] | None = None,
    images: int | None = None,
    rounding: float = 0.0,
) -> Verdict:
    """Compare a claim with the runs of several seeds.

    - A published value comes from one run: it agrees if it lies in the 95 % prediction interval of one more run.
    - A bound agrees if the whole interval of our mean respects it.
    - A range of runs agrees if the 95 % interval (Wilson) of the share of our runs in it lies above one half.
    - A number for the lowest runs agrees if a run of ours is as low. It disagrees if the share of such runs is below
      5 % with certainty (Wilson).
    - A similar variant agrees if the means differ by no more than two single runs do.

    Args:
        values: of the seeds that did not diverge, all on the same test images.
        value, at_most, at_least, between, as_low_as: the claim; one of them, or `others`.
        others: the values of the variant that this one is claimed to resemble.
        images: number of test images, if the values are shares of them and the source had other images: the variance
            of drawing both sets is added.
        rounding: the largest rounding error of the published value.
    """
    fewest = min(len(values), len(values if others is None else others))
    if fewest == 0:
        return Verdict(None, "no run has a value")
    if fewest < 2:
        return Verdict(None, "one seed is not enough; run more seeds")
    if not np.isfinite([*values, *(others or [])]).all():
        return Verdict(None, "a value is NaN or infinite")
    if value is not None:
        return _judge_value(values, value, images, rounding)
    if between is not None:
        return _judge_range(values, between)
    if as_low_as is not None:
        return _judge_lowest(values, as_low_as)
    if others is not None:
        return _judge_similar(values, others)
    return _judge_bound(values, math.inf if at_most is None else at_most, -math.inf if at_least is None else at_least)
