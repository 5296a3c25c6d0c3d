"""No image is on both sides of a split without a message."""

import logging
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from unit.flowers import catalogue

from calotype.util.errors import CalotypeError


def sides(found: pd.DataFrame) -> tuple[str, str]:
    """Return the path of a training image and of a test image."""
    return found.path[found.split == "train"].iloc[0], found.path[found.split == "test"].iloc[0]


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_the_same_pixels_on_both_sides_are_an_error_that_lists_them(flowers, suffix):
    one, other = sides(catalogue(flowers))
    with Image.open(flowers / one) as opened:
        (flowers / other).unlink()
        opened.save((flowers / other).with_suffix(suffix))
    with pytest.raises(CalotypeError, match=r"1 image\(s\) have the same pixels") as caught:
        catalogue(flowers)
    assert one in str(caught.value)
    assert other.removesuffix(".png") in str(caught.value)
    assert "duplicates: keep_first" in str(caught.value)
    assert len(catalogue(flowers, duplicates="allow")) == 30


def test_the_same_pixels_on_one_side_are_told_but_allowed(flowers, caplog):
    found = catalogue(flowers)
    one, other = found.path[(found.split == "train") & (found.label == 0)].iloc[:2]
    (flowers / other).write_bytes((flowers / one).read_bytes())
    with caplog.at_level(logging.WARNING, "calotype"):
        catalogue(flowers)
    assert "1 image(s) are duplicates within their split" in caplog.text
    assert "different labels" not in caplog.text


@pytest.mark.parametrize("duplicates", ["allow", "refuse"])
def test_an_image_with_two_labels_is_told_with_both_and_the_way_out(flowers, caplog, duplicates):
    found = catalogue(flowers)
    one = found.path[(found.split == "train") & (found.label == 0)].iloc[0]
    other = found.path[(found.split == "train") & (found.label == 1)].iloc[0]
    (flowers / other).write_bytes((flowers / one).read_bytes())
    with caplog.at_level(logging.WARNING, "calotype"):
        catalogue(flowers, duplicates=duplicates)
    classes = [Path(path).parent.name for path in (one, other)]
    pair = {f"{path} ({name})" for path, name in zip((one, other), classes, strict=True)}
    assert "1 image(s) occur with different labels, such as " in caplog.text
    assert all(each in caplog.text for each in pair)
    assert "Hint: decide which label is right" in caplog.text
