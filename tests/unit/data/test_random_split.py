"""Random splits: whole, fair, and the same each time."""

import numpy as np
import pytest

from calotype.data.random_split import LEFT, counts, deal, deal_groups

SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}


@pytest.mark.parametrize("number", [0, 1, 2, 3, 7, 10, 99, 100, 1001])
def test_every_image_comes_to_exactly_one_split(number):
    found = deal(number, SHARES, seed=1)
    assert len(found) == number
    assert LEFT not in found
    for split, share in SHARES.items():
        assert abs((found == split).sum() - share * number) < 1


def test_shares_that_are_less_than_one_leave_the_rest_out():
    found = deal(100, {"train": 0.5, "test": 0.25}, seed=1)
    assert [(found == name).sum() for name in ("train", "test", LEFT)] == [50, 25, 25]


def test_a_third_and_two_thirds_are_all_of_it():
    assert counts(9, [1 / 3, 2 / 3]) == [3, 6]
    assert counts(10, [0.7, 0.2, 0.1]) == [7, 2, 1]
    assert sum(counts(11, [0.1] * 10)) == 11


def test_the_same_seed_deals_the_same_way_and_another_seed_another():
    one, same, other = (deal(200, SHARES, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_rare_classes_are_on_both_sides_where_it_is_stratified():
    labels = np.array([0] * 90 + [1] * 10)
    found = deal(100, {"train": 0.8, "test": 0.2}, 3, labels)
    assert [((found == "test") & (labels == label)).sum() for label in (0, 1)] == [18, 2]


def test_classes_too_small_for_their_parts_do_not_leave_a_split_empty():
    labels = np.repeat(np.arange(100), 4)
    found = deal(400, {"train": 0.9, "test": 0.1}, 3, labels)
    assert [(found == "train").sum(), (found == "test").sum()] == [360, 40]
    assert max(((found == "test") & (labels == label)).sum() for label in range(100)) <= 1


def test_strata_are_shuffled_each_in_their_own_way():
    labels = np.repeat([0, 1], 50)
    found = deal(100, {"train": 0.5, "test": 0.5}, 3, labels)
    assert not np.array_equal(found[:50], found[50:])


@pytest.mark.parametrize("seed", range(5))
def test_images_of_one_patient_never_sit_on_both_sides(seed):
    rng = np.random.default_rng(seed)
    groups = [f"patient-{number}" for number in rng.integers(0, 40, 500)]
    labels = rng.integers(0, 3, 500)
    found = deal_groups(groups, SHARES, seed, labels)
    for group in set(groups):
        assert len({found[i] for i in range(500) if groups[i] == group}) == 1
    for split, share in SHARES.items():
        part = found == split
        assert abs(part.mean() - share) < 0.05
        for label in range(3):
            assert abs(part[labels == label].mean() - share) < 0.12


def test_a_group_as_large_as_a_split_does_not_break_the_others():
    groups = ["large"] * 60 + [f"small-{i}" for i in range(40)]
    found = deal_groups(groups, {"train": 0.6, "test": 0.4}, 0)
    assert {found[0]} == {"train"}
    assert set(found[60:]) == {"test"}


def test_groups_are_dealt_the_same_way_each_time_and_may_be_left_out():
    groups = [f"g{i % 20}" for i in range(100)]
    one, same = (deal_groups(groups, {"train": 0.5, "test": 0.25}, 4) for _ in range(2))
    assert np.array_equal(one, same)
    assert [(one == name).sum() for name in ("train", "test", LEFT)] == [50, 25, 25]
