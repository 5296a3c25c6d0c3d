"""Metrics are what one gets by hand, also where a training went wrong."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, log_loss

from calotype.errors import CalotypeError
from calotype.evaluation import (
    SMALLEST_PROBABILITY,
    SeedPredictions,
    check_divergence,
    class_metrics,
    classified,
    confident_mistakes,
    confusion_table,
    converged,
    count_metrics,
    decided,
    differences_table,
    diverged,
    diverged_runs,
    divergence_rows,
    divergences,
    images_tested,
    leave_out,
    pooled_table,
    read_predictions,
    rounded,
    runs_table,
    seed_predictions,
    summary_table,
    training_accuracies,
)
from calotype.files import write_csv
from calotype.frames import read_csv
from calotype.metrics import TASK_METRICS, offered
from calotype.statistics import mean_interval, wilson_interval

COUNT_METRICS = TASK_METRICS["count"]
LABELS = np.array([0, 1, 2, 3, 5])


def said(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def one_run(predictions, labels=LABELS, seed=0, variant="wide", split="test"):
    return SeedPredictions(variant, seed, split, np.asarray(labels), predictions)


TWO_RUNS = [one_run(said(0.4, 1.4, 2.6, 3, 3)), one_run(said(0, 1, 2, 3, 4), seed=1)]


# ---- One run ---------------------------------------------------------------------------------------------------------


def test_metrics_are_those_counted_by_hand():
    """Counted: 0, 1, 3, 3, 3 for 0, 1, 2, 3, 5: three right, one off by two."""
    metrics = count_metrics(LABELS, said(0.4, 1.4, 2.6, 3, 3))
    assert metrics["exact"] == 3 / 5
    assert metrics["off_by_more_than_one"] == 1 / 5
    assert metrics["sum_of_squared_errors"] == pytest.approx(0.4**2 + 0.4**2 + 0.6**2 + 0 + 2**2, rel=1e-6)
    assert list(metrics) == list(COUNT_METRICS)


def test_predictions_below_zero_and_far_above_are_counted_as_they_are():
    metrics = count_metrics(np.array([0, 0, 5]), said(-0.6, -0.4, 900))
    assert metrics["exact"] == pytest.approx(1 / 3)
    assert metrics["off_by_more_than_one"] == pytest.approx(1 / 3)


def test_rounding_has_no_preference_for_more_dots():
    assert rounded(said(0.5, 1.5, 2.5, 2.51, -0.5)).tolist() == [0, 2, 2, 3, 0]


@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf, 3e38])
def test_a_prediction_that_is_no_number_is_wrong_and_stops_nothing(lost):
    run = one_run(said(0, 1, 2, 3, lost))
    metrics = count_metrics(run.labels, run.predictions)
    assert metrics["exact"] == 4 / 5
    assert metrics["off_by_more_than_one"] == 1 / 5
    runs = runs_table("dots", "count", [run])
    assert len(summary_table(runs)) == len(COUNT_METRICS)
    pooled = pooled_table("dots", "count", [run])
    assert pooled[pooled.metric == "exact"].value.tolist() == [4 / 5]
    confusion = confusion_table("dots", "count", [run])
    assert confusion.groupby("seed", sort=False).images.sum().to_dict() == {0: 5, "all": 5}
    row = confusion[confusion.true == 5].iloc[0]
    assert row.images == 1
    assert pd.isna(row.predicted) or row.predicted > 5, "an invented count stands in the table"


def test_a_training_that_diverged_altogether_stops_nothing():
    run = one_run(np.full(5, np.nan, np.float32))
    assert count_metrics(run.labels, run.predictions)["exact"] == 0
    assert math.isnan(count_metrics(run.labels, run.predictions)["sum_of_squared_errors"])
    runs = runs_table("dots", "count", [run, one_run(said(0, 1, 2, 3, 5), seed=1)])
    assert runs[runs.seed == 0].value.isna().all(), "it has no accuracy, not one of zero"
    assert runs[runs.seed == 1].set_index("metric").value["exact"] == 1
    summary = summary_table(runs).set_index("metric")
    assert summary[["mean", "low", "high"]].isna().all(axis=None)
    assert pooled_table("dots", "count", [run])[["value", "low", "high"]].isna().all(axis=None)
    assert confusion_table("dots", "count", [run]).predicted.isna().all()


def test_one_number_among_the_predictions_is_enough_to_be_measured():
    """What a net says of the other images is wrong, and counts as wrong."""
    run = one_run(said(0, math.nan, math.nan, math.inf, math.nan))
    values = runs_table("dots", "count", [run]).set_index("metric").value
    assert (values.exact, values.off_by_more_than_one) == (0.2, 0.8)
    assert (values.exact_low, values.exact_high) == wilson_interval(1, 5)


@pytest.mark.parametrize("first", [True, False])
def test_a_seed_that_diverged_leaves_the_pooled_shares_of_the_others(first):
    """Over all images of all seeds: those of the lost one are all wrong."""
    made = [one_run(np.full(5, np.nan, np.float32), seed=0), one_run(said(0, 1, 2, 3, 5), seed=1)]
    pooled = pooled_table("dots", "count", made if first else made[::-1]).set_index("metric")
    assert (pooled.value["exact"], pooled.images["exact"], pooled.seeds["exact"]) == (0.5, 10, 2)


# ---- Tables ----------------------------------------------------------------------------------------------------------


def test_runs_table_is_long_and_holds_each_metric_of_each_run():
    table = runs_table("dots", "count", TWO_RUNS)
    assert table.columns.tolist() == ["study", "variant", "seed", "split", "metric", "value"]
    assert len(table) == 2 * (len(COUNT_METRICS) + 2)
    values = table[table.metric == "exact"].set_index("seed").value
    assert values.to_dict() == {0: 0.6, 1: 0.8}
    low, high = wilson_interval(3, 5)
    first = table[table.seed == 0].set_index("metric").value
    assert (first.exact_low, first.exact_high) == (low, high)


def test_summary_is_mean_and_interval_over_seeds():
    runs = [*TWO_RUNS, one_run(said(0, 1, 2, 3, 5), seed=2), one_run(said(9, 9, 9, 9, 9), split="test-large")]
    summary = summary_table(runs_table("dots", "count", runs))
    assert summary.columns.tolist() == ["study", "variant", "split", "metric", "mean", "low", "high", "n", "diverged"]
    assert set(summary.diverged) == {0}
    assert set(summary.metric) == set(COUNT_METRICS), "intervals are no metrics"
    row = summary[(summary.split == "test") & (summary.metric == "exact")].iloc[0]
    mean, low, high = mean_interval([0.6, 0.8, 1.0])
    assert high > 1
    assert (row["mean"], row.low, row.high) == pytest.approx((mean, low, 1))
    assert row.n == 3
    assert math.isnan(summary[(summary.split == "test-large") & (summary.metric == "exact")].iloc[0].low)


def test_intervals_of_shares_end_at_none_and_all():
    """Student's t knows no bounds, and a sum of squared errors has no upper one."""
    runs = [one_run(said(0, 1, 2, 3, last), seed=seed) for seed, last in enumerate((5, 5, 900))]
    summary = summary_table(runs_table("dots", "count", runs)).set_index("metric")
    assert summary.loc["exact", ["low", "high"]].tolist() == [pytest.approx(mean_interval([1, 1, 0.8])[1]), 1]
    assert summary.loc["off_by_more_than_one", ["low", "high"]].tolist()[0] == 0
    squares = summary.loc["sum_of_squared_errors"]
    assert (squares["mean"], squares.low, squares.high) == pytest.approx(mean_interval([0, 0, 895**2]))


