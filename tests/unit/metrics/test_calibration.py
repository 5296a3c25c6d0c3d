"""Calibration is the one computed by hand, also at the ends of the range."""

import math

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from unit.evaluated import guesses, two

from calotype.metrics.calibration import BINS, calibration


def test_calibration_error_is_the_one_computed_by_hand():
    """Four images of 90 %, three of them right, and six of 62 %, three of them right: (4 · 0.15 + 6 · 0.12) / 10."""
    probabilities = two(*[0.9] * 4, *[0.62] * 6)
    labels = np.array([1, 1, 1, 0, 1, 1, 1, 0, 0, 0])
    found = calibration(labels, probabilities)
    assert found.images[[9, 13]].tolist() == [6, 4]
    assert found.images.sum() == 10
    assert found.accuracy[[9, 13]].tolist() == [0.5, 0.75]
    assert found.confidence[[9, 13]].tolist() == pytest.approx([0.62, 0.9])
    assert np.isnan(found.accuracy[0])
    assert found.error == pytest.approx((4 * 0.15 + 6 * 0.12) / 10)


def test_accuracy_and_confidence_of_the_bins_are_those_of_scikit_learn():
    labels, probabilities = guesses(500)
    sure, right = probabilities.max(axis=1).astype(float), probabilities.argmax(axis=1) == labels
    found = calibration(labels, probabilities)
    accuracy, confidence = calibration_curve(right, sure, n_bins=BINS)
    held = found.images > 0
    assert found.accuracy[held].tolist() == pytest.approx(accuracy.tolist())
    assert found.confidence[held].tolist() == pytest.approx(confidence.tolist())


def test_the_ends_of_the_range_have_their_bins_and_rounding_above_one_falls_into_the_last():
    probabilities = np.array([[1, 0], [1.0000001, 0], [1 / 3, 1 / 3]], np.float32)
    found = calibration(np.zeros(3, np.int64), probabilities)
    assert found.images[-1] == 2
    assert found.images[:-1].sum() == 1
    assert calibration(np.array([0]), np.zeros((1, 2), np.float32)).images[0] == 1


def test_a_model_that_is_surely_right_is_calibrated_and_one_that_is_surely_wrong_not_at_all():
    labels = np.arange(4)
    assert calibration(labels, np.eye(4, dtype=np.float32)).error == 0
    assert calibration(labels, np.eye(4, dtype=np.float32)[::-1]).error == 1


def test_probabilities_that_are_no_numbers_have_no_calibration():
    assert calibration(np.array([0, 1]), two(0.5, math.nan)) is None
