"""Figures, tables and the report read the results of a study through one object."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from unit.evaluated import prepare_images

from calotype.evaluation.divergence import DIVERGED
from calotype.evaluation.predictions import SplitPredictions, write_predictions
from calotype.evaluation.study_results import StudyResults
from calotype.util.errors import CalotypeError
from calotype.util.files import write_csv

LABELS = np.array([0, 1, 2, 3])
WIDE = np.arange(12, dtype=np.float32).reshape(3, 4)
FEW = np.array([[0.0, 1.0], [2.0, 3.0]], np.float32)


@pytest.fixture
def results(tmp_path):
    """Seed 1 of the first variant diverged in epoch 7; the second was tested on two images."""
    predictions = SplitPredictions(LABELS, {"wide": WIDE, "few": FEW})
    write_predictions(predictions, tmp_path / "predictions/test.npz")
    rows = [("wide", 1, DIVERGED, 7.0), *(("few", seed, "exact", 0.5) for seed in range(2)), ("wide", 0, "exact", 0.5)]
    runs = pd.DataFrame(rows, columns=["variant", "seed", "metric", "value"])
    write_csv(runs.assign(study="dots", split="test"), tmp_path / "runs.csv")
    prepare_images(tmp_path / "test.npy", LABELS)
    labels = {"wide": "Wide model", "few": "few"}
    arrays = {"test": str(tmp_path / "test.npy")}
    return StudyResults("dots", str(tmp_path), "count", ["test"], "exact", labels, arrays=arrays)


def test_seeds_that_diverged_are_left_out_of_figures_over_all_seeds(results):
    labels, kept = results.converged("test")["Wide model"]
    assert kept.tolist() == WIDE[[0, 2]].tolist()
    assert labels.tolist() == LABELS.tolist()
    assert results.diverged == {"wide": {1: 7}, "few": {}}
    assert results.diverged_seeds == {"Wide model": 1, "few": 0}


def test_a_variant_that_was_tested_on_fewer_images_has_their_labels(results):
    labels, predicted = results.converged("test")["few"]
    assert (labels.tolist(), predicted.tolist()) == ([0, 1], FEW.tolist())
    labels, first = results.first_seed("few", "test")
    assert (labels.tolist(), first.tolist()) == ([0, 1], [0.0, 1.0])


def test_nothing_is_read_before_it_is_asked_for_and_nothing_twice(results, tmp_path):
    results.share()
    (tmp_path / "runs.csv").unlink()
    (tmp_path / "predictions/test.npz").unlink()
    (tmp_path / "test.json").unlink()
    assert results.images("test").labels.tolist() == LABELS.tolist()
    assert len(results.table("runs")) == 4
    assert results.predictions("test").labels.tolist() == LABELS.tolist()
    with pytest.raises(CalotypeError, match=r"summary\.csv: .*\nHint: delete it; the next call writes it again"):
        results.table("summary")


def test_images_of_a_user_have_the_names_of_their_files_and_others_their_numbers(results, tmp_path):
    places = np.array([2, 0])
    assert results.image_names("test", places) == ["image 2", "image 0"]
    table = pd.DataFrame(
        {"number": [0, 2, 2], "path": ["a/0.png", "b/'=x.png", "other.png"], "split": ["test"] * 2 + ["train"]}
    )
    write_csv(table.assign(sha256="0"), tmp_path / "catalogue.csv")
    own = replace(results, catalogue=str(tmp_path / "catalogue.csv"))
    assert own.image_names("test", places) == ["'=x.png", "0.png"]
    write_csv(table, tmp_path / "arrays.csv")
    arrays = replace(results, catalogue=str(tmp_path / "arrays.csv"))
    assert arrays.image_names("test", places) == ["image 2", "image 0"], "an array has one path"


def test_the_task_is_found_by_its_name(results):
    assert results.task.decide(np.array([1.4], np.float32)) == [1.0]
