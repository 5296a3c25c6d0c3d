"""A reader can compute each number of the report again."""

import re

import pytest
from unit.pages import PREDICTIONS, Page, claim, page, right, section

from calotype.util.statistics import t_quantile


def how(tmp_path, **changes):
    return section(tmp_path, **changes)["how"][0]


def test_the_values_of_all_seeds_are_there(tmp_path):
    assert how(tmp_path)["values"] == "0: 80.0, 1: 90.0, 2: 100.0 %"


def test_wilsons_interval_follows_from_the_numbers_in_its_formula(tmp_path):
    text = how(tmp_path)["interval"]
    p, t, m = (float(re.search(rf"\b{name} = ([\d.]+)", text)[1]) for name in "ptm")
    k = t**2 / m
    half = (k * p * (1 - p) + k**2 / 4) ** 0.5
    ends = [(p + k / 2 + sign * half) / (1 + k) for sign in (-1, 1)]
    shown = re.search(r"\[(\d+), (\d+)\]", text)
    assert [round(100 * end) for end in ends] == pytest.approx([int(end) for end in shown.groups()], abs=1)
    assert "of 20" in text


def test_another_interval_follows_from_its_standard_error(tmp_path):
    text = how(tmp_path, metric="sum_of_squared_errors", claims=[])["interval"]
    mean, t, error, high = map(
        float, re.search(r"= ([\d.]+) ± ([\d.]+) × ([\d.]+) = \[[\d.]+, ([\d.]+)\]", text).groups()
    )
    assert mean + t * error == pytest.approx(high, abs=1)


def test_the_range_of_one_more_run_follows_from_its_formula(tmp_path):
    text = how(tmp_path)["one_more"]
    formula = r"([\d.]+) ± ([\d.]+) × √\(([\d.]+)² × \(1 \+ 1/3\) \+ 2 × ([\d.]+) × ([\d.]+) / (\d+)\)"
    mean, t, spread, p, q, images = map(float, re.match(formula, text).groups())
    assert t == pytest.approx(t_quantile(3), abs=0.001)
    low = mean - t * (spread**2 * (1 + 1 / 3) + 2 * p * q / images) ** 0.5
    assert low == pytest.approx(float(re.search(r": ([\d.]+) to", text)[1]), abs=1)
    assert text.endswith("on as many other images")


def test_the_range_of_one_more_run_says_that_equal_runs_count_as_half_an_image(tmp_path):
    """Half of 20 images is 2.5 points."""
    equal = {"wide": {"test": right(0.8, 0.8, 0.8), "test-large": right(0.9, 0.9, 0.9)}, "deep": PREDICTIONS["deep"]}
    text = how(tmp_path, predictions=equal)["one_more"]
    assert " × √(2.5² × (1 + 1/3)" in text
    assert text.endswith("on as many other images, with the standard deviation of half an image")


def test_one_seed_has_no_range_of_one_more_run(tmp_path):
    (single,) = [found for found in section(tmp_path)["how"] if found["title"].startswith("deep: exact count on test,")]
    assert single["one_more"] == ""
    assert single["interval"]


def test_the_verdict_is_told_with_what_was_published(tmp_path):
    (said,) = how(tmp_path, claims=[claim(value=0.2)])["verdicts"]
    assert said.startswith("20 %: differs, as outside the 95 % range of one more run")


def test_checksums_of_code_and_data_are_on_the_page_in_full(tmp_path):
    text = Page(page(tmp_path)).text
    assert "c0de" * 16 in text, "code"
    assert "da7a" * 16 in text, "training data"
    assert "0da7a" * 12 in text, "a split"


def test_the_images_are_told_with_their_source_and_preparation(tmp_path):
    text = Page(page(tmp_path)).text
    assert "20 images of 50 × 40 × 1" in text
    assert "test: {images: 20, seed: 1}" in text
