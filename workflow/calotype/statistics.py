"""Means, intervals, and what a published number is worth beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

LEVEL = 0.95  # of all intervals
NEGLIGIBLE = 1e-12  # rounding, when seeds that are all equal meet a bound


def t_quantile(n: int) -> float:
    """The factor of a two-sided interval from n values, by Student's t with n - 1 degrees of freedom."""
    return float(stdtrit(n - 1, 0.5 + LEVEL / 2))


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean and its 95 % interval over seeds (Student's t).

    Returns:
        mean, low, high; low and high are NaN for a single value.
    """
    array = np.asarray(values, float)
    mean = float(array.mean())
    if array.size < 2:
        return mean, float("nan"), float("nan")
    half = t_quantile(array.size) * float(array.std(ddof=1)) / array.size**0.5
    return mean, mean - half, mean + half


def next_run_interval(values: Sequence[float]) -> tuple[float, float]:
    """Where one more run with another seed would lie with 95 % (prediction interval, Student's t).

    Returns:
        low, high; NaN for a single value.
    """
    array = np.asarray(values, float)
    if array.size < 2:
        return float("nan"), float("nan")
    half = t_quantile(array.size) * float(array.std(ddof=1)) * (1 + 1 / array.size) ** 0.5
    return float(array.mean()) - half, float(array.mean()) + half


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a proportion.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, J. Am. Stat. Assoc. 22
    (1927) 209.

    Raises:
        ValueError: there are no trials, or more successes than trials.
    """
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} successes in {trials} trials")
    z = float(ndtri(0.5 + LEVEL / 2))
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * (share * (1 - share) / trials + z**2 / (4 * trials**2)) ** 0.5
    # The ends are exact where nothing, or everything, succeeded; rounding would leave 3e-18.
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == trials else centre + half)


@dataclass(frozen=True)
class Verdict:
    """A claim beside its measurement.

    Attributes:
        agrees: None if the seeds do not suffice to tell.
        reason: the comparison in words.
    """

    agrees: bool | None
    reason: str


def judge(
    values: Sequence[float],
    *,
    value: float | None = None,
    at_most: float | None = None,
    at_least: float | None = None,
    images: int | None = None,
) -> Verdict:
    """Hold a claim against the runs of several seeds.

    A published value comes from one run, so it agrees when it lies where one more run of ours would with 95 %. A
    published bound agrees when the whole interval of our mean keeps it.

    Args:
        values: of the seeds, all on the same test images.
        value, at_most, at_least: the claim; one of them.
        images: how many test images there are, where the values are shares of them. The source had other images, so the
            chance of drawing its images and ours is added.
    """
    if len(values) < 2:
        return Verdict(None, "one seed cannot tell; ask for more seeds")
    if value is not None:
        low, high = next_run_interval(values)
        if images:
            mean = float(np.mean(values))
            drawn = t_quantile(len(values)) ** 2 * 2 * mean * (1 - mean) / images
            half = (((high - low) / 2) ** 2 + drawn) ** 0.5
            low, high = mean - half, mean + half
        if not np.isfinite([low, high]).all():
            return Verdict(None, "a training diverged")
        inside = low - NEGLIGIBLE <= value <= high + NEGLIGIBLE
        return Verdict(inside, f"it lies {'inside' if inside else 'outside'} the range of one more run")
    _, low, high = mean_interval(values)
    if not np.isfinite([low, high]).all():
        return Verdict(None, "a training diverged")
    if at_most is not None:
        keeps, breaks, side = high <= at_most + NEGLIGIBLE, low > at_most + NEGLIGIBLE, "below"
    else:
        assert at_least is not None
        keeps, breaks, side = low >= at_least - NEGLIGIBLE, high < at_least - NEGLIGIBLE, "above"
    if keeps or breaks:
        return Verdict(
            keeps, f"the whole interval lies {side} the bound" if keeps else "the whole interval breaks the bound"
        )
    return Verdict(None, "the interval reaches across the bound; ask for more seeds")
