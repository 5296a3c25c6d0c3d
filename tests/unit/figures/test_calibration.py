"""The figures of calibration and of two classes show the measured values.

That they can be printed, test_print.py sees to.
"""

import re

import numpy as np
import pytest
from matplotlib.colors import to_hex
from unit.drawings import assert_readable

from calotype.figures.binary_curves import POINTS, draw_precision_recall_curves, draw_roc_curves
from calotype.figures.calibration import FEW, draw_calibration_curves
from calotype.metrics.calibration import BINS

pytestmark = pytest.mark.usefixtures("style", "closed")


def two(*seeds):
    """Probabilities of two classes, by those of the second of each seed."""
    scores = np.array(seeds)
    return np.stack([1 - scores, scores], axis=-1).astype(np.float32)


def legend_texts(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


# ---- Calibration -----------------------------------------------------------------------------------------------------

LABELS = np.array([1, 1, 1, 0, 1, 1, 0, 0]).repeat(FEW)


def sure(*seeds):
    """Probabilities as of `two`, each of so many images that a bin with it is not faint."""
    return two(*(np.repeat(scores, FEW) for scores in seeds))


def panels(figure):
    """Curve and bars of each variant."""
    return list(zip(figure.axes[::2], figure.axes[1::2], strict=True))


def curve(axis):
    """Return the points of the curve; the first line is the diagonal."""
    return np.array(axis.lines[1].get_xydata())


def test_points_are_accuracy_at_confidence_and_bars_the_images_there():
    ((above, below),) = panels(draw_calibration_curves({"wide": (LABELS, sure([0.9] * 4 + [0.62] * 4))}))
    assert curve(above) == pytest.approx(np.array([[0.62, 0.5], [0.9, 0.75]]))
    heights = [bar.get_y() + bar.get_height() for bar in below.patches]
    assert heights == pytest.approx([4 * FEW, 4 * FEW])
    assert [bar.get_x() + bar.get_width() / 2 for bar in below.patches] == pytest.approx([9.5 / BINS, 13.5 / BINS])
    assert [text.get_text() for text in above.texts] == ["ECE 13.5 %"]
    assert not above.collections, "no band of one seed"


def test_the_curve_is_the_mean_over_seeds_and_the_band_reaches_to_the_lowest_and_the_highest():
    """One of the seeds has no image of the lower confidence: it has no part in that point."""
    seeds = sure([0.9] * 4 + [0.62] * 4, [0.9] * 8)
    ((above, below),) = panels(draw_calibration_curves({"wide": (LABELS, seeds)}))
    assert curve(above) == pytest.approx(np.array([[0.62, 0.5], [0.9, (0.75 + 0.625) / 2]]))
    band = above.collections[0].get_paths()[0].vertices
    assert band[np.isclose(band[:, 0], 0.9), 1].min() == pytest.approx(0.625)
    assert band[np.isclose(band[:, 0], 0.9), 1].max() == pytest.approx(0.75)
    assert [bar.get_y() + bar.get_height() for bar in below.patches] == pytest.approx([2 * FEW, 6 * FEW]), (
        "of one seed, on average"
    )


def test_panels_have_one_scale_of_images_and_only_the_first_names_it():
    runs = {"few": (LABELS, sure([0.9] * 8)), "many": (LABELS.repeat(90), sure([0.62] * 720))}
    (_, first), (_, second) = panels(draw_calibration_curves(runs))
    assert first.get_ylim() == second.get_ylim()
    assert (first.get_ylabel(), second.get_ylabel()) == ("images", "")
    assert first.get_ylim()[0] < 1 < 7200 < first.get_ylim()[1]


def test_a_variant_without_a_seed_or_without_numbers_has_an_empty_panel_and_stops_nothing():
    nothing = np.zeros((0, 8 * FEW, 2), np.float32)
    runs = {"lost": (LABELS, nothing), "nan": (LABELS, sure([np.nan] * 8)), "wide": (LABELS, sure([0.9] * 8))}
    figure = draw_calibration_curves(runs, {"lost": 5})
    figure.draw_without_rendering()
    texts = [[text.get_text() for text in above.texts] for above, _ in panels(figure)]
    assert texts == [["5 of 5 seeds diverged"], [], ["ECE 27.5 %"]]
    draw_calibration_curves({"lost": (LABELS, nothing)}, {"lost": 5}).draw_without_rendering()


def test_the_legend_of_one_seed_speaks_of_no_mean_and_no_band():
    assert legend_texts(draw_calibration_curves({"wide": (LABELS, sure([0.9] * 8))})) == [
        "one seed",
        "accuracy = confidence",
    ]
    several = draw_calibration_curves({"wide": (LABELS, sure([0.9] * 8, [0.8] * 8))})
    assert legend_texts(several) == ["mean", "range over seeds", "accuracy = confidence"]


def test_bins_with_few_images_are_faint_and_have_no_band():
    labels = np.array([1] * 30 + [0] * 3)
    seeds = two([0.9] * 30 + [0.7] * 3, [0.95] * 30 + [0.7] * 3)
    figure = draw_calibration_curves({"wide": (labels, seeds)})
    ((above, _),) = panels(figure)
    faint = [line for line in above.lines if line.get_markerfacecolor() == "white"]
    assert [line.get_xydata().round(3).tolist() for line in faint] == [[[0.7, 0.0]]]
    assert "fewer than 10 images" in legend_texts(figure)
    edges = np.concatenate([path.vertices[:, 0] for path in above.collections[0].get_paths()])
    assert edges.min() > 0.85


def test_the_band_of_fifty_seeds_leaves_out_the_farthest():
    rng = np.random.default_rng(1)
    seeds = np.where(rng.random((50, 200)) < 0.8, 0.9, 0.1)
    seeds[0] = 0.1  # all wrong
    figure = draw_calibration_curves({"wide": (np.ones(200, int), two(*seeds))})
    ((above, _),) = panels(figure)
    assert above.collections[0].get_paths()[0].vertices[:, 1].min() > 0.5
    assert "80 % of the seeds" in legend_texts(figure)


# ---- Two classes -----------------------------------------------------------------------------------------------------

TRUE = np.array([0, 0, 0, 0, 1, 1, 1, 1])
GOOD, FAIR = [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9], [0.1, 0.2, 0.3, 0.65, 0.6, 0.7, 0.8, 0.9]


def curves(draw, runs, positive="dog", **diverged):
    return draw(runs, positive=positive, areas=dict.fromkeys(runs, 0.9), diverged=diverged)


def test_a_model_without_errors_goes_through_the_corner():
    (axis,) = curves(draw_roc_curves, {"wide": (TRUE, two(GOOD))}).axes
    points = axis.lines[0].get_xydata()
    assert points[0].tolist() == [0, 0]
    assert points[1].tolist() == [0, 1]
    assert points[-1].tolist() == [1, 1]
    (axis,) = curves(draw_precision_recall_curves, {"wide": (TRUE, two(GOOD))}).axes
    assert (axis.lines[0].get_ydata() == 1).all()


def test_curves_are_means_over_seeds_with_a_band_from_the_lowest_to_the_highest():
    """The fair seed finds three of four before its first mistake, and the good one all."""
    runs = {"wide": (TRUE, two(GOOD, FAIR))}
    (axis,) = curves(draw_roc_curves, runs).axes
    points = axis.lines[0].get_xydata()
    assert points[1].tolist() == [0, pytest.approx((1 + 0.75) / 2)]
    band = axis.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == 1
    assert 0.75 in band[band[:, 0] == 0, 1]
    (axis,) = curves(draw_precision_recall_curves, runs).axes
    found = dict(axis.lines[0].get_xydata().tolist())
    assert (found[0.75], found[1.0]) == (1, pytest.approx((1 + 4 / 5) / 2))
    assert len(found) == POINTS


def test_chance_is_the_diagonal_and_the_share_of_the_positive_class():
    (axis,) = curves(draw_roc_curves, {"wide": (TRUE, two(GOOD))}).axes
    assert axis.lines[-1].get_xydata().tolist() == [[0, 0], [1, 1]]
    (axis,) = curves(draw_precision_recall_curves, {"wide": (TRUE[2:], two(GOOD[2:]))}).axes
    assert axis.lines[-1].get_ydata().tolist() == pytest.approx([2 / 3, 2 / 3])


def test_an_axis_says_which_class_is_looked_for():
    (axis,) = curves(draw_roc_curves, {"wide": (TRUE, two(GOOD))}).axes
    assert axis.get_ylabel() == "true positive rate (“dog”)"
    (axis,) = curves(draw_precision_recall_curves, {"wide": (TRUE, two(GOOD))}, positive="$x_1$").axes
    assert axis.get_xlabel() == "recall (“$x_1$”)"
    assert not axis.xaxis.label.get_parse_math()


def test_the_legend_has_areas_and_seeds_and_how_many_diverged():
    runs = {"wide": (TRUE, two(GOOD, FAIR)), "deep": (TRUE, two(GOOD)), "lost": (TRUE, np.zeros((0, 8, 2)))}
    figure = draw_roc_curves(runs, positive="dog", areas={"wide": 0.97, "deep": 1.0}, diverged={"deep": 2, "lost": 3})
    assert legend_texts(figure) == [
        "wide: AUC 97.0 % (2 seeds)",
        "deep: AUC 100.0 % (2 of 3 seeds diverged)",
        "lost: AUC – (3 of 3 seeds diverged)",
        "range over seeds",
        "chance",
    ]
    assert len(figure.axes[0].lines) == 3, "nothing is drawn of the lost one"


@pytest.mark.parametrize("draw", [draw_roc_curves, draw_precision_recall_curves])
def test_a_study_without_a_curve_has_a_figure_that_shows_none(draw):
    """All seeds diverged; say no numbers; or the split shows one class alone."""
    for runs in (
        {"wide": (TRUE, np.zeros((0, 8, 2), np.float32))},
        {"wide": (TRUE, two([np.nan] * 8))},
        {"wide": (np.zeros(8, int), two(GOOD))},
    ):
        figure = draw(runs, positive="dog", areas={"wide": np.nan}, diverged={})
        figure.draw_without_rendering()
        assert len(figure.axes[0].lines) == 1, "chance alone"


def test_the_area_stays_beside_a_name_of_any_length():
    long = [f"convolutions {'with a description ' * 6}{end}" for end in ("of one", "of two")]
    runs = {name: (TRUE, two(GOOD)) for name in [*long, "x" * 90, "short"]}
    figure = curves(draw_roc_curves, runs)
    entries = legend_texts(figure)[:4]
    assert len(set(entries)) == 4
    assert all(re.search(r": ?\n?AUC [\d.]+ % \(1 seed\)$", entry) for entry in entries), entries
    assert entries[3].startswith("short: AUC")
    assert_readable(figure)


def test_no_two_variants_of_a_dozen_look_alike():
    figure = curves(draw_roc_curves, {f"v{i}": (TRUE, two(GOOD)) for i in range(12)})
    looks = {(to_hex(line.get_color()), line.get_linestyle()) for line in figure.axes[0].lines[:-1]}
    assert len(looks) == 12


def test_variants_tested_on_different_numbers_of_images_stand_in_one_figure_of_curves():
    runs = {"wide": (TRUE, two(GOOD)), "slow": (TRUE[2:6], two(GOOD[2:6]))}
    for draw in (draw_roc_curves, draw_precision_recall_curves):
        assert len(curves(draw, runs).axes[0].lines) == 3
