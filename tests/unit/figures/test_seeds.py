"""The figure of all seeds shows each seed, the mean, the published number and the differences of variants.

That it can be printed, test_print.py sees to.
"""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure
from unit.drawings import assert_readable, differences, drawn, errors, legend_texts, saved, seeds

from calotype.figures import number_line
from calotype.figures import seeds as figures_seeds

pytestmark = pytest.mark.usefixtures("style", "closed")


# ---- Seeds, mean and interval ----------------------------------------------------------------------------------------


def test_every_seed_is_a_point_and_none_covers_another():
    values = errors(seeds=50)
    figure = figures_seeds.draw_seeds({"wide": values}, metric="error", share=True, claims={}, differences=None)
    figure.draw_without_rendering()
    (points,) = drawn(figure.axes[0], "o")
    assert points.get_xdata().tolist() == values
    places = figure.axes[0].transData.transform(points.get_xydata()) * 72 / figure.dpi
    apart = np.hypot(*(places[:, None] - places).transpose(2, 0, 1))[~np.eye(50, dtype=bool)]
    assert apart.min() >= points.get_markersize() - 0.01


@pytest.mark.parametrize(
    ("places", "asides"),
    [
        ([0, 0, 0, 0, 0], [0, -1, 1, -2, 2]),
        ([0, 1], [0, 0]),  # they touch
        ([0, 0.6], [0, -0.8]),
        ([0.6, 0], [-0.8, 0]),
        ([0, 0.6, 1.2], [0, -0.8, 0]),
        ([], []),
        ([3], [0]),
    ],
)
def test_points_step_aside_no_farther_than_they_must(places, asides):
    assert number_line.swarm(np.array(places, float), 1, 9) == pytest.approx(asides)
    if any(asides):
        small = number_line.swarm(np.array(places, float), 1, 0.5)
        assert small == pytest.approx(0.5 * np.array(asides) / np.abs(asides).max())


@pytest.mark.parametrize(
    ("values", "others", "ends", "words"),
    [
        ([[0, 1]], [], (-0.05, 1.05), ""),
        ([[0.5], []], [[0.0], [1.0, np.nan]], (-0.05, 1.05), ""),
        ([[2, 2]], [], (1.9, 2.1), ""),
        ([[0, 0]], [], (-0.05, 0.05), ""),
        ([[np.inf]], [], (-0.05, 1.05), ""),
        ([[1], [3]], [], (0.9, 3.1), ""),
        ([[1], [20]], [], (10**-0.06505, 20 * 10**0.06505), " (log scale)"),
        ([[1], [10]], [], (0.55, 10.45), ""),
        ([[1], [0, 10]], [], (-0.5, 10.5), ""),
        ([[1], [1]], [[9]], (0.6, 9.4), ""),
    ],
)
def test_the_axis_holds_all_numbers_and_is_logarithmic_where_means_are_far_apart(values, others, ends, words):
    axis = Figure().add_subplot()
    values, others = ([[float(number) for number in group] for group in part] for part in (values, others))
    said, along = number_line.number_line(axis, values, others, share=False)
    assert (axis.get_xlim(), said) == (pytest.approx(ends, rel=1e-3), words)
    middle = (ends[0] * ends[1]) ** 0.5 if words else sum(ends) / 2
    assert [float(along(x)) for x in (*ends, middle)] == pytest.approx([0, 1, 0.5], abs=1e-3)


def test_ticks_stand_at_numbers_that_are_easily_added():
    for span in np.geomspace(0.01, 100, 40):
        axis = Figure().add_subplot()
        number_line.number_line(axis, [[0.0, span]], [], share=False)
        step = f"{np.diff(axis.get_xticks())[0]:.3e}"
        assert step[:5] in ("1.000", "2.000", "5.000")


@pytest.mark.parametrize(
    ("sizes", "linear"),
    [
        ([], 0),
        ([0, np.nan], 0),
        ([1, 1, 8], 0),
        ([1, 1, 8.1], 1),
        ([0.3, 0.3, 30], 0.5),
        ([0.6, 0.6, 60], 1),
        ([1.5, 1.5, 90], 2),
        ([2, 2, 90, 0, 0, 0, np.nan], 2),
        ([40, 60, 900], 100),
    ],
)
def test_most_differences_lie_in_the_linear_part_of_their_axis(sizes, linear):
    assert figures_seeds._linear_part(sizes) == pytest.approx(linear)


