"""Predictions become labels, and the worst errors are found and written, as the task asks for it."""

from typing import get_args

import numpy as np
import pytest
from unit.evaluated import guesses, said

from calotype.metrics.registry import METRICS
from calotype.tasks.classify import CLASSIFY, most_probable, percent_text
from calotype.tasks.count import COUNT, count_text, rounded
from calotype.tasks.labels import LABEL_KINDS, OF_CLASSES, OF_NUMBERS, LabelKind
from calotype.tasks.registry import TASKS, task_of
from calotype.tasks.regress import REGRESS, number_text

NAMES = "abcd"
each_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)


@each_task
def test_a_task_fits_together(task):
    assert TASKS[task.name] is task
    assert set(task.usual) <= set(task.names)
    assert not {METRICS[name].says_the_same_as for name in task.usual} & set(task.usual)
    assert set(task.losses) in (set(OF_NUMBERS), set(OF_CLASSES)), "what a loss does not fit would train in vain"
    assert all(METRICS[metric.name] is metric for metric in (*task.metrics, *task.of_training))


@pytest.mark.parametrize("kind", get_args(LabelKind))
def test_every_kind_of_labels_has_a_meaning_and_a_task(kind):
    assert kind in LABEL_KINDS
    assert task_of(kind).labels == kind


# ---- Decisions -------------------------------------------------------------------------------------------------------


def test_rounding_has_no_preference_for_more_dots():
    assert rounded(said(0.5, 1.5, 2.5, 2.51, -0.5)).tolist() == [0, 2, 2, 3, 0]


def test_a_prediction_just_below_none_is_shown_as_none():
    assert f"{rounded(said(-0.2))[0]:.0f}" == "0"
    assert not np.signbit(rounded(said(-0.5, -0.2, -0.0, 0.2))).any()


def test_the_class_is_the_most_probable_one_for_all_seeds_at_once():
    probabilities = np.stack([guesses(key=key)[1] for key in range(3)])
    assert most_probable(probabilities).tolist() == probabilities.argmax(axis=-1).tolist()


def test_probabilities_that_are_not_finite_stand_for_no_class_and_not_for_the_first():
    """The largest of NaNs is the first."""
    probabilities = said([np.nan] * 3, [0.1, np.nan, 0.9], [np.inf, 0, 0], [0.2, 0.7, 0.1])
    assert np.isnan(most_probable(probabilities)).tolist() == [True, True, True, False]


# ---- The worst errors ------------------------------------------------------------------------------------------------


def test_the_largest_errors_of_counts_come_first_and_right_ones_not_at_all():
    labels, predictions = np.array([3, 3, 0, 5, 2, 1]), said(3.4, 4.6, -2.1, 4.4, np.nan, np.inf)[None]
    found = COUNT.worst_errors(labels, predictions, [], 40)
    assert found.places.tolist() == [4, 5, 2, 1, 3]
    assert found.true == ["2", "1", "0", "3", "5"]
    assert found.predicted == ["nan", "inf", "−2.1", "4.6", "4.4"]
    assert found.details is None
    assert COUNT.worst_errors(labels, predictions, [], 2).places.tolist() == [4, 5]
    assert COUNT.worst_errors(labels[:1], predictions[:, :1], [], 2).places.tolist() == []


def test_errors_of_counts_are_those_of_all_seeds():
    found = COUNT.worst_errors(np.array([3, 3, 5]), np.stack([said(3, 3, 8), said(4, 3.2, 9), said(3, 3, 5)]), [], 9)
    assert found.places.tolist() == [2, 0]
    assert (found.predicted, found.details) == (["7.3", "3.3"], ["2 of 3 seeds", "1 of 3 seeds"])


def test_the_largest_errors_of_numbers_are_not_rounded_away():
    """As counts, 0.4 for 0 is right."""
    found = REGRESS.worst_errors(np.array([0.0, 0.5, 1.0, 2.0]), said(0.4, 0.5, 0.75, np.nan)[None], [], 40)
    assert found.places.tolist() == [3, 0, 2]
    assert (found.true, found.predicted) == (["2.00", "0.00", "1.00"], ["nan", "0.400", "0.750"])