def test_variants_keep_the_order_of_the_study():
    runs = [one_run(said(0, 1, 2, 3, 5), variant=variant) for variant in ("wide", "deep", "all")]
    for table in (
        summary_table(runs_table("dots", "count", runs)),
        pooled_table("dots", "count", runs),
        confusion_table("dots", "count", runs),
    ):
        assert table.variant.unique().tolist() == ["wide", "deep", "all"]


def test_pooled_takes_the_images_of_all_seeds_together():
    pooled = pooled_table("dots", "count", TWO_RUNS)
    row = pooled[pooled.metric == "exact"].iloc[0]
    assert (row.value, row.images, row.seeds) == (7 / 10, 10, 2)
    assert (row.low, row.high) == wilson_interval(7, 10)
    row = pooled[pooled.metric == "off_by_more_than_one"].iloc[0]
    assert row.value == 1 / 10
    assert pooled.metric.tolist() == list(COUNT_METRICS)
    row = pooled[pooled.metric == "sum_of_squared_errors"].iloc[0]
    assert row.value == pytest.approx(4.68 + 1, rel=1e-6)
    assert (row.images, row.seeds) == (10, 2)
    assert math.isnan(row.low)
    assert math.isnan(row.high)


def test_pooled_does_not_mix_variants_and_splits():
    runs = [*TWO_RUNS, one_run(said(9, 9, 9, 9, 9), variant="deep"), one_run(said(9, 9, 9, 9, 9), split="test-large")]
    exact = pooled_table("dots", "count", runs)
    exact = exact[exact.metric == "exact"].set_index(["variant", "split"]).value
    assert exact.to_dict() == {("wide", "test"): 0.7, ("deep", "test"): 0.0, ("wide", "test-large"): 0.0}


