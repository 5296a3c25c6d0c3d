"""The figures of errors and of task `classify` show the measured values.

That they can be printed, test_figures.py sees to.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from calotype.figures import classify, errors

ROOT = Path(__file__).parents[3]
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


pytestmark = pytest.mark.usefixtures("style", "closed")


def confusion(counts, names):
    return errors.draw_confusion_matrix(np.asarray(counts), names, names)


def cells(figure):
    """Return the text of each cell, by row and column."""
    return {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in figure.axes[0].texts}


# ---- Confusion matrix ------------------------------------------------------------------------------------------------


def test_cells_hold_the_share_of_the_true_class_in_per_cent():
    counts = np.array([[995, 5, 0], [0, 300, 100], [0, 0, 0]])
    assert cells(confusion(counts, ["a", "b", "c"])) == {
        (0, 0): "99.5",
        (0, 1): "0.5",
        (1, 1): "75.0",
        (1, 2): "25.0",
    }


@pytest.mark.parametrize(
    ("right", "wrong", "shown"),
    [
        (10_000, 0, {"100"}),
        (99_999, 1, {">99.9", "<.01"}),
        (9_997, 3, {">99.9", "0.03"}),
        (9_990, 10, {"99.9", "0.1"}),
    ],
)
def test_a_rare_mistake_is_told_from_none(right, wrong, shown):
    figure = confusion(np.array([[right, wrong], [0, 0]]), ["a", "b"])
    assert set(cells(figure).values()) == shown


def test_true_classes_run_down_and_predicted_ones_across():
    counts = np.diag(np.arange(1, 11))
    axis = confusion(counts, CLASSES).axes[0]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == CLASSES
    assert [tick.get_text().replace("\n", "") for tick in axis.get_xticklabels()] == CLASSES
    assert (axis.get_ylabel(), axis.get_xlabel()) == ("true", "predicted")
    assert axis.get_ylim()[0] > axis.get_ylim()[1], "the first class is at the bottom"


def test_a_mistake_of_half_a_per_cent_can_be_seen():
    figure = confusion(np.array([[995, 5], [0, 1000]]), ["a", "b"])
    figure.draw_without_rendering()
    colours = figure.axes[0].collections[0].get_facecolors().reshape(2, 2, 4)
    assert colours[0, 1, :3].mean() < 0.96, "half a per cent is as white as nothing"
    assert colours[0, 0, :3].mean() < 0.35 < colours[0, 1, :3].mean()


def test_every_number_can_be_read_on_its_shade():
    counts = np.array([[np.geomspace(1, 1000, 10)]]).reshape(1, 10).repeat(10, axis=0).astype(int)
    figure = confusion(counts, CLASSES)
    figure.draw_without_rendering()
    shades = figure.axes[0].collections[0].get_facecolors()[:, :3] @ [0.2126, 0.7152, 0.0722]
    for text, shade in zip(figure.axes[0].texts, shades, strict=True):
        ink = 1.0 if text.get_color() == "white" else 0.0
        assert abs(ink - shade) > 0.45


def test_a_hundred_classes_are_shades_with_a_scale():
    figure = confusion(np.eye(100, dtype=np.int64), [f"class {i}" for i in range(100)])
    assert not figure.axes[0].texts
    assert len(figure.axes) == 2
    assert figure.axes[1].yaxis.get_major_formatter()(0.005) == "0.5 %"


def table(*rows):
    return pd.DataFrame(rows, columns=["true", "predicted", "images"])


def test_counts_that_were_never_true_have_columns_but_no_rows():
    found = table((1, 1, 9), (1, 2, 1), (3, 3, 8), (3, 4, 2), (3, 0, 1))
    counts, true, predicted = errors.cross_tabulate(found, [])
    assert (true, predicted) == (["1", "2", "3"], ["0", "1", "2", "3", "4"])
    assert counts.tolist() == [[0, 9, 1, 0, 0], [0] * 5, [1, 0, 0, 8, 2]]


def test_predictions_that_are_no_number_are_not_lost():
    counts, true, predicted = errors.cross_tabulate(table((0, 0, 9), (0, np.nan, 1), (1, np.nan, 5)), [])
    assert (true, predicted) == (["0", "1"], ["0", "1", "other"])
    assert counts.tolist() == [[9, 0, 1], [0, 0, 5]]
    counts, _, predicted = errors.cross_tabulate(table((0, np.nan, 9), (1, np.nan, 5)), ["cat", "dog"])
    assert predicted == ["cat", "dog", "other"]
    assert counts.tolist() == [[0, 0, 9], [0, 0, 5]]


@pytest.mark.parametrize(
    ("farthest", "columns"),
    [(29, [*map(str, range(30))]), (30, [*map(str, range(7)), "other"]), (2.0**52, [*map(str, range(7)), "other"])],
)
def test_one_senseless_prediction_does_not_make_the_matrix_endless(farthest, columns):
    found = table(*((i, i, 9) for i in range(6)), (5, 6, 1), (5, farthest, 2))
    counts, _, predicted = errors.cross_tabulate(found, [])
    assert predicted == columns
    assert counts[5, [5, 6, -1]].tolist() == [9, 1, 2]


def test_every_class_has_its_row_and_column_even_if_no_image_shows_it():
    counts, true, predicted = errors.cross_tabulate(table((2, 2, 9), (2, 0, 1)), ["a", "b", "c"])
    assert true == predicted == ["a", "b", "c"]
    assert counts.tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 9]]


def test_what_is_right_is_marked_where_it_is_not_the_diagonal():
    counts, true, predicted = np.array([[1, 8, 1], [0, 2, 8]]), ["0", "1"], ["-1", "0", "1"]
    figure = errors.draw_confusion_matrix(counts, true, predicted)
    assert [frame.get_xy() for frame in figure.axes[0].patches] == [(1, 0), (2, 1)]
    assert cells(figure)[0, 1] == "80.0"
    assert not confusion([[9, 1], [1, 9]], ["a", "b"]).axes[0].patches


def test_a_row_of_three_hundred_counts_is_named_by_its_counts():
    names = [str(i) for i in range(51, 351)]
    axis = confusion(np.eye(300, dtype=np.int64), names).axes[0]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == names[::10]
    assert [tick.get_text() for tick in axis.get_xticklabels()] == names[::10]


# ---- Most confident errors -------------------------------------------------------------------------------------------


def pixel(shown):
    return shown.get_array()[0, 0].tolist()


def test_titles_say_true_predicted_and_probability():
    pictures = np.ones((2, 8, 8, 1), np.float32)
    (axes,) = errors.draw_errors(pictures, "72", "14", [">99.9 %", "91.2 %"]).axes
    assert [text.get_text() for text in axes.texts] == ["7 → 1  >99.9 %", "2 → 4  91.2 %"]
    (axes,) = errors.draw_errors(pictures, ["Ankle boot"] * 2, ["Sneaker"] * 2, ["90.0 %", "80.0 %"]).axes
    assert sorted(text.get_text() for text in axes.texts) == sorted(
        ["Ankle boot", "→ Sneaker", "90.0 %", "Ankle boot", "→ Sneaker", "80.0 %"]
    )


def test_titles_of_counts_promise_no_probability():
    pictures = np.ones((2, 8, 8, 1), np.float32)
    (axes,) = errors.draw_errors(pictures, ["3", "0"], ["4.6", "0.7"]).axes
    assert [text.get_text() for text in axes.texts] == ["3 → 4.6", "0 → 0.7"]
    long = ["a name that takes more room than there is"] * 2
    (axes,) = errors.draw_errors(pictures, long, long).axes
    assert len(axes.texts) == 4


def test_the_forty_worst_errors_are_shown_in_rows():
    pictures = np.linspace(0, 1, 50, dtype=np.float32).reshape(50, 1, 1, 1).repeat(8, 1).repeat(8, 2)
    (axes,) = errors.draw_errors(pictures, ["a"] * 50, ["b"] * 50).axes
    assert [pixel(shown)[0] for shown in axes.images] == [round(255 * i / 49) for i in range(40)]
    left, top = np.array([shown.get_extent() for shown in axes.images])[:, [0, 3]].T
    assert (np.diff(left)[:7] > 0).all()
    assert len(np.unique(top)) == 5


def test_the_brightest_image_is_white_and_zero_black():
    pictures = np.stack([np.zeros((4, 4, 1)), np.full((4, 4, 1), 8), np.full((4, 4, 1), 16)]).astype(np.float32)
    (axes,) = errors.draw_errors(pictures, "123", "456").axes
    assert [pixel(shown) for shown in axes.images] == [[0] * 3, [128] * 3, [255] * 3]


def test_colour_images_are_shown_in_colour():
    pictures = np.zeros((1, 4, 4, 3), np.float32)
    pictures[..., 1] = 0.5
    (axes,) = errors.draw_errors(pictures, ["frog"], ["deer"]).axes
    assert pixel(axes.images[0]) == [0, 255, 0]


def test_images_that_are_not_square_keep_their_shape():
    (axes,) = errors.draw_errors(np.ones((1, 10, 40, 1), np.float32), "1", "2").axes
    left, right, bottom, top = axes.images[0].get_extent()
    assert (right - left) / (bottom - top) == pytest.approx(4)


def test_black_images_stop_nothing():
    errors.draw_errors(np.zeros((1, 4, 4, 1), np.float32), "1", "2").draw_without_rendering()


def test_a_model_without_errors_has_a_figure_that_says_so():
    (axes,) = errors.draw_errors(np.zeros((0, 8, 8, 1), np.float32), [], [], []).axes
    assert [text.get_text() for text in axes.texts] == ["No errors."]


# ---- Example ---------------------------------------------------------------------------------------------------------


def one_example(variants=1, seeds=3, classes=10, true="Coat"):
    found = np.random.default_rng(1).dirichlet(np.ones(classes), (variants, seeds)).astype(np.float32)
    names = CLASSES if classes == 10 else [f"class {i}" for i in range(classes)]
    picture = np.ones((8, 8, 1), np.float32)
    return found, classify.draw_example(picture, true, {f"v{i}": found[i] for i in range(variants)}, names)


def test_bars_are_means_over_seeds_and_points_the_seeds():
    found, figure = one_example(variants=2)
    for axis, probabilities in zip(figure.axes[1:], found, strict=True):
        assert [bar.get_width() for bar in axis.patches] == pytest.approx(probabilities.mean(axis=0).tolist())
        assert np.allclose([line.get_xdata() for line in axis.lines], probabilities)
    assert [axis.get_title() for axis in figure.axes] == ["true: Coat", "v0", "v1"]


def test_the_true_class_stands_out_without_colour_too():
    _, figure = one_example()
    bold = [tick.get_text() for tick in figure.axes[1].get_yticklabels() if tick.get_fontweight() == "bold"]
    assert bold == ["Coat"]
    assert len({to_hex(bar.get_facecolor()) for bar in figure.axes[1].patches}) == 2


def test_a_single_seed_is_its_own_mean():
    _, figure = one_example(seeds=1)
    assert not figure.axes[1].lines
    assert "one seed" not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_of_many_classes_the_likely_ones_and_the_true_one_are_shown():
    found, figure = one_example(classes=100, true="class 7")
    likely = set(np.argsort(-found[0].mean(axis=0))[:10].tolist()) | {7}
    shown = {int(tick.get_text().split()[1]) for tick in figure.axes[1].get_yticklabels()}
    assert shown == likely


# ---- Feature maps ----------------------------------------------------------------------------------------------------


def test_a_filter_has_one_grey_scale_before_and_after_the_pooling():
    convolved = np.zeros((4, 4, 2), np.float32)
    convolved[..., 0] = np.arange(16).reshape(4, 4)
    pooled = convolved[1::2, 1::2] / 2  # as no pooling gives it, to see the scale
    (axes,) = classify.draw_feature_maps(np.ones((4, 4, 1), np.float32), convolved, pooled).axes
    tops = [int(shown.get_array().max()) for shown in axes.images]
    assert tops == [255, 255, 0, 128, 0]


@pytest.mark.parametrize(("filters", "shown"), [(1, 1), (8, 8), (16, 16), (32, 16)])
def test_at_most_sixteen_filters_are_shown_and_numbered(filters, shown):
    maps = np.random.default_rng(1).random((28, 28, filters), np.float32)
    (axes,) = classify.draw_feature_maps(maps[..., :1], maps, maps[::2, ::2]).axes
    assert len(axes.images) == 1 + 2 * shown
    texts = [text.get_text() for text in axes.texts]
    assert "after the convolution: 28 × 28" in texts
    assert "after max-pooling: 14 × 14" in texts
    assert texts.count(str(shown)) == 2


def test_maps_of_negative_values_and_of_one_value_are_shown():
    maps = np.stack([np.full((4, 4), -1.0), np.linspace(-1, 1, 16).reshape(4, 4)], axis=-1).astype(np.float32)
    (axes,) = classify.draw_feature_maps(np.zeros((4, 4, 3), np.float32), maps, maps[1::2, 1::2]).axes
    assert int(axes.images[2].get_array().min()) == 0
    assert int(axes.images[2].get_array().max()) == 255
