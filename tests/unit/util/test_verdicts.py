"""Verdicts on claims agree with the intervals of the runs."""

import math

import pytest

from calotype.util.statistics import Verdict, judge, mean_interval

RUNS = [0.86, 0.88, 0.90]  # mean 0.88, sd 0.02: the mean lies in 0.830..0.930, one more run in 0.781..0.979


@pytest.mark.parametrize(
    ("claim", "agrees", "words"),
    [
        ({"value": 0.95}, True, "inside the 95 % range of one more run"),
        ({"value": 0.785}, True, "inside"),
        ({"value": 0.99}, False, "outside the 95 % range of one more run"),
        ({"value": 0.775}, False, "outside"),
        ({"at_most": 0.94}, True, "the whole interval lies below the bound"),
        ({"at_most": 0.92}, None, "contains the bound"),
        ({"at_most": 0.84}, None, "contains the bound"),
        ({"at_most": 0.82}, False, "the whole interval is outside the bound"),
        ({"at_least": 0.82}, True, "the whole interval lies above the bound"),
        ({"at_least": 0.84}, None, "contains the bound"),
        ({"at_least": 0.92}, None, "contains the bound"),
        ({"at_least": 0.94}, False, "the whole interval is outside the bound"),
    ],
)
def test_a_claim_gets_the_verdict_that_the_seeds_support(claim, agrees, words):
    verdict = judge(RUNS, **claim)
    assert verdict.agrees is agrees
    assert words in verdict.reason


@pytest.mark.parametrize(
    ("spread", "value", "limits", "agrees", "weak"),
    [
        (0.02, 0.01, (-1.0, 1.0), True, False),  # the range is 0.2 wide, a tenth of what is possible
        (0.06, 0.01, (-1.0, 1.0), True, True),  # 0.6 wide
        (0.06, 0.5, (-1.0, 1.0), False, False),  # what disagrees is never weak
    ],
)
def test_agreement_is_weak_if_the_range_spans_much_of_the_possible_values(spread, value, limits, agrees, weak):
    verdict = judge([-spread, 0.0, spread], value=value, limits=limits)
    assert (verdict.agrees, verdict.weak) == (agrees, weak)


@pytest.mark.parametrize("claim", [{"value": 0.9}, {"at_most": 0.5}, {"at_least": 0.5}])
def test_one_seed_never_settles_a_claim(claim):
    verdict = judge([0.9], **claim)
    assert verdict.agrees is None
    assert "more seeds" in verdict.reason


@pytest.mark.parametrize("claim", ["value", "at_most", "at_least"])
def test_seeds_that_all_meet_a_claim_exactly_agree_with_it(claim):
    """Means of equal numbers have rounding errors: ten times 0.01 has the mean 0.010000000000000002."""
    for percent in range(101):
        for seeds in range(2, 12):
            mean = sum([percent / 100] * seeds) / seeds
            verdict = judge([percent / 100] * seeds, **{claim: percent / 100}, interval=(mean, mean))
            assert verdict.agrees is True, (percent, seeds)


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@pytest.mark.parametrize("claim", [{"value": 0.9}, {"at_most": 0.5}, {"at_least": 0.5}])
@pytest.mark.parametrize("lost", [float("nan"), float("inf")])
def test_a_diverged_run_proves_no_claim(claim, lost):
    assert judge([0.9, lost, 0.9], **claim).agrees is not True


@pytest.mark.parametrize("images", [100, 2000, 20_000])
def test_range_of_a_share_allows_for_the_images_that_the_source_drew(images):
    """mean 0.88, sd 0.02, t(0.975; 2) = 4.303."""
    share = (0.88 * images + 2) / (images + 4)  # Agresti and Coull
    half = 4.30265 * math.sqrt(0.02**2 * (1 + 1 / 3) + 2 * share * (1 - share) / (images + 4))
    for end, sign in ((0.88 - half, -1), (0.88 + half, 1)):
        assert judge(RUNS, value=end - sign * 1e-4, images=images, other_images=True).agrees is True
        assert judge(RUNS, value=end + sign * 1e-4, images=images, other_images=True).agrees is False
    assert half > 4.30265 * 0.02 * math.sqrt(4 / 3)


def test_a_published_number_may_have_been_rounded_either_way():
    """One more run lies in 0.78064..0.97936; 0.98 may have been 0.975, and 0.78 may have been 0.785."""
    for value, agrees in ((0.984, True), (0.985, False), (0.776, True), (0.775, False)):
        assert judge(RUNS, value=value, rounding=0.005).agrees is agrees
    assert judge(RUNS, value=0.98).agrees is judge(RUNS, value=0.78).agrees is False


