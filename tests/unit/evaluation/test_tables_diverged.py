"""Runs that diverged are found, and left out of every number."""

import math

import numpy as np
import pandas as pd
import pytest
from unit.evaluated import LABELS, compared, history

from calotype.evaluation.divergence import (
    check_divergence,
    converged,
    diverged,
    diverged_runs,
    diverged_text,
    divergence_rows,
    divergences,
)
from calotype.evaluation.runs import seed_predictions
from calotype.evaluation.tables import (
    confusion_table,
    images_tested,
    pooled_table,
    runs_table,
    summary_table,
)
from calotype.tasks.count import COUNT
from calotype.util.csv_tables import read_csv
from calotype.util.errors import CalotypeError
from calotype.util.files import write_csv


@pytest.fixture
def lost():
    """Four seeds: seed 1 says nothing, seed 3 kept the weights of a good epoch; neither counts."""
    said = np.array([[0, 1, 2, 3, 4], [np.nan] * 5, [0, 1, 2, 3, 5], [0, 0, 0, 0, 0]], np.float32)
    predictions = {"wide": {"test": said}, "deep": {"test": said[[2, 2, 0, 0]]}}
    gone = {"wide": {1: 3, 3: 7}, "deep": {2: 1}}
    return predictions, gone, list(seed_predictions(predictions, {"test": LABELS}, gone))


def losses(*values, seed=0):
    return [(seed, epoch, "loss", value) for epoch, value in enumerate(values, 1)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_run_diverged_if_its_last_loss_is_no_finite_number(tmp_path, value):
    """Also after its history went through a file, which holds an empty cell, or inf."""
    rows = [*losses(2, 1), *losses(2, 3, value, seed=1), *losses(value, seed=2), (0, 2, "val_loss", value)]
    write_csv(history(*rows), tmp_path / "history.csv")
    for found in (history(*rows), history(*rows[::-1]), read_csv(tmp_path / "history.csv")):
        assert diverged(found) == {1: 3, 2: 1}
    assert diverged(history(*losses(2, value, 3, value))) == {0: 2}, "the first of several epochs"


@pytest.mark.parametrize("rows", [losses(2, 1), losses(math.inf, 1), [(0, 1, "accuracy", math.nan)], []])
def test_a_run_whose_loss_ends_as_a_number_did_not_diverge(rows):
    assert diverged(history(*rows)) == {}


def test_runs_that_diverged_are_found_by_variant():
    rows = [*losses(1, math.nan), *losses(math.inf, seed=1)]
    found = pd.concat([history(*rows).assign(variant="wide"), history(*losses(1)).assign(variant="deep")])
    assert diverged_runs(found, ["wide", "deep", "new"]) == {"wide": {0: 2, 1: 1}, "deep": {}, "new": {}}


def test_a_run_that_diverged_keeps_its_rows_and_gets_one_that_says_when(lost):
    _, gone, runs = lost
    plain = runs_table("dots", COUNT, runs)
    table = runs_table("dots", COUNT, runs, divergence_rows(gone, {"wide": "train", "deep": "more"}))
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
    table = runs_table("dots", COUNT, runs, divergence_rows(gone, dict.fromkeys(gone, "train")))
    row = summary_table(table, COUNT, runs).set_index(["variant", "metric"]).loc[("wide", "exact")]
    assert row["mean"] == pytest.approx(0.9)
    assert 0 < row.low < 0.9 < row.high < 1
    assert (row.n, row.diverged) == (2, 2)
    assert "diverged" not in set(summary_table(table, COUNT, runs).metric)
    pooled = pooled_table("dots", COUNT, runs).set_index(["variant", "metric"]).loc[("wide", "exact")]
    assert (pooled.value, pooled.images, pooled.seeds) == (0.9, 10, 2)
    confusion = confusion_table("dots", COUNT, runs)
    assert confusion[confusion.variant == "wide"].groupby("seed", sort=False).images.sum().to_dict() == {
        0: 5, 1: 5, 2: 5, 3: 5, "all": 10
    }  # fmt: skip


def test_variants_are_compared_over_the_seeds_that_diverged_in_neither(lost):
    predictions, gone, _ = lost
    gone = {**gone, "wide": {1: 3}}
    runs = list(seed_predictions(predictions, {"test": LABELS}, gone))
    (row,) = compared(COUNT, runs, "exact", training=divergence_rows(gone, dict.fromkeys(gone, "train"))).itertuples()
    assert (row.variant, row.than, row.n) == ("deep", "wide", 2), "seeds 0 and 3 are left"
    assert row.mean == pytest.approx((0.2 + 0.6) / 2)


def test_a_variant_of_which_all_seeds_diverged_has_no_number_and_stops_nothing(tmp_path, lost):
    predictions, gone, _ = lost
    gone = {**gone, "wide": dict.fromkeys(range(4), 1)}
    runs = list(seed_predictions(predictions, {"test": LABELS}, gone))
    table = runs_table("dots", COUNT, runs, divergence_rows(gone, dict.fromkeys(gone, "train")))
    summary = summary_table(table, COUNT, runs)
    wide = summary[summary.variant == "wide"]
    assert wide[["mean", "low", "high"]].isna().all(axis=None)
    assert set(zip(wide.n, wide.diverged, strict=True)) == {(0, 4)}
    write_csv(summary, tmp_path / "summary.csv")
    assert "dots,wide,test,exact,,,,0,4" in (tmp_path / "summary.csv").read_text()
    pooled = pooled_table("dots", COUNT, runs)
    assert pooled[pooled.variant == "wide"].value.isna().all()
    assert images_tested(pooled).to_dict() == {("wide", "test"): 0, ("deep", "test"): 5}
    assert len(compared(COUNT, runs, "exact", training=divergence_rows(gone, dict.fromkeys(gone, "train")))) == 0
    confusion = confusion_table("dots", COUNT, runs)
    assert confusion[confusion.seed == "all"].variant.unique().tolist() == ["deep"]


def test_a_study_of_which_all_runs_diverged_still_has_its_tables(lost):
    predictions, _, _ = lost
    gone = {"wide": dict.fromkeys(range(4), 1), "deep": dict.fromkeys(range(4), 1)}
    runs = list(seed_predictions(predictions, {"test": LABELS}, gone))
    confusion = confusion_table("dots", COUNT, runs)
    assert set(confusion.seed) == {0, 1, 2, 3}
    assert pooled_table("dots", COUNT, runs).value.isna().all()


@pytest.mark.parametrize(("gone", "seeds", "said"), [(1, 1, "1 of 1 seed diverged"), (1, 2, "1 of 2 seeds diverged")])
def test_seeds_that_diverged_are_counted_in_words(gone, seeds, said):
    assert diverged_text(gone, seeds).startswith(said)


def test_a_study_that_must_not_diverge_ends_with_the_runs_that_did():
    check_divergence({"wide": {}, "deep": {}}, "config/studies/dots.yaml")
    with pytest.raises(CalotypeError) as problem:
        check_divergence({"wide": {1: 3, 4: 1}, "deep": {}, "all": {0: 2}}, "config/studies/dots.yaml")
    message, hint = str(problem.value).split("\n")
    assert message.startswith("config/studies/dots.yaml: may_diverge: ")
    assert message.endswith("wide: seed 1 in epoch 3, seed 4 in epoch 1; all: seed 0 in epoch 2.")
    assert "learning rate" in hint
    assert "may_diverge: true" in hint
