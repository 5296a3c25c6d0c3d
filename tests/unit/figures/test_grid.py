"""Figures of a grid fit on a page, show what the tables say, and mark the best only by validation images."""

import itertools
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from unit.drawings import RED, assert_readable
from unit.grids import grids

from calotype.evaluation.grid_tables import EFFECTS
from calotype.evaluation.grid_view import GridView
from calotype.figures import base
from calotype.figures import grid_pairs as pairs
from calotype.figures.base import double
from calotype.figures.grid_effects import draw_grid_effects
from calotype.figures.grid_pairs import draw_grid_pairs

pytestmark = pytest.mark.usefixtures("style", "closed")
UNITS = [[8], [15], [32], [64], [15, 15], [32, 32], [64, 64], [128], [128, 64], [256]]
RATES = [0.0003, 0.001, 0.003, 0.01, 0.03]
SMALL = {"model_arguments.units": UNITS[:2], "optimizer.learning_rate": RATES[:3]}
SWEEP = {"model_arguments.units": UNITS, "optimizer.name": ["adam", "rmsprop"], "optimizer.learning_rate": RATES}
WORDS = {
    "loss": ["categorical_crossentropy", "sparse_categorical_crossentropy", "kl_divergence"],
    "model": ["models/with/a/long/path/of_mine.py:small", "models/with/a/long/path/of_mine.py:large"],
    "augment": [[], ["flip"], ["shift", "flip"]],
    "epochs": [5, 10],
    "batch_size": [16, 32],
}
MANY = {"batch_size": list(range(1, 31)), "epochs": list(range(1, 11))}
PAGE = 9.0  # inches


def made(place):
    return float(np.clip(0.4 + 0.05 * sum(place) - 0.02 * place[-1] ** 2, 0.05, 0.95))


def view(grid, held_out=True, gone=()):
    """Return a grid whose scores are `made`, without the combinations in `gone`, all of whose runs diverged."""
    ((name, found),) = grids(grid).items()
    levels = [setting["values"] for setting in found["settings"].values()]
    places = list(itertools.product(*(range(len(values)) for values in levels)))
    score, split = ("val_accuracy", "validation") if held_out else ("accuracy", "test")
    scores = [np.nan if place in gone else made(place) for place in places]
    combinations = pd.DataFrame({"variant": [*found["variants"]], score: scores})
    rows = []
    for i, key in enumerate(found["settings"]):
        for j, level in enumerate(levels[i]):
            own = [value for place, value in zip(places, scores, strict=True) if place[i] == j]
            kept = [value for value in own if np.isfinite(value)]
            mean = float(np.mean(kept)) if kept else np.nan
            lost = 2 * (len(own) - len(kept))
            rows.append(("sweep", name, key, level, split, score, mean, mean - 0.02, mean + 0.02, 2, len(kept), lost))
    names = [setting["name"] for setting in found["settings"].values()]
    effects = pd.DataFrame(rows, columns=EFFECTS)
    reason, more = ("", True) if held_out else ("no variant holds out validation images", None)
    keys = [*found["settings"]]
    return GridView(name, keys, names, levels, found["variants"], reason, split, score, more, combinations, effects)


def frames(figure):
    patches = [patch for axis in figure.axes for patch in axis.patches if isinstance(patch, Rectangle)]
    return [patch for patch in patches if not patch.get_fill()]


@pytest.mark.parametrize(
    "grid", [SMALL, SWEEP, WORDS, MANY, {"epochs": [1, 2]}], ids=["small", "sweep", "words", "many", "one"]
)
def test_a_grid_of_any_size_fits_on_a_page_and_its_words_can_be_read(grid):
    found = view(grid)
    for figure in [draw_grid_effects([found]), *([draw_grid_pairs(found)] if len(grid) > 1 else [])]:
        assert figure.get_figheight() <= PAGE
        assert figure.get_figwidth() <= double()
        assert_readable(figure)


def test_heat_maps_on_a_narrow_page_have_fewer_side_by_side(root):
    base.use_style(root / "workflow/report/calotype.mplstyle", base.Page(single=3.3, double=4.8))
    for grid in (SWEEP, WORDS):
        figure = draw_grid_pairs(view(grid))
        assert figure.get_figwidth() <= double()
        assert_readable(figure)
    base.use_style(root / "workflow/report/calotype.mplstyle")


