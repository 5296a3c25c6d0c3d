"""Pairs of variants are compared as the study asks, over the same images, and paired by seed only where that helps."""

import math

import numpy as np
import pandas as pd
import pytest
from unit.evaluated import compared, consecutive, one_run

from calotype.evaluation.comparisons import APART, BOTH, DIFFERENCES, EQUIVALENT, OPEN
from calotype.evaluation.tables import images_tested, pooled_table
from calotype.tasks.classify import CLASSIFY
from calotype.tasks.count import COUNT
from calotype.tasks.regress import REGRESS
from calotype.util.statistics import mean_interval

IMAGES = 100


def of_classes(images=IMAGES, split="test", **variants):
    """Return runs with these accuracies by variant and seed; the first images are right."""
    labels = np.arange(images) % 2
    return [
        one_run(np.eye(2, dtype=np.float32)[np.where(np.arange(images) < round(value * images), labels, 1 - labels)],
                labels, seed=seed, variant=variant, split=split)
        for variant, values in variants.items() for seed, value in values.items()
    ]  # fmt: skip


def of_numbers(errors, images=40, equal=False):
    """Return runs of a regression with these mean absolute errors by variant and seed, equal on all images."""
    labels = np.linspace(0, 1, images)
    rng = np.random.default_rng(1)
    return [
        one_run((labels + value + 0.01 * rng.normal(size=images) * (not equal)).astype(np.float32), labels, seed=seed,
                variant=variant)
        for variant, values in errors.items() for seed, value in enumerate(values)
    ]  # fmt: skip


def test_paired_differences_are_taken_seed_by_seed_and_not_place_by_place():
    runs = of_numbers({"wide": [0.8, 0.9, 0.7], "deep": [0.81, 0.92, 0.70]}, equal=True)
    row = compared(REGRESS, runs[::-1], "mean_absolute_error", consecutive(["wide", "deep"])).iloc[0]
    assert (row["mean"], row.low, row.high) == pytest.approx(mean_interval([0.01, 0.02, 0.0]), abs=1e-6)
    assert (row.variant, row.than, row.split, row.n, row.n_than) == ("deep", "wide", "test", 3, 3)


def test_differences_are_of_the_pairs_that_the_study_asks_for_on_each_split():
    seeds = {0: 0.8, 1: 0.9}
    variants = {"wide": seeds, "deep": seeds, "last": {seed: value - 0.1 for seed, value in seeds.items()}}
    runs = [*of_classes(**variants), *of_classes(split="test-large", **variants)]
    table = compared(CLASSIFY, runs, "accuracy")
    assert table.columns.tolist() == DIFFERENCES
    assert table[["split", "variant", "than"]].values.tolist() == [
        ["test", "deep", "wide"],
        ["test", "last", "deep"],
        ["test-large", "deep", "wide"],
        ["test-large", "last", "deep"],
    ]
    assert table["mean"].tolist() == pytest.approx([0, -0.1, 0, -0.1])


LAYERS = pd.DataFrame(
    [("wide", "a", "Dense", "(None, 4)", 20), ("wide", "b", "Dense", "(None, 2)", 10),
     ("dropped", "a", "Dense", "(None, 4)", 20), ("dropped", "d", "Dropout", "(None, 4)", 0),
     ("dropped", "b", "Dense", "(None, 2)", 10), ("wider", "a", "Dense", "(None, 5)", 25),
     ("wider", "b", "Dense", "(None, 2)", 12)],
    columns=["variant", "layer", "kind", "output_shape", "parameters"],
)  # fmt: skip


@pytest.mark.parametrize(
    ("other", "same_order", "test"),
    [("dropped", True, "paired"), ("dropped", False, "Welch"), ("wider", True, "Welch")],
)
def test_seeds_are_paired_only_where_equal_seeds_begin_alike(other, same_order, test):
    """Pairing models of other width by seed widens their interval by a fifth for nothing."""
    runs = of_classes(**{"wide": {0: 0.8, 1: 0.9, 2: 0.7}, other: {0: 0.82, 1: 0.91, 2: 0.73}})
    (row,) = compared(CLASSIFY, runs, "accuracy", consecutive(["wide", other], same_order), LAYERS).itertuples()
    assert row.test == test
    assert (row.high - row.low < 0.15) == (test == "paired"), "the seeds of these variants agree"


def test_variants_with_other_numbers_of_seeds_are_compared_with_all_their_seeds():
    runs = of_classes(wide={0: 0.8, 1: 0.9, 2: 0.7}, deep={0: 0.7, 1: 0.8})
    (row,) = compared(CLASSIFY, runs, "accuracy", consecutive(["wide", "deep"], same_order=False)).itertuples()
    assert (row.n, row.n_than) == (2, 3)
    assert row.mean == pytest.approx(0.75 - 0.8)


@pytest.mark.parametrize("deep", [{0: 0.7}, {3: 0.7, 4: 0.7}, {2: 0.7, 3: 0.7}])
def test_paired_variants_without_two_common_seeds_are_left_out(deep):
    runs = of_classes(wide={0: 0.8, 1: 0.9, 2: 0.7}, deep=deep, last=dict.fromkeys(range(5), 0.7))
    assert "wide" not in compared(CLASSIFY, runs, "accuracy").than.tolist()


