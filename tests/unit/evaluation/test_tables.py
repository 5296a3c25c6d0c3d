"""Metrics and tables equal a calculation by hand, also for diverged runs."""

import math

import numpy as np
import pandas as pd
import pytest
from unit.evaluated import LABELS, guesses, history, one_run, said, summary_of

from calotype.evaluation.runs import measure, seed_predictions, training_rows
from calotype.evaluation.tables import SUMMARY, confusion_table, pooled_table, runs_table, summary_table
from calotype.tasks.classify import CLASSIFY
from calotype.tasks.count import COUNT
from calotype.util.statistics import score_formula, share_interval, wilson_interval

COUNT_METRICS = COUNT.names
TWO_RUNS = [one_run(said(0.4, 1.4, 2.6, 3, 3)), one_run(said(0, 1, 2, 3, 4), seed=1)]


# ---- One run ---------------------------------------------------------------------------------------------------------


def test_metrics_are_those_counted_by_hand():
    """Counted: 0, 1, 3, 3, 3 for 0, 1, 2, 3, 5: three right, one off by two."""
    metrics = measure(COUNT, LABELS, said(0.4, 1.4, 2.6, 3, 3))
    assert metrics["exact"] == 3 / 5
    assert metrics["off_by_more_than_one"] == 1 / 5
    assert metrics["sum_of_squared_errors"] == pytest.approx(0.4**2 + 0.4**2 + 0.6**2 + 0 + 2**2, rel=1e-6)
    assert list(metrics) == COUNT_METRICS


def test_predictions_below_zero_and_far_above_are_counted_as_they_are():
    metrics = measure(COUNT, np.array([0, 0, 5]), said(-0.6, -0.4, 900))
    assert metrics["exact"] == pytest.approx(1 / 3)
    assert metrics["off_by_more_than_one"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf, 3e38])
def test_a_prediction_that_is_no_number_is_wrong_and_stops_nothing(lost):
    run = one_run(said(0, 1, 2, 3, lost))
    metrics = measure(COUNT, run.labels, run.predictions)
    assert metrics["exact"] == 4 / 5
    assert metrics["off_by_more_than_one"] == 1 / 5
    assert len(summary_of(COUNT, [run])) == len(COUNT_METRICS)
    pooled = pooled_table("dots", COUNT, [run])
    assert pooled[pooled.metric == "exact"].value.tolist() == [4 / 5]
    confusion = confusion_table("dots", COUNT, [run])
    assert confusion.groupby("seed", sort=False).images.sum().to_dict() == {0: 5, "all": 5}
    row = confusion[confusion.true == 5].iloc[0]
    assert row.images == 1
    assert pd.isna(row.predicted) or row.predicted > 5, "an invented count stands in the table"


def test_a_training_run_that_diverged_altogether_stops_nothing():
    run = one_run(np.full(5, np.nan, np.float32))
    runs = runs_table("dots", COUNT, [run, one_run(said(0, 1, 2, 3, 5), seed=1)])
    assert runs[runs.seed == 0].value.isna().all(), "it has no accuracy, not one of zero"
    assert runs[runs.seed == 1].set_index("metric").value["exact"] == 1
    summary = summary_of(COUNT, [run, one_run(said(0, 1, 2, 3, 5), seed=1)]).set_index("metric")
    assert summary[["mean", "low", "high"]].isna().all(axis=None)
    assert pooled_table("dots", COUNT, [run]).value.isna().all()
    assert confusion_table("dots", COUNT, [run]).predicted.isna().all()


def test_one_number_among_the_predictions_is_enough_to_be_measured():
    """The predictions for the other images are wrong and count as wrong."""
    run = one_run(said(0, math.nan, math.nan, math.inf, math.nan))
    values = runs_table("dots", COUNT, [run]).set_index("metric").value
    assert (values.exact, values.off_by_more_than_one) == (0.2, 0.8)
    assert (values.exact_low, values.exact_high) == wilson_interval(1, 5)


