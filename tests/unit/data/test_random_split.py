"""Random splits: whole, fair, and the same each time."""

import numpy as np
import pytest

from calotype.data.random_split import LEFT, counts, split_groups, split_images

SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}


@pytest.mark.parametrize("number", [0, 1, 2, 3, 7, 10, 99, 100, 1001])
def test_every_image_comes_to_exactly_one_split(number):
    found = split_images(number, SHARES, seed=1)
    assert len(found) == number
    assert LEFT not in found
    for split, share in SHARES.items():
        assert abs((found == split).sum() - share * number) < 1


def test_shares_that_are_less_than_one_leave_the_rest_out():
    found = split_images(100, {"train": 0.5, "test": 0.25}, seed=1)
    assert [(found == name).sum() for name in ("train", "test", LEFT)] == [50, 25, 25]


def test_a_third_and_two_thirds_are_all_of_it():
    assert counts(9, [1 / 3, 2 / 3]) == [3, 6]
    assert counts(10, [0.7, 0.2, 0.1]) == [7, 2, 1]
    assert sum(counts(11, [0.1] * 10)) == 11


@pytest.mark.parametrize(
    ("number", "shares", "expected"),
    [
        (10, [0.25, 0.25], [3, 2]),  # 2.5, 2.5 and 5 that are left out: one more for the first of two equal remainders
        (10, [0.34, 0.33], [4, 3]),  # 3.4, 3.3 and 3.3
        (7, [0.1, 0.2], [1, 1]),  # 0.7, 1.4 and 4.9: one more for the third and one for the first
        (3, [0.0, 0.5], [0, 2]),  # 0, 1.5 and 1.5
        (0, [0.5, 0.5], [0, 0]),
    ],
)
def test_splits_and_what_is_left_out_share_what_does_not_come_out_even(number, shares, expected):
    assert counts(number, shares) == expected


@pytest.mark.parametrize("shares", [SHARES, {"train": 0.5, "test": 0.25}, {"test": 0.1, "train": 0.9}])
def test_every_split_and_what_is_left_out_get_the_same_share_of_each_class(shares):
    labels = np.repeat(["cat", "dog", "bird"], [20, 40, 60])
    found = split_images(120, shares, 5, np.random.default_rng(0).permutation(labels))
    order = np.random.default_rng(0).permutation(labels)
    for name, share in {**shares, LEFT: 1 - sum(shares.values())}.items():
        held = [((found == name) & (order == label)).sum() for label in ("cat", "dog", "bird")]
        assert held == [round(20 * share), round(40 * share), round(60 * share)]


@pytest.mark.parametrize("seed", range(8))
def test_splits_have_their_shares_although_classes_do_not_come_out_even(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, 93)
    shares = {"train": 0.55, "validation": 0.15, "test": 0.2}
    found = split_images(93, shares, seed, labels)
    assert [(found == name).sum() for name in shares] == counts(93, [*shares.values()])
    for label, size in enumerate(np.bincount(labels)):
        for name, share in shares.items():
            assert abs(((found == name) & (labels == label)).sum() - share * size) <= len(shares)


def test_a_split_that_has_its_share_takes_no_more():
    """0.8 of 5 and 4 images are 4 and 3, which is all of its 7.2; the remaining image goes to the other split."""
    found = split_images(9, {"train": 0.8, "test": 0.2}, 1, [0] * 5 + [1] * 4)
    assert [(found == name).sum() for name in ("train", "test")] == [7, 2]


def test_a_seed_splits_the_same_way_on_every_machine_and_every_year():
    """Taken with numpy 2.4; if numpy changes its generators, published splits change with it."""
    found = split_images(20, {"a": 0.5, "b": 0.15, "c": 0.25}, 3, [0, 1, 2] * 6 + [2, 2])
    assert "".join(name or "-" for name in found) == "baacaaaab-ccacaab-ca"
    groups = [i * i % 11 + i % 4 for i in range(24)]
    found = split_groups(groups, {"a": 0.5, "b": 0.25}, 3, [0, 1] * 12)
    assert "".join(name or "-" for name in found) == "--b-abaa-aaaaabaaba-b--b"


def test_the_same_seed_splits_the_same_way_and_another_seed_otherwise():
    one, same, other = (split_images(200, SHARES, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_rare_classes_are_on_both_sides_where_it_is_stratified():
    labels = np.array([0] * 90 + [1] * 10)
    found = split_images(100, {"train": 0.8, "test": 0.2}, 3, labels)
    assert [((found == "test") & (labels == label)).sum() for label in (0, 1)] == [18, 2]


def test_classes_too_small_for_their_parts_do_not_leave_a_split_empty():
    labels = np.repeat(np.arange(100), 4)
    found = split_images(400, {"train": 0.9, "test": 0.1}, 3, labels)
    assert [(found == "train").sum(), (found == "test").sum()] == [360, 40]
    assert max(((found == "test") & (labels == label)).sum() for label in range(100)) <= 1
    found = split_images(400, {"train": 0.3, "test": 0.2}, 3, labels)  # 1.2 and 0.8 of each class, 2 left out
    for name, images, most in (("train", 120, 2), ("test", 80, 1), (LEFT, 200, 2)):
        held = [((found == name) & (labels == label)).sum() for label in range(100)]
        assert (sum(held), max(held)) == (images, most)


def test_strata_are_shuffled_each_in_their_own_way():
    labels = np.repeat([0, 1], 50)
    found = split_images(100, {"train": 0.5, "test": 0.5}, 3, labels)
    assert not np.array_equal(found[:50], found[50:])


@pytest.mark.parametrize("seed", range(5))
def test_images_of_one_patient_never_sit_on_both_sides(seed):
    rng = np.random.default_rng(seed)
    groups = [f"patient-{number}" for number in rng.integers(0, 40, 500)]
    labels = rng.integers(0, 3, 500)
    found = split_groups(groups, SHARES, seed, labels)
    for group in set(groups):
        assert len({found[i] for i in range(500) if groups[i] == group}) == 1
    for split, share in SHARES.items():
        part = found == split
        assert abs(part.mean() - share) < 0.05
        for label in range(3):
            assert abs(part[labels == label].mean() - share) < 0.12


def test_a_group_as_large_as_a_split_does_not_break_the_others():
    groups = ["large"] * 60 + [f"small-{i}" for i in range(40)]
    found = split_groups(groups, {"train": 0.6, "test": 0.4}, 0)
    assert {found[0]} == {"train"}
    assert set(found[60:]) == {"test"}


@pytest.mark.parametrize("seed", range(5))
def test_patients_of_each_class_come_to_every_split(seed):
    """20 patients of each class with 5 images each: half of either class is 10 patients."""
    groups = np.repeat(np.arange(60), 5)
    labels = np.repeat([0, 1, 2], 100)
    found = split_groups(groups, {"train": 0.5, "test": 0.3}, seed, labels)
    for name, images in {"train": 50, "test": 30, LEFT: 20}.items():
        assert [((found == name) & (labels == label)).sum() for label in range(3)] == [images] * 3


def test_groups_are_split_the_same_way_each_time_and_may_be_left_out():
    groups = [f"g{i % 20}" for i in range(100)]
    one, same = (split_groups(groups, {"train": 0.5, "test": 0.25}, 4) for _ in range(2))
    assert np.array_equal(one, same)
    assert [(one == name).sum() for name in ("train", "test", LEFT)] == [50, 25, 25]
