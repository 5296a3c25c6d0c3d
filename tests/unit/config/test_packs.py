"""Packs: every seed is in one pack, and no seed is trained twice."""

import random

from calotype.config.load import plan_packs


def seeds_of(packs):
    return [seed for first, last in packs for seed in range(first, last + 1)]


def test_seeds_are_cut_into_packs():
    assert plan_packs(7, 3) == [(0, 2), (3, 5), (6, 6)]
    assert plan_packs(1, 5) == [(0, 0)]
    assert plan_packs(6, 3) == [(0, 2), (3, 5)]


def test_more_seeds_do_not_retrain_the_old_ones():
    old = plan_packs(5, 3)
    assert plan_packs(10, 3, old) == [(0, 2), (3, 4), (5, 7), (8, 9)]


def test_another_pack_size_retrains_nothing():
    old = plan_packs(10, 3)
    for size in range(1, 12):
        assert plan_packs(10, size, old) == old


def test_fewer_seeds_retrain_nothing():
    old = plan_packs(10, 4)
    assert plan_packs(5, 4, old) == [(0, 3), (4, 7)]
    assert plan_packs(10, 4, old) == old


def test_lost_pack_is_trained_again_and_no_other():
    assert plan_packs(9, 3, [(0, 2), (6, 8)]) == [(0, 2), (3, 5), (6, 8)]
    assert plan_packs(9, 5, [(0, 2), (6, 8)]) == [(0, 2), (3, 5), (6, 8)]


def any_packs(rng: random.Random) -> list[tuple[int, int]]:
    """Packs as a user could have left them in a folder: of any size, with gaps, even overlapping."""
    starts = [rng.randrange(30) for _ in range(rng.randrange(6))]
    return [(first, first + rng.randrange(8)) for first in starts]


def test_every_seed_is_in_exactly_one_pack_whatever_is_there():
    rng = random.Random(1)
    for _ in range(3000):
        seeds, size, there = rng.randint(1, 40), rng.randint(1, 10), any_packs(rng)
        packs = plan_packs(seeds, size, there)
        covered = seeds_of(packs)
        assert covered == list(range(len(covered)))
        assert len(covered) >= seeds
        assert len(covered) == seeds or packs[-1] in there, "only a pack that exists may reach beyond the seeds"
        assert all(last - first < size for first, last in packs if (first, last) not in there)
        assert all(first < seeds for first, _ in packs)


def test_plan_does_not_change_while_its_packs_finish_in_any_order():
    """Every job on a cluster plans again, and must find its own pack in the plan."""
    rng = random.Random(2)
    for _ in range(1500):
        seeds, size, there = rng.randint(1, 40), rng.randint(1, 10), any_packs(rng)
        plan = plan_packs(seeds, size, there)
        waiting = [pack for pack in plan if pack not in there]
        rng.shuffle(waiting)
        for pack in waiting:
            there.append(pack)
            rng.shuffle(there)
            assert plan_packs(seeds, size, there) == plan


def test_no_seed_is_trained_again_if_a_user_changes_the_number_of_seeds():
    """Numbers of seeds and pack sizes change, and runs are interrupted; finished packs stay."""
    rng = random.Random(3)
    for _ in range(1000):
        there: list[tuple[int, int]] = []
        for _ in range(rng.randint(1, 8)):
            seeds = rng.randint(1, 40)
            plan = plan_packs(seeds, rng.randint(1, 10), there)
            assert {pack for pack in there if pack[0] < seeds} <= set(plan)
            new = [pack for pack in plan if pack not in there]
            there += rng.sample(new, rng.randint(0, len(new)))
            assert len(set(seeds_of(there))) == len(seeds_of(there))
