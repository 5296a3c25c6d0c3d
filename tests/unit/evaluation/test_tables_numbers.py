"""A study of numbers has its tables, without shares and confusion."""

import math

import numpy as np
import pandas as pd
import pytest
from unit.evaluated import compared

from calotype.evaluation.divergence import divergence_rows
from calotype.evaluation.runs import seed_predictions
from calotype.evaluation.tables import confusion_table, pooled_table, runs_table, summary_table
from calotype.tasks.count import COUNT
from calotype.tasks.regress import REGRESS
from calotype.util.csv_tables import read_csv
from calotype.util.files import write_csv
from calotype.util.statistics import score_formula

LABELS = np.array([0.25, 1.5, 2.75, 10.0])
LOST = {"wide": {1: 3}, "deep": dict.fromkeys(range(3), 1)}


@pytest.fixture
def numbers():
    """Three seeds of two variants; seed 1 of one diverged, and all of the other."""
    wide = np.array([LABELS + 0.5, np.full(4, np.nan), LABELS - 0.25], np.float32)
    predictions = {"wide": {"test": wide}, "deep": {"test": np.full((3, 4), np.nan, np.float32)}}
    return list(seed_predictions(predictions, {"test": LABELS}, LOST))


def test_a_study_of_numbers_has_its_tables_and_no_shares(numbers, tmp_path):
    table = runs_table("size", REGRESS, numbers, divergence_rows(LOST, dict.fromkeys(LOST, "train")))
    assert set(table.metric) == {*REGRESS.names, "diverged"}, "no Wilson interval of an error"
    first = table[(table.variant == "wide") & (table.seed == 0)].set_index("metric").value
    assert (first.mean_absolute_error, first.root_mean_squared_error) == (0.5, 0.5)
    summary = summary_table(table, REGRESS, numbers).set_index(["variant", "metric"])
    row = summary.loc[("wide", "mean_absolute_error")]
    errors = np.repeat([[0.5], [0.25]], 4, axis=1)
    assert (row["mean"], row.low, row.high) == pytest.approx((0.375, *score_formula(0.375, errors, 0, math.inf)[:2]))
    assert row.low == 0, "no negative errors"
    assert (row.n, row.diverged) == (2, 1)
    assert math.isnan(summary.loc[("deep", "r2")]["mean"])
    write_csv(table, tmp_path / "runs.csv")
    pd.testing.assert_frame_equal(read_csv(tmp_path / "runs.csv"), table)


def test_numbers_of_all_seeds_together_leave_out_those_that_diverged(numbers):
    pooled = pooled_table("size", REGRESS, numbers).set_index(["variant", "metric"])
    assert pooled.value["wide", "mean_absolute_error"] == pytest.approx(0.375)
    assert pooled.images["wide", "r2"] == 8
    assert pooled.loc["deep"].value.isna().all()


def test_numbers_are_confused_with_none_and_the_table_can_be_read(numbers, tmp_path):
    table = confusion_table("size", REGRESS, numbers)
    assert len(table) == 0
    write_csv(table, tmp_path / "confusion.csv")
    found = read_csv(tmp_path / "confusion.csv")
    assert list(found) == list(confusion_table("dots", COUNT, [numbers[0]]))
    assert len(found[found.seed == "all"]) == 0


def test_variants_of_a_study_of_numbers_are_compared_seed_by_seed():
    predictions = {
        name: {"test": np.array([LABELS + shift, LABELS + 2 * shift], np.float32)}
        for name, shift in (("wide", 0.5), ("deep", 0.25))
    }
    runs = list(seed_predictions(predictions, {"test": LABELS}))
    (row,) = compared(REGRESS, runs, "mean_absolute_error").itertuples()
    assert row.mean == pytest.approx(-0.375)
