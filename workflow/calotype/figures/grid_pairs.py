"""The figure of heat maps over pairs of settings of a grid."""

import itertools
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from calotype.evaluation.grid_view import GridView, grid_views
from calotype.evaluation.study_results import StudyResults
from calotype.figures.base import INK, PAPER, WRONG, double, shorten, shorten_all, single, tallest, text_width, wrap
from calotype.figures.grid_effects import far_apart, level_ticks
from calotype.figures.image_page import notice
from calotype.figures.panels import empty_figure, percent_ticks, place, shared_exponent, tick_text
from calotype.util.powers import power_of_ten

ACROSS, MOST = 3, 12  # panels side by side, and in all: at most a page
NARROWEST = 0.9  # inches of a panel
EDGE, HEAD, GAP = 0.08, 0.48, 0.14  # inches
ROOM = 0.75  # inches of a row's name


def pair_means(view: GridView, down: int, across: int) -> NDArray[np.float64]:
    """Return the mean score over all combinations with two values, shape (values of one, values of the other).

    NaN where all runs diverged.
    """
    means = view.scores(down, across).groupby([0, 1]).score.mean().unstack()
    return means.reindex(index=view.levels[down], columns=view.levels[across]).to_numpy(float)


def shown_pairs(view: GridView, most: int) -> list[tuple[int, int]]:
    """Return the pairs of settings to show, the one with more values first; of many pairs, those that differ most."""
    pairs = [
        (a, b) if len(view.levels[a]) >= len(view.levels[b]) else (b, a)
        for a, b in itertools.combinations(range(len(view.keys)), 2)
    ]
    if len(pairs) <= most:
        return pairs
    spread = {pair: float(np.ptp(found[np.isfinite(found)])) for pair in pairs for found in [pair_means(view, *pair)]}
    kept = sorted(pairs, key=lambda pair: -spread[pair])[:most]
    return [pair for pair in pairs if pair in kept]


def _decimals(values: NDArray[np.float64]) -> int:
    """Return the decimals that tell values apart: their range has about two digits."""
    reach = float(np.ptp(values)) if len(values) else 0.0
    return int(np.clip(np.floor(2.5 - np.log10(reach)), 0, 4)) if reach > 0 else 1


def _cell_texts(means: NDArray[np.float64], norm: Normalize, digits: int) -> list[list[str]]:
    """Return the number of each cell: with some decimals or, on a logarithmic scale, with two digits."""
    if isinstance(norm, LogNorm):
        return [[tick_text(float(f"{value:.2g}")) if value == value else "" for value in row] for row in means]
    return [[f"{value:.{digits}f}" for value in row] for row in means]


def _draw_pair(
    axis: Axes, means: NDArray[np.float64], norm: Normalize, numbers: list[list[str]], cell: tuple[float, float]
) -> None:
    """Plot a heat map with its numbers, if they fit into cells of `cell` inches."""
    shades = matplotlib.colormaps["Blues"]
    axis.pcolormesh(np.ma.masked_invalid(means), cmap=shades, norm=norm, edgecolor=PAPER, linewidth=0.5)
    finite = means[np.isfinite(means)]
    longest = max((text_width(text, 6) for row, own in zip(numbers, means, strict=True)
                   for text, value in zip(row, own, strict=True) if np.isfinite(value)), default=0)  # fmt: skip
    fits = len(finite) and longest <= cell[0] - 0.03 and cell[1] >= 0.1
    for (row, column), value in np.ndenumerate(means):
        middle = column + 0.5, row + 0.5
        if not np.isfinite(value):
            axis.plot(*middle, "x", color=WRONG, markersize=3.5)
        elif fits:
            axis.text(*middle, numbers[row][column], ha="center", va="center_baseline", fontsize=6,
                      color=PAPER if norm(value) > 0.6 else INK)  # fmt: skip
    axis.set(xlim=(0, means.shape[1]), ylim=(means.shape[0], 0))
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)


def _frame(axis: Axes, means: NDArray[np.float64], more: bool | None) -> None:
    """Frame the best cell, if validation images tell which it is."""
    if more is not None and np.isfinite(means).any():
        row, column = np.unravel_index(np.nanargmax(means) if more else np.nanargmin(means), means.shape)
        axis.add_patch(
            Rectangle((float(column), float(row)), 1, 1, fill=False, edgecolor="C1", linewidth=1.5, clip_on=False)
        )


