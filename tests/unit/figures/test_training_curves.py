"""The training curves show the measured values, also for seeds that stopped early or diverged.

That they can be printed, test_print.py sees to.
"""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from unit.drawings import ALL, RED, diverging, drawn, history, legend_texts

from calotype.figures import base, training_curves

pytestmark = pytest.mark.usefixtures("style", "closed")


def test_training_curves_show_the_mean_over_seeds_and_the_range_they_span():
    (axis,) = training_curves.draw_training_curves({"wide": history()}).axes
    (mean,) = axis.lines
    assert mean.get_ydata().tolist() == pytest.approx([2, 1, 2 / 3, 0.5])
    (band,) = axis.collections
    corners = band.get_paths()[0].vertices
    assert {(1, 1), (1, 3), (4, 0.25), (4, 0.75)} <= {(float(x), float(y)) for x, y in corners}
    assert axis.get_yscale() == "log"


def test_curves_do_not_jump_where_one_seed_stops_early():
    losses = history(metrics=("loss", "val_loss"))
    losses = losses[(losses.seed > 0) | (losses.epoch < 3)]  # seed 0 stops after two epochs
    (axis,) = training_curves.draw_training_curves({"wide": losses}).axes
    assert [line.get_xdata().tolist() for line in axis.lines] == [[1, 2]] * 2
    assert axis.lines[0].get_ydata().tolist() == pytest.approx([2, 1])
    assert max(x for x, _ in axis.collections[0].get_paths()[0].vertices) == 2


def test_a_seed_that_diverged_does_not_cut_the_curves_of_the_others():
    losses = history()
    losses = losses[(losses.seed > 0) | (losses.epoch < 3)]
    losses.loc[(losses.seed == 0) & (losses.epoch == 2), "value"] = np.nan
    (axis,) = training_curves.draw_training_curves({"wide": losses}).axes
    assert axis.lines[0].get_xdata().tolist() == [1, 2, 3, 4]
    assert axis.lines[0].get_ydata().tolist() == pytest.approx([2.5, 1.25, 2.5 / 3, 0.625])


def test_validation_can_be_told_from_training_without_colour():
    loss, accuracy = training_curves.draw_training_curves({"wide": history(metrics=ALL)}).axes
    assert [line.get_linestyle() for line in loss.lines] == ["-", "--"]
    assert [line.get_linestyle() for line in accuracy.lines] == ["-", "--"]
    assert accuracy.yaxis.get_major_formatter()(0.975) == "97.5 %"


@pytest.mark.parametrize(
    ("count", "metrics", "entries"),
    [
        (1, ("loss",), ["training"]),
        (3, ("loss",), ["training", "range over seeds"]),
        (1, ALL, ["training", "validation"]),
        (3, ALL, ["training", "validation", "range over seeds"]),
    ],
)
def test_the_legend_names_what_is_drawn_and_no_more(count, metrics, entries):
    figure = training_curves.draw_training_curves({"wide": history(count, metrics=metrics)})
    assert legend_texts(figure) == entries
    assert bool(figure.axes[0].collections) == (count > 1)


def test_a_variant_without_accuracy_has_no_empty_panel():
    figure = training_curves.draw_training_curves(
        {"scikit-learn": history(), "wide": history(metrics=("loss", "accuracy"))}
    )
    assert [axis.get_ylabel() for axis in figure.axes] == ["loss", "", "accuracy"]
    assert figure.axes[2].get_position().x0 == figure.axes[1].get_position().x0
    assert figure.axes[2].yaxis.get_tick_params()["labelleft"]


def test_accuracies_have_one_scale_and_every_variant_its_own_epochs():
    histories = {"short": history(epochs=2, metrics=ALL), "long": history(epochs=50, metrics=ALL)}
    _, short, _, long = training_curves.draw_training_curves(histories).axes
    assert short.get_ylim() == long.get_ylim()
    assert short.get_xlim()[1] < 3 < 50 < long.get_xlim()[1]
    assert all(tick == int(tick) for tick in short.get_xticks())


def test_a_single_epoch_is_a_point_that_can_be_seen():
    for count in (1, 3):
        (axis,) = training_curves.draw_training_curves({"wide": history(count, epochs=1)}).axes
        assert axis.lines[0].get_marker() == "o"


@pytest.mark.parametrize("lost", [np.nan, np.inf])
@pytest.mark.parametrize("epochs", [{0: 3}, {0: 3, 2: 1}, {0: 3, 1: 2, 2: 4}, {}])
def test_seeds_that_diverged_end_with_a_cross_and_are_no_part_of_the_mean(epochs, lost):
    figure = training_curves.draw_training_curves({"wide": diverging(epochs, lost)})
    (axis,) = figure.axes
    assert [text.get_text() for text in axis.texts] == ([f"{len(epochs)} of 3 seeds diverged"] if epochs else [])
    assert ("diverged" in legend_texts(figure)) == bool(epochs)
    ends = [line.get_xdata().tolist() for line in drawn(axis, "x")]
    assert ends == ([list(epochs.values())] if epochs else [])
    thin = [line for line in axis.lines if line.get_linewidth() == 0.7]
    assert [line.get_xdata().tolist() for line in thin] == [list(range(1, epoch)) for epoch in epochs.values()]
    means = [line for line in axis.lines if to_hex(line.get_color()) != RED]
    assert [line.get_xdata().tolist() for line in means] == [[1, 2, 3, 4]] * (len(epochs) < 3)
    kept = [seed for seed in range(3) if seed not in epochs]
    assert not kept or means[0].get_ydata()[0] == pytest.approx(np.mean([1 + seed for seed in kept]))


