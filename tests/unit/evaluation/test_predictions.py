"""The predictions of a split come back from their file as they were, or the file is named."""

import numpy as np
import pytest

from calotype.evaluation.predictions import SplitPredictions, read_predictions, write_predictions
from calotype.util.errors import CalotypeError


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(1)
    variants = {"wide": rng.random((5, 1000), np.float32), "labels": rng.random((2, 3), np.float32)}
    write_predictions(SplitPredictions(np.arange(1000), variants), tmp_path / "test.npz")
    return tmp_path / "test.npz"


def test_predictions_come_back_in_the_order_of_the_variants_whatever_these_are_called(file):
    found = read_predictions(file)
    assert found.labels.tolist() == list(range(1000))
    assert {name: values.shape for name, values in found.variants.items()} == {"wide": (5, 1000), "labels": (2, 3)}
    assert [*found.variants] == ["wide", "labels"]
    assert (found.variants["wide"] == np.random.default_rng(1).random((5, 1000), np.float32)).all()


@pytest.mark.parametrize("kept", [0, 3, 100, -30], ids=["empty", "magic", "header", "half"])
def test_truncated_predictions_are_named_and_refused(file, kept):
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(CalotypeError, match=r"test\.npz: cannot be read") as problem:
        read_predictions(file)
    assert "\nHint: delete it" in str(problem.value)


def test_a_flipped_bit_in_predictions_is_noticed(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(CalotypeError, match=r"test\.npz: cannot be read"):
        read_predictions(file)


def test_missing_predictions_are_named(tmp_path):
    with pytest.raises(CalotypeError, match=r"test\.npz: cannot be read"):
        read_predictions(tmp_path / "test.npz")