def test_an_interval_that_begins_or_ends_at_a_bound_leaves_it_open():
    _, low, high = mean_interval(RUNS)
    for bound in (low, low + 1e-15, low - 1e-15):
        assert judge(RUNS, at_most=bound).agrees is None
        assert judge(RUNS, at_least=bound).agrees is True
    for bound in (high, high + 1e-15, high - 1e-15):
        assert judge(RUNS, at_most=bound).agrees is True
        assert judge(RUNS, at_least=bound).agrees is None


def test_seeds_that_are_all_equal_still_saw_other_images_than_the_source():
    assert judge([0.9, 0.9, 0.9], value=0.89, images=1000, other_images=True).agrees is True
    assert judge([1.0, 1.0, 1.0], value=0.99, images=1000, other_images=True).agrees is False


def test_seeds_that_are_all_equal_do_not_settle_the_result_of_one_more():
    """On the source's own 1,000 images, one more run may differ by 2.5 of them; a loss has no such unit."""
    assert judge([0.9, 0.9, 0.9], value=0.898, images=1000).agrees is True
    assert judge([0.9, 0.9, 0.9], value=0.897, images=1000).agrees is False
    for claim in ({"value": 0.89}, {"others": [0.91, 0.91]}):
        verdict = judge([0.9, 0.9, 0.9], **claim)
        assert verdict == Verdict(None, "all runs are equal, so that the range of one more run is unknown")
    assert judge([0.9, 0.9, 0.9], at_most=0.95) == Verdict(None, "the mean has no interval")


@pytest.mark.parametrize("claim", [{"at_most": 0.92}, {"at_most": 0.94}, {"at_least": 0.82}, {"at_least": 0.94}])
def test_images_change_no_verdict_on_a_bound(claim):
    assert judge(RUNS, **claim, images=10) == judge(RUNS, **claim)


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@pytest.mark.parametrize("images", [None, 100])
@pytest.mark.parametrize("lost", [float("nan"), float("inf")])
def test_a_diverged_run_leaves_a_number_open(lost, images):
    verdict = judge([0.9, lost, 0.9], value=0.9, images=images)
    assert verdict.agrees is None
    assert verdict.reason == "a value is NaN or infinite"


# ---- Ranges, and variants that are alike -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inside", "runs", "agrees"),
    [
        (2, 2, None),  # Wilson: 0.342 to 1
        (3, 3, None),  # 0.438 to 1
        (4, 4, True),  # 0.510 to 1
        (0, 4, False),  # 0 to 0.490
        (0, 3, None),  # 0 to 0.562
        (8, 10, None),  # 0.490 to 0.943
        (9, 10, True),  # 0.596 to 0.982
        (2, 10, None),  # 0.057 to 0.510
        (1, 10, False),  # 0.018 to 0.404
        (32, 50, True),  # 0.501 to 0.759
        (31, 50, None),  # 0.482 to 0.741
        (18, 50, False),  # 0.241 to 0.499
        (19, 50, None),  # 0.259 to 0.518
    ],
)
def test_a_range_agrees_if_most_runs_lie_in_it_with_certainty(inside, runs, agrees):
    values = [0.91] * inside + [0.94, 0.86] * (runs - inside)
    verdict = judge(values[:runs], between=[0.90, 0.93])
    assert verdict.agrees is agrees
    assert verdict.reason == f"{inside} of {runs} runs lie in the range"


def test_both_ends_belong_to_a_range():
    """0.1 + 0.2 is not 0.3."""
    assert judge([0.90, 0.93, 0.1 + 0.2 + 0.6, 0.90], between=[0.90, 0.93]).reason == "4 of 4 runs lie in the range"
    assert judge([0.899, 0.931] * 3, between=[0.90, 0.93]).agrees is False


@pytest.mark.parametrize("claim", [{"between": [0.8, 0.9]}, {"as_low_as": 0.86}, {"others": [0.85, 0.87, 0.89]}])
def test_images_change_no_verdict_on_a_range_or_a_similarity(claim):
    assert judge(RUNS, **claim, images=100, other_images=True) == judge(RUNS, **claim)