def test_cells_are_means_over_all_other_settings():
    cells = pairs.pair_means(view(SWEEP), 0, 2)
    expected = [[np.mean([made((i, j, k)) for j in (0, 1)]) for k in range(5)] for i in range(10)]
    assert cells == pytest.approx(np.array(expected))


def test_the_best_cell_is_framed_by_validation_images_and_never_by_test_images():
    assert len(frames(draw_grid_pairs(view(SWEEP)))) == 3
    figure = draw_grid_pairs(view(SWEEP, held_out=False))
    assert frames(figure) == []
    assert "mean accuracy on test images" in [text.get_text() for text in figure.texts]


def test_diverged_runs_are_marked_in_both_figures():
    found = view(SMALL, gone=[(0, 2)])
    for figure, crosses in ((draw_grid_effects([found]), 2), (draw_grid_pairs(found), 1)):
        drawn = [line for axis in figure.axes for line in axis.lines if line.get_marker() == "x"]
        assert {matplotlib.colors.to_hex(line.get_color()) for line in drawn} == {RED}
        assert sum(np.size(line.get_xdata()) for line in drawn) == crosses


def test_values_that_differ_only_at_their_end_stay_apart():
    found = view(WORDS)
    for figure in (draw_grid_effects([found]), draw_grid_pairs(found)):
        for axis in figure.axes:
            for ticks in (axis.get_xticklabels(), axis.get_yticklabels()):
                names = [tick.get_text() for tick in ticks if tick.get_text()]
                assert len(set(names)) == len(names)


@pytest.mark.parametrize(("factor", "power"), [(1e-8, " (× 10⁻⁹)"), (1e7, " (× 10⁶)"), (1.0, "")])
def test_losses_of_any_size_have_short_ticks_and_their_power_of_ten_beside_the_axis(factor, power):
    found = view(SMALL)
    combinations = found.combinations.rename(columns={"val_accuracy": "val_loss"})
    combinations["val_loss"] *= factor
    effects = found.effects.assign(metric="val_loss")
    effects[["mean", "low", "high"]] *= factor
    axis = draw_grid_effects([replace(found, score="val_loss", combinations=combinations, effects=effects)]).axes[0]
    axis.figure.draw_without_rendering()
    assert axis.get_ylabel() == f"validation loss{power}"
    assert all(len(tick.get_text()) <= 4 for tick in axis.get_yticklabels())
    assert not axis.yaxis.get_offset_text().get_text()


@pytest.mark.parametrize(
    ("factor", "steps", "power"),
    [(1e-8, 1, " (× 10⁻⁹)"), (1e7, 1, " (× 10⁶)"), (1.0, 30, " (× 10⁻¹⁰, log\nscale)"), (1.0, 1, "")],
)
def test_heat_maps_of_losses_of_any_size_tell_their_cells_apart(factor, steps, power):
    """Tiny losses would be 0.0000 in each cell; a wide range of losses has a logarithmic scale."""
    found = view(SMALL)
    combinations = found.combinations.rename(columns={"val_accuracy": "val_loss"})
    combinations["val_loss"] = factor * combinations.val_loss**steps
    figure = draw_grid_pairs(replace(found, score="val_loss", combinations=combinations, more=False))
    cells = [text.get_text() for text in figure.axes[0].texts]
    assert len(set(cells)) == len(set(combinations.val_loss.round(20))) == 6, cells
    assert all(len(cell) <= 6 for cell in cells)
    figure.draw_without_rendering()
    assert [text.get_text() for text in figure.texts] == [f"mean validation loss{power}"]
    for axis in figure.axes:
        assert not axis.xaxis.get_offset_text().get_text()
        assert all(len(tick.get_text()) <= 4 for tick in axis.get_xticklabels() if axis is figure.axes[-1])
    assert_readable(figure)


def test_a_grid_without_any_value_says_so():
    found = view(SMALL, gone=[*np.ndindex(2, 3)])
    assert_readable(draw_grid_effects([found]))
    assert any("All runs diverged" in text.get_text() for text in draw_grid_pairs(found).findobj(Text))


def test_of_many_pairs_those_that_differ_most_are_shown():
    found = view(WORDS)
    every, few = pairs.shown_pairs(found, 12), pairs.shown_pairs(found, 3)
    assert (len(every), len(few)) == (10, 3)
    reach = {pair: float(np.ptp(pairs.pair_means(found, *pair))) for pair in every}
    assert min(reach[pair] for pair in few) >= max(reach[pair] for pair in every if pair not in few)
