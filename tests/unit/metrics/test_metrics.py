"""Every metric is the number that another implementation gives, also with ties, few images and missing values."""

import math
import warnings

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from sklearn import metrics as sklearn
from unit.evaluated import said, two

from calotype.evaluation.runs import measure
from calotype.metrics.base import Predicted, share_right
from calotype.metrics.registry import METRICS
from calotype.tasks.classify import CLASSIFY, most_probable
from calotype.tasks.count import COUNT
from calotype.tasks.registry import TASKS
from calotype.tasks.regress import REGRESS

EPSILON = 2.0**-23  # of float32
DRAWS = 60


@pytest.fixture(autouse=True)
def _no_warnings():
    """Turn warnings into errors, because one warning in each log would hide the others."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# ---- Independent implementations -------------------------------------------------------------------------------------


def mean(values):
    values = [float(value) for value in values]
    return math.fsum(values) / len(values)


def order(chances):
    """Return the classes, the most probable first, ties in their order."""
    return sorted(range(len(chances)), key=lambda place: (-chances[place], place))


def best(predictions):
    return [order(chances)[0] for chances in predictions]


def within(places):
    return lambda true, predictions: mean(t in order(p)[:places] for t, p in zip(true, predictions, strict=True))


def calibration_error(true, predictions):
    error = 0.0
    sure, right = predictions.max(axis=1).astype(float), np.array(best(predictions)) == true
    for i in range(15):
        inside = (sure > i / 15) & (sure <= (i + 1) / 15)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    return error


def balanced(true, predictions):
    found = np.array(best(predictions))
    return mean(np.mean(found[true == label] == label) for label in {*true.tolist()})


def both_classes(measure_two):
    """Return NaN if one class has no image."""
    return lambda true, predictions: measure_two(true, predictions[:, 1]) if len({*true}) == 2 else math.nan


def area(true, scores):
    pairs = (true == 1).sum() * (true == 0).sum()
    return mannwhitneyu(scores[true == 1], scores[true == 0], method="asymptotic").statistic / pairs


def precision_at_each_positive(true, scores):
    """Tied scores share the precision at their end."""
    return mean(true[scores >= score].mean() for score in scores[true == 1])


INDEPENDENT = {
    "exact": lambda true, found: mean(round(float(p)) == t for t, p in zip(true, found, strict=True)),
    "off_by_more_than_one": lambda true, found: mean(
        round(float(p)) not in (t - 1, t, t + 1) for t, p in zip(true, found, strict=True)
    ),
    "sum_of_squared_errors": lambda true, found: math.fsum(
        (float(p) - t) ** 2 for t, p in zip(true, found, strict=True)
    ),
    "mean_absolute_error": sklearn.mean_absolute_error,
    "root_mean_squared_error": sklearn.root_mean_squared_error,
    "r2": lambda true, found: sklearn.r2_score(true, found.astype(float)) if len({*true}) > 1 else math.nan,
    "accuracy": lambda true, found: sklearn.accuracy_score(true, best(found)),
    "error": lambda true, found: sklearn.zero_one_loss(true, best(found)),
    "log_loss": lambda true, found: -mean(math.log(max(p[t], EPSILON)) for t, p in zip(true, found, strict=True)),
    "top_3": within(3),
    "top_5": within(5),
    "balanced_accuracy": balanced,
    "macro_f1": lambda true, found: sklearn.f1_score(true, best(found), average="macro"),
    "expected_calibration_error": calibration_error,
    "roc_auc": both_classes(area),
    "average_precision": both_classes(precision_at_each_positive),
}
TESTED = [(task, metric) for task in TASKS.values() for metric in task.metrics]
each_metric = pytest.mark.parametrize(
    ("task", "metric"), TESTED, ids=[f"{task.name}-{metric.name}" for task, metric in TESTED]
)


def draw(task, metric, key):
    """Labels and predictions of any task: some exact, some tied, of few images and of many."""
    rng = np.random.default_rng(key)
    images = int(rng.choice([1, 2, 10, 100, 100]))
    classes = int(rng.integers(max(2, metric.fewest), min(metric.most, 9) + 1))
    if task.labels == "numbers":
        labels = rng.normal(5, 3, images).round(int(rng.integers(0, 3)))
    else:
        labels = rng.integers(0, classes, images)
    if not task.gives_probabilities:
        return labels, (labels + rng.normal(0, 1, images)).round(int(rng.integers(0, 5))).astype(np.float32)
    chances = rng.random((images, classes)) ** 3
    chances[np.arange(images), labels] += 0.4 * rng.random(images)
    chances /= chances.sum(axis=1, keepdims=True)
    return labels, chances.round(int(rng.choice([1, 2, 9]))).astype(np.float32)


@each_metric
def test_a_metric_is_the_number_of_an_independent_implementation(task, metric):
    found = []
    for key in range(DRAWS):
        labels, predictions = draw(task, metric, key)
        found.append(metric.measure(Predicted(labels, predictions, task.decide)))
        expected = INDEPENDENT[metric.name](labels, predictions)
        assert found[-1] == pytest.approx(expected, rel=1e-6, abs=1e-12, nan_ok=True), f"draw {key}"
    assert len({value for value in found if not math.isnan(value)}) > DRAWS // 4, "hardly depends on the predictions"


@each_metric
def test_a_metric_is_shown_in_per_cent_where_it_is_a_share_and_has_an_interval_where_it_counts_images(task, metric):
    found = []
    for key in range(DRAWS):
        labels, predictions = draw(task, metric, key)
        predictions = predictions if task.gives_probabilities else 3 * predictions  # errors above one
        if len(labels) > 1 and not math.isnan(value := INDEPENDENT[metric.name](labels, predictions)):
            found.append((value, len(labels)))
    assert metric.share == all(0 <= value <= 1 for value, _ in found)
    counted = all(value * images == pytest.approx(round(value * images), abs=1e-9) for value, images in found)
    assert metric.of_images == (metric.share and counted)


def test_a_task_whose_predictions_stand_for_no_label_decides_nothing():
    with pytest.raises(TypeError, match="turns no prediction into a label"):
        _ = Predicted(np.zeros(2), said(0, 1)).decided


@each_metric
@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf])
def test_an_image_without_a_number_counts_as_an_error_or_there_is_no_value(task, metric, lost):
    labels, predictions = next(pair for key in range(DRAWS) if len((pair := draw(task, metric, key))[0]) == 100)
    broken, worst = predictions.copy(), predictions.copy()
    broken[::7] = lost
    if task.gives_probabilities:  # the true class ranks last
        worst[::7] = 0.5
        worst[np.arange(0, 100, 7), labels[::7]] = 0.1
    else:
        worst[::7] = 1e6
    found = measure(task, labels, broken)[metric.name]
    if metric.of_images:
        assert found == pytest.approx(INDEPENDENT[metric.name](labels, worst))
    elif metric.all_finite:
        assert math.isnan(found)
    else:
        assert not 0 <= found < math.inf or found != measure(task, labels, predictions)[metric.name]


@each_metric
def test_a_run_that_predicts_no_number_has_every_metric_and_no_value(task, metric):
    labels, predictions = draw(task, metric, 1)
    found = measure(task, labels, np.full_like(predictions, math.nan))
    assert metric.name in found
    assert all(math.isnan(value) for value in found.values())


def test_metrics_are_known_by_the_names_that_tasks_use():
    assert {metric.name for _, metric in TESTED} == {name for name, metric in METRICS.items() if metric.tested}
    assert all(METRICS[metric.name] is metric for _, metric in TESTED)


# ---- Numbers ---------------------------------------------------------------------------------------------------------


def test_errors_of_numbers_are_those_computed_by_hand():
    """Errors 1, 0, -1, 4; the labels' mean is 2.5, their squared distances from it add up to 5."""
    found = measure(REGRESS, np.array([1.0, 2.0, 3.0, 4.0]), said(2, 2, 2, 8))
    assert found["mean_absolute_error"] == pytest.approx(6 / 4)
    assert found["root_mean_squared_error"] == pytest.approx(math.sqrt(18 / 4))
    assert found["r2"] == pytest.approx(1 - 18 / 5)


