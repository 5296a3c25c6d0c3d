"""Curves of two classes have the corners counted by hand, and the areas that the metrics say."""

import math

import numpy as np
import pytest
from unit.evaluated import said

from calotype.evaluation.curves import precision_recall_curve, roc_curve
from calotype.evaluation.runs import measure
from calotype.tasks.classify import CLASSIFY


@pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
def test_one_class_alone_has_no_curve(labels):
    labels, places = np.array(labels), np.array([0.5, 1.0])
    assert roc_curve(labels, said(0.2, 0.8), places) is None
    assert precision_recall_curve(labels, said(0.2, 0.8), places) is None


def test_a_score_that_is_no_number_leaves_no_curve():
    labels, places = np.array([0, 1, 1]), np.array([0.5, 1.0])
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
    found = measure(CLASSIFY, labels, np.stack([1 - scores, scores], axis=1))
    fine = np.arange(1, 200_001) / 200_000
    assert precision_recall_curve(labels, scores, fine).mean() == pytest.approx(found["average_precision"], abs=1e-4)
    assert np.trapezoid(roc_curve(labels, scores, fine), fine) == pytest.approx(found["roc_auc"], abs=1e-4)
