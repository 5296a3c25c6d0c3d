"""Differences of two variants: intervals, tests for several comparisons, and the number of seeds that would tell."""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calotype.util.statistics import LEVEL, NEGLIGIBLE, Scores, variances

ALPHA = 1 - LEVEL
POWER = 0.8
CERTAIN = 0.8  # confidence of the upper bound of a spread
MOST = 10_000  # seeds that a forecast names
TINY = 1e-100  # smallest p-value

Numbers = Any  # a float, or an array of many studies at once


@dataclass(frozen=True)
class Difference:
    """A mean difference of two variants on the same test images, and the parts of its variance.

    Attributes:
        spreads: the variances over seeds: of the differences if paired by seed, else of each variant.
        seeds: the number of seeds of each of these variances.
        by_images: variance of the mean by images.
        both: variance of the mean that is in both other parts, and counts once.
        limit: largest possible difference.
    """

    mean: Numbers
    spreads: Sequence[Numbers]
    seeds: Sequence[int]
    by_images: Numbers
    both: Numbers
    images: int
    limit: float = math.inf

    @property
    def _by_seeds(self) -> Numbers:
        return sum(spread / n for spread, n in zip(self.spreads, self.seeds, strict=True))

    @property
    def _error(self) -> Numbers:
        by_seeds = self._by_seeds
        shared = np.minimum(np.minimum(by_seeds, self.by_images), self.both)
        error = np.sqrt(by_seeds + self.by_images - shared)
        return np.where(error > NEGLIGIBLE * np.abs(self.mean), error, np.nan)

    @property
    def _shape(self) -> list[Numbers]:
        """The weight of each part of the variance, and its degrees of freedom: w1, f1, w2, f2, ...

        The seeds are one part with Welch's degrees of freedom; of unequal numbers of seeds, each variant is a part,
        because intervals by Welch from 3 and 50 seeds are too narrow: 92 % of them hold the true difference.
        """
        parts = [(self._by_seeds, _degrees(self.spreads, self.seeds))]
        if len(set(self.seeds)) > 1:
            parts = [(spread / n, float(n - 1)) for spread, n in zip(self.spreads, self.seeds, strict=True)]
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = [np.nan_to_num(part / np.maximum(self._error**2, self._by_seeds)) for part, _ in parts]
        rest, of_images = 1 - sum(shares), float(max(self.images - 1, 1))
        rest = np.where(rest > NEGLIGIBLE, rest, 0.0)
        found = zip([*shares, rest], [*(degrees for _, degrees in parts), of_images], strict=True)
        return [number for pair in found for number in pair]

    def _quantile(self, alpha: Numbers) -> Numbers:
        return _quantile(alpha, *self._shape)

    def interval(self, alpha: Numbers = ALPHA) -> tuple[Numbers, Numbers]:
        """Return low and high of the interval of confidence 1 - alpha; NaN if nothing varies."""
        half = self._quantile(alpha) * self._error
        return np.maximum(self.mean - half, -self.limit), np.minimum(self.mean + half, self.limit)

    def _p(self, distance: Numbers) -> Numbers:
        """Return the alpha whose interval has this half-width; NaN if nothing varies."""
        from scipy.optimize.elementwise import find_root

        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.asarray(distance / self._error, float)
        known = np.isfinite(t)
        found = find_root(
            lambda x, t, *shape: _quantile(np.exp(x), *shape) - t,
            (math.log(TINY), 0.0),
            args=(np.where(known, t, 0.0), *self._shape),
        )
        return np.where(known, np.where(t > self._quantile(TINY), TINY, np.exp(found.x)), np.nan)

    def p_value(self) -> Numbers:
        """Return the two-sided p-value of no difference: `interval` of a smaller alpha contains zero."""
        return self._p(np.abs(self.mean))

    def p_equivalent(self, worth: float) -> Numbers:
        """Return the p-value of a difference of `worth` or more in either direction (two one-sided tests).

        Source: D. J. Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987) 657.
        """
        distance = worth - np.abs(self.mean)
        return np.where(distance > 0, self._p(np.maximum(distance, 0)) / 2, np.where(np.isnan(distance), np.nan, 1.0))

    def seeds_needed(self, worth: float, alpha: float = ALPHA, *, equivalence: bool = True) -> float:
        """Return the number of seeds of each variant that would tell with 80 % power; infinite if `MOST` would not.

        So many seeds tell a difference of `worth` from zero and, for `equivalence`, none from `worth`. The variances
        are the upper ends of their one-sided 80 % intervals, so that four of five forecasts are large enough.

        Source: R. H. Browne, On the use of a pilot sample for sample size determination, Stat. Med. 14 (1995) 1933.
        """
        from scipy.special import stdtr

        per_seed = float(sum(self.spreads)) * _safety(_degrees(self.spreads, self.seeds))
        floor = max(0.0, float(self.by_images - self.both)) * _safety(max(self.images - 1, 1))
        if not math.isfinite(per_seed + floor) or per_seed + floor == 0:
            return math.nan

        def tells(n: int) -> bool:
            of_seeds = _degrees(self.spreads, [n] * len(self.spreads))
            variance = per_seed / n + floor
            planned = Difference(0.0, [per_seed], [n], floor, 0.0, self.images)
            degrees = variance**2 / ((per_seed / n) ** 2 / of_seeds + floor**2 / max(self.images - 1, 1))
            shift, t = worth / variance**0.5, float(planned._quantile(alpha))
            one_sided = float(planned._quantile(2 * alpha))
            different = _power(degrees, shift, t)
            equivalent = 1 - 2 * stdtr(degrees, -max(0.0, shift - one_sided))
            return bool(min(different, equivalent if equivalence else 1.0) >= POWER)

        found = bisect.bisect_left(range(2, MOST + 1), True, key=tells) + 2
        return math.inf if found > MOST else float(found)


