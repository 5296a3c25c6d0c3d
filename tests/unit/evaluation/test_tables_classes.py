"""Metrics of classes are what one gets by hand, and the most certain mistakes are found."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, log_loss
from unit.evaluated import differences, guesses, one_run, said

from calotype.config.metric_names import offered
from calotype.evaluation.confusion import confident_mistakes, confusion_table
from calotype.evaluation.runs import (
    SMALLEST_PROBABILITY,
    class_metrics,
    classified,
    decided,
    read_predictions,
    seed_predictions,
)
from calotype.evaluation.tables import pooled_table, runs_table, summary_table
from calotype.util.statistics import wilson_interval

# ---- Classes ---------------------------------------------------------------------------------------------------------


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