def interval(figure):
    (line,) = [line for line in figure.axes[0].lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 2]
    return list(line.get_xdata())


def test_mean_and_interval_are_shown():
    figure = figures_seeds.draw_seeds(
        {"wide": [0.1, 0.2, 0.3]}, metric="loss", share=False, claims={}, differences=None, intervals={"wide": (0, 0.5)}
    )
    assert interval(figure) == [0, 0.5]
    assert [line.get_xdata() for line in drawn(figure.axes[0], "|")] == [pytest.approx([0.2])]


def test_a_mean_without_interval_promises_none():
    figure = figures_seeds.draw_seeds({"wide": [0.9]}, metric="accuracy", share=True, claims={}, differences=None)
    assert legend_texts(figure) == ["one seed", "mean"]


@pytest.mark.parametrize(
    ("values", "share", "scale"),
    [
        ({"a": [2.6, 2.7], "b": [89, 90]}, False, "log"),
        ({"a": [2.6, 2.7], "b": [8, 9]}, False, "linear"),
        ({"a": [0.0, 2.7], "b": [89, 90]}, False, "linear"),
        ({"a": [0.001, 0.002], "b": [0.89, 0.9]}, True, "linear"),
    ],
)
def test_a_variant_far_from_the_others_does_not_flatten_them_but_shares_stay_linear(values, share, scale):
    axis = figures_seeds.draw_seeds(values, metric="error", share=share, claims={}, differences=None).axes[0]
    assert axis.get_xscale() == scale
    assert ("log" in axis.get_xlabel()) == (scale == "log")
    if share:
        assert axis.xaxis.get_major_formatter()(0.026) == "2.6 %"


@pytest.mark.parametrize("value", [1.0, 0.0])
def test_an_axis_of_shares_has_no_tick_beyond_what_is_possible(value):
    axis = figures_seeds.draw_seeds({"a": [value] * 5}, metric="x", share=True, claims={}, differences=None).axes[0]
    assert all(0 <= tick <= 1 for tick in axis.get_xticks())
    assert axis.get_xlim()[0] < value < axis.get_xlim()[1], "points at the end are not cut"


@pytest.mark.parametrize(("factor", "power"), [(1e-8, " (× 10⁻⁸)"), (1e7, " (× 10⁷)"), (1.0, "")])
def test_numbers_of_any_size_have_short_ticks(factor, power):
    values = {"a": [1.2 * factor, 1.5 * factor], "b": [2.0 * factor]}
    axis = figures_seeds.draw_seeds(values, metric="error", share=False, claims={}, differences=None).axes[0]
    axis.figure.draw_without_rendering()
    assert axis.get_xlabel() == f"error{power}"
    ticks = [tick.get_text() for tick in axis.get_xticklabels()]
    assert "1.4" in ticks
    assert all(len(tick) <= 4 for tick in ticks)
    assert not axis.xaxis.get_offset_text().get_text()


def test_plain_values_are_not_shown_in_per_cent():
    axis = figures_seeds.draw_seeds({"a": [1.0, 2.0]}, metric="sum", share=False, claims={}, differences=None).axes[0]
    axis.figure.draw_without_rendering()
    assert not any("%" in tick.get_text() for tick in axis.get_xticklabels())


def test_a_seed_without_a_number_is_counted_and_no_mean_is_made_up():
    values = {"wide": [1.0, 2.0, np.inf], "deep": [1.0, 2.0, 3.0], "lost": [np.nan] * 3}
    figure = figures_seeds.draw_seeds(values, metric="sum", share=False, claims={}, differences=None)
    figure.draw_without_rendering()
    said = [text.get_text() for text in figure.axes[0].texts]
    assert said == ["1 of 3\nnot finite", "3 of 3\nnot finite"]
    means = [line.get_xdata()[0] for line in drawn(figure.axes[0], "|")]
    assert means == pytest.approx([np.nan, 2, np.nan], nan_ok=True)


def test_seeds_that_all_agree_are_shown():
    figures_seeds.draw_seeds({"a": [0.0] * 5, "b": [0.0]}, metric="x", share=True, claims={}, differences=None)
    figures_seeds.draw_seeds(
        {"a": [1.0] * 5}, metric="x", share=True, claims={}, differences=None
    ).draw_without_rendering()


# ---- Published numbers -----------------------------------------------------------------------------------------------