def _quantile(alpha: Numbers, *shape: Numbers) -> Numbers:
    """Return the two-sided quantile: the mean of Student's of the parts of a variance, weighted by them (Cochran)."""
    from scipy.special import stdtrit  # the import takes 0.3 s

    parts = zip(shape[::2], shape[1::2], strict=True)
    return -sum(weight * stdtrit(degrees, alpha / 2) for weight, degrees in parts)


def _degrees(spreads: Sequence[Numbers], seeds: Sequence[int]) -> Numbers:
    """Return the degrees of freedom of a sum of variances over seeds (Welch and Satterthwaite)."""
    parts = [spread / n for spread, n in zip(spreads, seeds, strict=True)]
    fewest = min(seeds) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        found = sum(parts) ** 2 / sum(part**2 / (n - 1) for part, n in zip(parts, seeds, strict=True))
    return np.where(np.isfinite(found), found, fewest)


def _power(degrees: float, shift: float, t: float) -> float:
    """Return the probability that noncentral Student's t exceeds `t`.

    SciPy gives NaN for some large shifts; there, the normal approximation by Abramowitz and Stegun, 26.7.10.
    """
    from scipy.special import nctdtr, ndtr

    below = float(nctdtr(degrees, shift, t))
    if math.isnan(below):
        below = float(ndtr((t * (1 - 1 / (4 * degrees)) - shift) / (1 + t**2 / (2 * degrees)) ** 0.5))
    return 1 - below


def _safety(degrees: Numbers) -> float:
    """Return the upper bound of a variance, divided by its estimate."""
    from scipy.special import chdtri

    return float(degrees / chdtri(degrees, CERTAIN))


def difference(
    mean: Numbers, scores: Scores, others: Scores | None = None, *, share_of_images: bool = False
) -> Difference:
    """Return the difference of two variants over seeds and images, which both are samples.

    The variance is that of `score_formula`, of the differences by seed and image if paired by seed. Else the variances
    over seeds add up (Welch), and the differences of the means of each image have the variance by images. For shares of
    images, one image on which each variant alone is right by a half joins the variance, so that two models without
    errors are not called equal.

    Sources: B. L. Welch, Biometrika 34 (1947) 28; unequal numbers of seeds: W. G. Cochran, Biometrics 20 (1964) 191;
    A. Agresti, Y. Min, Simple improved confidence intervals for comparing matched proportions, Stat. Med. 24 (2005)
    729.

    Args:
        mean: over seeds.
        scores: of the images, shape (..., seeds, images): differences if paired by seed.
        others: scores of the other variant, if not paired; its number of seeds may differ.
        share_of_images: whether each score is right or wrong.
    """
    samples = [scores] if others is None else [scores, others]
    found = [variances(sample) for sample in samples]
    seeds, n = [sample.shape[-2] for sample in samples], scores.shape[-1]
    of_image = scores.mean(axis=-2) - (0.0 if others is None else others.mean(axis=-2))
    by_images = of_image.var(axis=-1, ddof=1) / n if n > 1 else 0.0 * np.asarray(mean)
    if share_of_images:
        by_images = (by_images * n * (n - 1) + 1 + 2 * n / (n + 2) * mean**2) / (n + 2) ** 2
    spreads = [by_seeds * count for (by_seeds, _, _), count in zip(found, seeds, strict=True)]
    both = sum(part for _, _, part in found)
    return Difference(mean, spreads, seeds, by_images, both, n, 1.0 if share_of_images else math.inf)


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values, shape (..., comparisons), adjusted for all comparisons of a study; NaN counts as none.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Stat. 6 (1979) 65.
    """
    order = np.argsort(p_values, axis=-1)  # NaN last
    steps = np.isfinite(p_values).sum(axis=-1, keepdims=True) - np.arange(p_values.shape[-1])
    ranked = np.maximum.accumulate(np.take_along_axis(p_values, order, axis=-1) * np.maximum(steps, 1), axis=-1)
    return np.minimum(np.take_along_axis(ranked, np.argsort(order, axis=-1), axis=-1), 1.0)


def holm_alphas(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the alpha of the interval of each comparison, shape (..., comparisons): it excludes zero where Holm does.

    The m intervals have Bonferroni's alpha of 0.05 / m, so that they hold together with 95 % confidence. Where only
    Holm's test tells a difference, the interval has the alpha of this test's step, 0.05 / (m - j) after j others; all
    intervals together then hold with less confidence.

    Sources: O. J. Dunn, Multiple comparisons among means, J. Am. Stat. Assoc. 56 (1961) 52; J. T. Efird, S. S. Nielsen,
    A method to compute multiplicity corrected confidence intervals, Int. J. Environ. Res. Public Health 5 (2008) 394.
    """
    number = np.maximum(np.isfinite(p_values).sum(axis=-1, keepdims=True), 1)
    before = np.argsort(np.argsort(p_values, axis=-1), axis=-1)
    late = (holm(p_values) <= ALPHA) & (p_values > ALPHA / number)
    return ALPHA / np.where(late, np.maximum(number - before, 1), number)