def test_what_their_mean_says_explains_nothing_of_the_labels_and_the_truth_all():
    labels = np.array([0.5, 1.5, 4.0])
    assert measure(REGRESS, labels, np.full(3, 2, np.float32))["r2"] == pytest.approx(0)
    found = measure(REGRESS, labels, labels.astype(np.float32))
    assert (found["mean_absolute_error"], found["root_mean_squared_error"], found["r2"]) == (0, 0, 1)


@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf])
def test_one_infinite_prediction_makes_no_error_of_numbers_infinite(lost):
    """A mean of infinity would be the largest bar of a figure."""
    for task in (REGRESS, COUNT):
        found = measure(task, np.array([1, 2, 3]), said(1, 2, lost))
        assert all(math.isnan(found[metric.name]) for metric in REGRESS.metrics)


def test_labels_that_are_all_the_same_leave_no_variance_to_explain():
    found = measure(REGRESS, np.full(3, 2.5), said(2.5, 2.5, 3.5))
    assert found["mean_absolute_error"] == pytest.approx(1 / 3)
    assert math.isnan(found["r2"]), "neither 0 nor 1 nor minus infinity"


def test_counts_have_the_errors_of_the_prediction_before_rounding():
    found = measure(COUNT, np.array([0, 1, 2, 3]), said(0.4, 1.4, 2.4, 2.6))
    assert found["exact"] == 1
    assert found["mean_absolute_error"] == pytest.approx(0.4)
    assert found["sum_of_squared_errors"] == pytest.approx(4 * 0.16)


