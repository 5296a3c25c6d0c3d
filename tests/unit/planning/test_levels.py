"""Cameras of 10 to 14 bits save files of 16 bits: without care, images come out nearly black."""

import logging
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from unit.new_studies import started

from calotype.data.catalogue import write_catalogue
from calotype.planning.findings import findings
from calotype.planning.folder_scan import scan_folder
from calotype.preparation.dark_images import levels_seen
from calotype.preparation.stages import take
from calotype.steps.registry import read_steps


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


def test_a_user_is_warned_before_scale_makes_images_dark_and_not_if_normalise_uses_the_levels(microscope, caplog):
    dataset = started(microscope).datasets["mine"]
    unprepared = dataset.model_validate(dataset.model_dump(exclude={"prepare"}))  # as the job of the catalogue gets it
    with caplog.at_level(logging.WARNING):
        found = catalogued(unprepared)
    largest = [int(cv2.imread(f"cells/{path}", cv2.IMREAD_UNCHANGED).max()) for path in found.path]
    assert found.largest.tolist() == largest
    assert not caplog.records
    assert levels_seen(["catalogue.csv"], dataset.prepare)[0] == logging.DEBUG
    level, line = levels_seen(["catalogue.csv"], read_steps(["grey", "scale"]))
    assert level == logging.WARNING
    assert f"The largest value is {max(largest)} in images of 16 bits" in line
    assert "replace `scale` by {name: normalise, range: [0, 1], levels: [0, 4095]}" in line


@pytest.mark.parametrize("steps", [["contrast", "scale"], [{"name": "threshold", "method": "otsu"}, "scale"], ["grey"]])
def test_no_warning_of_dark_images_if_a_step_before_scale_changes_their_range(microscope, steps):
    catalogued(started(microscope).datasets["mine"])
    assert levels_seen(["catalogue.csv"], read_steps(steps))[0] == logging.DEBUG
    assert levels_seen([], read_steps(steps))[0] == logging.DEBUG


def test_images_that_use_all_bits_are_scaled_without_a_warning(config_folder, caplog):
    for name in ("alive", "dead"):
        (config_folder / "cells" / name).mkdir(parents=True)
        for i in range(10):
            levels = np.random.default_rng([i, len(name)]).integers(0, 65536, (9, 8), np.uint16)
            cv2.imwrite(str(config_folder / f"cells/{name}/{i}.png"), levels)
    dataset = started(Path("cells")).datasets["mine"]
    assert [step.name for step in dataset.prepare] == ["grey", "scale"]
    with caplog.at_level(logging.WARNING):
        catalogued(dataset)
    assert levels_seen(["catalogue.csv"], dataset.prepare)[0] == logging.DEBUG
    assert not caplog.records


def test_images_of_8_bits_are_not_black_among_those_of_a_camera_of_12_bits(microscope):
    for i in range(5):
        pixels = np.random.default_rng(i).integers(100, 200, (9, 8), np.uint8)
        cv2.imwrite(str(microscope / f"dead/eight-{i}.png"), pixels)
    assert any("but 5 image(s) have 8 bits" in line for line in findings("mine", scan_folder(microscope)))
    dataset = started(microscope).datasets["mine"]
    images = [np.array([[[0], [255]]], np.uint8), np.array([[[0], [4095]]], np.uint16)]
    assert [image.ravel().tolist() for image in take(images, dataset.prepare, ["a", "b"])] == [[0, 1], [0, 1]]
    catalogued(dataset)
    assert "normalise, range: [0, 1]}, which uses" in levels_seen(["catalogue.csv"], read_steps(["grey", "scale"]))[1]


def test_images_of_8_bits_that_were_saved_in_16_are_as_bright_as_the_others(config_folder):
    for name in ("alive", "dead"):
        (config_folder / "cells" / name).mkdir(parents=True)
        for i in range(10):
            levels = np.random.default_rng([i, len(name)]).integers(0, 100, (9, 8))
            cv2.imwrite(f"cells/{name}/{i}.png", levels.astype(np.uint8 if i % 2 else np.uint16))
    dataset = started(Path("cells")).datasets["mine"]
    images = [np.array([[[0], [255]]], kind) for kind in (np.uint8, np.uint16)]
    assert [image.ravel().tolist() for image in take(images, dataset.prepare, ["a", "b"])] == [[0, 1], [0, 1]]
