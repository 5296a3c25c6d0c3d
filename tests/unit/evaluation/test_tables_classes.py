"""The tables of a study of classes hold their metrics and intervals."""

from dataclasses import replace

import numpy as np
import pytest
from unit.evaluated import compared, guesses, one_run, said, summary_of

from calotype.evaluation.tables import confusion_table, pooled_table, runs_table, summary_table
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
    summary = summary_table(table, CLASSIFY, runs).set_index("metric")
    assert summary["mean"].isna().all()
    pooled = pooled_table("clothes", CLASSIFY, runs).set_index("metric")
    assert pooled.value["error"] == 1 - pooled.value["accuracy"]
    confusion = confusion_table("clothes", CLASSIFY, runs)
    assert confusion[confusion.seed == 0].predicted.isna().all()
    assert confusion[confusion.seed == "all"].images.sum() == 40
    both = [*runs, *(replace(run, variant="deep") for run in runs)]
    assert len(compared(CLASSIFY, both, "log_loss")) == 0, "one seed is left"


def test_tables_of_classes_hold_their_metrics_and_intervals():
    labels, probabilities = guesses()
    runs = [one_run(probabilities, labels, seed=seed) for seed in range(2)]
    table = runs_table("clothes", CLASSIFY, runs)
    first = table[table.seed == 0].set_index("metric").value
    right = round(first.accuracy * 200)
    assert set(first.index) == {*(metric.name for metric in CLASSIFY.offered(4)), "accuracy_low", "accuracy_high"}
    assert (first.accuracy_low, first.accuracy_high) == wilson_interval(right, 200)
    pooled = pooled_table("clothes", CLASSIFY, runs).set_index("metric")
    summary = summary_table(table, CLASSIFY, runs).set_index("metric")
    equal_seeds = wilson_interval(200 - right, 200)
    assert (summary.low["error"], summary.high["error"]) == pytest.approx(equal_seeds)
    assert (summary.low <= summary["mean"]).all()
    assert (summary["mean"] <= summary.high).all()
    assert summary.loc["log_loss", "low"] > 0
    assert set(pooled.images) == {400}
    confusion = confusion_table("clothes", CLASSIFY, runs)
    together = confusion[confusion.seed == "all"]
    assert together[together.true == together.predicted].images.sum() == 2 * right
    assert together.images.sum() == 400


@pytest.mark.parametrize("classes", [2, 4])
def test_metrics_that_are_no_mean_over_images_have_the_interval_of_a_jackknife(classes):
    """Of an area and of a mean over classes, the images that are left out tell how far it may vary."""
    rng = np.random.default_rng(1)
    widths = {}
    for images in (100, 1600):
        labels, probabilities = guesses(images, classes)
        noise = rng.random((2, *probabilities.shape)).astype(np.float32) * 0.01
        runs = [one_run(probabilities + noise[seed], labels, seed=seed) for seed in range(2)]
        summary = summary_of(CLASSIFY, runs).set_index("metric")
        assert (summary.low < summary["mean"]).all()
        assert (summary["mean"] <= summary.high).all()
        widths[images] = summary.high - summary.low
    ratio = widths[100] / widths[1600]
    assert ratio.between(2, 12).all(), "16 times the images, about a quarter of the width"
    assert "macro_f1" in ratio.index


def test_a_perfect_mean_over_classes_has_the_interval_of_its_rarest_class():
    """A class of ten images and one of 1,000: 2² / (1/10 + 1/1000) = 39.6 images."""
    labels = np.repeat([0, 1], [10, 1000])
    summary = summary_of(CLASSIFY, [one_run(np.eye(2, dtype=np.float32)[labels], labels)]).set_index("metric")
    low = summary.low
    assert low["balanced_accuracy"] == pytest.approx(wilson_interval(40, 40)[0], abs=0.02)
    assert low["accuracy"] == pytest.approx(wilson_interval(1010, 1010)[0])


def test_the_metrics_that_were_there_first_come_first_and_keep_their_order():
    """The first lines of a table keep their positions."""
    labels, probabilities = guesses()
    table = runs_table("clothes", CLASSIFY, [one_run(probabilities, labels)])
    assert table.metric.tolist()[:3] == ["accuracy", "error", "log_loss"]
    assert summary_table(table, CLASSIFY, ()).metric.tolist()[:3] == ["accuracy", "error", "log_loss"]
    counts = runs_table("dots", COUNT, [one_run(said(0, 1, 2, 3), np.arange(4))])
    assert counts.metric.tolist()[:3] == ["exact", "off_by_more_than_one", "sum_of_squared_errors"]
