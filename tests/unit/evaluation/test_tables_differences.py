"""Neighbouring variants are compared over the same seeds and images."""

import math

import pandas as pd
import pytest
from unit.evaluated import differences, one_run, said

from calotype.evaluation.tables import images_tested, pooled_table
from calotype.tasks.count import COUNT
from calotype.util.statistics import mean_interval


def measured(**variants):
    """Return a table of runs: by variant, accuracy by seed."""
    rows = [
        ("clothes", variant, seed, split, "accuracy", value + shift)
        for variant, values in variants.items()
        for split, shift in (("test", 0.0), ("test-large", 0.01 if variant == "deep" else 0.0))
        for seed, value in values.items()
    ]
    return pd.DataFrame(rows, columns=["study", "variant", "seed", "split", "metric", "value"])


def test_differences_are_taken_seed_by_seed_and_not_place_by_place():
    runs = measured(wide={0: 0.8, 1: 0.9, 2: 0.7}, deep={2: 0.72, 1: 0.91, 5: 0.1})
    row = differences(runs, "accuracy").iloc[0]
    mean, low, high = mean_interval([0.01, 0.02])
    assert (row["mean"], row.low, row.high) == pytest.approx((mean, low, high))
    assert (row.variant, row.than, row.split, row.n) == ("deep", "wide", "test", 2)


def test_differences_are_of_each_variant_and_the_one_before_it_on_each_split():
    seeds = {0: 0.8, 1: 0.9}
    runs = measured(wide=seeds, deep=seeds, last={seed: value - 0.1 for seed, value in seeds.items()})
    table = differences(runs, "accuracy")
    assert table.columns.tolist() == ["study", "split", "metric", "variant", "than", "mean", "low", "high", "n"]
    assert table[["split", "variant", "than"]].values.tolist() == [
        ["test", "deep", "wide"],
        ["test", "last", "deep"],
        ["test-large", "deep", "wide"],
        ["test-large", "last", "deep"],
    ]
    assert table["mean"].tolist() == pytest.approx([0, -0.1, 0.01, -0.11])


@pytest.mark.parametrize("deep", [{0: 0.7}, {3: 0.7, 4: 0.7}, {2: 0.7, 3: 0.7}, {0: 0.7, 1: math.nan}])
def test_consecutive_variants_without_two_common_seeds_are_left_out(deep):
    runs = measured(wide={0: 0.8, 1: 0.9, 2: 0.7}, deep=deep, last={0: 0.7, 1: 0.7, 2: 0.7, 3: 0.7, 4: 0.7})
    table = differences(runs, "accuracy")
    assert "wide" not in table.than.tolist()
    assert len(differences(measured(wide={0: 0.8, 1: 0.9}), "accuracy")) == 0


def test_variants_that_saw_other_images_are_not_said_to_differ():
    """`test_images` gives a slow variant fewer: the same seed then met easier images, or harder ones."""
    seeds = {0: 0.8, 1: 0.9, 2: 0.85}
    runs = measured(wide=seeds, deep=seeds, slow=seeds, slower=seeds)
    found = differences(runs, slow=4, slower=4)
    assert found[found.split == "test"][["variant", "than"]].values.tolist() == [["deep", "wide"], ["slower", "slow"]]
    assert len(found) == 4


def test_images_tested_are_those_of_one_seed():
    made = [one_run(said(0, 1, 2, 3, 5), seed=seed) for seed in range(3)]
    found = images_tested(pooled_table("dots", COUNT, made))
    assert found.to_dict() == {(made[0].variant, made[0].split): 5}


def test_differences_are_those_of_the_metric_that_was_asked_for():
    runs = measured(wide={0: 0.8, 1: 0.9}, deep={0: 0.7, 1: 0.7})
    runs = pd.concat([runs, runs.assign(metric="error", value=1 - runs.value)], ignore_index=True)
    found = {metric: differences(runs, metric)["mean"].iloc[0] for metric in ("accuracy", "error")}
    assert found["accuracy"] == pytest.approx(-found["error"])
    assert len(differences(runs, "log_loss")) == 0