def _draw_scale(figure: Figure, norm: Normalize, view: GridView, name: str) -> None:
    """Add the scale of all panels in the upper right corner, and its name to the left."""
    width, height = figure.get_size_inches()
    long = 1.1 if width == single() else 2.1
    bar = place(figure, width - EDGE - long - 0.1, 0.08, long, 0.09)
    scale = figure.colorbar(matplotlib.cm.ScalarMappable(norm, "Blues"), cax=bar, orientation="horizontal")
    scale.outline.set_linewidth(0.4)
    if view.share:
        percent_ticks(scale.ax.xaxis)
    else:
        scale.ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: tick_text(float(f"{x:.6g}"))))
    if not isinstance(norm, LogNorm):
        scale.ax.xaxis.set_major_locator(MaxNLocator(3 if width == single() else 5))
    room = width - EDGE - long - 0.25
    words = wrap(name, room - 0.1, 8, 2)
    middle = 0.14 if "\n" in words else 0.125
    figure.text(room / width, 1 - middle / height, words, ha="right", va="center", parse_math=False)


def draw_grid_pairs(view: GridView, several: bool = False, most: int = MOST) -> Figure:
    """Plot a heat map of mean scores for each pair of settings: the mean over all values of the other settings.

    All panels share one scale. A frame marks the best cell of each panel if the scores are of validation images.

    Args:
        several: whether the study has several grids, so that this one is named.
        most: pairs of settings.
    """
    pairs = shown_pairs(view, most)
    maps = [pair_means(view, *pair) for pair in pairs]
    finite = np.concatenate([found[np.isfinite(found)] for found in maps])
    if not len(finite):
        return notice("All runs diverged: there is nothing to show.")
    exponent = 0 if view.share else shared_exponent(finite)
    maps, finite = [found / 10.0**exponent for found in maps], finite / 10.0**exponent
    left = 0.3 + min(ROOM, max(text_width(text, 7) for down, _ in pairs for text in view.levels[down]))
    width = single() if len(pairs) == 1 else double()
    across = max(1, min(ACROSS, len(pairs), int((width - EDGE * 2 + GAP) / (left + NARROWEST + GAP))))
    panel = (width - EDGE * 2 - GAP * (across - 1)) / across - left
    blocks = [range(i, min(i + across, len(pairs))) for i in range(0, len(pairs), across)]
    ticks = [level_ticks(view.levels[second], panel / len(view.levels[second])) for _, second in pairs]
    feet = [max(ticks[i][3] for i in block) + 0.3 for block in blocks]
    down = [max(maps[i].shape[0] for i in block) for block in blocks]
    row = min(0.24, (tallest() - HEAD - sum(feet) - GAP * len(blocks)) / sum(down))
    figure = empty_figure(width, HEAD + sum(feet) + row * sum(down) + GAP * (len(blocks) - 1))
    norm = (LogNorm if not view.share and far_apart(finite) else Normalize)(
        finite.min(), finite.max() if np.ptp(finite) else finite.min() + 1
    )
    percent = 100.0 if view.share else 1.0
    digits = _decimals(percent * finite)
    top, axis = HEAD, None
    for block, foot, rows in zip(blocks, feet, down, strict=True):
        for column, i in enumerate(block):
            means, (first, second) = maps[i], pairs[i]
            x = EDGE + left + column * (left + panel + GAP)
            axis = place(figure, x, top, panel, row * means.shape[0])
            numbers = _cell_texts(percent * means, norm, digits)
            _draw_pair(axis, means, norm, numbers, (panel / means.shape[1], row))
            _frame(axis, means, view.more)
            places, texts, upright, _ = ticks[i]
            axis.set_xticks([each + 0.5 for each in places], texts, parse_math=False, rotation=90 if upright else 0)
            every = max(1, -int(-0.1 // row))
            names = shorten_all(view.levels[first][::every], ROOM, 7)
            axis.set_yticks(np.arange(0, len(means), every) + 0.5, names, parse_math=False)
            axis.set_xlabel(shorten(view.names[second], panel, 8), parse_math=False)
            axis.set_ylabel(shorten(view.names[first], max(row * rows, 1), 8), parse_math=False)
        top += row * rows + foot + GAP
    notes = ", ".join(filter(None, [power_of_ten(exponent).strip(), "log scale" * isinstance(norm, LogNorm)]))
    name = f"{view.name}: mean {view.label}" if several else f"mean {view.label}"
    _draw_scale(figure, norm, view, f"{name} ({notes})" if notes else name)
    return figure


def grid_pairs(results: StudyResults) -> Figure:
    """Plot the pairs of settings of the grid with most combinations."""
    views: Sequence[GridView] = [view for view in grid_views(results) if len(view.keys) > 1]
    return draw_grid_pairs(max(views, key=lambda view: len(view.variants)), len(results.grids) > 1)
