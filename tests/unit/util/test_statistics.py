"""Means, intervals and verdicts agree with textbooks."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri

from calotype.util.statistics import (
    mean_interval,
    next_run_interval,
    score_formula,
    seeds_formula,
    share_interval,
    t_quantile,
    wilson_interval,
)

SAMPLES = [np.random.default_rng(n).normal(0.88, 0.05, n).tolist() for n in (2, 3, 5, 30, 200)]


@pytest.mark.parametrize("values", SAMPLES, ids=len)
def test_interval_of_the_mean_is_students(values):
    mean, low, high = mean_interval(values)
    expected = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    assert mean == pytest.approx(np.mean(values))
    assert (low, high) == pytest.approx(expected)


@pytest.mark.parametrize("values", SAMPLES, ids=len)
def test_a_reader_can_compute_the_interval_over_seeds_from_its_formula(values):
    low, high, t, standard_error, *_ = seeds_formula(values)
    assert (low, high) == pytest.approx([np.mean(values) + sign * t * standard_error for sign in (-1, 1)])
    assert (t, standard_error) == pytest.approx((stats.t.ppf(0.975, len(values) - 1), stats.sem(values)))
    assert math.isnan(seeds_formula(values[:1])[0])


def test_interval_of_the_mean_equals_published_tables():
    """t(0.975; 4) = 2.776."""
    assert t_quantile(5) == pytest.approx(2.776, abs=5e-4)
    assert mean_interval([1, 2, 3, 4, 5]) == pytest.approx((3, 3 - 1.9632, 3 + 1.9632), abs=1e-3)


@pytest.mark.parametrize("values", SAMPLES, ids=len)
def test_range_of_one_more_run_is_students(values):
    spread = np.std(values, ddof=1) * math.sqrt(1 + 1 / len(values))
    expected = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=spread)
    assert next_run_interval(values) == pytest.approx(expected)


def test_range_of_one_more_run_holds_one_more_run_in_95_of_100_cases():
    rng = np.random.default_rng(1)
    drawn = rng.normal(size=(4000, 6))
    inside = [low <= one_more <= high for *runs, one_more in drawn for low, high in [next_run_interval(runs)]]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.012)


@pytest.mark.filterwarnings("error")
def test_one_seed_has_a_mean_and_no_interval_and_no_warning():
    mean, low, high = mean_interval([0.9])
    assert mean == 0.9
    assert math.isnan(low)
    assert math.isnan(high)
    assert all(math.isnan(end) for end in next_run_interval([0.9]))
    assert all(math.isnan(number) for number in mean_interval([]))


def test_equal_seeds_do_not_pretend_that_their_mean_is_certain():
    """Three times 0.1 has the mean 0.10000000000000002 and a standard deviation of 1e-17."""
    for values in ([0.5, 0.5, 0.5], [0.1, 0.1, 0.1], [0.0, 0.0]):
        mean, low, high = mean_interval(values)
        assert mean == pytest.approx(values[0])
        assert math.isnan(low)
        assert math.isnan(high)
        assert all(math.isnan(end) for end in next_run_interval(values))


@pytest.mark.parametrize("seeds", [2, 3, 5, 10, 50])
@pytest.mark.parametrize("wrong", [0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 10.0, None])
def test_range_of_one_more_run_on_the_same_images_holds_it_in_95_of_100_cases_of_nearly_equal_runs(seeds, wrong):
    """Counts of wrong images, of which often all are equal; the plain formula holds it in 78 to 98 of 100 cases.

    Without a mean number of wrong images, the counts are rounded normal numbers with a standard deviation of 0.3.
    """
    rng = np.random.default_rng(1)
    shape = 3000, seeds + 1
    counts = rng.poisson(wrong, shape) if wrong else np.round(rng.random((3000, 1)) + rng.normal(0, 0.3, shape))
    shares = 1 - counts / 1000
    inside = [low <= one_more <= high for *runs, one_more in shares for low, high in [next_run_interval(runs, 1000)]]
    assert np.mean(inside) >= 0.935  # the standard error is 0.004


def test_range_of_one_more_run_after_equal_runs_has_a_width_that_seeds_make_smaller():
    """Student's t · half an image · √(1 + 1/n): 7.8 images after two runs, 1.5 after five, 1.2 after ten."""
    for seeds, images in ((2, 7.78), (5, 1.52), (10, 1.19)):
        assert next_run_interval([0.5] * seeds, 100) == pytest.approx(
            (0.5 - images / 100, 0.5 + images / 100), abs=1e-4
        )


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (90, 100, 0.8256, 0.9448),
        (81, 263, 0.2553, 0.3662),  # Newcombe, Stat. Med. 17 (1998) 857, table I
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (0, 10, 0.0000, 0.2775),
        (10, 10, 0.7225, 1.0000),
        (1, 1, 0.2065, 1.0000),
    ],
)
def test_interval_of_a_share_is_wilsons(successes, trials, low, high):
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize("trials", [1, 7, 100, 20_000, 2_000_000])
def test_interval_of_a_share_agrees_with_scipy(trials):
    for successes in {0, 1, trials // 3, trials - 1, trials}:
        low, high = wilson_interval(successes, trials)
        expected = stats.binomtest(successes, trials).proportion_ci(method="wilson")
        assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
        assert 0 <= low < high <= 1


@pytest.mark.parametrize("trials", [1, 7, 100, 20_000, 2_000_000])
def test_a_model_without_errors_may_be_perfect(trials):
    """Rounding errors would print 0.000 % and 100.000 % instead of 0.00 % and 100.00 %."""
    assert wilson_interval(0, trials)[0] == 0
    assert wilson_interval(trials, trials)[1] == 1


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (-1, 10), (11, 10)])
def test_impossible_shares_are_refused(successes, trials):
    with pytest.raises(ValueError, match=f"{successes} successes in {trials} trials"):
        wilson_interval(successes, trials)


