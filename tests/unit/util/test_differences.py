"""Intervals, tests and forecasts of differences keep what they promise in simulated studies with a known truth."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri

from calotype.util.differences import ALPHA, difference, holm, holm_alphas

STUDIES = 10_000


# ---- Textbooks -------------------------------------------------------------------------------------------------------


def test_a_difference_over_seeds_alone_is_students_if_paired_and_else_welchs():
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(5, 1)), rng.normal(0.5, 2, size=(5, 1))
    paired, expected = difference(one.mean(), one), stats.ttest_1samp(one[:, 0], 0)
    assert paired.p_value() == pytest.approx(expected.pvalue)
    assert paired.interval() == pytest.approx(tuple(expected.confidence_interval()))
    welch, expected = (
        difference(one.mean() - other.mean(), one, other),
        stats.ttest_ind(one[:, 0], other[:, 0], equal_var=False),
    )
    assert welch.p_value() == pytest.approx(expected.pvalue)
    assert welch.interval() == pytest.approx(tuple(expected.confidence_interval()))


def test_equivalence_is_that_of_two_one_sided_tests():
    drawn = 0.2 + 0.3 * np.random.default_rng(1).normal(size=(6, 1))
    found = difference(drawn.mean(), drawn).p_equivalent(0.5)
    lower, upper = (stats.ttest_1samp(drawn[:, 0], end, alternative=side).pvalue
                    for end, side in ((-0.5, "greater"), (0.5, "less")))  # fmt: skip
    assert found == pytest.approx(max(lower, upper))
    assert difference(0.7, drawn).p_equivalent(0.5) == 1


def test_holm_adjusts_as_published_and_skips_what_has_no_p_value():
    found = holm(np.array([0.01, 0.04, 0.03, math.nan, 0.005]))
    assert found[[0, 1, 2, 4]] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert math.isnan(found[3])
    assert holm(np.array([])).shape == (0,)


def test_intervals_have_bonferronis_width_except_where_only_holm_tells():
    found = holm_alphas(np.array([0.001, 0.02, 0.4, math.nan]))
    assert found[:3] == pytest.approx([0.05 / 3, 0.05 / 2, 0.05 / 3])


def test_two_models_without_errors_are_not_called_equal():
    """Agresti and Min: 240 pairs that agree have the interval of 242 of which half a one differs either way."""
    equal = np.zeros((5, 240))
    for samples in ((equal,), (equal, equal)):
        low, high = difference(0.0, *samples, share_of_images=True).interval()
        assert (low, high) == pytest.approx((-1.97 / 242, 1.97 / 242), rel=2e-3)
    assert math.isnan(difference(0.0, np.zeros((3, 4))).interval()[0])


def test_a_difference_of_shares_ends_at_one_and_that_of_losses_does_not():
    scores = np.random.default_rng(1).normal(0.9, 0.5, (3, 8))
    assert difference(0.9, scores, share_of_images=True).interval()[1] == 1
    assert difference(-0.9, -scores, share_of_images=True).interval()[0] == -1
    assert difference(0.9, scores).interval()[1] > 1


def test_a_huge_difference_has_a_p_value_and_one_without_spread_has_none():
    scores = 1000 + np.random.default_rng(1).normal(size=(50, 100))
    assert 0 < difference(1000.0, scores).p_value() < 1e-30
    for without in (np.full((3, 4), 2.0), np.array([[math.nan, 1.0], [0.0, 1.0]])):
        found = difference(2.0, without)
        assert math.isnan(found.p_value())
        assert math.isnan(found.p_equivalent(3.0))
        assert math.isnan(found.seeds_needed(1.0))


# ---- Simulated studies -----------------------------------------------------------------------------------------------


def drawn(rng, seeds, images, studies=STUDIES, by_seed=1.0, by_image=1.0, both=1.0, means=(0.0, 0.0)):
    """Return scores of variants with these true means on the same images, each of shape (studies, seeds, images)."""
    common = rng.normal(size=(studies, 1, images))
    return [
        mean + common + by_image * rng.normal(size=(studies, 1, images))
        + by_seed * rng.normal(size=(studies, n, 1)) + both * rng.normal(size=(studies, n, images))
        for mean, n in zip(means, seeds, strict=True)
    ]  # fmt: skip


def compared(one, other):
    return difference(one.mean(axis=(-2, -1)) - other.mean(axis=(-2, -1)), one, other)


@pytest.mark.parametrize(
    ("seeds", "images", "spreads"),
    [((5, 5), 1, (1, 0, 0)), ((3, 50), 1, (1, 0, 0)), ((5, 5), 50, (0.02, 1, 0)), ((5, 5), 50, (1, 0.1, 0.1)),
     ((10, 10), 100, (0.1, 0.5, 1))],
)  # fmt: skip
def test_95_percent_intervals_hold_the_true_difference_in_94_to_96_of_100_studies(seeds, images, spreads):
    one, other = drawn(np.random.default_rng(1), seeds, images, STUDIES, *spreads, means=(0.3, 0.0))
    low, high = compared(one, other).interval()
    assert 0.94 <= np.mean((low <= 0.3) & (high >= 0.3)) <= 0.965


def test_pairing_holds_the_true_difference_where_seeds_share_their_luck():
    rng = np.random.default_rng(1)
    luck = rng.normal(size=(STUDIES, 5, 1))
    first, second = (luck + 0.5 * rng.normal(size=(STUDIES, 5, 1)) for _ in range(2))
    paired = difference((first - second).mean(axis=(-2, -1)), first - second)
    low, high = paired.interval()
    assert 0.94 <= np.mean((low <= 0) & (high >= 0)) <= 0.96
    wide = compared(first, second).interval()
    assert np.mean(high - low) < 0.7 * np.mean(wide[1] - wide[0])


@pytest.mark.parametrize(("equal", "last"), [(7, 5), (7, 2), (2, 5)])
def test_at_most_5_of_100_studies_claim_a_difference_that_is_not_there(equal, last):
    """Seven variants on the same images, of which so many are equal; unadjusted, 16 of 100 studies claim one."""
    means = [0.0] * equal + [3.0 * i for i in range(1, 8 - equal)]
    variants = drawn(np.random.default_rng(2), [5] * 6 + [last], 10, by_seed=0.3, both=0.5, by_image=0.5, means=means)
    pairs = [
        (compared(b, a), j - i) for (i, a), (j, b) in zip(enumerate(variants), [*enumerate(variants)][1:], strict=False)
    ]
    p = np.stack([found.p_value() for found, _ in pairs], axis=-1)
    true = np.array([means[i + 1] - means[i] for i in range(6)])
    claimed = holm(p) <= ALPHA
    false = claimed & (true == 0)
    assert false.any(axis=-1).mean() <= 0.05
    alphas = holm_alphas(p)
    ends = [found.interval(alphas[:, i]) for i, (found, _) in enumerate(pairs)]
    excludes = np.stack([(low > 0) | (high < 0) for low, high in ends], axis=-1)
    assert (excludes == claimed).all(), "an interval and its test disagree"
    if (equal, last) == (7, 5):
        assert (p <= ALPHA).any(axis=-1).mean() > 0.15, "the adjustment is needed"


@pytest.mark.parametrize("by_seed", [0.05, 0.3])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
@pytest.mark.parametrize(("seeds", "images"), [(2, 500), (5, 100), (5, 20), (10, 500)])
@pytest.mark.parametrize("paired", [True, False])
def test_intervals_of_shares_hold_the_true_difference_in_95_of_100_studies(seeds, images, share, by_seed, paired):
    """Two variants on the same images: one has this share right, the other three quarters of its errors."""
    rng, better = np.random.default_rng(1), 1 - 0.75 * (1 - share)
    ease = rng.normal(size=(300, 1, images))
    scores = []
    for each in (better, share):
        middle = ndtri(each) * (1 + by_seed**2 + 1) ** 0.5
        chance = ndtr(middle + by_seed * rng.normal(size=(300, seeds, 1)) + ease)
        scores.append((rng.random(chance.shape) < chance).astype(float))
    mean = (scores[0] - scores[1]).mean(axis=(-2, -1))
    samples = (scores[0] - scores[1],) if paired else scores
    low, high = difference(mean, *samples, share_of_images=True).interval()
    assert np.mean((low - 1e-12 <= better - share) & (better - share <= high + 1e-12)) >= 0.92


# ---- Number of seeds -------------------------------------------------------------------------------------------------


def told(worth, true, seeds, alpha, studies=4000):
    """Return the shares of studies with so many seeds that tell the difference from zero, and from `worth`."""
    one, other = drawn(np.random.default_rng(3), (seeds, seeds), 1, studies, 1.0, 0.0, 0.0, means=(true, 0.0))
    found = compared(one, other)
    return np.mean(found.p_value() <= alpha), np.mean(found.p_equivalent(worth) <= alpha)


@pytest.mark.parametrize(("worth", "alpha"), [(1.0, 0.05), (0.5, 0.05 / 6)])
def test_so_many_seeds_as_forecast_tell_in_80_of_100_studies(worth, alpha):
    """With a spread that is known from many seeds."""
    many = drawn(np.random.default_rng(1), (5000, 5000), 1, 1, 1.0, 0.0, 0.0)
    seeds = int(compared(many[0][0], many[1][0]).seeds_needed(worth, alpha))
    assert told(worth, worth, seeds, alpha)[0] >= 0.79
    assert told(worth, 0.0, seeds, alpha)[1] >= 0.79
    assert min(told(worth, worth, int(0.8 * seeds), alpha)[0], told(worth, 0.0, int(0.8 * seeds), alpha)[1]) < 0.76


def test_four_of_five_forecasts_from_five_seeds_are_large_enough():
    """A naive forecast from five seeds is too small in half of the studies, often by a factor of ten."""
    one, other = drawn(np.random.default_rng(4), (5, 5), 1, 300, 1.0, 0.0, 0.0)
    many = drawn(np.random.default_rng(1), (5000, 5000), 1, 1, 1.0, 0.0, 0.0)
    right = compared(many[0][0], many[1][0]).seeds_needed(1.0)
    found = np.array([compared(a, b).seeds_needed(1.0) for a, b in zip(one, other, strict=True)])
    assert 0.78 <= np.mean(found >= right) <= 0.92, "two spreads of five seeds have more than four degrees of freedom"
    assert np.quantile(found, 0.9) < 6 * right


def test_a_forecast_grows_smoothly_with_the_spread():
    """SciPy's noncentral t is NaN for some large shifts, which must not send the search to thousands of seeds."""
    one, other = drawn(np.random.default_rng(1), (5, 5), 1, 1, 1.0, 0.0, 0.0)
    found = [compared(s * one[0], s * other[0]).seeds_needed(1.0) for s in np.geomspace(0.02, 2, 400)]
    assert found == sorted(found)
    assert max(found) < 1000


def test_no_number_of_seeds_tells_what_few_test_images_hide():
    one, other = drawn(np.random.default_rng(1), (5, 5), 10, 1, 0.1, 1.0, 0.0)
    assert math.isinf(compared(one[0], other[0]).seeds_needed(0.2))
