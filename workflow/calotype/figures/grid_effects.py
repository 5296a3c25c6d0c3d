"""The figure of the means over each setting of a grid."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from calotype.evaluation.grid_view import GridView, grid_views
from calotype.evaluation.study_results import StudyResults
from calotype.figures.base import INK, PALE, WRONG, double, shorten, shorten_all, single, text_width
from calotype.figures.panels import empty_figure, legend, log_scale, number_ticks, percent_ticks, place

ACROSS, TALL = 3, 1.6  # panels side by side, and the height of a panel in inches
LEFT, BETWEEN, EDGE, HEAD = 0.75, 0.12, 0.1, 0.3  # inches
ASIDE = 0.16  # of the distance of two values: the points beside their mean
LONGEST = 0.9  # inches of a tick label
FAR = 20  # times the lowest score: the scale of a loss is logarithmic


def level_ticks(levels: Sequence[str], room: float) -> tuple[list[int], list[str], bool, float]:
    """Return the ticks of a setting: places, texts, whether they stand upright, and their height in inches.

    Args:
        levels: all values as text.
        room: inches for each value.
    """
    if max(text_width(text, 7) for text in levels) <= room - 0.05:
        return [*range(len(levels))], [*levels], False, 0.12
    every = max(1, -int(-0.11 // room))  # upright lines need 0.11 in
    texts = shorten_all(levels[::every], LONGEST, 7)
    return [*range(0, len(levels), every)], texts, True, max(text_width(text, 7) for text in texts) + 0.03


def _draw_setting(axis: Axes, means: pd.DataFrame, scores: pd.DataFrame, levels: Sequence[str]) -> None:
    """Plot the score of each combination, and the mean of each value with its interval."""
    places = {level: i for i, level in enumerate(levels)}
    axis.plot(scores[0].map(places) - ASIDE, scores.score, "o", color=PALE, markersize=2.5, markeredgewidth=0, zorder=1)
    for row in means.itertuples():
        x = places[row.level] + ASIDE / 2
        axis.plot([x, x], [row.low, row.high], color=INK, linewidth=1.2, zorder=3)
        axis.plot([x], [row.mean], "_", color=INK, markersize=9, markeredgewidth=1.6, zorder=3)
    lost = [places[row.level] for row in means.itertuples() if row.diverged]
    axis.plot(lost, np.ones(len(lost)), "x", color=WRONG, markersize=3.5, clip_on=False,
              transform=axis.get_xaxis_transform())  # fmt: skip
    axis.set_xlim(-0.6, len(levels) - 0.4)


def _rows(view: GridView) -> list[list[tuple[GridView, int]]]:
    """Divide the settings of a grid into rows of panels of about the same length."""
    count = len(view.keys)
    across = -(-count // -(-count // ACROSS))
    return [[(view, place) for place in range(i, min(i + across, count))] for i in range(0, count, across)]


def draw_grid_effects(views: Sequence[GridView]) -> Figure:
    """Plot the mean score of each value of each setting with its 95 % interval, over the scores of all combinations.

    All panels of a grid share one axis, so that settings that matter stand out.
    """
    rows = [row for view in views for row in _rows(view)]
    across = max(map(len, rows))
    width = single() if across == 1 else double()
    panel = (width - LEFT - EDGE - BETWEEN * (across - 1)) / across
    ticks = [[level_ticks(view.levels[i], panel / (len(view.levels[i]) + 0.2)) for view, i in row] for row in rows]
    feet = [max(tick[3] for tick in row) + 0.24 for row in ticks]
    figure = empty_figure(width, HEAD + sum(feet) + TALL * len(rows) + 0.1 * (len(rows) - 1))
    top, shared = HEAD, dict[str, Axes]()
    for row, row_ticks, foot in zip(rows, ticks, feet, strict=True):
        for column, ((view, i), (places, texts, upright, _)) in enumerate(zip(row, row_ticks, strict=True)):
            axis = place(figure, LEFT + column * (panel + BETWEEN), top, panel, TALL, sharey=shared.get(view.name))
            shared.setdefault(view.name, axis)
            _draw_setting(axis, view.means(i), view.scores(i), view.levels[i])
            axis.set_xticks(places, texts, parse_math=False, rotation=90 if upright else 0)
            name = view.names[i] if len(views) == 1 else f"{view.name}: {view.names[i]}"
            axis.set_xlabel(shorten(name, panel, 8), parse_math=False)
            axis.tick_params(labelleft=column == 0)
            axis.tick_params("x", length=0)
            if column == 0:
                axis.set_ylabel(view.label.replace(" on ", "\non "), parse_math=False)
        top += TALL + foot + 0.1
    for view in views:
        _scale(shared[view.name], view)
    legend(figure, _handles(views), 3)
    return figure


def _scale(axis: Axes, view: GridView) -> None:
    if view.share:
        percent_ticks(axis.yaxis)
        return
    far = far_apart(view.combinations[view.score].dropna().to_numpy())
    power = (log_scale if far else number_ticks)(axis.yaxis)
    axis.set_ylabel(axis.get_ylabel() + power, parse_math=False)


def far_apart(scores: NDArray[np.float64]) -> bool:
    """Return True for finite scores that need a logarithmic scale."""
    return len(scores) > 0 and bool(scores.min() > 0 and scores.max() > FAR * scores.min())


def _handles(views: Sequence[GridView]) -> list[Any]:
    found = [
        Line2D([], [], color=PALE, marker="o", linestyle="", markersize=2.5, label="one combination"),
        Line2D([], [], color=INK, marker="_", markersize=9, markeredgewidth=1.6, label="mean, 95 % interval"),
    ]
    if any(view.effects.diverged.any() for view in views):
        found.append(Line2D([], [], color=WRONG, marker="x", linestyle="", markersize=3.5, label="runs diverged"))
    return found


def grid_effects(results: StudyResults) -> Figure:
    """Plot the means over each setting of the grids of a study."""
    return draw_grid_effects(grid_views(results))
