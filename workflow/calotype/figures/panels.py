"""Panels, legends and ticks of figures, placed in inches."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from calotype.evaluation.divergence import diverged_text
from calotype.figures.base import DOUBLE, SINGLE, WRONG, wrap
from calotype.util.powers import with_powers

MOST_TICKS = 26  # counts with a tick each: an image of dots shows up to 25


def panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels of a height in inches, up to three side by side."""
    across = min(count, 3)
    rows = -(-count // across)
    figure = Figure(figsize=(SINGLE if across == 1 else DOUBLE, rows * height))
    axes = figure.subplots(rows, across, squeeze=False)
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    return figure, list(axes.flat[:count])


def empty_figure(width: float, height: float) -> Figure:
    """Return a figure, given its size in inches, without automatic layout: with many parts, that takes seconds."""
    return Figure(figsize=(width, height), layout="none")  # type: ignore[arg-type]  # missing in its types


def place(figure: Figure, left: float, top: float, width: float, height: float, **options: Any) -> Axes:
    """Add axes at a place in inches from the figure's left and upper edges."""
    whole_width, whole_height = figure.get_size_inches()
    box = left / whole_width, 1 - (top + height) / whole_height, width / whole_width, height / whole_height
    return figure.add_axes(box, **options)


def columns(
    labels: Sequence[str], most: int, body: Callable[[float, Sequence[str]], float], *,
    left: float, right: float, between: float, head: float, above: float, beyond: float,
) -> tuple[Figure, float, list[tuple[str, str, float, float, int]]]:  # fmt: skip
    """Return an empty figure with places for a column of panels a variant, up to `most` side by side.

    Args:
        labels: of the variants.
        body: gives the height of a row beneath its titles from the width of a panel and the labels in the row.
        left, right, between, head: margins, in inches.
        above: space over the panels of a row, without the lines of the titles.
        beyond: how far a title may reach beyond its panel.

    Returns:
        The figure, the width of a panel, and the place of each variant: label, title in lines, left and upper edges,
        number of the column.
    """
    across = min(len(labels), most)
    width = SINGLE if across == 1 else DOUBLE
    panel = (width - left - right - between * (across - 1)) / across
    top, places = head, []
    for i in range(0, len(labels), across):
        block = labels[i : i + across]
        titles = [wrap(label, panel + beyond, 8) for label in block]
        top += above + 0.13 * max(title.count("\n") + 1 for title in titles)
        for j, (label, title) in enumerate(zip(block, titles, strict=True)):
            places.append((label, title, left + j * (panel + between), top, j))
        top += body(panel, block)
    return empty_figure(width, top), panel, places


def mean_and_band(axis: Axes, x: Any, values: NDArray[Any], colour: str, alpha: float = 0.25, **line: Any) -> None:
    """Plot the mean of values, shape (seeds, points), without NaN, and a band from the lowest to the highest seed."""
    if len(values) > 1:
        low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
        axis.fill_between(x, low, high, color=colour, alpha=alpha, linewidth=0)
        if len(x) == 1:
            axis.vlines(x, low, high, color=colour, alpha=0.4, linewidth=3)
    axis.plot(x, np.nanmean(values, axis=0), color=colour, **line)


def note_diverged(axis: Axes, lost: int, kept: int, top: bool = False) -> None:
    """Write in the upper or lower right corner of a panel how many seeds diverged, if any."""
    if lost:
        axis.text(
            0.97, 0.95 if top else 0.05, diverged_text(lost, lost + kept), color=WRONG, fontsize=7, ha="right",
            va="top" if top else "bottom", transform=axis.transAxes,
        )  # fmt: skip


def legend(figure: Figure, handles: Sequence[Any], columns: int, top: float = 0.03) -> None:
    """Add one legend for the whole figure, `top` inches below its upper edge."""
    figure.legend(
        handles=handles, ncols=columns, loc="upper center", borderaxespad=0, borderpad=0,
        bbox_to_anchor=(0.5, 1 - top / figure.get_figheight()),
    )  # fmt: skip


def count_ticks(axis: Axes, counts: NDArray[np.int64]) -> None:
    """Set a tick for each count or, if they are too many to read, for some whole numbers."""
    if len(counts) <= MOST_TICKS:
        axis.set_xticks(counts)
    else:
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def percent_ticks(axis: Axis) -> None:
    """Write the ticks of shares in per cent, with no more decimals than needed."""
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:g} %"))


def number_ticks(axis: Axis) -> None:
    """Write the ticks of plain numbers in full, with powers of ten where they are far from one."""
    axis.set_major_formatter(FuncFormatter(lambda x, _: with_powers(f"{x:,g}")))


def log_scale(axis: Axis) -> None:
    """Make an axis logarithmic with readable ticks, also if it spans no power of ten. Call it after plotting."""
    (axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale)("log")
    low, high = axis.get_view_interval()
    ratio = high / low
    axis.set_minor_locator(NullLocator())
    if ratio < 2:
        axis.set_major_locator(MaxNLocator(4))
    else:
        for farthest, steps in ((5, (1, 1.5, 2, 3, 5, 7)), (30, (1, 2, 5)), (300, (1, 3)), (np.inf, (1,))):
            if ratio < farthest:
                axis.set_major_locator(LogLocator(subs=steps, numticks=9))
                break
    if ratio < 1e4:
        number_ticks(axis)