def test_confusion_counts_every_image_once():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 6, 500)
    runs = [one_run((labels + rng.normal(0, 0.7, 500)).astype(np.float32), labels, seed) for seed in range(3)]
    table = confusion_table("dots", "count", runs)
    assert table.groupby("seed", sort=False).images.sum().to_dict() == {0: 500, 1: 500, 2: 500, "all": 1500}
    for seed, run in enumerate(runs):
        part = table[table.seed == seed]
        right = part[part.true == part.predicted].images.sum()
        assert right == round(500 * count_metrics(labels, run.predictions)["exact"])
    assert not table.duplicated(["seed", "true", "predicted"]).any()


def test_confusion_is_the_one_counted_by_hand():
    table = confusion_table("dots", "count", [one_run(said(1, 1, 1.2, 3, -1), [1, 1, 2, 2, 0])])
    counted = [[0, -1, 1], [1, 1, 2], [2, 1, 1], [2, 3, 1]]
    for seed in (0, "all"):
        assert table[table.seed == seed][["true", "predicted", "images"]].values.tolist() == counted


def test_confusion_over_all_seeds_is_their_sum_split_by_split():
    runs = [one_run(said(0, 1, 2, 3, math.nan), seed=seed, split=split) for split in ("b", "a") for seed in range(2)]
    runs += [one_run(said(0, 1, 2, 3, 4), variant="deep", split="b")]
    runs += [one_run(said(-1, 1, 2, 3, 5), seed=2, split="a")]
    table = confusion_table("dots", "count", runs)
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
    table = confusion_table("dots", "count", runs)
    assert table[table.seed == "all"].split.unique().tolist() == ["test", "test-large"]


# ---- From files ------------------------------------------------------------------------------------------------------


def pack(file, seeds, images=5, start=0, splits=("test",)):
    """Predictions of a pack that say which seed they are of."""
    arrays = {
        split: np.full((seeds, images), 0, np.float32) + np.arange(start, start + seeds)[:, None] for split in splits
    }
    np.savez(file, **arrays)
    return file


def test_packs_of_a_variant_are_put_together_in_the_order_of_their_seeds(tmp_path):
    files = [pack(tmp_path / "a.npz", 3), pack(tmp_path / "b.npz", 2, start=3), pack(tmp_path / "c.npz", 1, images=4)]
    found = read_predictions(files, ["wide", "wide", "deep"], {"wide": 5, "deep": 1})
    assert found["wide"]["test"][:, 0].tolist() == [0, 1, 2, 3, 4]
    assert found["deep"]["test"].shape == (1, 4)


def test_a_pack_that_holds_more_seeds_than_asked_for_does_not_add_them(tmp_path):
    found = read_predictions([pack(tmp_path / "a.npz", 5)], ["wide"], {"wide": 2})
    assert found["wide"]["test"][:, 0].tolist() == [0, 1]


