"""The tables of a study of classes hold their metrics and intervals."""

import math

import numpy as np
import pandas as pd
from unit.evaluated import differences, guesses, one_run, said

from calotype.evaluation.tables import confusion_table, pooled_table, runs_table, summary_table
from calotype.metrics.registry import METRICS
from calotype.tasks.classify import CLASSIFY
from calotype.tasks.count import COUNT
from calotype.util.statistics import wilson_interval


def test_a_training_run_of_classes_that_diverged_altogether_stops_nothing():
    labels, probabilities = guesses(20)
    lost = np.full_like(probabilities, np.nan)
    runs = [one_run(lost, labels), one_run(probabilities, labels, seed=1)]
    table = runs_table("clothes", CLASSIFY, runs)
    assert table[table.seed == 0].value.isna().all(), "it has no accuracy, not one of zero"
    assert table[table.seed == 1].value.notna().all()
    summary = summary_table(table).set_index("metric")
    assert summary["mean"].isna().all()
    pooled = pooled_table("clothes", CLASSIFY, runs).set_index("metric")
    assert pooled.value["error"] == 1 - pooled.value["accuracy"]
    confusion = confusion_table("clothes", CLASSIFY, runs)
    assert confusion[confusion.seed == 0].predicted.isna().all()
    assert confusion[confusion.seed == "all"].images.sum() == 40
    both = pd.concat([table, table.assign(variant="deep")])
    assert len(differences(both, "log_loss")) == 0, "one seed is left"


def test_tables_of_classes_hold_their_metrics_and_intervals():
    labels, probabilities = guesses()
    runs = [one_run(probabilities, labels, seed=seed) for seed in range(2)]
    table = runs_table("clothes", CLASSIFY, runs)
    first = table[table.seed == 0].set_index("metric").value
    right = round(first.accuracy * 200)
    assert set(first.index) == {*(metric.name for metric in CLASSIFY.offered(4)), "accuracy_low", "accuracy_high"}
    assert (first.accuracy_low, first.accuracy_high) == wilson_interval(right, 200)
    pooled = pooled_table("clothes", CLASSIFY, runs).set_index("metric")
    assert (pooled.low["error"], pooled.high["error"]) == wilson_interval(2 * (200 - right), 400)
    assert set(pooled.images) == {400}
    assert math.isnan(pooled.low["log_loss"])
    confusion = confusion_table("clothes", CLASSIFY, runs)
    together = confusion[confusion.seed == "all"]
    assert together[together.true == together.predicted].images.sum() == 2 * right
    assert together.images.sum() == 400


def test_only_shares_of_images_have_an_interval_over_images():
    """Wilson's counts images; a mean over classes, or an area, counts none."""
    labels, probabilities = guesses(classes=2)
    pooled = pooled_table("clothes", CLASSIFY, [one_run(probabilities, labels)])
    with_interval = set(pooled[pooled.low.notna()].metric)
    assert with_interval == {"accuracy", "error"}
    assert {name for name in pooled.metric if METRICS[name].of_images} == with_interval


def test_the_metrics_that_were_there_first_come_first_and_keep_their_order():
    """The first lines of a table keep their positions."""
    labels, probabilities = guesses()
    table = runs_table("clothes", CLASSIFY, [one_run(probabilities, labels)])
    assert table.metric.tolist()[:3] == ["accuracy", "error", "log_loss"]
    assert summary_table(table).metric.tolist()[:3] == ["accuracy", "error", "log_loss"]
    counts = runs_table("dots", COUNT, [one_run(said(0, 1, 2, 3), np.arange(4))])
    assert counts.metric.tolist()[:3] == ["exact", "off_by_more_than_one", "sum_of_squared_errors"]
