"""Errors of numbers, ranks, calibration and curves are what one gets by hand, also where nothing can be measured."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn
from sklearn.calibration import calibration_curve

from calotype.config.metric_names import METRICS, offered
from calotype.evaluation.confusion import confusion_table
from calotype.evaluation.curves import precision_recall_curve, roc_curve
from calotype.evaluation.divergence import divergence_rows
from calotype.evaluation.metrics import BINS, binary_metrics, calibration, class_balance, number_metrics, ranks
from calotype.evaluation.runs import SeedPredictions, class_metrics, classified, count_metrics, seed_predictions
from calotype.evaluation.tables import differences_table, pooled_table, runs_table, summary_table
from calotype.util.csv_tables import read_csv
from calotype.util.files import write_csv
from calotype.util.statistics import mean_interval

NUMBERS = ("mean_absolute_error", "root_mean_squared_error", "r2")


@pytest.fixture(autouse=True)
def _no_warnings():
    """A warning of scikit-learn in each log would hide the others."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def said(*values):
    return np.array(values, np.float32)


def guesses(images=300, classes=7, key=1):
    """Labels, and probabilities that favour them somewhat."""
    rng = np.random.default_rng(key)
    labels = rng.integers(0, classes, images)
    chances = rng.random((images, classes)) ** 3 + 0.01
    chances[np.arange(images), labels] += 0.4
    return labels, (chances / chances.sum(axis=1, keepdims=True)).astype(np.float32)


def two(*scores):
    """Probabilities of two classes, by that of the second."""
    return np.stack([1 - np.array(scores), np.array(scores)], axis=1).astype(np.float32)


# ---- Numbers ---------------------------------------------------------------------------------------------------------


def test_errors_of_numbers_are_those_computed_by_hand():
    """Errors 1, 0, -1, 4; the labels' mean is 2.5, their squared distances from it add up to 5."""
    found = number_metrics(np.array([1.0, 2.0, 3.0, 4.0]), said(2, 2, 2, 8))
    assert tuple(found) == NUMBERS
    assert found["mean_absolute_error"] == pytest.approx(6 / 4)
    assert found["root_mean_squared_error"] == pytest.approx(math.sqrt(18 / 4))
    assert found["r2"] == pytest.approx(1 - 18 / 5)


def test_what_their_mean_says_explains_nothing_of_the_labels_and_the_truth_all():
    labels = np.array([0.5, 1.5, 4.0])
    assert number_metrics(labels, np.full(3, 2, np.float32))["r2"] == pytest.approx(0)
    assert list(number_metrics(labels, labels.astype(np.float32)).values()) == [0, 0, 1]


def test_labels_that_are_all_the_same_leave_no_variance_to_explain():
    found = number_metrics(np.full(3, 2.5), said(2.5, 2.5, 3.5))
    assert found["mean_absolute_error"] == pytest.approx(1 / 3)
    assert math.isnan(found["r2"]), "neither 0 nor 1 nor minus infinity"


@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf])
def test_a_prediction_that_is_no_number_leaves_no_mean_of_errors_and_stops_nothing(lost):
    found = number_metrics(np.array([1.0, 2.0]), said(1, lost))
    assert all(math.isnan(value) for value in found.values())


def test_counts_have_the_errors_of_the_prediction_before_rounding():
    found = count_metrics(np.array([0, 1, 2, 3]), said(0.4, 1.4, 2.4, 2.6))
    assert found["exact"] == 1
    assert found["mean_absolute_error"] == pytest.approx(0.4)
    assert found["root_mean_squared_error"] == pytest.approx(0.4)
    assert found["r2"] == pytest.approx(1 - 4 * 0.16 / 5)
    assert found["sum_of_squared_errors"] == pytest.approx(4 * found["root_mean_squared_error"] ** 2)


