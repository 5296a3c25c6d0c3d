"""The confusion matrix shows the measured values."""

import numpy as np
import pandas as pd
import pytest
from unit.drawings import CLASSES, assert_readable

from calotype.figures import confusion

pytestmark = pytest.mark.usefixtures("style", "closed")


def drawn(counts, names):
    return confusion.draw_confusion_matrix(np.asarray(counts), names, names)


def cells(figure):
    """Return the text of each cell, by row and column."""
    across = figure.axes[0].get_xlim()[1]
    texts = [(text.get_position(), text.get_text()) for text in figure.axes[0].texts]
    return {(int(y), int(x)): text for (x, y), text in texts if x < across}


def test_cells_hold_the_share_of_the_true_class_in_per_cent():
    counts = np.array([[995, 5, 0], [0, 300, 100], [0, 0, 0]])
    assert cells(drawn(counts, ["a", "b", "c"])) == {
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
    figure = drawn(np.array([[right, wrong], [0, 0]]), ["a", "b"])
    assert set(cells(figure).values()) == shown


def test_true_classes_run_down_and_predicted_ones_across():
    counts = np.diag(np.arange(1, 11))
    axis = drawn(counts, CLASSES).axes[0]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == CLASSES
    assert [tick.get_text().replace("\n", "") for tick in axis.get_xticklabels()] == CLASSES
    assert (axis.get_ylabel(), axis.get_xlabel()) == ("true", "predicted, in % of the row")
    assert axis.get_ylim()[0] > axis.get_ylim()[1], "the first class is at the bottom"


def test_a_mistake_of_half_a_per_cent_can_be_seen():
    figure = drawn(np.array([[995, 5], [0, 1000]]), ["a", "b"])
    figure.draw_without_rendering()
    colours = figure.axes[0].collections[0].get_facecolors().reshape(2, 2, 4)
    assert colours[0, 1, :3].mean() < 0.96, "half a per cent is as white as nothing"
    assert colours[0, 0, :3].mean() < 0.35 < colours[0, 1, :3].mean()


def test_every_number_can_be_read_on_its_shade():
    counts = np.array([[np.geomspace(1, 1000, 10)]]).reshape(1, 10).repeat(10, axis=0).astype(int)
    figure = drawn(counts, CLASSES)
    figure.draw_without_rendering()
    shades = figure.axes[0].collections[0].get_facecolors()[:, :3] @ [0.2126, 0.7152, 0.0722]
    for text, shade in zip(figure.axes[0].texts[:100], shades, strict=True):
        ink = 1.0 if text.get_color() == "white" else 0.0
        assert abs(ink - shade) > 0.45


def test_a_hundred_classes_are_shades_with_a_scale():
    figure = drawn(np.eye(100, dtype=np.int64), [f"class {i}" for i in range(100)])
    assert not figure.axes[0].texts
    assert len(figure.axes) == 2, "without errors, none are listed"
    assert figure.axes[1].yaxis.get_major_formatter()(0.005) == "0.5 %"


def test_each_row_tells_its_number_of_images():
    texts = [text.get_text() for text in drawn(np.array([[9995, 5], [0, 40]]), ["a", "b"]).axes[0].texts]
    assert texts[-3:] == ["10,000", "40", "n"]


def test_of_many_classes_the_largest_confusions_are_listed_with_their_share_and_number():
    names = [f"class {i}" for i in range(30)]
    counts = np.diag(np.full(30, 90))
    for i in range(20):
        counts[i, i + 1] = 10 + i
    figure = drawn(counts, names)
    assert not figure.axes[0].texts
    listed = figure.axes[2]
    assert [tick.get_text() for tick in listed.get_yticklabels()] == [
        f"class {i} → class {i + 1}" for i in range(19, 19 - confusion.LARGEST, -1)
    ]
    assert listed.texts[0].get_text() == " 29 of 119 (24.4 %)"
    assert listed.patches[0].get_width() == 29
    assert_readable(figure)


def test_numbers_are_written_only_where_they_have_room():
    few, many = ([f"a class {i}" for i in range(n)] for n in (12, 18))
    counts = np.diag(np.full(18, 99_999))
    counts[:, 0] += 1
    assert ">99.9" in [text.get_text() for text in drawn(counts[:12, :12], few).axes[0].texts]
    assert not drawn(counts, many).axes[0].texts


def test_classes_that_differ_only_at_their_end_stay_apart():
    counts = np.diag(np.full(25, 9))
    counts[3, 7] = 2
    figure = drawn(counts, [f"a name of a class, much longer than the place that it has {i:02d}" for i in range(25)])
    axis = figure.axes[0]
    for ticks in (axis.get_yticklabels(), axis.get_xticklabels()):
        assert [tick.get_text()[-2:] for tick in ticks] == [f"{i:02d}" for i in range(25)]
    (listed,) = (tick.get_text() for tick in figure.axes[2].get_yticklabels())
    assert [name[-2:] for name in listed.split(" → ")] == ["03", "07"]


def table(*rows):
    return pd.DataFrame(rows, columns=["true", "predicted", "images"])


def test_counts_that_were_never_true_have_columns_but_no_rows():
    found = table((1, 1, 9), (1, 2, 1), (3, 3, 8), (3, 4, 2), (3, 0, 1))
    counts, true, predicted = confusion.cross_tabulate(found, [])
    assert (true, predicted) == (["1", "2", "3"], ["0", "1", "2", "3", "4"])
    assert counts.tolist() == [[0, 9, 1, 0, 0], [0] * 5, [1, 0, 0, 8, 2]]


def test_predictions_that_are_no_number_are_not_lost():
    counts, true, predicted = confusion.cross_tabulate(table((0, 0, 9), (0, np.nan, 1), (1, np.nan, 5)), [])
    assert (true, predicted) == (["0", "1"], ["0", "1", "other"])
    assert counts.tolist() == [[9, 0, 1], [0, 0, 5]]
    counts, _, predicted = confusion.cross_tabulate(table((0, np.nan, 9), (1, np.nan, 5)), ["cat", "dog"])
    assert predicted == ["cat", "dog", "other"]
    assert counts.tolist() == [[0, 0, 9], [0, 0, 5]]


@pytest.mark.parametrize(
    ("farthest", "columns"),
    [(29, [*map(str, range(30))]), (30, [*map(str, range(7)), "other"]), (2.0**52, [*map(str, range(7)), "other"])],
)
def test_one_senseless_prediction_does_not_make_the_matrix_endless(farthest, columns):
    found = table(*((i, i, 9) for i in range(6)), (5, 6, 1), (5, farthest, 2))
    counts, _, predicted = confusion.cross_tabulate(found, [])
    assert predicted == columns
    assert counts[5, [5, 6, -1]].tolist() == [9, 1, 2]


def test_every_class_has_its_row_and_column_even_if_no_image_shows_it():
    counts, true, predicted = confusion.cross_tabulate(table((2, 2, 9), (2, 0, 1)), ["a", "b", "c"])
    assert true == predicted == ["a", "b", "c"]
    assert counts.tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 9]]


def test_what_is_right_is_marked_where_it_is_not_the_diagonal():
    counts, true, predicted = np.array([[1, 8, 1], [0, 2, 8]]), ["0", "1"], ["-1", "0", "1"]
    figure = confusion.draw_confusion_matrix(counts, true, predicted)
    assert [frame.get_xy() for frame in figure.axes[0].patches] == [(1, 0), (2, 1)]
    assert cells(figure)[0, 1] == "80.0"
    assert not drawn([[9, 1], [1, 9]], ["a", "b"]).axes[0].patches


def test_a_row_of_three_hundred_counts_is_named_by_its_counts():
    names = [str(i) for i in range(51, 351)]
    axis = drawn(np.eye(300, dtype=np.int64), names).axes[0]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == names[::10]
    assert [tick.get_text() for tick in axis.get_xticklabels()] == names[::10]
