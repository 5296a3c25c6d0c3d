"""The figures of task `count` show the measured values.

That they can be printed, test_print.py sees to.
"""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from unit.drawings import RED, labels, sheet

from calotype.figures import count as figures_count
from calotype.figures.errors import draw_errors
from calotype.figures.image_page import black_and_white

pytestmark = pytest.mark.usefixtures("style", "closed")


# ---- Contact sheet ---------------------------------------------------------------------------------------------------


def test_wrong_counts_stand_out_in_the_contact_sheet():
    (axes,) = sheet(8, predicted=[0, 1, 2, 4, 4, 5, np.nan, -3]).axes
    assert [text.get_text() for text in axes.texts] == [
        "0 (0)",
        "1 (1)",
        "2 (2)",
        "3 (4)",
        "4 (4)",
        "5 (5)",
        "0 (nan)",
        "1 (-3)",
    ]
    wrong = [False] * 3 + [True] + [False] * 2 + [True] * 2
    assert [to_hex(text.get_color()) == RED for text in axes.texts] == wrong
    assert [text.get_fontweight() == "bold" for text in axes.texts] == wrong
    assert [to_hex(frame.get_edgecolor()) == RED for frame in axes.patches] == wrong


def test_each_image_of_the_contact_sheet_is_shown_with_its_full_range():
    pictures = np.stack([np.zeros((8, 8, 1)), np.ones((8, 8, 1)), np.full((8, 8, 1), 0.5)]).astype(np.float32)
    figure = figures_count.draw_contact_sheet(pictures, np.zeros(3, int), np.zeros(3))
    assert [set(np.unique(shown.get_array())) for shown in figure.axes[0].images] == [{0}, {255}, {128}]


def test_images_that_were_normalised_are_not_cut_off_at_black():
    pictures = np.stack([np.full((8, 8, 1), value) for value in (-2.0, 0.0, 2.0)]).astype(np.float32)
    figure = figures_count.draw_contact_sheet(pictures, np.zeros(3, int), np.zeros(3))
    assert [set(np.unique(shown.get_array())) for shown in figure.axes[0].images] == [{0}, {128}, {255}]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 9], (0, 9)), ([5, 9], (5, 9)), ([0.25, 0.5], (0, 0.5)), ([3, 3], (0, 3)), ([0, 0], (0, 1)),
        ([-1, 2], (-1, 2)), ([-4, -4], (-4, -3)),
    ],
)  # fmt: skip
def test_black_is_zero_unless_normalise_moved_it(values, expected):
    assert black_and_white(np.array(values, float)[:, None]) == expected


def test_colours_that_normalise_shifted_by_channel_are_shown_as_they_were_read():
    levels = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3))
    levels[0, 0, :2] = [[0, 0, 0], [255, 255, 255]]
    normalised = ((levels / 255 - [0.2, 0.5, 0.7]) / [0.1, 0.2, 0.4]).astype(np.float32)
    (axes,) = figures_count.draw_contact_sheet(normalised, np.zeros(3, int), np.zeros(3)).axes
    (errors,) = draw_errors(normalised, ["a"] * 3, ["b"] * 3).axes
    for shown in (axes.images, errors.images):
        for image, expected in zip(shown, levels, strict=True):
            times = image.get_array().shape[0] // 16
            assert np.array_equal(image.get_array()[::times, ::times], expected)


def test_pixels_of_an_image_stand_where_they_are():
    picture = np.random.default_rng(1).random((5, 8, 1)).astype(np.float32)
    (shown,) = figures_count.draw_contact_sheet(picture[None], np.zeros(1, int), np.zeros(1)).axes[0].images
    times = shown.get_array().shape[0] // 5
    assert np.array_equal(shown.get_array()[::times, ::times, 0], np.rint(picture[..., 0] * 255))
    left, right, bottom, top = shown.get_extent()
    assert (right - left) / (bottom - top) == pytest.approx(8 / 5)
    assert shown.get_array().shape[1] / (right - left) >= 300, "too coarse for print"


@pytest.mark.parametrize("images", [1, 4, 5])
def test_a_contact_sheet_of_any_length_has_no_empty_frames(images):
    (axes,) = sheet(images, columns=4).axes
    assert len(axes.images) == len(axes.patches) == len(axes.texts) == images
    assert not axes.axison


def test_titles_of_the_contact_sheet_do_not_run_into_the_images_above():
    figure = sheet(20)
    figure.draw_without_rendering()
    boxes = [shown.get_window_extent() for shown in figure.axes[0].images]
    for text in figure.axes[0].texts:
        title = text.get_window_extent()
        assert title.y1 <= figure.bbox.y1
        assert not any(box.overlaps(title) for box in boxes)


# ---- Counts ----------------------------------------------------------------------------------------------------------


def test_of_counts_up_to_a_thousand_some_have_a_tick_instead_of_a_black_band():
    counts = np.arange(0, 1001, 20)
    runs = {"wide": (counts, counts[None].astype(np.float32))}
    assert 3 < len(figures_count.draw_predicted_against_true(runs).axes[0].get_xticks()) < 15
    few = figures_count.draw_predicted_against_true({"wide": (counts[:6], counts[None, :6].astype(np.float32))})
    assert few.axes[0].get_xticks().tolist() == counts[:6].tolist()


def test_a_model_that_always_says_the_same_is_shown():
    """With no spread there is no density to draw."""
    found = np.full((2, 60), 2.5, np.float32)
    figures_count.draw_predicted_against_true({"wide": (labels(), found)}).draw_without_rendering()
    figures_count.draw_predicted_against_true({"wide": (np.arange(6), found[:1, :6])}).draw_without_rendering()