def test_a_loss_on_its_way_to_infinity_does_not_flatten_the_others():
    losses = diverging({0: 3})
    losses.loc[(losses.seed == 0) & (losses.epoch == 2), "value"] = 1e30
    scales = [
        training_curves.draw_training_curves({"wide": table}).axes[0].get_ylim()
        for table in (losses, losses[losses.seed > 0])
    ]
    assert scales[0] == scales[1]


def test_a_variant_that_diverged_in_its_first_epoch_shows_no_numbers_that_were_none():
    (axis,) = training_curves.draw_training_curves({"wide": diverging({0: 1, 1: 1, 2: 1})}).axes
    axis.figure.draw_without_rendering()
    assert [tick.get_text() for tick in axis.get_yticklabels()] == []
    assert [text.get_text() for text in axis.texts] == ["3 of 3 seeds diverged"]


@pytest.mark.filterwarnings("error")
def test_a_loss_that_reaches_zero_is_shown():
    losses = history()
    losses.loc[losses.epoch == 4, "value"] = 0.0
    training_curves.draw_training_curves({"wide": losses}).draw_without_rendering()
    training_curves.draw_training_curves({"wide": losses.assign(value=0.0)}).draw_without_rendering()


@pytest.mark.parametrize(("low", "high"), [(0.30, 0.34), (0.2, 0.5), (0.03, 0.5), (0.002, 2), (1e-6, 3), (1500, 90000)])
def test_a_log_axis_of_any_range_has_ticks_to_read_it_by(low, high):
    losses = history(seeds=1).assign(value=np.geomspace(high, low, 4))
    (axis,) = training_curves.draw_training_curves({"wide": losses}).axes
    ticks = [tick for tick in axis.get_yticks() if axis.get_ylim()[0] <= tick <= axis.get_ylim()[1]]
    assert 2 <= len(ticks) <= 8


def scaled(factor, **options):
    """Return a history with other losses."""
    losses = history(**options)
    losses.loc[losses.metric.str.endswith("loss"), "value"] *= factor
    return losses


@pytest.mark.parametrize(
    ("factors", "shared"),
    [((1, 1), True), ((1, 1.5, 3), True), ((1, 1e6), False), ((1e-9, 1e-9), True), ((1e-9, 1), False)],
)
def test_losses_share_an_axis_where_none_is_flattened(factors, shared):
    figure = training_curves.draw_training_curves({f"v{i}": scaled(factor) for i, factor in enumerate(factors)})
    limits = {axis.get_ylim() for axis in figure.axes}
    assert (len(limits) == 1) == shared
    labelled = [axis.yaxis.get_tick_params()["labelleft"] for axis in figure.axes]
    assert labelled == [True] + [not shared] * (len(factors) - 1)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_losses_of_any_size_have_short_ticks_and_their_power_of_ten_beside_the_axis(factor):
    (axis,) = training_curves.draw_training_curves({"wide": scaled(factor)}).axes
    axis.figure.draw_without_rendering()
    assert "× 10" in axis.get_ylabel()
    assert all(len(tick.get_text()) <= 4 for tick in axis.get_yticklabels())


def test_the_chosen_epoch_of_each_seed_is_marked_in_the_panel_of_the_monitored_score():
    metrics = (*ALL, "auc", "val_auc")
    histories = {"wide": history(metrics=metrics), "deep": history(metrics=ALL)}
    figure = training_curves.draw_training_curves(
        histories, {"wide": ("val_auc", [2, 3, 3]), "deep": ("val_loss", [4])}
    )
    assert [axis.get_ylabel() for axis in figure.axes] == ["loss", "accuracy", "auc", "", ""]
    marks = [[line.get_xdata().tolist() for line in drawn(axis, "^")] for axis in figure.axes]
    assert marks == [[], [], [[2, 3, 3]], [[4]], []]
    assert "chosen epoch" in legend_texts(figure)
    one = training_curves.draw_training_curves({"wide": histories["wide"]}, {"wide": ("val_auc", [2])})
    assert "epoch chosen by val_auc" in legend_texts(one)


def test_without_a_choice_nothing_is_called_chosen():
    figure = training_curves.draw_training_curves({"wide": history()}, {"wide": ("val_loss", [])})
    assert not any("chosen" in text for text in legend_texts(figure))


@pytest.mark.parametrize("count", [1, 9, 20, 24])
def test_a_figure_of_many_variants_is_at_most_a_page_high(count):
    figure = training_curves.draw_training_curves({f"variant {i}": history(metrics=ALL) for i in range(count)})
    assert figure.get_figheight() <= base.TALLEST
    assert min(axis.get_position().height for axis in figure.axes) * figure.get_figheight() > 0.34


def test_the_band_of_fifty_seeds_leaves_out_the_farthest():
    losses = history(seeds=50)
    losses["value"] = 1.0 + 0.01 * losses.seed
    losses.loc[losses.seed == 0, "value"] = 100.0
    figure = training_curves.draw_training_curves({"wide": losses})
    assert figure.axes[0].collections[0].get_paths()[0].vertices[:, 1].max() < 2
    assert "80 % of the seeds" in legend_texts(figure)