@pytest.mark.parametrize("first", [True, False])
def test_a_seed_that_diverged_leaves_the_pooled_shares_of_the_others(first):
    """Over all images of all seeds: those of the lost one are all wrong."""
    made = [one_run(np.full(5, np.nan, np.float32), seed=0), one_run(said(0, 1, 2, 3, 5), seed=1)]
    pooled = pooled_table("dots", COUNT, made if first else made[::-1]).set_index("metric")
    assert (pooled.value["exact"], pooled.images["exact"], pooled.seeds["exact"]) == (0.5, 10, 2)


# ---- Tables ----------------------------------------------------------------------------------------------------------


def test_runs_table_is_long_and_holds_each_metric_of_each_run():
    table = runs_table("dots", COUNT, TWO_RUNS)
    assert table.columns.tolist() == ["study", "variant", "seed", "split", "metric", "value"]
    assert len(table) == 2 * (len(COUNT_METRICS) + 2)
    values = table[table.metric == "exact"].set_index("seed").value
    assert values.to_dict() == {0: 0.6, 1: 0.8}
    low, high = wilson_interval(3, 5)
    first = table[table.seed == 0].set_index("metric").value
    assert (first.exact_low, first.exact_high) == (low, high)


def test_a_reader_computes_the_interval_again_from_the_numbers_of_its_formula():
    summary = summary_of(COUNT, TWO_RUNS).set_index("metric")
    row = summary.loc["exact"]
    p, k = row["mean"], row.t**2 / row.independent_images
    half = (k * p * (1 - p) + k**2 / 4) ** 0.5
    assert (row.low, row.high) == pytest.approx(((p + k / 2 - half) / (1 + k), (p + k / 2 + half) / (1 + k)))
    assert math.isnan(row.standard_error)
    row = summary.loc["sum_of_squared_errors"]
    assert row.high == pytest.approx(row["mean"] + row.t * row.standard_error)
    assert math.isnan(row.independent_images)


def test_summary_is_mean_and_interval_over_seeds_and_images():
    runs = [*TWO_RUNS, one_run(said(0, 1, 2, 3, 5), seed=2), one_run(said(9, 9, 9, 9, 5), split="test-large")]
    summary = summary_of(COUNT, runs)
    assert summary.columns.tolist() == SUMMARY
    assert set(summary.diverged) == {0}
    assert set(summary.metric) == set(COUNT_METRICS), "intervals are no metrics"
    summary = summary.set_index(["split", "metric"])
    row = summary.loc["test", "exact"]
    right = np.array([[1, 1, 0, 1, 0], [1, 1, 1, 1, 0], [1, 1, 1, 1, 1]], float)
    assert (row["mean"], row.low, row.high, row.n) == pytest.approx((0.8, *share_interval(0.8, right), 3))
    row = summary.loc["test", "sum_of_squared_errors"]
    squares = 5 * np.array([[0.4, 0.4, 0.6, 0, 2], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]) ** 2
    expected = score_formula(squares.mean(), squares, 0, math.inf)[:2]
    assert (row["mean"], row.low, row.high) == pytest.approx((squares.mean(), *expected))
    assert row.low == 0, "no negative errors"
    single = summary.loc["test-large", "exact"]
    assert (single.low, single.high) == pytest.approx(wilson_interval(1, 5)), "a single seed has that of the images"


def test_models_without_errors_have_the_interval_of_their_images():
    """Five seeds that get all 240 images right leave open 1.6 % of errors."""
    runs = [one_run(said(*range(240)), np.arange(240), seed=seed) for seed in range(5)]
    summary = summary_of(COUNT, runs).set_index("metric")
    assert summary.loc["exact", ["low", "high"]].tolist() == pytest.approx(wilson_interval(240, 240))
    assert summary.loc["off_by_more_than_one", ["low", "high"]].tolist() == pytest.approx(wilson_interval(0, 240))
    assert summary.loc["sum_of_squared_errors", ["low", "high"]].isna().all(), "of no spread follows no interval"