# ---- Ranks and balance -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", range(3))
def test_metrics_of_classes_are_those_of_scikit_learn_where_nothing_is_odd(key):
    labels, probabilities = guesses(key=key)
    predicted, found = probabilities.argmax(axis=1), class_metrics(labels, probabilities)
    for k in (3, 5):
        expected = sklearn.top_k_accuracy_score(labels, probabilities, k=k, labels=range(7))
        assert found[f"top_{k}"] == pytest.approx(expected)
    assert found["balanced_accuracy"] == pytest.approx(sklearn.balanced_accuracy_score(labels, predicted))
    assert found["macro_f1"] == pytest.approx(sklearn.f1_score(labels, predicted, average="macro"))
    assert found["accuracy"] < found["top_3"] < found["top_5"] <= 1


def test_of_classes_that_are_equally_probable_the_first_ranks_first_as_it_is_the_predicted_one():
    """A net that says the same of all classes would else have the right class among its three, but not as its first."""
    labels = np.arange(5)
    probabilities = np.full((5, 5), 0.2, np.float32)
    assert ranks(labels, probabilities).tolist() == [0, 1, 2, 3, 4]
    found = class_metrics(labels, probabilities)
    assert (found["accuracy"], found["top_3"]) == (0.2, 0.6)


def test_rank_is_the_number_of_classes_before_the_true_one():
    probabilities = said(0.1, 0.4, 0.3, 0.2)[None].repeat(4, axis=0)
    assert ranks(np.arange(4), probabilities).tolist() == [3, 0, 1, 2]


def test_an_image_without_numbers_is_wrong_however_many_classes_count():
    labels, probabilities = guesses(10)
    probabilities[:4] = np.nan
    probabilities[4, 0] = np.inf
    found = class_metrics(labels, probabilities)
    assert found["top_5"] <= 0.5
    assert np.isinf(ranks(labels, probabilities)[:5]).all()
    assert math.isnan(found["expected_calibration_error"])
    assert 0 < found["balanced_accuracy"] <= 0.7


@pytest.mark.parametrize(
    ("classes", "there", "missing"),
    [
        (2, {"roc_auc", "average_precision"}, {"top_3", "top_5"}),
        (3, set(), {"top_3", "top_5", "roc_auc", "average_precision"}),
        (4, {"top_3"}, {"top_5", "roc_auc"}),
        (6, {"top_3", "top_5"}, {"roc_auc"}),
    ],
)
def test_metrics_that_say_nothing_with_so_many_classes_are_not_offered(classes, there, missing):
    found = class_metrics(*guesses(classes=classes))
    assert tuple(found) == offered("classify", classes)
    assert there <= set(found)
    assert not missing & set(found)


def test_each_class_weighs_the_same_however_many_images_show_it():
    """Of nine images of class 0 all are right, of one of class 1 none is; class 2 does not occur."""
    labels, predicted = np.array([0] * 9 + [1]), np.zeros(10)
    balanced, f1 = class_balance(labels, predicted)
    assert balanced == 0.5
    assert f1 == pytest.approx((2 * 9 / (2 * 9 + 1) + 0) / 2)


def test_a_class_that_is_predicted_but_never_shown_lowers_f1_alone():
    labels, predicted = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1.0])
    balanced, f1 = class_balance(labels, predicted)
    assert balanced == pytest.approx((0.5 + 1) / 2)
    assert f1 == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_no_prediction_is_no_class_of_its_own():
    balanced, f1 = class_balance(np.array([0, 0, 1, 1]), np.array([0, np.nan, 1, 1]))
    assert balanced == pytest.approx(0.75)
    assert f1 == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_split_that_shows_one_class_alone_has_its_accuracy_and_stops_nothing(classes):
    labels, probabilities = np.zeros(20, np.int64), guesses(20, classes)[1]
    found = class_metrics(labels, probabilities)
    assert found["balanced_accuracy"] == pytest.approx(found["accuracy"])
    if classes == 2:
        assert math.isnan(found["roc_auc"])
        assert math.isnan(found["average_precision"]), "nothing to be found: neither none nor all of it"


