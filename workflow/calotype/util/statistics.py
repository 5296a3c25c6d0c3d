"""Means, intervals, and verdicts on published numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95  # of all intervals
RARE = 0.05  # a share of runs that is too small to be seen in a few runs
NEGLIGIBLE = 1e-12  # rounding, when equal seeds meet a bound
EQUAL_RUNS = "all runs are equal, so that the range of one more run is unknown"
WIDE = 0.25  # a verdict is weak if its range spans more of the possible values; without a highest value, of the mean

Scores = NDArray[np.float64]  # of runs and images, shape (seeds, images)


class Interval(NamedTuple):
    """A 95 % interval of a mean, and the numbers in its formula."""

    low: float
    high: float
    t: float  # quantile
    error: float = math.nan  # standard error: mean ± t × error, cut at the limits of possible values
    images: float = math.nan  # number of independent images, of Wilson's interval


NO_INTERVAL = Interval(math.nan, math.nan, math.nan)


def _t(degrees: float) -> float:
    from scipy.special import ndtri, stdtrit  # the import takes 0.3 s

    return float(ndtri(0.5 + LEVEL / 2) if math.isinf(degrees) else stdtrit(degrees, 0.5 + LEVEL / 2))


def t_quantile(n: int) -> float:
    """Return the factor of a two-sided interval from n values: Student's t with n - 1 degrees of freedom."""
    return _t(n - 1)


