"""Images whose names a spreadsheet would run are used like all others, and the catalogue can be opened in one."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from unit.leaves import LEAVES, grow, prepared

NAMES = ("=cmd|' C calc'!A0.png", "@sum(1).png", "-rf.png", "'=1.png")


@pytest.mark.usefixtures("in_an_empty_folder")
def test_a_file_name_that_is_a_formula_is_not_run_when_the_catalogue_is_opened():
    grow(Path())
    for place, name in enumerate(NAMES):
        pixels = np.full((5, 6), 10 + place, np.uint8)
        Image.fromarray(pixels).save(Path("leaves", "elm", name))
        Image.fromarray(100 + pixels).save(Path("leaves", "oak", name))
    Path("leaves/oak").rename("leaves/=oak")
    splits = prepared(LEAVES | {"classes": ["elm", "=oak"]})
    with open("results/catalogue.csv", encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(tuple("=+-@"))]
    images = [image * 255 for split in splits.values() for image in split["image"]]
    shades = {round(float(image.max())) for image in images if image.min() == image.max()}
    assert shades == {10, 11, 12, 13, 110, 111, 112, 113}