def test_confident_errors_come_the_most_confident_first():
    labels, probabilities = guesses(400, sure=2.0)
    found = CLASSIFY.worst_errors(labels, probabilities[None], NAMES, 10)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    assert len(wrong) > 20
    assert probabilities[found.places].max(axis=1).tolist() == sorted(probabilities[wrong].max(axis=1))[:-11:-1]
    assert set(found.places) <= set(wrong)
    assert found.true == [NAMES[label] for label in labels[found.places]]
    assert found.predicted == [NAMES[place] for place in probabilities[found.places].argmax(axis=1)]
    assert found.details == [percent_text(value) for value in probabilities[found.places].max(axis=1)]


def test_confident_errors_are_those_of_all_seeds_with_the_class_that_most_of_them_choose():
    first, second, third = said([0.1, 0.9], [0.6, 0.4]), said([0.3, 0.7], [0.05, 0.95]), said([0.9, 0.1], [0.2, 0.8])
    found = CLASSIFY.worst_errors(np.array([0, 0]), np.stack([first, second, third]), NAMES, 5)
    assert found.places.tolist() == [1, 0], "0.95 and 0.8 are more than 0.9 and 0.7"
    assert found.predicted == ["b", "b"]
    assert found.details == ["87.5 % (2/3)", "80.0 % (2/3)"]


def test_equally_confident_errors_keep_the_order_of_the_images():
    """The same figure on every machine."""
    probabilities = said([0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.95, 0.05], [0.1, 0.9])[None]
    found = CLASSIFY.worst_errors(np.array([1, 0, 1, 1, 1]), probabilities, NAMES, 10)
    assert (found.places.tolist(), found.predicted) == ([3, 0, 1, 2], ["a", "a", "b", "a"])


def test_runs_without_errors_or_without_numbers_show_none():
    labels, probabilities = guesses(10)
    for given in (np.eye(4, dtype=np.float32)[labels], np.full_like(probabilities, np.nan)):
        found = CLASSIFY.worst_errors(labels, np.stack([given, given]), NAMES, 5)
        assert len(found.places) == len(found.true) == len(found.predicted) == len(found.details) == 0


# ---- Format of numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "shown"),
    [(4.638, "4.6"), (np.float32(0.52), "0.5"), (-0.01, "0.0"), (-2.5, "−2.5"), (999.5, "999.5"), (1000, "1.0 × 10³"),
     (3e38, "3.0 × 10³⁸"), (np.nan, "nan"), (np.inf, "inf")],
)  # fmt: skip
def test_a_predicted_count_of_any_size_fits_above_its_image(count, shown):
    assert count_text(count) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.12345, "0.123"),
        (-12.345, "−12.3"),
        (np.float32(3e8), "3.00 × 10⁸"),
        (38_782, "38,800"),
        (1.26e-8, "1.26 × 10⁻⁸"),
        (0, "0.00"),
        (6.8, "6.80"),
        (123.4, "123"),
    ],
)
def test_a_number_of_any_size_fits_above_its_image(value, shown):
    assert number_text(value) == shown


@pytest.mark.parametrize(
    ("probability", "shown"), [(1.0, ">99.9 %"), (0.99999, ">99.9 %"), (0.9995, "100.0 %"), (0.912, "91.2 %")]
)
def test_a_model_is_never_certain(probability, shown):
    assert percent_text(probability) == shown


# ---- Contents of tables ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "headline", "shown"),
    [
        (CLASSIFY, "accuracy", ["accuracy", "log_loss"]),
        (CLASSIFY, "error", ["error", "log_loss"]),
        (CLASSIFY, "log_loss", ["log_loss", "accuracy"]),
        (CLASSIFY, "macro_f1", ["macro_f1", "accuracy", "log_loss"]),
        (COUNT, "off_by_more_than_one", ["off_by_more_than_one", "exact", "sum_of_squared_errors"]),
        (COUNT, "r2", ["r2", "exact", "off_by_more_than_one", "sum_of_squared_errors"]),
        (REGRESS, "r2", ["r2", "mean_absolute_error", "root_mean_squared_error"]),
    ],
)
def test_a_table_shows_the_headline_first_then_the_usual_metrics_but_not_the_same_one_twice(task, headline, shown):
    assert task.shown(headline) == shown