def _differ(values: Sequence[float]) -> bool:
    """Return True if finite values are not all equal, but for rounding."""
    return bool(len(values) > 1 and np.isfinite(values).all() and np.ptp(values) > NEGLIGIBLE * np.abs(values).max())


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean, and low and high of `seeds_formula`; NaN if there are no values."""
    mean = float(np.mean(values)) if len(values) else math.nan
    return mean, *seeds_formula(values)[:2]


def variances(scores: Scores) -> tuple[Any, Any, Any]:
    """Return the variances of the mean by seeds, by images, and by both together, from a two-way table.

    Args:
        scores: shape (seeds, images), or (..., seeds, images) for many tables at once.
    """
    seeds, images = scores.shape[-2:]
    of_seed, of_image = scores.mean(axis=-1), scores.mean(axis=-2)
    none = np.zeros(scores.shape[:-2])
    by_seeds = of_seed.var(axis=-1, ddof=1) / seeds if seeds > 1 else none
    by_images = of_image.var(axis=-1, ddof=1) / images if images > 1 else none
    if min(seeds, images) < 2:
        return by_seeds, by_images, none
    rest = scores - of_seed[..., None] - of_image[..., None, :] + scores.mean(axis=(-2, -1), keepdims=True)
    return by_seeds, by_images, (rest**2).sum(axis=(-2, -1)) / ((seeds - 1) * (images - 1) * seeds * images)


def _total(by_seeds: float, by_images: float, both: float, seeds: int, units: float) -> tuple[float, float]:
    """Return the variance of a mean, and Student's quantile, weighted by the parts of the variance.

    ``both`` is part of the first two variances, and counts once.
    """
    variance = by_seeds + by_images - min(by_seeds, by_images, both)
    if seeds < 2 or variance == 0:
        return variance, _t(max(units - 1, 1))
    weight = min(1.0, by_seeds / variance)
    return variance, weight * _t(seeds - 1) + (1 - weight) * _t(max(units - 1, 1))


def seeds_formula(values: Sequence[float]) -> Interval:
    """Return the 95 % interval of the mean over seeds alone (Student's t), and the numbers in its formula.

    NaN for a single value, and for equal ones, which leave the spread of seeds unknown.
    """
    if not _differ(values):
        return NO_INTERVAL
    mean, t, error = float(np.mean(values)), t_quantile(len(values)), float(np.std(values, ddof=1)) / len(values) ** 0.5
    return Interval(mean - t * error, mean + t * error, t, error)


def score_formula(mean: float, scores: Scores, lowest: float, highest: float) -> Interval:
    """Return the 95 % interval of a mean over seeds and images, which both are samples.

    Every seed sees the same images, so that the variance by images does not shrink with seeds: the variance of the mean
    is (MS_seeds + MS_images - MS_both) / (seeds * images), with the mean squares of a two-way analysis of variance. The
    quantile is the mean of Student's for the numbers of seeds and of images, weighted by their parts of the variance.

    Sources: A. C. Cameron, J. B. Gelbach, D. L. Miller, Robust inference with multiway clustering, J. Bus. Econ. Stat.
    29 (2011) 238; W. G. Cochran, Approximate significance levels of the Behrens-Fisher test, Biometrics 20 (1964) 191.

    Args:
        mean: of the metric over seeds.
        scores: values whose mean over images is the metric, shape (seeds, images). Without such values: the
            pseudo-values of a jackknife over groups of images, shape (seeds, groups).
        lowest, highest: limits of possible values, which cut the interval.

    Returns:
        NaN if a score is not finite or if all are equal. With a single seed, the interval holds the images alone.
    """
    if not np.isfinite(scores).all():
        return NO_INTERVAL
    variance, t = _total(*variances(scores), len(scores), scores.shape[1])
    error = variance**0.5
    if error == 0:
        return NO_INTERVAL
    return Interval(max(lowest, mean - t * error), min(highest, mean + t * error), t, error)


def share_formula(mean: float, scores: Scores, images: float | None = None) -> Interval:
    """Return the 95 % interval of a mean share over seeds and images.

    This is Wilson's interval with the number of independent images that has the variance of `score_formula`, and with
    its quantile. Two images that all seeds get right and two that all get wrong join this variance, so that a model
    without errors has the interval of its images: with equal seeds or a single one it is Wilson's.

    Sources: C. Franco, R. J. A. Little, T. A. Louis, E. V. Slud, J. Surv. Stat. Methodol. 7 (2019) 334; A. Agresti,
    B. A. Coull, Am. Stat. 52 (1998) 119.

    Args:
        mean: of the share over seeds.
        scores: as in `score_formula`.
        images: the number of images, if the scores are those of groups.
    """
    if not np.isfinite(scores).all():
        return NO_INTERVAL
    n = float(images or scores.shape[1])
    by_seeds, by_images, both = variances(scores)
    squares = by_images * n * (n - 1) + 1 + 4 * n / (n + 4) * (mean - 0.5) ** 2
    units = scores.shape[1] if images else math.inf  # the variance of a count follows from its mean
    variance, t = _total(by_seeds, squares / (n + 4) ** 2, both, len(scores), units)
    share = (mean * n + 2) / (n + 4)
    independent = n * share * (1 - share) / ((n + 4) * variance)
    return Interval(*_wilson(mean, independent, t), t, images=independent)


def share_interval(mean: float, scores: Scores, images: float | None = None) -> tuple[float, float]:
    """Return low and high of `share_formula`."""
    return share_formula(mean, scores, images)[:2]


def spread(values: Sequence[float], images: int | None = None) -> float:
    """Return the standard deviation of runs; of shares of images, at least that of half an image.

    Equal counts of images come from scores that lie less than one image apart, whose standard deviation may be half an
    image. Without it, the range of one more run would have no width after a few equal runs.

    Source: T. Popoviciu, Sur les équations algébriques ayant toutes leurs racines réelles, Mathematica 9 (1935) 129.

    Args:
        images: number of test images, if the values are shares of them.
    """
    return max(float(np.std(values, ddof=1)), 0.5 / images if images else 0.0)


def next_run_interval(
    values: Sequence[float], images: int | None = None, other_images: bool = False
) -> tuple[float, float]:
    """Return low and high of the 95 % prediction interval of one more run (Student's t).

    NaN for a single value, and for equal ones that are no shares of images, which leave the spread of seeds unknown.

    Args:
        images: number of test images, if the values are shares of them.
        other_images: whether the run has other test images: the variance of drawing both sets is added.
    """
    if len(values) < 2 or not (images or _differ(values)):
        return math.nan, math.nan
    n, mean = len(values), float(np.mean(values))
    variance = spread(values, images) ** 2 * (1 + 1 / n)
    if images and other_images:
        share = (mean * images + 2) / (images + 4)  # as in `share_formula`
        variance += 2 * share * (1 - share) / (images + 4)
    half = t_quantile(n) * variance**0.5
    return mean - half, mean + half


def _wilson(share: float, trials: float, z: float) -> tuple[float, float]:
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * (share * (1 - share) / trials + z**2 / (4 * trials**2)) ** 0.5
    # The ends are exact if nothing or everything succeeded; rounding would leave 3e-18.
    return (0.0 if share == 0 else centre - half), (1.0 if share == 1 else centre + half)


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return low and high of the 95 % interval of a proportion.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, J. Am. Stat. Assoc. 22
    (1927) 209.

    Raises:
        ValueError: no trials, or more successes than trials.
    """
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} successes in {trials} trials")
    return _wilson(successes / trials, trials, _t(math.inf))


@dataclass(frozen=True)
class Verdict:
    """The result of a comparison between a claim and the runs."""

    agrees: bool | None  # None: undecided, as more seeds are needed
    reason: str
    compared: tuple[float, float] | None = None  # the published values, or differences, that would agree
    weak: bool = False  # agrees, as almost any value would


def _wide(low: float, high: float, mean: float, limits: tuple[float, float]) -> bool:
    possible = limits[1] - limits[0]
    return high - low > (WIDE * possible if math.isfinite(possible) else abs(mean))


def _judge_value(
    values: Sequence[float], value: float, one_more: tuple[float, float], rounding: float, limits: tuple[float, float]
) -> Verdict:
    low, high = one_more
    if math.isnan(low):  # all runs are equal
        equal = abs(float(np.mean(values)) - value) <= rounding + NEGLIGIBLE
        return Verdict(True, "the numbers are equal") if equal else Verdict(None, EQUAL_RUNS)
    inside = low - rounding - NEGLIGIBLE <= value <= high + rounding + NEGLIGIBLE
    low, high = max(low, limits[0]), min(high, limits[1])
    reason = f"{'inside' if inside else 'outside'} the 95 % range of one more run"
    return Verdict(inside, reason, (low, high), inside and _wide(low, high, float(np.mean(values)), limits))


def _judge_bound(interval: tuple[float, float], at_most: float, at_least: float) -> Verdict:
    low, high = interval
    keeps = high <= at_most + NEGLIGIBLE and low >= at_least - NEGLIGIBLE
    breaks = low > at_most + NEGLIGIBLE or high < at_least - NEGLIGIBLE
    if keeps:
        return Verdict(True, f"the whole interval lies {'below' if math.isfinite(at_most) else 'above'} the bound")
    if breaks:
        return Verdict(False, "the whole interval is outside the bound")
    if math.isnan(low):
        return Verdict(None, "the mean has no interval")
    return Verdict(None, "the interval contains the bound; run more seeds or test on more images")


def _judge_range(values: Sequence[float], between: Sequence[float]) -> Verdict:
    inside = sum(between[0] - NEGLIGIBLE <= value <= between[1] + NEGLIGIBLE for value in values)
    low, high = wilson_interval(inside, len(values))
    agrees = True if low > 0.5 else False if high < 0.5 else None
    return Verdict(agrees, f"{inside} of {len(values)} runs lie in the range")


def _judge_lowest(values: Sequence[float], bound: float) -> Verdict:
    below = sum(value <= bound + NEGLIGIBLE for value in values)
    rare = wilson_interval(below, len(values))[1] < RARE
    return Verdict(True if below else False if rare else None, f"{below} of {len(values)} runs are as low")


def _judge_similar(
    values: Sequence[float], others: Sequence[float], images: int | None, limits: tuple[float, float]
) -> Verdict:
    n = min(len(values), len(others))
    half = t_quantile(n) * math.hypot(spread(values, images), spread(others, images)) * (1 + 1 / n) ** 0.5
    difference = float(np.mean(values) - np.mean(others))
    alike = abs(difference) <= half + NEGLIGIBLE
    if not (alike or images or _differ(values) or _differ(others)):
        return Verdict(None, EQUAL_RUNS)
    reason = f"the difference {'is within' if alike else 'exceeds'} the variation of single runs"
    return Verdict(alike, reason, (-half, half), alike and _wide(-half, half, float(np.mean(others)), limits))


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
    other_images: bool = False,
    rounding: float = 0.0,
    interval: tuple[float, float] | None = None,
    limits: tuple[float, float] = (-math.inf, math.inf),
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
        images, other_images: as in `next_run_interval`; the other images are those of the source.
        rounding: the largest rounding error of the published value.
        interval: low and high of the mean; Student's over seeds if not given.
        limits: lowest and highest possible value.
    """
    fewest = min(len(values), len(values if others is None else others))
    if fewest == 0:
        return Verdict(None, "no run has a value")
    if fewest < 2:
        return Verdict(None, "one seed is not enough; run more seeds")
    if not np.isfinite([*values, *(others or [])]).all():
        return Verdict(None, "a value is NaN or infinite")
    if value is not None:
        return _judge_value(values, value, next_run_interval(values, images, other_images), rounding, limits)
    if between is not None:
        return _judge_range(values, between)
    if as_low_as is not None:
        return _judge_lowest(values, as_low_as)
    if others is not None:
        return _judge_similar(values, others, images, limits)
    bounds = math.inf if at_most is None else at_most, -math.inf if at_least is None else at_least
    return _judge_bound(seeds_formula(values)[:2] if interval is None else interval, *bounds)
