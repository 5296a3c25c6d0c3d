"""The figure of task `regress` shows the measured values.

That it can be printed, test_print.py sees to.
"""

import numpy as np
import pytest

from calotype.evaluation.study_results import StudyResults
from calotype.figures.agreement import DOTS, _reach, _words, draw_agreement, limits_of_agreement
from calotype.figures.base import text_width

pytestmark = pytest.mark.usefixtures("style", "closed")

TRUE = np.array([1.0, 2.5, 4.0, 8.0])


def said(*seeds):
    return np.array(seeds, np.float32)


def test_limits_of_agreement_are_those_computed_by_hand():
    """Differences 1, −1, 1, −1: their mean is 0 and their standard deviation √(4/3)."""
    found = limits_of_agreement(TRUE, said(TRUE + np.array([1, -1, 1, -1]), TRUE + 0.5))
    half = 1.96 * (4 / 3) ** 0.5
    assert found == pytest.approx(np.array([[-half, 0, half], [0.5, 0.5, 0.5]]))


def test_predictions_that_are_no_numbers_have_no_part_in_the_limits():
    found = limits_of_agreement(TRUE, said([1, 3.5, np.nan, np.inf], [np.nan] * 4, [1, np.nan, np.nan, np.nan]))
    assert len(found) == 1, "of one number there is no standard deviation"
    assert found[0, 1] == pytest.approx(0.5)
    assert limits_of_agreement(TRUE, np.zeros((0, 4), np.float32)).shape == (0, 3)


def test_points_are_predicted_against_true_and_difference_against_mean():
    above, below = draw_agreement({"wide": (TRUE, said(TRUE + 0.5))}).axes
    assert above.lines[-1].get_xydata() == pytest.approx(np.stack([TRUE, TRUE + 0.5], axis=1))
    points = next(line for line in below.lines if line.get_marker() == "o").get_xydata()
    assert points == pytest.approx(np.stack([TRUE + 0.25, np.full(4, 0.5)], axis=1))


def test_every_image_of_every_seed_is_a_point():
    above, _ = draw_agreement({"wide": (TRUE, said(TRUE, TRUE + 1, TRUE - 1))}).axes
    assert len(above.lines[-1].get_xydata()) == 12


def test_of_many_images_none_is_lost_in_the_cells():
    rng = np.random.default_rng(1)
    true = rng.random(DOTS)
    said_ = (true + rng.normal(0, 0.2, (2, DOTS))).astype(np.float32)
    said_[0, 0] = 1e30
    above, below = draw_agreement({"wide": (true, said_)}).axes
    for axis in (above, below):
        outside = sum(len(line.get_xdata()) for line in axis.lines if line.get_marker() in ("^", "v", "<", ">"))
        assert axis.collections[0].get_array().sum() + outside == 2 * DOTS
        assert outside >= 1


def test_lines_are_means_over_seeds_and_bands_reach_to_the_lowest_and_the_highest():
    errors = np.array([1, -1, 1, -1]) / 10
    figure = draw_agreement({"wide": (TRUE, said(TRUE + errors, TRUE + 3 * errors + 0.4))})
    below = figure.axes[1]
    half = 1.96 * (4 / 3) ** 0.5 / 10
    lines = [line.get_ydata()[0] for line in below.lines if line.get_color() == "C1"]
    assert lines == pytest.approx([0.2 - 2 * half, 0.2, 0.2 + 2 * half], rel=1e-5)
    bands = [patch.get_bbox().intervaly.tolist() for patch in below.patches]
    assert np.allclose(bands, [[0.4 - 3 * half, -half], [0, 0.4], [half, 0.4 + 3 * half]], atol=1e-6)
    assert below.get_title(loc="left") == f"+0.2 (−{2 * half - 0.2:.3g} to +{0.2 + 2 * half:.3g})"