@pytest.mark.parametrize("same_order", [True, False])
def test_a_single_seed_is_never_said_to_differ(same_order):
    runs = of_classes(wide={0: 0.2, 1: 0.21}, deep={0: 0.9})
    assert len(compared(CLASSIFY, runs, "accuracy", consecutive(["wide", "deep"], same_order))) == 0


def test_variants_that_saw_other_images_are_not_said_to_differ():
    """`test_images` gives a slow variant fewer: the same seed then met easier images, or harder ones."""
    seeds = {0: 0.8, 1: 0.9, 2: 0.85}
    runs = [*of_classes(wide=seeds, deep=seeds), *of_classes(images=40, slow=seeds, slower=seeds)]
    found = compared(CLASSIFY, runs, "accuracy")
    assert found[["variant", "than"]].values.tolist() == [["deep", "wide"], ["slower", "slow"]]


def test_images_tested_are_those_of_one_seed():
    made = [one_run(np.arange(5, dtype=np.float32), seed=seed) for seed in range(3)]
    found = images_tested(pooled_table("dots", COUNT, made))
    assert found.to_dict() == {(made[0].variant, made[0].split): 5}


def test_differences_are_those_of_the_metric_that_was_asked_for():
    runs = of_classes(wide={0: 0.8, 1: 0.9}, deep={0: 0.7, 1: 0.7})
    found = {metric: compared(CLASSIFY, runs, metric)["mean"].iloc[0] for metric in ("accuracy", "error")}
    assert found["accuracy"] == pytest.approx(-found["error"])


def test_more_comparisons_widen_every_interval_so_that_chance_alone_finds_none():
    """Six comparisons at 95 % each have a 26 % chance of one false difference."""
    rng = np.random.default_rng(1)
    errors = {name: (0.5 + 0.1 * rng.normal(size=5)).tolist() for name in "abcdefg"}
    alone, together = (
        compared(REGRESS, of_numbers(errors), "mean_absolute_error", consecutive(names, same_order=False))
        for names in (["a", "b"], list("abcdefg"))
    )
    assert len(together) == 6
    first = together.iloc[0]
    assert first.high - first.low > 1.4 * float(alone.high.iloc[0] - alone.low.iloc[0])
    assert (together.p_holm >= together.p).all()
    assert together.p_holm.min() == pytest.approx(min(1, 6 * together.p.min()))
    assert first.p == pytest.approx(alone.p.iloc[0]), "the unadjusted p-value stays"


def test_the_effect_of_a_change_is_told_in_standard_deviations_of_single_runs():
    runs = of_numbers({"wide": [0.8, 0.9, 0.7], "deep": [0.6, 0.7, 0.5]}, equal=True)
    row = compared(REGRESS, runs, "mean_absolute_error", consecutive(["wide", "deep"], same_order=False)).iloc[0]
    assert row.effect == pytest.approx(-2 * (1 - 3 / 15), abs=1e-5), "Hedges' factor of four degrees of freedom"


@pytest.mark.parametrize(
    ("deep", "spread", "verdict"),
    [(0.7, 0.001, APART), (0.52, 0.001, BOTH), (0.5, 0.001, EQUIVALENT), (0.5, 0.2, OPEN), (0.52, 0.2, OPEN)],
)
def test_a_comparison_ends_told_apart_equivalent_or_open(deep, spread, verdict):
    drawn = spread * np.random.default_rng(1).normal(size=(2, 6))
    runs = of_numbers({"wide": (0.5 + drawn[0]).tolist(), "deep": (deep + drawn[1]).tolist()})
    comparisons = consecutive(["wide", "deep"], same_order=False, worth=0.05)
    (row,) = compared(REGRESS, runs, "mean_absolute_error", comparisons).itertuples()
    assert row.verdict == verdict
    assert math.isfinite(row.seeds_needed) == (verdict == OPEN)
    if verdict == OPEN:
        assert row.seeds_needed > 100, "a spread of 0.2 hides a difference of 0.05"


def test_without_a_smallest_difference_that_matters_no_seeds_are_forecast():
    runs = of_classes(wide={0: 0.8, 1: 0.9}, deep={0: 0.7, 1: 0.7})
    table = compared(CLASSIFY, runs, "accuracy")
    assert table[["worth", "p_equivalent", "seeds_needed"]].isna().all(axis=None)


def test_equal_runs_are_open_and_stop_nothing():
    runs = of_numbers({"wide": [0.5] * 3, "deep": [0.5] * 3}, equal=True)
    (row,) = compared(REGRESS, runs, "mean_absolute_error", consecutive(["wide", "deep"], worth=0.1)).itertuples()
    assert (row.mean, row.verdict) == (0, OPEN)
    assert math.isnan(row.low)


def test_a_prediction_that_is_no_number_leaves_the_comparison_open():
    runs = of_numbers({"wide": [0.5, 0.6, 0.55], "deep": [0.7, 0.8, 0.75], "last": [0.1, 0.2, 0.3]})
    runs[1].predictions[0] = np.nan
    table = compared(REGRESS, runs, "mean_absolute_error", consecutive(["wide", "deep", "last"], worth=0.1))
    assert table.verdict.tolist() == [APART, APART]
    assert table.n.tolist() == [2, 3]