def test_a_variant_tested_on_fewer_images_is_held_against_their_labels():
    predictions = {
        "wide": {"test": np.array([[0, 1, 2]], np.float32)},
        "deep": {"test": np.array([[0, 1, 2, 3, 5]], np.float32)},
    }
    runs = list(seed_predictions(predictions, {"test": LABELS}))
    assert [run.labels.tolist() for run in runs] == [[0, 1, 2], [0, 1, 2, 3, 5]]
    table = runs_table("dots", "count", runs)
    assert table[table.metric == "exact"].value.tolist() == [1.0, 1.0]
    assert pooled_table("dots", "count", runs).images.tolist() == [3] * len(COUNT_METRICS) + [5] * len(COUNT_METRICS)
    sums = confusion_table("dots", "count", runs).groupby(["variant", "seed"], sort=False).images.sum()
    assert sums.to_dict() == {("wide", 0): 3, ("wide", "all"): 3, ("deep", 0): 5, ("deep", "all"): 5}


def test_runs_are_numbered_by_their_seeds(tmp_path):
    found = read_predictions([pack(tmp_path / "a.npz", 3, splits=("test", "test-large"))], ["wide"], {"wide": 3})
    runs = list(seed_predictions(found, {"test": LABELS, "test-large": LABELS}))
    assert [(run.split, run.seed, run.predictions[0]) for run in runs] == [
        (split, seed, seed) for split in ("test", "test-large") for seed in range(3)
    ]


@pytest.mark.parametrize("kept", [0, 3, 100, -30], ids=["empty", "magic", "header", "half"])
def test_truncated_predictions_are_named_and_refused(tmp_path, kept):
    file = pack(tmp_path / "predictions.npz", 5)
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(CalotypeError, match=r"predictions\.npz: cannot be read") as problem:
        read_predictions([file], ["wide"], {"wide": 5})
    assert "\nHint: delete it to have its pack trained again." in str(problem.value)


def test_flipped_bit_in_predictions_is_noticed(tmp_path):
    file = pack(tmp_path / "predictions.npz", 5, images=1000)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(CalotypeError, match=r"predictions\.npz: cannot be read"):
        read_predictions([file], ["wide"], {"wide": 5})


def test_missing_predictions_are_named(tmp_path):
    with pytest.raises(CalotypeError, match=r"predictions\.npz: cannot be read"):
        read_predictions([tmp_path / "predictions.npz"], ["wide"], {"wide": 5})


def test_a_prediction_just_below_none_is_shown_as_none():
    assert f"{rounded(said(-0.2))[0]:.0f}" == "0"
    assert not np.signbit(rounded(said(-0.5, -0.2, -0.0, 0.2))).any()


# ---- Classes ---------------------------------------------------------------------------------------------------------