def test_variants_keep_the_order_of_the_study():
    runs = [one_run(said(0, 1, 2, 3, 5), variant=variant) for variant in ("wide", "deep", "all")]
    for table in (
        summary_of(COUNT, runs),
        pooled_table("dots", COUNT, runs),
        confusion_table("dots", COUNT, runs),
    ):
        assert table.variant.unique().tolist() == ["wide", "deep", "all"]


def test_pooled_takes_the_images_of_all_seeds_together():
    pooled = pooled_table("dots", COUNT, TWO_RUNS)
    row = pooled[pooled.metric == "exact"].iloc[0]
    assert (row.value, row.images, row.seeds) == (7 / 10, 10, 2)
    row = pooled[pooled.metric == "off_by_more_than_one"].iloc[0]
    assert row.value == 1 / 10
    assert pooled.metric.tolist() == COUNT_METRICS
    row = pooled[pooled.metric == "sum_of_squared_errors"].iloc[0]
    assert row.value == pytest.approx(4.68 + 1, rel=1e-6)
    assert (row.images, row.seeds) == (10, 2)


def test_pooled_does_not_mix_variants_and_splits():
    runs = [*TWO_RUNS, one_run(said(9, 9, 9, 9, 9), variant="deep"), one_run(said(9, 9, 9, 9, 9), split="test-large")]
    exact = pooled_table("dots", COUNT, runs)
    exact = exact[exact.metric == "exact"].set_index(["variant", "split"]).value
    assert exact.to_dict() == {("wide", "test"): 0.7, ("deep", "test"): 0.0, ("wide", "test-large"): 0.0}


def test_confusion_counts_every_image_once():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 6, 500)
    runs = [one_run((labels + rng.normal(0, 0.7, 500)).astype(np.float32), labels, seed) for seed in range(3)]
    table = confusion_table("dots", COUNT, runs)
    assert table.groupby("seed", sort=False).images.sum().to_dict() == {0: 500, 1: 500, 2: 500, "all": 1500}
    for seed, run in enumerate(runs):
        part = table[table.seed == seed]
        right = part[part.true == part.predicted].images.sum()
        assert right == round(500 * measure(COUNT, labels, run.predictions)["exact"])
    assert not table.duplicated(["seed", "true", "predicted"]).any()


def test_confusion_is_the_one_counted_by_hand():
    table = confusion_table("dots", COUNT, [one_run(said(1, 1, 1.2, 3, -1), [1, 1, 2, 2, 0])])
    counted = [[0, -1, 1], [1, 1, 2], [2, 1, 1], [2, 3, 1]]
    for seed in (0, "all"):
        assert table[table.seed == seed][["true", "predicted", "images"]].values.tolist() == counted


def test_a_count_beyond_those_that_a_float_tells_apart_stands_for_none():
    table = confusion_table("dots", COUNT, [one_run(said(2**52, 2**53, -(2**53)), [1, 2, 3])])
    found = table[table.seed == 0].predicted
    assert found.iloc[0] == 2**52
    assert found.isna().tolist() == [False, True, True]


def test_confusion_over_all_seeds_is_their_sum_split_by_split():
    runs = [one_run(said(0, 1, 2, 3, math.nan), seed=seed, split=split) for split in ("b", "a") for seed in range(2)]
    runs += [one_run(said(0, 1, 2, 3, 4), variant="deep", split="b")]
    runs += [one_run(said(-1, 1, 2, 3, 5), seed=2, split="a")]
    table = confusion_table("dots", COUNT, runs)
    assert table.columns.tolist() == ["study", "variant", "seed", "split", "true", "predicted", "images"]
    together = table[table.seed == "all"]
    for (variant, split), found in together.groupby(["variant", "split"]):
        single = table[(table.seed != "all") & (table.variant == variant) & (table.split == split)]
        expected = single.groupby(["true", "predicted"], dropna=False).images.sum()
        assert found.set_index(["true", "predicted"]).images.to_dict() == expected.to_dict()
        assert found[["true", "predicted"]].equals(found[["true", "predicted"]].sort_values(["true", "predicted"]))
    assert together[(together.variant == "wide") & together.predicted.isna()].images.tolist() == [2, 2]
    assert table.variant.drop_duplicates().tolist() == ["wide", "deep"]
    assert (table[table.variant == "wide"].seed == "all").is_monotonic_increasing, "first the seeds, then their sum"