def test_published_numbers_and_ranges_stand_in_the_row_of_their_variant():
    figure = seeds(["wide", "deep"], {"wide": [("value", (0.0293,))], "deep": [("between", (0.025, 0.035))]})
    axis, rows = figure.axes[0], figure.axes[0].get_yticks()
    (number,) = drawn(axis, "D")
    (span,) = [line for line in axis.lines if line.get_linewidth() == 3]
    assert list(number.get_xdata()) == [0.0293]
    assert list(span.get_xdata()) == [0.025, 0.035]
    half = (rows[1] - rows[0]) / 2
    assert abs(number.get_ydata()[0] - rows[0]) < half
    assert abs(span.get_ydata()[0] - rows[1]) < half
    assert legend_texts(figure) == ["one seed", "mean, 95 % interval", "published", "published range"]


def test_no_published_number_of_a_variant_is_hidden_by_another():
    numbers, ranges = [0.0293, 0.031, 0.0293], [(0.028, 0.033), (0.026, 0.033)]
    claims = {"wide": [*(("value", (number,)) for number in numbers), *(("between", ends) for ends in ranges)]}
    claims["deep"] = [("value", (0.03,))]
    axis = seeds(["wide", "deep"], claims).axes[0]
    rows = axis.get_yticks()
    half = (rows[1] - rows[0]) / 2
    diamonds = [line for line in drawn(axis, "D") if line.get_ydata()[0] < rows[0] + half]
    bars = [line for line in axis.lines if line.get_linewidth() == 3]
    assert [list(line.get_xdata()) for line in diamonds] == [[0.0293], [0.031]]
    assert [list(line.get_xdata()) for line in bars] == [[0.028, 0.033], [0.026, 0.033]]
    heights = sorted({line.get_ydata()[0] for line in (*diamonds, *bars)})
    assert len(heights) == 3, "marks lie on each other"
    assert np.diff(heights).min() > 0.08
    assert heights[-1] < rows[0] + half - 0.03


@pytest.mark.parametrize(
    ("kind", "said"),
    [("value", "published"), ("at_most", "at most"), ("at_least", "at least"), ("as_low_as", "as low as")],
)
def test_each_kind_of_published_number_has_a_mark_of_its_own(kind, said):
    figure = seeds(["wide", "deep"], {"wide": [(kind, (0.0293,))]})
    (mark,) = [line for line in figure.axes[0].lines if list(line.get_xdata()) == [0.0293]]
    assert mark.get_marker() == figures_seeds.MARKS[kind][0]["marker"]
    assert legend_texts(figure)[2:] == [said]
    assert len({look.get("marker") for look, _ in figures_seeds.MARKS.values()}) == len(figures_seeds.MARKS)


def test_labels_that_differ_only_at_their_end_stay_apart():
    long = "Three layers of 784, dropout 0.2 after the third, SGD with learning rate 0.01, momentum 0."
    figure = seeds([f"{long}{i}" for i in range(5)], {})
    for axis in figure.axes:
        names = [tick.get_text() for tick in axis.get_yticklabels()]
        assert len(set(names)) == len(names)
    assert [name[-3:] for name in (tick.get_text() for tick in figure.axes[0].get_yticklabels())] == [
        "0.0", "0.1", "0.2", "0.3", "0.4",
    ]  # fmt: skip


def test_nothing_is_called_published_where_nothing_is():
    assert legend_texts(seeds(["wide"], {})) == ["one seed", "mean, 95 % interval"]


# ---- Seeds that diverged ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claims", [{}, {"wide": [("value", (0.03,)), ("between", (0.02, 0.04))]}])
@pytest.mark.parametrize("pairs", [None, differences(("deep", "wide", 0.01, 0.005, 0.015, 5))])
def test_seeds_that_diverged_are_counted_outside_the_axis(claims, pairs):
    values = {"wide": errors(seeds=3), "deep": errors(), "lost": []}
    lost = {"wide": 2, "deep": 0, "lost": 5}
    figure = figures_seeds.draw_seeds(
        values, metric="error", share=True, claims=claims, differences=pairs, diverged=lost
    )  # fmt: skip
    axis = figure.axes[0]
    assert [text.get_text() for text in axis.texts] == ["2 of 5\ndiverged", "5 of 5\ndiverged"]
    rows = axis.get_yticks()
    assert [text.get_position()[1] for text in axis.texts] == pytest.approx([rows[0], rows[2]])
    figure.draw_without_rendering()
    crosses = drawn(axis, "x")
    assert len(crosses) == 2
    for mark in (*crosses, *axis.texts):
        assert mark.get_window_extent().x0 > axis.bbox.x1, "takes a place where values are"
    assert legend_texts(figure)[-1] == "left out"
    means = [line.get_xdata()[0] for line in drawn(axis, "|")]
    assert means == pytest.approx([np.mean(values["wide"]), np.mean(values["deep"]), np.nan], nan_ok=True)
    assert_readable(figure)