# ---- Seeds and images ------------------------------------------------------------------------------------------------


def test_variance_of_a_mean_over_seeds_and_images_equals_a_two_way_analysis_of_variance():
    """Seeds 1, 3 and images -1, 0, 1 add up, with an interaction of 1 in two of six places."""
    scores = np.array([[0.0, 1, 2], [2, 3, 4]]) + np.array([[1, -1, 0], [0, 0, 0]])
    seeds, images = scores.mean(axis=1), scores.mean(axis=0)
    rest = scores - seeds[:, None] - images + scores.mean()
    squares = 3 * np.var(seeds, ddof=1), 2 * np.var(images, ddof=1), (rest**2).sum() / 2
    variance = (squares[0] + squares[1] - squares[2]) / 6
    weight = squares[0] / 6 / variance
    half = (weight * stats.t.ppf(0.975, 1) + (1 - weight) * stats.t.ppf(0.975, 2)) * variance**0.5
    expected = (scores.mean() - half, scores.mean() + half)
    assert squares[2] < min(squares[:2])
    assert score_formula(scores.mean(), scores, -math.inf, math.inf)[:2] == pytest.approx(expected)
    assert score_formula(scores.mean(), scores, 0.0, math.inf)[:2] == (0.0, pytest.approx(expected[1]))


@pytest.mark.parametrize("seeds", [1, 2, 20])
@pytest.mark.parametrize("wrong", [0, 1, 30, 99, 100])
def test_equal_seeds_have_the_interval_of_their_images(seeds, wrong):
    """Repeating a model adds no image: Wilson's interval of 100 images, for any number of seeds."""
    scores = np.tile(np.arange(100) >= wrong, (seeds, 1)).astype(float)
    found = share_interval(1 - wrong / 100, scores)
    if seeds == 1 or wrong in (0, 100):
        assert found == pytest.approx(wilson_interval(100 - wrong, 100), abs=1e-9)
    assert found == pytest.approx(wilson_interval(100 - wrong, 100), abs=0.002)


def test_scores_without_a_number_or_without_spread_have_no_interval():
    for scores in (np.array([[1.0, math.nan], [0.0, 1.0]]), np.zeros((3, 4))):
        assert all(math.isnan(end) for end in score_formula(0.0, scores, 0.0, math.inf)[:2])
    assert all(math.isnan(end) for end in share_interval(math.nan, np.array([[math.nan, 1.0]])))


# By case: seeds, images, share, spread of seeds and of images on the probit scale.
COVERAGE = [
    (seeds, images, share, *spread)
    for seeds, images in ((2, 500), (3, 2000), (5, 20), (5, 100), (50, 100), (10, 500))
    for share in (0.5, 0.9, 0.99)
    for spread in ((0.05, 2.0), (0.3, 1.0))
]


def runs_of_a_model(seeds, images, share, by_seed, by_image, rng, of_images):
    """Return scores of random seeds and images, which are right with this probability on average."""
    middle = ndtri(share) * (1 + by_seed**2 + by_image**2) ** 0.5
    ease = middle + by_seed * rng.normal(size=(seeds, 1)) + by_image * of_images.normal(size=images)
    return (rng.random((seeds, images)) < ndtr(ease)).astype(float)


@pytest.mark.parametrize("case", COVERAGE, ids=str)
def test_intervals_of_shares_hold_the_true_share_in_95_of_100_cases(case):
    """Student's interval over seeds alone holds it in 18 to 96 of 100 of these cases."""
    share = case[2]
    inside = []
    rng = np.random.default_rng(1)
    for _ in range(300):
        scores = runs_of_a_model(*case, rng, rng)
        low, high = share_interval(scores.mean(), scores)
        assert 0 <= low <= scores.mean() <= high <= 1
        inside.append(low <= share <= high)
    assert np.mean(inside) >= 0.9  # the standard error of 300 cases is 0.013


@pytest.mark.parametrize(("seeds", "images"), [(3, 2000), (5, 20), (5, 100), (50, 100)])
@pytest.mark.parametrize(("by_seed", "by_image"), [(0.05, 1.0), (0.3, 0.1)])
def test_intervals_of_losses_hold_the_true_loss_in_95_of_100_cases(seeds, images, by_seed, by_image):
    rng = np.random.default_rng(1)
    true = math.exp(by_seed**2 / 2 + (by_image**2 + 0.25) / 2)
    inside = []
    for _ in range(300):
        spread = by_seed * rng.normal(size=(seeds, 1)) + by_image * rng.normal(size=images)
        losses = np.exp(spread + 0.5 * rng.normal(size=(seeds, images)))
        low, high = score_formula(losses.mean(), losses, 0.0, math.inf)[:2]
        inside.append(low <= true <= high)
    # Means of few skewed losses are skewed, too: of 20 images, whose largest losses are e^4 times the smallest.
    assert np.mean(inside) >= {20: 0.8, 100: 0.88}.get(images, 0.92)