# ---- Classes ---------------------------------------------------------------------------------------------------------


def test_log_loss_of_a_certain_mistake_is_finite_and_as_large_as_scikit_learns():
    labels, probabilities = np.array([0, 1]), said([1, 0], [1, 0])
    found = measure(CLASSIFY, labels, probabilities)["log_loss"]
    assert found == pytest.approx(sklearn.log_loss(labels, probabilities), rel=1e-6)


def test_of_classes_that_are_equally_probable_the_first_ranks_first_as_it_is_the_predicted_one():
    """Otherwise, a model with equal probabilities would always have the true class among its first three."""
    labels, probabilities = np.arange(5), np.full((5, 5), 0.2, np.float32)
    assert Predicted(labels, probabilities).ranks.tolist() == [0, 1, 2, 3, 4]
    found = measure(CLASSIFY, labels, probabilities)
    assert (found["accuracy"], found["top_3"]) == (0.2, 0.6)


def test_rank_is_the_number_of_classes_before_the_true_one():
    probabilities = said(0.1, 0.4, 0.3, 0.2)[None].repeat(4, axis=0)
    assert Predicted(np.arange(4), probabilities).ranks.tolist() == [3, 0, 1, 2]


def test_a_probability_that_is_not_finite_makes_its_image_wrong_however_many_classes_count():
    probabilities = np.full((5, 7), 0.1, np.float32)
    probabilities[0, 3], probabilities[1] = np.inf, np.nan
    run = Predicted(np.zeros(5, np.int64), probabilities, most_probable)
    assert run.ranks.tolist() == [np.inf, np.inf, 0, 0, 0]
    assert share_right(run) == 0.6


def test_each_class_weighs_the_same_however_many_images_show_it():
    """All nine images of class 0 are right, the one of class 1 is wrong, and class 2 does not occur."""
    found = measure(CLASSIFY, np.array([0] * 9 + [1]), np.eye(3, dtype=np.float32)[[0] * 10])
    assert found["balanced_accuracy"] == 0.5
    assert found["macro_f1"] == pytest.approx((2 * 9 / (2 * 9 + 1) + 0) / 2)


def test_a_class_that_is_predicted_but_never_shown_lowers_f1_alone():
    found = measure(CLASSIFY, np.array([0, 0, 1, 1]), np.eye(3, dtype=np.float32)[[0, 2, 1, 1]])
    assert found["balanced_accuracy"] == pytest.approx((0.5 + 1) / 2)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_no_prediction_is_no_class_of_its_own():
    probabilities = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    probabilities[1] = np.nan
    found = measure(CLASSIFY, np.array([0, 0, 1, 1]), probabilities)
    assert found["balanced_accuracy"] == pytest.approx(0.75)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1) / 2)


def test_the_area_under_the_curve_is_the_share_of_pairs_in_the_right_order():
    """Pairs of one image of each class; of equal scores, half a pair."""
    found = measure(CLASSIFY, np.array([0, 0, 0, 1, 1]), two(0.1, 0.4, 0.6, 0.4, 0.9))
    assert found["roc_auc"] == pytest.approx((1 + 0.5 + 0 + 3) / 6)
    # From the top: 0.9 finds one of one, 0.6 none, the two of 0.4 the other: two of four.
    assert found["average_precision"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 4)


def test_the_second_class_is_the_one_that_is_looked_for():
    labels = np.array([0, 0, 1])
    assert measure(CLASSIFY, labels, two(0.1, 0.2, 0.9))["roc_auc"] == 1
    assert measure(CLASSIFY, labels, two(0.9, 0.8, 0.1))["roc_auc"] == 0


# ---- All metrics -----------------------------------------------------------------------------------------------------


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
    found = measure(CLASSIFY, np.arange(3) % classes, np.eye(classes, dtype=np.float32)[[0, 1, 1]])
    assert list(found) == [metric.name for metric in CLASSIFY.offered(classes)]
    assert there <= set(found)
    assert not missing & set(found)


def test_the_reference_says_with_how_many_classes_a_metric_is_defined():
    assert METRICS["top_3"].classes == "4 classes or more"
    assert METRICS["roc_auc"].classes == "2 classes"