# ---- Calibration -----------------------------------------------------------------------------------------------------


def test_calibration_error_is_the_one_computed_by_hand():
    """Four images of 90 %, three of them right, and six of 62 %, three of them right: (4 · 0.15 + 6 · 0.12) / 10."""
    probabilities = two(*[0.9] * 4, *[0.62] * 6)
    labels = np.array([1, 1, 1, 0, 1, 1, 1, 0, 0, 0])
    found = calibration(labels, probabilities)
    assert found.images[[9, 13]].tolist() == [6, 4]
    assert found.images.sum() == 10
    assert found.accuracy[[9, 13]].tolist() == [0.5, 0.75]
    assert found.confidence[[9, 13]].tolist() == pytest.approx([0.62, 0.9])
    assert np.isnan(found.accuracy[0])
    assert found.error == pytest.approx((4 * 0.15 + 6 * 0.12) / 10)
    assert class_metrics(labels, probabilities)["expected_calibration_error"] == found.error


def test_calibration_error_is_that_of_a_loop_over_the_bins():
    labels, probabilities = guesses(500)
    sure, right = probabilities.max(axis=1).astype(float), probabilities.argmax(axis=1) == labels
    error = 0.0
    for i in range(BINS):
        inside = (sure > i / BINS) & (sure <= (i + 1) / BINS)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    found = calibration(labels, probabilities)
    assert found.error == pytest.approx(error)
    accuracy, confidence = calibration_curve(right, sure, n_bins=BINS)
    held = found.images > 0
    assert found.accuracy[held].tolist() == pytest.approx(accuracy.tolist())
    assert found.confidence[held].tolist() == pytest.approx(confidence.tolist())


def test_the_ends_of_the_range_have_their_bins_and_rounding_above_one_falls_into_the_last():
    probabilities = np.array([[1, 0], [1.0000001, 0], [1 / 3, 1 / 3]], np.float32)
    found = calibration(np.zeros(3, np.int64), probabilities)
    assert found.images[-1] == 2
    assert found.images[:-1].sum() == 1
    assert calibration(np.array([0]), np.zeros((1, 2), np.float32)).images[0] == 1


def test_a_net_that_is_surely_right_is_calibrated_and_one_that_is_surely_wrong_not_at_all():
    labels = np.arange(4)
    assert calibration(labels, np.eye(4, dtype=np.float32)).error == 0
    assert calibration(labels, np.eye(4, dtype=np.float32)[::-1]).error == 1


def test_probabilities_that_are_no_numbers_have_no_calibration():
    assert calibration(np.array([0, 1]), two(0.5, math.nan)) is None


# ---- Two classes -----------------------------------------------------------------------------------------------------


def test_the_area_under_the_curve_is_the_share_of_pairs_in_the_right_order():
    """Pairs of one image of each class; of equal scores, half a pair."""
    labels, scores = np.array([0, 0, 0, 1, 1]), (0.1, 0.4, 0.6, 0.4, 0.9)
    found = binary_metrics(labels, two(*scores))
    assert found["roc_auc"] == pytest.approx((1 + 0.5 + 0 + 3) / 6)
    # From the top: 0.9 finds one of one, 0.6 none, the two of 0.4 the other: two of four.
    assert found["average_precision"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 4)


def test_the_second_class_is_the_one_that_is_looked_for():
    labels = np.array([0, 0, 1])
    assert binary_metrics(labels, two(0.1, 0.2, 0.9))["roc_auc"] == 1
    assert binary_metrics(labels, two(0.9, 0.8, 0.1))["roc_auc"] == 0


@pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
def test_one_class_alone_has_neither_curve_nor_area(labels):
    labels, places = np.array(labels), np.array([0.5, 1.0])
    assert all(math.isnan(value) for value in binary_metrics(labels, two(0.2, 0.8)).values())
    assert roc_curve(labels, said(0.2, 0.8), places) is None
    assert precision_recall_curve(labels, said(0.2, 0.8), places) is None