def test_without_seeds_that_diverged_a_figure_is_the_same_bytes_as_without_the_question(tmp_path):
    made = [
        figures_seeds.draw_seeds(
            {"a": errors()}, metric="error", share=True, claims={}, differences=None, diverged=lost
        )
        for lost in (None, {"a": 0})
    ]
    assert saved(made[0], tmp_path) == saved(made[1], tmp_path)


# ---- Differences -----------------------------------------------------------------------------------------------------


def test_differences_that_leave_out_zero_are_filled():
    table = differences(("b", "a", 0.01, 0.005, 0.015, 5), ("c", "b", -0.001, -0.004, 0.002, 5))
    figure = figures_seeds.draw_seeds(
        {name: errors() for name in "abc"}, metric="error", share=True, claims={}, differences=table
    )
    assert len(figure.axes) == 2
    beside = figure.axes[1]
    assert [tick.get_text() for tick in beside.get_yticklabels()] == ["b − a", "c − b"]
    marks = drawn(beside, "o")
    assert [mark.get_xdata()[0] for mark in marks] == pytest.approx([1, -0.1])
    assert [mark.get_markerfacecolor() == "white" for mark in marks] == [False, True]
    assert [list(line.get_xdata()) for line in drawn(beside, "|")] == [
        pytest.approx([0.5, 1.5]),
        pytest.approx([-0.4, 0.2]),
    ]
    assert "percentage points" in beside.get_xlabel()


def test_one_large_difference_does_not_hide_the_small_ones():
    table = differences(
        ("b", "a", 0.001, -0.002, 0.004, 5), ("c", "b", 0.002, 0.001, 0.003, 5), ("d", "c", 0.06, 0.058, 0.062, 5)
    )
    figure = figures_seeds.draw_seeds(
        {name: errors() for name in "abcd"}, metric="error", share=True, claims={}, differences=table
    )
    assert "log scale beyond ±0.5" in figure.axes[1].get_xlabel()
    figure.draw_without_rendering()
    (small,) = [line for line in drawn(figure.axes[1], "|") if line.get_xdata()[1] == pytest.approx(0.4)]
    ends = figure.axes[1].transData.transform(small.get_xydata())[:, 0]
    assert ends[1] - ends[0] > figure.axes[1].bbox.width / 10


LONG = ["1 layer", "2 layers", "3 layers", "3 + dropout", "3 + dropout, SGD", "3 + dropout, SGD, 20 epochs", "accurate"]


def test_all_pairs_of_seven_variants_fit_on_a_page_and_more_are_left_to_the_table():
    def drawn_pairs(names):
        pairs = differences(*((b, a, 0.002, -0.001, 0.005, 5) for a, b in combinations(names, 2)))
        values = {name: errors(i) for i, name in enumerate(names)}
        return figures_seeds.draw_seeds(values, metric="error", share=True, claims={}, differences=pairs)

    figure = drawn_pairs(LONG)
    assert len(figure.axes[1].get_yticklabels()) == 21
    assert figure.get_figheight() < 8
    assert_readable(figure)
    assert len(drawn_pairs([*LONG, "one more"]).axes) == 1


@pytest.mark.parametrize("none", [None, differences()])
def test_without_differences_there_is_one_panel(none):
    figure = figures_seeds.draw_seeds({"a": errors()}, metric="error", share=True, claims={}, differences=none)
    assert len(figure.axes) == 1
    assert figure.get_figwidth() == 3.5


def test_differences_of_a_single_seed_are_shown_without_interval():
    table = differences(("b", "a", 0.01, np.nan, np.nan, 1))
    figures_seeds.draw_seeds(
        {"a": [0.1], "b": [0.11]}, metric="x", share=True, claims={}, differences=table
    ).draw_without_rendering()