def guesses(images=200, classes=4, key=1, sure=1.0):
    """Labels, and probabilities that favour them somewhat."""
    rng = np.random.default_rng(key)
    labels = rng.integers(0, classes, images)
    chances = rng.random((images, classes)) ** 3 * sure + 0.01
    chances[np.arange(images), labels] += 0.3
    return labels, (chances / chances.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("key", range(3))
def test_metrics_of_classes_are_those_of_scikit_learn(key):
    labels, probabilities = guesses(key=key)
    found = class_metrics(labels, probabilities)
    assert found["accuracy"] == accuracy_score(labels, probabilities.argmax(axis=1))
    assert found["error"] == 1 - found["accuracy"]
    exact = probabilities.astype(float)
    assert found["log_loss"] == pytest.approx(log_loss(labels, exact / exact.sum(axis=1, keepdims=True)), rel=1e-5)
    assert list(found) == list(offered("classify", 4))
    assert 0.3 < found["accuracy"] < 0.95


def test_log_loss_of_a_certain_mistake_is_finite_and_large():
    labels, probabilities = np.array([0, 1]), np.array([[1, 0], [1, 0]], np.float32)
    found = class_metrics(labels, probabilities)
    assert found["log_loss"] == pytest.approx(-math.log(SMALLEST_PROBABILITY) / 2)
    assert found["log_loss"] == pytest.approx(log_loss(labels, probabilities), rel=1e-6), (
        "as scikit-learn counts float32"
    )


def test_probabilities_that_are_no_numbers_are_wrong_and_not_the_first_class():
    """The largest of NaNs is the first; class 0 would then be right."""
    probabilities = np.array([[np.nan] * 3, [0.1, np.nan, 0.9], [np.inf, 0, 0], [0.2, 0.7, 0.1]], np.float32)
    labels = np.array([0, 2, 0, 1])
    assert np.isnan(classified(probabilities)).tolist() == [True, True, True, False]
    found = class_metrics(labels, probabilities)
    assert (found["accuracy"], found["error"]) == (0.25, 0.75)


def test_a_training_of_classes_that_diverged_altogether_stops_nothing():
    labels, probabilities = guesses(20)
    lost = np.full_like(probabilities, np.nan)
    runs = [one_run(lost, labels), one_run(probabilities, labels, seed=1)]
    table = runs_table("clothes", "classify", runs)
    assert table[table.seed == 0].value.isna().all(), "it has no accuracy, not one of zero"
    assert table[table.seed == 1].value.notna().all()
    summary = summary_table(table).set_index("metric")
    assert summary["mean"].isna().all()
    pooled = pooled_table("clothes", "classify", runs).set_index("metric")
    assert pooled.value["error"] == 1 - pooled.value["accuracy"]
    confusion = confusion_table("clothes", "classify", runs)
    assert confusion[confusion.seed == 0].predicted.isna().all()
    assert confusion[confusion.seed == "all"].images.sum() == 40
    both = pd.concat([table, table.assign(variant="deep")])
    assert len(differences(both, "log_loss")) == 0, "one seed is left"


def test_predictions_come_down_to_counts_or_classes_for_all_seeds_at_once():
    probabilities = np.stack([guesses(key=key)[1] for key in range(3)])
    assert decided(probabilities, "classify").tolist() == probabilities.argmax(axis=-1).tolist()
    assert decided(said(0.4, 1.6), "count").tolist() == [0, 2]


def test_tables_of_classes_hold_their_metrics_and_intervals():
    labels, probabilities = guesses()
    runs = [one_run(probabilities, labels, seed=seed) for seed in range(2)]
    table = runs_table("clothes", "classify", runs)
    first = table[table.seed == 0].set_index("metric").value
    right = round(first.accuracy * 200)
    assert set(first.index) == {*offered("classify", 4), "accuracy_low", "accuracy_high"}
    assert (first.accuracy_low, first.accuracy_high) == wilson_interval(right, 200)
    pooled = pooled_table("clothes", "classify", runs).set_index("metric")
    assert (pooled.low["error"], pooled.high["error"]) == wilson_interval(2 * (200 - right), 400)
    assert set(pooled.images) == {400}
    assert math.isnan(pooled.low["log_loss"])
    confusion = confusion_table("clothes", "classify", runs)
    together = confusion[confusion.seed == "all"]
    assert together[together.true == together.predicted].images.sum() == 2 * right
    assert together.images.sum() == 400


# ---- The accuracy of a training --------------------------------------------------------------------------------------


def history(*rows):
    return pd.DataFrame(rows, columns=["seed", "epoch", "metric", "value"])


PACKS = [
    history(
        (0, 1, "loss", 2.0), (0, 1, "accuracy", 0.5), (0, 1, "val_accuracy", 0.3),
        (0, 2, "loss", 1.0), (0, 2, "accuracy", 0.7), (0, 2, "val_accuracy", 0.9),
        (1, 1, "accuracy", 0.8), (1, 2, "accuracy", 0.6), (1, 3, "accuracy", 0.65),
    ),
    history((2, 1, "accuracy", 0.1), (3, 1, "accuracy", 0.2)),
    history((0, 1, "loss", 2.0)),
]  # fmt: skip


def test_training_accuracy_is_that_of_the_last_epoch_and_not_of_the_best():
    found = training_accuracies(
        PACKS, ["wide", "wide", "deep"], {"wide": "train", "deep": "train"}, {"wide": 4, "deep": 1}
    )
    assert found == [
        ("wide", 0, "train", "training_accuracy", 0.7),
        ("wide", 1, "train", "training_accuracy", 0.65),
        ("wide", 2, "train", "training_accuracy", 0.1),
        ("wide", 3, "train", "training_accuracy", 0.2),
    ]


def test_training_accuracy_of_the_last_epoch_is_found_whatever_the_order_of_the_lines():
    (row,) = training_accuracies([PACKS[0][PACKS[0].seed == 1].iloc[::-1]], ["wide"], {"wide": "more"}, {"wide": 2})
    assert row == ("wide", 1, "more", "training_accuracy", 0.65)


def test_training_accuracies_of_seeds_that_nobody_asked_for_are_left_out():
    found = training_accuracies(PACKS[:2], ["wide", "wide"], {"wide": "train"}, {"wide": 3})
    assert [seed for _, seed, *_ in found] == [0, 1, 2]


def test_training_accuracy_stands_in_the_tables_beside_the_tests():
    labels, probabilities = guesses()
    runs = [one_run(probabilities, labels, seed=seed) for seed in range(3)]
    rows = [("wide", seed, "train", "training_accuracy", 0.9 + seed / 20) for seed in range(3)]
    table = runs_table("clothes", "classify", runs, rows)
    row = summary_table(table).set_index("metric").loc["training_accuracy"]
    assert (row.split, row.n, row.high) == ("train", 3, 1.0), "a share ends at one"
    assert row["mean"] == pytest.approx(0.95)


# ---- Neighbours compared ---------------------------------------------------------------------------------------------


def measured(**variants):
    """A table of runs: by variant, accuracy by seed."""
    rows = [
        ("clothes", variant, seed, split, "accuracy", value + shift)
        for variant, values in variants.items()
        for split, shift in (("test", 0.0), ("test-large", 0.01 if variant == "deep" else 0.0))
        for seed, value in values.items()
    ]
    return pd.DataFrame(rows, columns=["study", "variant", "seed", "split", "metric", "value"])


def shown_to(runs, **images):
    """The pooled table of these runs: every variant on ten images of each split, but for those that are named."""
    shown = runs[["study", "variant", "split"]].drop_duplicates()
    seeds = shown.apply(lambda row: (runs.variant == row.variant).sum() // runs.split.nunique(), axis=1)
    return shown.assign(metric="accuracy", seeds=seeds, images=seeds * shown.variant.map(lambda v: images.get(v, 10)))


def differences(runs, metric="accuracy", **images):
    return differences_table(runs, shown_to(runs, **images), metric)


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
def test_neighbours_without_two_seeds_in_common_are_left_out(deep):
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
    found = images_tested(pooled_table("dots", "count", made))
    assert found.to_dict() == {(made[0].variant, made[0].split): 5}


def test_differences_are_those_of_the_metric_that_was_asked_for():
    runs = measured(wide={0: 0.8, 1: 0.9}, deep={0: 0.7, 1: 0.7})
    runs = pd.concat([runs, runs.assign(metric="error", value=1 - runs.value)], ignore_index=True)
    found = {metric: differences(runs, metric)["mean"].iloc[0] for metric in ("accuracy", "error")}
    assert found["accuracy"] == pytest.approx(-found["error"])
    assert len(differences(runs, "log_loss")) == 0


# ---- Mistakes --------------------------------------------------------------------------------------------------------


def test_confident_mistakes_come_the_most_certain_first():
    labels, probabilities = guesses(400, sure=2.0)
    places, predicted, certain = confident_mistakes(labels, probabilities, 10)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    assert len(wrong) > 20
    assert len(places) == 10
    assert certain.tolist() == sorted(probabilities[wrong].max(axis=1).tolist(), reverse=True)[:10]
    assert predicted.tolist() == probabilities[places].argmax(axis=1).tolist()
    assert (predicted != labels[places]).all()
    assert certain.tolist() == probabilities[places].max(axis=1).tolist()


def test_mistakes_that_are_equally_certain_stand_in_the_order_of_the_images():
    """The same figure on every machine."""
    probabilities = np.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.95, 0.05], [0.1, 0.9]], np.float32)
    places, predicted, _ = confident_mistakes(np.array([1, 0, 1, 1, 1]), probabilities, 10)
    assert (places.tolist(), predicted.tolist()) == ([3, 0, 1, 2], [0, 0, 1, 0])


