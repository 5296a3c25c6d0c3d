"""The accuracy by label shows the measured values, and is readable with many classes, long names and many variants."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from unit.drawings import CLASSES, accuracy_by_class, accuracy_by_label, assert_readable, counted, labels, predictions

from calotype.figures import accuracy, base

pytestmark = pytest.mark.usefixtures("style", "closed")


def points(axis):
    """Return accuracy and place of the points of each variant of a panel, shape (labels, 2)."""
    return [container.lines[0].get_xydata() for container in axis.containers]


def many(variants, classes, letters=60, seeds=3):
    """Return the figure of variants with long names on classes with long names."""
    rng = np.random.default_rng(0)
    true = np.arange(classes * 20) % classes
    runs = {
        f"dense {256 + i} units, learning rate 0.00{i % 3 + 1}": (
            true, np.where(rng.random((seeds, true.size)) < 0.6 + 0.04 * i, true, (true + 1) % classes).astype(float)
        )
        for i in range(variants)
    }  # fmt: skip
    names = [f"{'class name of some words ' * 3}"[: letters - 4] + f" {i:03d}" for i in range(classes)]
    return accuracy.draw_accuracy_by_label(runs, xlabel="class", ylabel="accuracy", names=names)


def test_accuracy_by_label_shows_mean_and_interval_over_seeds():
    right = np.tile(labels(60), (3, 1)).astype(float)
    right[0, labels(60) == 2] = 9  # one of three seeds is wrong about each 2
    (found,) = points(counted({"wide": (labels(60), right)}).axes[0])
    assert found[:, 0].tolist() == pytest.approx([1, 1, 2 / 3, 1, 1, 1])
    assert found[:, 1].tolist() == [0, 1, 2, 3, 4, 5]


def test_accuracy_of_a_single_seed_has_wilsons_interval():
    figure = counted({"wide": (np.zeros(100, int), np.repeat([[0.0, 1.0]], [90, 10], axis=1))})
    (bars,) = figure.axes[0].containers[0].lines[2]
    (low, high) = bars.get_segments()[0][:, 0]
    assert (low, high) == pytest.approx((0.8256, 0.9448), abs=1e-4)


@pytest.mark.parametrize("names", [CLASSES, CLASSES[::-1], [f"Incomprehensibility {i}" for i in range(10)]])
def test_classes_are_rows_in_the_order_of_their_labels(names):
    axis = accuracy_by_class(classes=names).axes[0]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == names
    assert axis.get_ylim()[0] > axis.get_ylim()[1], "the first class is at the bottom"


@pytest.mark.parametrize(("variants", "classes"), [(1, 25), (2, 25), (9, 25), (9, 2), (4, 60), (2, 300), (20, 25)])
def test_axes_of_any_number_of_classes_and_variants_stay_large(variants, classes):
    figure = many(variants, classes)
    assert_readable(figure)
    assert figure.get_figheight() <= base.TALLEST
    rows = len(figure.axes[0].get_yticks())
    assert rows >= min(classes, 60)
    for axis in figure.axes:
        box = axis.get_position()
        assert box.height * figure.get_figheight() >= 0.1 * rows
        assert box.width * figure.get_figwidth() >= 1
    if classes == 25:
        assert box.height * figure.get_figheight() >= 3


def test_marks_of_nine_variants_have_room_between_them():
    figure = many(9, 25)
    assert [len(axis.containers) for axis in figure.axes] == [3, 3, 3]
    figure.draw_without_rendering()
    for axis in figure.axes:
        heights = axis.transData.transform(np.stack(points(axis))[:, 0])[:, 1] / figure.dpi * 72
        assert np.abs(np.diff(heights)).min() > 4, "points"


def test_of_too_many_classes_those_with_the_lowest_accuracy_are_shown():
    true = np.repeat(np.arange(200), 5)
    said = np.where(true % 50 == 7, 0, true)[None].astype(float)
    figure = accuracy.draw_accuracy_by_label({"wide": (true, said)}, xlabel="class", ylabel="accuracy")
    shown = [int(tick.get_text()) for tick in figure.axes[0].get_yticklabels()]
    assert {7, 57, 107, 157} <= set(shown)
    assert shown == sorted(shown)
    assert [text.get_text() for text in figure.texts] == [f"The {len(shown)} of 200 with the lowest shares."]


def test_names_that_differ_only_at_their_end_stay_apart():
    names = [tick.get_text() for tick in many(9, 25).axes[0].get_yticklabels()]
    assert all("…" in name for name in names)
    assert [name[-3:] for name in names] == [f"{i:03d}" for i in range(25)]


@pytest.mark.parametrize("count", [2, 8])
def test_points_of_one_label_stay_in_its_row(count):
    figure = accuracy_by_class([f"variant {i}" for i in range(count)])
    places = np.array([found[:, 1] for axis in figure.axes for found in points(axis)])
    assert len(places) == count
    assert np.abs(places - np.arange(10)).max() < 0.45


def test_no_two_variants_of_a_panel_look_alike():
    for axis in accuracy_by_label([f"variant {i}" for i in range(9)]).axes:
        looks = [(part.lines[0].get_marker(), to_hex(part.lines[0].get_color())) for part in axis.containers]
        assert len(set(looks)) == len(looks)
        assert len({marker for marker, _ in looks}) == len(looks), "told apart by colour alone"


def test_every_true_count_has_its_row_whichever_variant_comes_last():
    few = np.array([0, 1])
    runs = {"wide": (labels(), np.rint(predictions())), "deep": (few, few[None].astype(float))}
    (axis,) = counted(runs).axes
    assert [tick.get_text() for tick in axis.get_yticklabels()] == list("012345")
    assert [len(found) for found in points(axis)] == [6, 2]