def test_a_score_that_is_no_number_leaves_neither_curve_nor_area():
    labels, places = np.array([0, 1, 1]), np.array([0.5, 1.0])
    assert all(math.isnan(value) for value in binary_metrics(labels, two(0.2, 0.8, math.nan)).values())
    assert roc_curve(labels, said(0.2, 0.8, math.nan), places) is None
    assert precision_recall_curve(labels, said(0.2, 0.8, math.nan), places) is None


def test_the_roc_curve_has_the_corners_counted_by_hand():
    """In falling order of the scores: 1, 0, 1 and 0 together, 0."""
    labels, scores = np.array([1, 0, 1, 0, 0]), said(0.9, 0.8, 0.5, 0.5, 0.1)
    rates = np.array([0, 1 / 6, 1 / 3, 1 / 2, 2 / 3, 1])
    assert roc_curve(labels, scores, rates).tolist() == pytest.approx([0.5, 0.5, 0.5, 0.75, 1, 1])


def test_the_roc_curve_climbs_upright_where_no_scores_are_tied():
    """In falling order of the scores: 1, 0, 1, 0."""
    labels, scores = np.array([1, 0, 1, 0]), said(0.9, 0.8, 0.7, 0.6)
    assert roc_curve(labels, scores, np.array([0, 0.25, 0.49, 0.5, 0.75])).tolist() == [0.5, 0.5, 0.5, 1, 1]


def test_the_precision_recall_curve_has_the_steps_counted_by_hand():
    """In falling order of the scores: 1, 0, 1, 1, 0, 0, 1: precisions 1, 2/3, 3/4 and 4/7 where one more is found."""
    labels, scores = np.array([1, 0, 1, 1, 0, 0, 1]), np.linspace(0.9, 0.1, 7).astype(np.float32)
    recalls = np.array([0.1, 0.25, 0.3, 0.5, 0.75, 0.76, 1])
    found = precision_recall_curve(labels, scores, recalls)
    assert found.tolist() == pytest.approx([1, 1, 2 / 3, 2 / 3, 3 / 4, 4 / 7, 4 / 7])


@pytest.mark.parametrize(("images", "digits"), [(200, 1), (200, 8), (12, 8)])
def test_the_areas_under_the_curves_are_the_metrics_also_with_ties(images, digits):
    rng = np.random.default_rng(images + digits)
    labels = rng.integers(0, 2, images)
    scores = (np.round(rng.random(images) + 0.6 * labels, digits) / 2).astype(np.float32)
    found = binary_metrics(labels, np.stack([1 - scores, scores], axis=1))
    fine = np.arange(1, 200_001) / 200_000
    assert precision_recall_curve(labels, scores, fine).mean() == pytest.approx(found["average_precision"], abs=1e-4)
    assert np.trapezoid(roc_curve(labels, scores, fine), fine) == pytest.approx(found["roc_auc"], abs=1e-4)


# ---- Tables of every task --------------------------------------------------------------------------------------------


LABELS = np.array([0.25, 1.5, 2.75, 10.0])
LOST = {"wide": {1: 3}, "deep": dict.fromkeys(range(3), 1)}


@pytest.fixture
def numbers():
    """Three seeds of two variants; seed 1 of one diverged, and all of the other."""
    wide = np.array([LABELS + 0.5, np.full(4, np.nan), LABELS - 0.25], np.float32)
    predictions = {"wide": {"test": wide}, "deep": {"test": np.full((3, 4), np.nan, np.float32)}}
    return list(seed_predictions(predictions, {"test": LABELS}, LOST))