def test_a_run_without_mistakes_or_without_numbers_shows_none():
    labels, probabilities = guesses(10)
    perfect = np.eye(4, dtype=np.float32)[labels]
    for given in (perfect, np.full_like(probabilities, np.nan)):
        places, predicted, certain = confident_mistakes(labels, given, 5)
        assert len(places) == len(predicted) == len(certain) == 0


def test_probabilities_of_packs_are_put_together_in_the_order_of_their_seeds(tmp_path):
    files = []
    for place, seeds in enumerate((3, 2)):
        files.append(tmp_path / f"{place}.npz")
        np.savez(files[-1], test=np.full((seeds, 5, 4), place, np.float32))
    found = read_predictions(files, ["wide", "wide"], {"wide": 4})
    assert found["wide"]["test"].shape == (4, 5, 4)
    assert found["wide"]["test"][:, 0, 0].tolist() == [0, 0, 0, 1]
    runs = list(seed_predictions(found, {"test": np.arange(9) % 4}))
    assert [(run.seed, run.labels.tolist(), run.predictions.shape) for run in runs] == [
        (seed, [0, 1, 2, 3, 0], (5, 4)) for seed in range(4)
    ]


# ---- Trainings that diverged -----------------------------------------------------------------------------------------


def losses(*values, seed=0):
    return [(seed, epoch, "loss", value) for epoch, value in enumerate(values, 1)]