@pytest.mark.parametrize("distance", [0.1403, -0.1403])
def test_variants_are_similar_if_single_runs_cannot_distinguish_them(distance):
    """sd 0.02 and 0.02, t(0.975; 2) = 4.3027: the means may differ by 4.3027 * 0.02828 * sqrt(4 / 3) = 0.14052."""
    others = [value + distance for value in RUNS]
    verdict = judge(RUNS, others=others)
    assert (verdict.agrees, verdict.reason) == (True, "the difference is within the variation of single runs")
    further = [value + distance * 1.005 for value in RUNS]
    verdict = judge(RUNS, others=further)
    assert (verdict.agrees, verdict.reason) == (False, "the difference exceeds the variation of single runs")


def test_similarity_counts_the_fewer_seeds_of_the_two():
    """t(0.975; 1) = 12.706 instead of t(0.975; 49) = 2.010; both spreads 0.02."""
    many = [0.88 + 0.02 * sign * (49 / 50) ** 0.5 for sign in (-1, 1)] * 25
    few = [1.2 - 0.02 / 2**0.5, 1.2 + 0.02 / 2**0.5]
    half = 12.706 * 0.02 * 2**0.5 * 1.5**0.5
    assert half == pytest.approx(0.4401, abs=1e-3)
    assert judge(many, others=few).agrees is True
    assert judge(few, others=many).agrees is True
    assert judge(many, others=[value + 0.121 for value in few]).agrees is False
    assert judge(many, others=[value + 0.32 for value in many]).agrees is False


def test_equal_variants_are_similar_although_their_seeds_do_not_differ():
    assert judge([0.9, 0.9, 0.9], others=[0.9, 0.9]).agrees is True
    assert judge([0.9, 0.9, 0.9], others=[0.91, 0.91], images=100).agrees is True, "they differ by one image"
    assert judge([0.9, 0.9, 0.9], others=[0.8, 0.8], images=100).agrees is True, "two runs may differ by eleven"
    assert judge([0.9] * 3, others=[0.8] * 3, images=100).agrees is False


@pytest.mark.parametrize(
    ("values", "claim"),
    [([], {"value": 0.9}), ([], {"at_most": 0.9}), ([], {"others": [0.9]}), ([0.9], {"others": []})],
)
def test_more_seeds_are_not_asked_for_if_all_diverged(values, claim):
    assert judge(values, **claim) == Verdict(None, "no run has a value")


@pytest.mark.parametrize(("values", "others"), [([0.9], [0.9, 0.8]), ([0.9, 0.8], [0.9]), ([0.9], [0.9])])
def test_one_seed_of_either_variant_never_settles_a_similarity(values, others):
    verdict = judge(values, others=others)
    assert verdict.agrees is None
    assert "more seeds" in verdict.reason


@pytest.mark.parametrize("claim", [{"between": [0.8, 0.95]}, {"as_low_as": 0.95}, {"others": [0.9, 0.91]}])
@pytest.mark.parametrize("lost", [float("nan"), float("inf")])
def test_a_diverged_run_leaves_ranges_lowest_runs_and_similarity_open(lost, claim):
    assert judge([0.9, lost, 0.9], **claim) == Verdict(None, "a value is NaN or infinite")
    if "others" in claim:
        assert judge([0.9, 0.91], others=[0.9, lost]) == Verdict(None, "a value is NaN or infinite")


def test_one_seed_never_settles_a_range_or_a_lowest_run():
    assert judge([0.91], between=[0.9, 0.93]).agrees is None
    assert judge([0.05], as_low_as=0.07).agrees is None


@pytest.mark.parametrize(
    ("low", "runs", "agrees"),
    [
        (1, 2, True),
        (1, 200, True),  # the source need not have been lucky twice
        (3, 3, True),
        (0, 2, None),  # Wilson: up to 0.658
        (0, 10, None),  # up to 0.278
        (0, 72, None),  # up to 0.0506
        (0, 73, False),  # up to 0.0500
        (0, 200, False),
    ],
)
def test_a_lowest_run_agrees_with_one_as_low_and_disagrees_with_many_that_are_not(low, runs, agrees):
    verdict = judge([0.065] * low + [0.08] * (runs - low), as_low_as=0.07)
    assert verdict.agrees is agrees
    assert verdict.reason == f"{low} of {runs} runs are as low"


def test_a_run_exactly_as_low_as_published_is_as_low():
    """0.1 + 0.2 is not 0.3."""
    assert judge([0.1 + 0.2, 0.5], as_low_as=0.3).agrees is True
    assert judge([0.300001, 0.5], as_low_as=0.3).agrees is None
