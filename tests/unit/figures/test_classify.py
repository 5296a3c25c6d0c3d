"""The figures of errors and of task `classify` show the measured values.

That they can be printed, test_print.py sees to.
"""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from unit.drawings import assert_readable

from calotype.figures import classify, errors

ROOT = Path(__file__).parents[3]
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


pytestmark = pytest.mark.usefixtures("style", "closed")


# ---- Example ---------------------------------------------------------------------------------------------------------


def test_classes_of_an_example_with_long_names_stay_apart_and_inside_the_figure():
    names = [f"a name of a class, much longer than its place {i}" for i in range(4)]
    found = np.full((3, 4), 0.25, np.float32)
    figure = classify.draw_example(np.ones((8, 8, 1), np.float32), names[2], {"wide": found}, names)
    assert [tick.get_text()[-1] for tick in figure.axes[1].get_yticklabels()] == ["0", "1", "2", "3"]
    assert_readable(figure)


# ---- Most confident errors -------------------------------------------------------------------------------------------


def pixel(shown):
    return shown.get_array()[0, 0].tolist()


def test_titles_say_true_predicted_and_probability():
    pictures = np.ones((2, 8, 8, 1), np.float32)
    (axes,) = errors.draw_errors(pictures, "72", "14", [">99.9 %", "91.2 %"]).axes
    assert [text.get_text() for text in axes.texts] == ["7 → 1", ">99.9 %", "2 → 4", "91.2 %"]
    (axes,) = errors.draw_errors(pictures, ["Ankle boot"] * 2, ["Sneaker"] * 2, ["90.0 %", "80.0 %"]).axes
    assert sorted(text.get_text() for text in axes.texts) == sorted(
        ["Ankle boot", "→ Sneaker", "90.0 %", "Ankle boot", "→ Sneaker", "80.0 %"]
    )


def test_classes_of_an_error_that_differ_only_at_their_end_stay_apart():
    names = [f"a name of a class, much longer than its place {i}" for i in (1, 2)]
    (axes,) = errors.draw_errors(np.ones((1, 8, 8, 1), np.float32), names[:1], names[1:]).axes
    assert [text.get_text()[-1] for text in axes.texts] == ["1", "2"]


def test_details_and_names_of_images_stand_below_the_labels_and_keep_their_end():
    pictures = np.ones((2, 8, 8, 1), np.float32)
    names = ["a very long name of a file 0001.png", "image 7"]
    (axes,) = errors.draw_errors(pictures, "72", "14", ["91.2 % (4 of 5)", "80.0 % (1 of 5)"], names).axes
    texts = [text.get_text() for text in axes.texts]
    assert texts[:2] == ["7 → 1", "91.2 % (4 of 5)"]
    assert texts[2].endswith("…0001.png")
    assert texts[3:] == ["2 → 4", "80.0 % (1 of 5)", "image 7"]


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