@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf])
def test_a_run_diverged_if_its_last_loss_is_no_finite_number(tmp_path, lost):
    """Also after its history went through a file, which holds an empty cell, or inf."""
    rows = [*losses(2, 1), *losses(2, 3, lost, seed=1), *losses(lost, seed=2), (0, 2, "val_loss", lost)]
    write_csv(history(*rows), tmp_path / "history.csv")
    for found in (history(*rows), history(*rows[::-1]), read_csv(tmp_path / "history.csv")):
        assert diverged(found) == {1: 3, 2: 1}


@pytest.mark.parametrize("rows", [losses(2, 1), losses(math.inf, 1), [(0, 1, "accuracy", math.nan)], []])
def test_a_run_whose_loss_ends_as_a_number_did_not_diverge(rows):
    assert diverged(history(*rows)) == {}


def test_runs_that_diverged_are_found_in_all_packs_but_only_among_the_seeds_that_are_asked_for():
    packs = [history(*losses(1, math.nan)), history(*losses(math.inf, seed=1), *losses(math.nan, seed=2)), history()]
    found = diverged_runs(packs, ["wide", "wide", "deep"], {"wide": 2, "deep": 1})
    assert found == {"wide": {0: 2, 1: 1}, "deep": {}}


@pytest.fixture
def lost():
    """Four seeds: seed 1 says nothing, seed 3 kept the weights of a good epoch; neither counts."""
    said_ = np.array([[0, 1, 2, 3, 4], [np.nan] * 5, [0, 1, 2, 3, 5], [0, 0, 0, 0, 0]], np.float32)
    predictions = {"wide": {"test": said_}, "deep": {"test": said_[[2, 2, 0, 0]]}}
    gone = {"wide": {1: 3, 3: 7}, "deep": {2: 1}}
    return predictions, gone, list(seed_predictions(predictions, {"test": LABELS}, gone))


def test_a_run_that_diverged_keeps_its_rows_and_gets_one_that_says_when(lost):
    _, gone, runs = lost
    plain = runs_table("dots", "count", runs)
    table = runs_table("dots", "count", runs, divergence_rows(gone, {"wide": "train", "deep": "more"}))
    pd.testing.assert_frame_equal(table.iloc[: len(plain)], plain)
    assert table.iloc[len(plain) :].to_numpy().tolist() == [
        ["dots", "wide", 1, "train", "diverged", 3.0],
        ["dots", "wide", 3, "train", "diverged", 7.0],
        ["dots", "deep", 2, "more", "diverged", 1.0],
    ]
    assert divergences(table) == gone
    assert set(zip(converged(table).variant, converged(table).seed, strict=True)) == {
        ("wide", 0), ("wide", 2), ("deep", 0), ("deep", 1), ("deep", 3)
    }  # fmt: skip
    pd.testing.assert_frame_equal(converged(plain), plain)