def test_confusion_over_all_seeds_keeps_the_order_of_the_splits():
    """The report shows that of the last one, whatever was predicted."""
    runs = [one_run(said(0, 1, 2, 3, 5)), one_run(said(-1, 1, 2, 3, 5), split="test-large")]
    table = confusion_table("dots", COUNT, runs)
    assert table[table.seed == "all"].split.unique().tolist() == ["test", "test-large"]


def test_a_variant_tested_on_fewer_images_is_held_against_their_labels():
    predictions = {
        "wide": {"test": np.array([[0, 1, 2]], np.float32)},
        "deep": {"test": np.array([[0, 1, 2, 3, 5]], np.float32)},
    }
    runs = list(seed_predictions(predictions, {"test": LABELS}))
    assert [run.labels.tolist() for run in runs] == [[0, 1, 2], [0, 1, 2, 3, 5]]
    table = runs_table("dots", COUNT, runs)
    assert table[table.metric == "exact"].value.tolist() == [1.0, 1.0]
    assert pooled_table("dots", COUNT, runs).images.tolist() == [3] * len(COUNT_METRICS) + [5] * len(COUNT_METRICS)
    sums = confusion_table("dots", COUNT, runs).groupby(["variant", "seed"], sort=False).images.sum()
    assert sums.to_dict() == {("wide", 0): 3, ("wide", "all"): 3, ("deep", 0): 5, ("deep", "all"): 5}


def test_runs_are_numbered_by_their_seeds():
    predictions = {"wide": dict.fromkeys(("test", "test-large"), np.arange(3, dtype=np.float32)[:, None])}
    runs = list(seed_predictions(predictions, dict.fromkeys(("test", "test-large"), LABELS)))
    assert [(run.split, run.seed, run.predictions[0]) for run in runs] == [
        (split, seed, seed) for split in ("test", "test-large") for seed in range(3)
    ]


# ---- The accuracy of a training --------------------------------------------------------------------------------------


WIDE = history(
    (0, 1, "loss", 2.0), (0, 1, "accuracy", 0.5), (0, 1, "val_accuracy", 0.3),
    (0, 2, "loss", 1.0), (0, 2, "accuracy", 0.7), (0, 2, "val_accuracy", 0.9),
    (1, 1, "accuracy", 0.8), (1, 2, "accuracy", 0.6), (1, 3, "accuracy", 0.65),
).assign(variant="wide")  # fmt: skip
DEEP = history((0, 1, "loss", 2.0)).assign(variant="deep")


def test_training_accuracy_is_that_of_the_last_epoch_and_not_of_the_best():
    assert training_rows(CLASSIFY, pd.concat([WIDE, DEEP]), {"wide": "train", "deep": "train"}) == [
        ("wide", 0, "train", "training_accuracy", 0.7), ("wide", 1, "train", "training_accuracy", 0.65)
    ]  # fmt: skip


def test_training_accuracy_of_the_last_epoch_is_found_whatever_the_order_of_the_lines():
    (row,) = training_rows(CLASSIFY, WIDE[WIDE.seed == 1].iloc[::-1], {"wide": "more"})
    assert row == ("wide", 1, "more", "training_accuracy", 0.65)


def test_training_accuracy_is_in_the_tables_beside_the_tests():
    labels, probabilities = guesses()
    runs = [one_run(probabilities, labels, seed=seed) for seed in range(3)]
    rows = [("wide", seed, "train", "training_accuracy", 0.9 + seed / 20) for seed in range(3)]
    table = runs_table("clothes", CLASSIFY, runs, rows)
    row = summary_table(table, CLASSIFY, runs).set_index("metric").loc["training_accuracy"]
    assert (row.split, row.n, row.high) == ("train", 3, 1.0), "a share ends at one"
    assert row["mean"] == pytest.approx(0.95)
