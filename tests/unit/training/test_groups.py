"""What belongs together is not parted when a part of the training images is held out."""

import numpy as np
import pytest

from calotype.data.prepared_split import Split
from calotype.util.errors import CalotypeError


def split(groups: list[int] | None) -> Split:
    number = 20 if groups is None else len(groups)
    found = None if groups is None else np.array(groups, np.int32)
    return Split(np.zeros((number, 2, 2, 1), np.float32), np.zeros(number, np.int64), np.arange(number), None, found)


@pytest.mark.parametrize(("part", "first"), [(0.0, 20), (0.25, 15), (0.1, 18)])
def test_without_groups_it_is_the_last_part_as_in_fit(part, first):
    assert split(None).held_out_from(part) == first


def test_the_boundary_moves_to_the_nearest_edge_of_a_group():
    groups = [0] * 7 + [3] * 6 + [1] * 7
    assert split(groups).held_out_from(0.3) == 13
    assert split(groups).held_out_from(0.7) == 7


def test_a_single_group_is_not_parted_to_hold_some_of_it_out():
    with pytest.raises(
        CalotypeError, match=r"all of them are of one group.\nHint: .*`validation`.*validation_split: 0"
    ):
        split([4] * 20).held_out_from(0.25)
    assert split([4] * 20).held_out_from(0.0) == 20


def test_nothing_is_held_out_where_nothing_is_asked_for():
    assert split([0] * 10 + [1] * 10).held_out_from(0.0) == 20