def test_means_and_pooled_numbers_are_those_of_the_seeds_that_did_not_diverge(lost):
    _, gone, runs = lost
    table = runs_table("dots", "count", runs, divergence_rows(gone, dict.fromkeys(gone, "train")))
    row = summary_table(table).set_index(["variant", "metric"]).loc[("wide", "exact")]
    assert (row["mean"], row.low, row.high) == pytest.approx((0.9, 0, 1))
    assert (row.n, row.diverged) == (2, 2)
    assert "diverged" not in set(summary_table(table).metric)
    pooled = pooled_table("dots", "count", runs).set_index(["variant", "metric"]).loc[("wide", "exact")]
    assert (pooled.value, pooled.images, pooled.seeds) == (0.9, 10, 2)
    confusion = confusion_table("dots", "count", runs)
    assert confusion[confusion.variant == "wide"].groupby("seed", sort=False).images.sum().to_dict() == {
        0: 5, 1: 5, 2: 5, 3: 5, "all": 10
    }  # fmt: skip


def test_variants_are_compared_over_the_seeds_that_diverged_in_neither(lost):
    predictions, gone, _ = lost
    gone = {**gone, "wide": {1: 3}}
    runs = list(seed_predictions(predictions, {"test": LABELS}, gone))
    table = runs_table("dots", "count", runs, divergence_rows(gone, dict.fromkeys(gone, "train")))
    (row,) = differences_table(table, pooled_table("dots", "count", runs), "exact").itertuples()
    assert (row.variant, row.than, row.n) == ("deep", "wide", 2), "seeds 0 and 3 are left"
    assert row.mean == pytest.approx((0.2 + 0.6) / 2)


def test_a_variant_of_which_all_seeds_diverged_has_no_number_and_stops_nothing(tmp_path, lost):
    predictions, gone, _ = lost
    gone = {**gone, "wide": dict.fromkeys(range(4), 1)}
    runs = list(seed_predictions(predictions, {"test": LABELS}, gone))
    table = runs_table("dots", "count", runs, divergence_rows(gone, dict.fromkeys(gone, "train")))
    summary = summary_table(table)
    wide = summary[summary.variant == "wide"]
    assert wide[["mean", "low", "high"]].isna().all(axis=None)
    assert set(zip(wide.n, wide.diverged, strict=True)) == {(0, 4)}
    write_csv(summary, tmp_path / "summary.csv")
    assert "dots,wide,test,exact,,,,0,4" in (tmp_path / "summary.csv").read_text()
    pooled = pooled_table("dots", "count", runs)
    assert pooled[pooled.variant == "wide"].value.isna().all()
    assert images_tested(pooled).to_dict() == {("wide", "test"): 0, ("deep", "test"): 5}
    assert len(differences_table(table, pooled, "exact")) == 0
    confusion = confusion_table("dots", "count", runs)
    assert confusion[confusion.seed == "all"].variant.unique().tolist() == ["deep"]


def test_a_study_of_which_all_runs_diverged_still_has_its_tables(lost):
    predictions, _, _ = lost
    gone = {"wide": dict.fromkeys(range(4), 1), "deep": dict.fromkeys(range(4), 1)}
    runs = list(seed_predictions(predictions, {"test": LABELS}, gone))
    confusion = confusion_table("dots", "count", runs)
    assert set(confusion.seed) == {0, 1, 2, 3}
    assert pooled_table("dots", "count", runs).value.isna().all()


def test_figures_over_all_seeds_get_those_that_did_not_diverge(lost):
    predictions, gone, _ = lost
    found = leave_out(predictions, gone)
    assert found["wide"]["test"].tolist() == [[0, 1, 2, 3, 4], [0, 1, 2, 3, 5]]
    assert found["deep"]["test"].shape == (3, 5)
    whole = leave_out(predictions, {"wide": {}, "deep": {}})
    assert np.array_equal(whole["wide"]["test"], predictions["wide"]["test"], equal_nan=True)


def test_a_study_that_must_not_diverge_ends_with_the_runs_that_did():
    check_divergence({"wide": {}, "deep": {}}, "config/studies/dots.yaml")
    with pytest.raises(CalotypeError) as problem:
        check_divergence({"wide": {1: 3, 4: 1}, "deep": {}, "all": {0: 2}}, "config/studies/dots.yaml")
    message, hint = str(problem.value).split("\n")
    assert message.startswith("config/studies/dots.yaml: may_diverge: ")
    assert message.endswith("wide: seed 1 in epoch 3, seed 4 in epoch 1; all: seed 0 in epoch 2.")
    assert "learning rate" in hint
    assert "may_diverge: true" in hint
