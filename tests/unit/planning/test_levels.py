"""Cameras of 10 to 14 bits save files of 16 bits: without care, images come out nearly black."""

import logging
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from unit.new_studies import started

from calotype.data.catalogue import write_catalogue
from calotype.data.folder_scan import scan_folder
from calotype.planning.new_study import findings
from calotype.preparation.stages import take


@pytest.fixture
def microscope(config_folder):
    """Return images of 12 bits in files of 16 bits, with a folder for each class."""
    rng = np.random.default_rng(0)
    for name in ("alive", "dead"):
        (config_folder / "cells" / name).mkdir(parents=True)
        for i in range(10):
            levels = rng.integers(0, 4000, (9, 8), np.uint16)
            cv2.imwrite(str(config_folder / f"cells/{name}/{i}.png"), levels)
    return Path("cells")


def catalogued(dataset) -> pd.DataFrame:
    write_catalogue(dataset, Path("catalogue.csv"), Path("catalogue.json"))
    return pd.read_csv("catalogue.csv")


def test_a_new_study_uses_the_levels_that_the_camera_has(microscope):
    assert any("the largest value is 3," in line and "12 of 16 bits" in line for line in findings(
        "mine", scan_folder(microscope)
    ))  # fmt: skip
    steps = started(microscope).datasets["mine"].prepare
    prepared = take([np.array([[[0], [4095]]], np.uint16)], steps, ["a"])[0]
    assert prepared.ravel().tolist() == [0, 1]


def test_the_catalogue_has_the_levels_and_warns_before_scale_makes_images_dark(microscope, caplog):
    dataset = started(microscope).datasets["mine"]
    with caplog.at_level(logging.WARNING):
        found = catalogued(dataset)
    largest = [int(cv2.imread(f"cells/{path}", cv2.IMREAD_UNCHANGED).max()) for path in found.path]
    assert found.largest.tolist() == largest
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        catalogued(dataset.model_validate(dataset.model_dump() | {"prepare": ["grey", "scale"]}))
    assert "replace `scale` by {name: normalise, range: [0, 1], levels: [0, 4095]}" in caplog.text


def test_images_that_use_all_bits_are_scaled_without_a_warning(config_folder, caplog):
    for name in ("alive", "dead"):
        (config_folder / "cells" / name).mkdir(parents=True)
        for i in range(10):
            levels = np.random.default_rng([i, len(name)]).integers(0, 65536, (9, 8), np.uint16)
            cv2.imwrite(str(config_folder / f"cells/{name}/{i}.png"), levels)
    dataset = started(Path("cells")).datasets["mine"]
    assert [step.name for step in dataset.prepare] == ["grey", "scale"]
    catalogued(dataset)
    assert not caplog.records
