"""The better epoch decides which weights are kept, when a run ends, and when its learning rate falls."""

import math

import pytest

from calotype.config.recipe import Plateau
from calotype.training.early_stopping import is_better, reductions

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "best", "more", "by", "better"),
    [
        (0.6, 0.5, True, 0.0, True),
        (0.5, 0.5, True, 0.0, False),
        (0.4, 0.5, True, 0.0, False),
        (0.4, 0.5, False, 0.0, True),
        (0.5, 0.5, False, 0.0, False),
        (0.75, 0.5, True, 0.25, False),  # not more than min_delta
        (0.76, 0.5, True, 0.25, True),
        (0.25, 0.5, False, 0.25, False),
        (0.24, 0.5, False, 0.25, True),
        (9.0, NAN, False, 0.25, True),  # the first finite value
        (NAN, NAN, False, 0.0, False),
        (NAN, 0.5, True, 0.0, False),
        (NAN, 0.5, False, 0.0, False),
        (math.inf, 0.5, False, 0.0, False),
    ],
)
def test_an_epoch_is_better_only_by_more_than_asked_for_and_never_without_a_number(value, best, more, by, better):
    assert is_better(value, best, more=more, by=by) is better


@pytest.mark.parametrize(
    ("values", "keys", "found"),
    [
        ([5, 4, 3, 2, 1], {"patience": 1}, 0),
        ([5, 5], {"patience": 1}, 1),
        ([5, 5], {"patience": 2}, 0),
        ([5, 5, 5], {"patience": 2}, 1),
        ([5, 5, 5, 5], {"patience": 2}, 1),  # each reduction restarts the wait
        ([5, 5, 5, 5, 5], {"patience": 2}, 2),
        ([5, 6, 4, 5, 5], {"patience": 2}, 1),  # a better epoch restarts the wait
        ([5, 5, 5, 5], {"patience": 1}, 3),
        ([5, 5, 5, 5], {"patience": 1, "cooldown": 1}, 3),  # a cooldown ends with the epoch after the reduction
        ([5, 5, 5, 5, 5, 5], {"patience": 1, "cooldown": 2}, 3),
        ([5, 5, 5, 5, 5, 5], {"patience": 1, "cooldown": 3}, 2),
        ([5, 5, 5, 5], {"patience": 1, "cooldown": 3}, 1),
        ([5, 4.5, 4], {"patience": 1, "min_delta": 0.5}, 1),  # 4.5 is no better, 4 is
        ([NAN, NAN], {"patience": 2}, 1),
        ([NAN], {"patience": 2}, 0),
        ([5, 5, 3, 4, 4], {"patience": 1, "cooldown": 1}, 3),  # the best value of a cooldown stays the best
    ],
)
def test_the_rate_falls_after_so_many_epochs_that_were_not_better(values, keys, found):
    assert reductions(values, Plateau(**{"min_delta": 0.0} | keys), more=False) == found
    assert reductions([-value for value in values], Plateau(**{"min_delta": 0.0} | keys), more=True) == found