def test_a_study_of_numbers_has_its_tables_and_no_shares(numbers, tmp_path):
    table = runs_table("size", "regress", numbers, divergence_rows(LOST, dict.fromkeys(LOST, "train")))
    assert set(table.metric) == {*NUMBERS, "diverged"}, "no Wilson interval of an error"
    first = table[(table.variant == "wide") & (table.seed == 0)].set_index("metric").value
    assert (first.mean_absolute_error, first.root_mean_squared_error) == (0.5, 0.5)
    summary = summary_table(table).set_index(["variant", "metric"])
    row = summary.loc[("wide", "mean_absolute_error")]
    assert (row["mean"], row.low, row.high) == pytest.approx(mean_interval([0.5, 0.25]))
    assert (row.n, row.diverged) == (2, 1)
    assert math.isnan(summary.loc[("deep", "r2")]["mean"])
    write_csv(table, tmp_path / "runs.csv")
    pd.testing.assert_frame_equal(read_csv(tmp_path / "runs.csv"), table)


def test_numbers_of_all_seeds_together_leave_out_those_that_diverged(numbers):
    pooled = pooled_table("size", "regress", numbers).set_index(["variant", "metric"])
    assert pooled.value["wide", "mean_absolute_error"] == pytest.approx(0.375)
    assert pooled.images["wide", "r2"] == 8
    assert pooled.loc["deep"].value.isna().all()
    assert pooled[["low", "high"]].isna().all(axis=None), "an error is no share of the images"


def test_numbers_are_confused_with_none_and_the_table_can_be_read(numbers, tmp_path):
    table = confusion_table("size", "regress", numbers)
    assert len(table) == 0
    write_csv(table, tmp_path / "confusion.csv")
    found = read_csv(tmp_path / "confusion.csv")
    assert list(found) == list(confusion_table("dots", "count", [numbers[0]]))
    assert len(found[found.seed == "all"]) == 0


def test_variants_of_a_study_of_numbers_are_compared_seed_by_seed():
    predictions = {
        name: {"test": np.array([LABELS + shift, LABELS + 2 * shift], np.float32)}
        for name, shift in (("wide", 0.5), ("deep", 0.25))
    }
    runs = list(seed_predictions(predictions, {"test": LABELS}))
    table = runs_table("size", "regress", runs)
    (row,) = differences_table(table, pooled_table("size", "regress", runs), "mean_absolute_error").itertuples()
    assert row.mean == pytest.approx(-0.375)


def test_only_shares_of_images_have_an_interval_over_images():
    """Wilson's counts images; a mean over classes, or an area, counts none."""
    labels, probabilities = guesses(classes=2)
    pooled = pooled_table("clothes", "classify", [SeedPredictions("wide", 0, "test", labels, probabilities)])
    with_interval = set(pooled[pooled.low.notna()].metric)
    assert with_interval == {"accuracy", "error"}
    assert {name for name in pooled.metric if METRICS[name].of_images} == with_interval


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_a_run_of_classes_that_diverged_altogether_has_every_metric_and_no_value(classes):
    labels, probabilities = guesses(classes=classes)
    run = SeedPredictions("wide", 0, "test", labels, np.full_like(probabilities, np.nan), diverged=True)
    table = runs_table("clothes", "classify", [run])
    assert set(offered("classify", classes)) < set(table.metric)
    assert table.value.isna().all()
    assert pooled_table("clothes", "classify", [run]).metric.tolist() == list(offered("classify", classes))


def test_the_metrics_that_were_there_first_come_first_and_keep_their_order():
    """Who reads the first lines of a table by their place finds what was there."""
    labels, probabilities = guesses()
    table = runs_table("clothes", "classify", [SeedPredictions("wide", 0, "test", labels, probabilities)])
    assert table.metric.tolist()[:3] == ["accuracy", "error", "log_loss"]
    assert summary_table(table).metric.tolist()[:3] == ["accuracy", "error", "log_loss"]
    counts = runs_table("dots", "count", [SeedPredictions("wide", 0, "test", np.arange(4), said(0, 1, 2, 3))])
    assert counts.metric.tolist()[:3] == ["exact", "off_by_more_than_one", "sum_of_squared_errors"]


def test_predicted_classes_and_ranks_agree():
    labels, probabilities = guesses()
    assert ((classified(probabilities) == labels) == (ranks(labels, probabilities) == 0)).all()
