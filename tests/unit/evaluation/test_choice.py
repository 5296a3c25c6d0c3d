"""The best variants are those of the validation images, whatever the test images say."""

import numpy as np
import pandas as pd
import pytest

from calotype.evaluation.choice import ranking, score_interval, shown_variants, validation_rows

BY = {"metric": "val_accuracy", "more": True, "images": "split valid"}
NONE = {"reason": "no variant holds out validation images"}
ALL = ["a", "b", "c"]


def runs(validation, test=None, diverged=()):
    """Return a runs_table: one seed for each number of a variant."""
    rows = [
        (variant, seed, split, metric, value)
        for split, metric, found in (("validation", "val_accuracy", validation), ("test", "accuracy", test or {}))
        for variant, values in found.items()
        for seed, value in enumerate(values)
    ]
    rows += [(variant, seed, "train", "diverged", 1.0) for variant, seed in diverged]
    return pd.DataFrame(rows, columns=["variant", "seed", "split", "metric", "value"])


def test_the_score_is_that_of_the_kept_epoch():
    rows = [(v, s, e, "val_loss", 10 * s + e) for v in "ab" for s in (0, 1) for e in (1, 2, 3)]
    rows += [("a", 0, 3, "loss", 5.0)]
    history = pd.DataFrame(rows, columns=["variant", "seed", "epoch", "metric", "value"])
    assert validation_rows(history, {"a": {0: 2, 1: 1}}) == [
        ("a", 0, "validation", "val_loss", 2.0),
        ("a", 1, "validation", "val_loss", 11.0),
        ("b", 0, "validation", "val_loss", 3.0),
        ("b", 1, "validation", "val_loss", 13.0),
    ]


def test_test_images_change_no_rank():
    validation = {"a": [0.7, 0.8], "b": [0.9, 0.9], "c": [0.1, 0.2]}
    first = ranking(runs(validation), BY, ALL)
    assert first.variant.tolist() == ["b", "a", "c"]
    for test in ({"a": [1.0, 1.0], "b": [0.0, 0.0], "c": [1.0, 1.0]}, {"c": [1.0, 1.0]}):
        pd.testing.assert_frame_equal(ranking(runs(validation, test), BY, ALL), first)


def test_without_validation_images_nothing_is_ranked_by_test_images():
    found = runs({}, {"a": [0.1, 0.1], "b": [0.9, 0.9], "c": [1.0, 1.0]})
    assert not len(ranking(found, NONE, ALL))
    assert shown_variants(found, ALL, {"best": 2, "by": NONE, "always": []}) == ["a", "b"]


def test_a_lower_loss_is_better():
    table = runs({"a": [0.2], "b": [0.1], "c": [0.3]}).replace("val_accuracy", "val_loss")
    by = {"metric": "val_loss", "more": False}
    assert ranking(table, by, ALL).variant.tolist() == ["b", "a", "c"]


def test_a_variant_whose_runs_diverge_ranks_behind_all_others():
    found = ranking(runs({"a": [0.9, 0.1], "b": [0.2, 0.2], "c": [0.3, 0.3]}, diverged=[("a", 1)]), BY, ALL)
    assert found.variant.tolist() == ["c", "b", "a"]
    assert found.iloc[2][["mean", "n", "diverged"]].tolist() == [0.9, 1, 1]
    gone = ranking(runs({"a": [0.9], "b": [0.2], "c": [0.3]}, diverged=[("a", 0)]), BY, ALL)
    assert gone.variant.tolist() == ["c", "b"], "no run of it has a score"


def test_equal_variants_keep_the_order_of_the_study():
    assert ranking(runs({"c": [0.5], "a": [0.5], "b": [0.5]}), BY, ALL).variant.tolist() == ALL


def test_the_best_and_those_with_claims_are_shown_in_the_order_of_the_study():
    found = runs({"a": [0.7], "b": [0.8], "c": [0.9]})
    assert shown_variants(found, ALL, {"best": 2, "by": BY, "always": []}) == ["b", "c"]
    assert shown_variants(found, ALL, {"best": 1, "by": BY, "always": ["a"]}) == ["a", "c"]
    assert shown_variants(found, ALL, {"names": ["c"], "always": ["b"]}) == ["b", "c"]
    assert shown_variants(found, ALL, None) == ALL


@pytest.mark.parametrize(
    ("metric", "values", "low", "high"),
    [("val_accuracy", [0.1, 0.9], 0, 1), ("val_loss", [0.1, 0.9], 0, 5.58), ("val_r2_score", [-9, 0.9], -66.95, 1)],
)
def test_the_interval_of_a_score_has_possible_values_alone(metric, values, low, high):
    found = score_interval(metric, values)
    assert found[0] == np.mean(values)
    assert found[1:] == pytest.approx((low, high), abs=0.01)