def test_one_senseless_prediction_does_not_flatten_the_others():
    above, below = draw_agreement({"wide": (TRUE, said([1, 2.5, 4, 1e30]))}).axes
    assert above.get_ylim()[1] < 10
    assert below.get_ylim()[1] < 20


def test_points_outside_a_panel_are_marked_and_counted():
    figure = draw_agreement({"wide": (TRUE, said([1, 2.5, 4, 1e30], [1, 2.5, 4, -1e30], [1, 2.5, 4, 8.1]))})
    above = figure.axes[0]
    marks = {line.get_marker(): len(line.get_xdata()) for line in above.lines if line.get_marker() in ("^", "v")}
    assert marks == {"^": 1, "v": 1}
    assert [text.get_text() for text in above.texts] == ["2 outside"]
    assert len(above.lines[-1].get_xdata()) == 10, "not among the other points"


@pytest.mark.parametrize(
    ("limits", "farthest", "span", "reach"),
    [
        ([[-1, 0, 2]], 1.5, 10, 2.2),  # the limits, and a tenth more
        ([[-3, 0, 2]], 1.5, 10, 3.3),
        ([[-0.1, 0, 0.2]], 0.15, 1, 0.22),
        ([[-1, 0, 2], [-4, 0, 1]], 1.5, 10, 4.4),
        ([[-1, 0, 2]], 3, 10, 3.15),  # the farthest point, and a twentieth more
        ([[-1, 0, 2]], 100, 10, 4.4),  # twice as far as the limits, and no farther
        ([[-1, 0, 2]], 100, 2, 3.0),  # and no farther than 1.5 of the labels' range
        ([[0, 0, 0]], 0, 7, 0.7),
        (np.zeros((0, 3)), 5, 7, 0.7),
    ],
)
def test_an_axis_of_differences_reaches_as_far_as_most_of_them(limits, farthest, span, reach):
    for sign in (1, -1):
        assert _reach(np.array(limits, float), np.array([0.1, sign * farthest]), span) == pytest.approx(reach)


def test_limits_are_in_words_as_exactly_as_there_is_room():
    limits = np.array([-0.78649, 0.17251, 1.13149])
    long, short = "+0.173 (−0.786 to +1.13)", "+0.17 (−0.79 to +1.1)"
    assert _words(limits, text_width(long, 7)) == long
    assert _words(limits, text_width(long, 7) - 0.001) == short
    assert _words(limits, text_width(short, 7)) == short
    cut = _words(limits, text_width(short, 7) - 0.001)
    assert cut.endswith("…")
    assert cut.startswith("+0.17 (−0.79")


@pytest.mark.parametrize(
    "runs",
    [
        {"lost": (TRUE, np.zeros((0, 4), np.float32))},
        {"nan": (TRUE, said([np.nan] * 4))},
        {"one image": (TRUE[:1], said([2.0]))},
        {"all the same": (np.full(4, 3.0), said([3.0] * 4))},
        {"zeros": (np.zeros(4), said([0.0] * 4))},
    ],
)
def test_there_is_a_figure_where_there_is_little_to_show(runs):
    draw_agreement(runs).draw_without_rendering()


def test_axes_have_the_name_and_the_unit_of_the_labels(tmp_path):
    results = StudyResults("s", str(tmp_path), "regress", ["test"], "r2", {}, quantity="diameter", unit="mm")
    assert [results.axis(words) for words in ("true", "")] == ["true diameter (mm)", "diameter (mm)"]
    above, below = draw_agreement({"wide": (TRUE, said(TRUE))}, names=("a", "b", "c", "d")).axes
    assert [axis.get_xlabel() + axis.get_ylabel() for axis in (above, below)] == ["ab", "cd"]


def test_seeds_that_diverged_are_counted():
    above, _ = draw_agreement({"wide": (TRUE, said(TRUE, TRUE))}, {"wide": 3}).axes
    assert [text.get_text() for text in above.texts] == ["3 of 5 seeds diverged"]
