"""Panels, legends and ticks of figures, placed in inches."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from calotype.evaluation.divergence import diverged_text
from calotype.figures.base import WRONG, apart, double, single, text_width, wrap
from calotype.util.powers import power_of_ten, with_powers

MANY = 10  # seeds: their lowest and highest would say little of the others
MOST_TICKS = 26  # counts with a tick each: an image of dots shows up to 25


def empty_figure(width: float, height: float) -> Figure:
    """Return a figure, given its size in inches. Its parts have fixed places: an automatic layout may collapse."""
    return Figure(figsize=(width, height))


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
    width = single() if across == 1 else double()
    panel = (width - left - right - between * (across - 1)) / across
    top, places = head, []
    wrapped = apart(labels, lambda label, end: wrap(label, panel + beyond, 8, end=end))
    for i in range(0, len(labels), across):
        block, titles = labels[i : i + across], wrapped[i : i + across]
        top += above + 0.14 * max(title.count("\n") + 1 for title in titles)
        for j, (label, title) in enumerate(zip(block, titles, strict=True)):
            places.append((label, title, left + j * (panel + between), top, j))
        top += body(panel, block)
    return empty_figure(width, top), panel, places


def band(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return low and high of a band over seeds, from values of shape (seeds, points); NaN is left out.

    The band holds all seeds or, of `MANY` and more, the middle 80 % at each point.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN")  # no band there
        low, high = np.nanpercentile(values, (10, 90) if len(values) >= MANY else (0, 100), axis=0)
    return low, high


def band_text(seeds: Iterable[int]) -> str:
    """Return the name of a `band` in a legend, from the numbers of seeds that have one."""
    many = [number >= MANY for number in seeds if number > 1]
    return "range over seeds" if not any(many) else "80 % of the seeds" if all(many) else "range or 80 % of the seeds"


def mean_and_band(axis: Axes, x: Any, values: NDArray[Any], colour: str, alpha: float = 0.25, **line: Any) -> None:
    """Plot the mean of values, shape (seeds, points), without NaN, and their `band`."""
    if len(values) > 1:
        low, high = band(values)
        axis.fill_between(x, low, high, color=colour, alpha=alpha, linewidth=0)
        if len(x) == 1:
            axis.vlines(x, low, high, color=colour, alpha=0.4, linewidth=3)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty")  # a gap there
        axis.plot(x, np.nanmean(values, axis=0), color=colour, **line)


def note_diverged(axis: Axes, lost: int, kept: int, top: bool = False) -> None:
    """Write in the upper or lower right corner of a panel how many seeds diverged, if any."""
    if lost:
        axis.text(
            0.97, 0.95 if top else 0.05, diverged_text(lost, lost + kept), color=WRONG, fontsize=7, ha="right",
            va="top" if top else "bottom", transform=axis.transAxes,
        )  # fmt: skip


def legend_columns(handles: Sequence[Any], width: float) -> int:
    """Return how many entries of a legend fit side by side into a width in inches."""
    wide = [0.48 + max(text_width(line, 7) for line in handle.get_label().split("\n")) for handle in handles]
    return len(wide) if sum(wide) <= width else int(np.clip((width - 0.1) / max(wide), 1, len(wide)))


def legend_height(handles: Sequence[Any], panels: int) -> float:
    """Return the space in inches that a legend needs above some panels."""
    return 0.04 + 0.16 * -(-len(handles) // legend_columns(handles, single() if panels == 1 else double()))


def legend(figure: Figure, handles: Sequence[Any], columns: int | None = None, top: float = 0.03) -> None:
    """Add one legend for the whole figure, `top` inches below its upper edge, with as many columns as fit."""
    figure.legend(
        handles=handles, ncols=columns or legend_columns(handles, figure.get_figwidth()), loc="upper center",
        borderaxespad=0, borderpad=0, bbox_to_anchor=(0.5, 1 - top / figure.get_figheight()),
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


def tick_text(number: float, sign: bool = False) -> str:
    """Write a number of an axis, with a power of ten if it is long: 0.5, −20, 5 × 10⁻⁹."""
    return with_powers(f"{number:{'+' if sign and number else ''},g}").removeprefix("1 × ")


def shared_exponent(values: ArrayLike) -> int:
    """Return the exponent of the power of ten that long numbers share; 0 for numbers that are short as they are."""
    largest = float(np.abs(values).max())
    exponent = int(np.floor(np.log10(largest))) if 0 < largest < np.inf else 0
    return 0 if -3 <= exponent < 5 else exponent


def number_ticks(axis: Axis, sign: bool = False) -> str:
    """Write ticks without the power of ten that they share, if any, and return it for the axis label: `` (× 10⁻⁸)``."""
    exponent = shared_exponent(axis.get_view_interval())
    axis.set_major_formatter(FuncFormatter(lambda x, _: tick_text(float(f"{x / 10.0**exponent:.6g}"), sign)))
    return f" ({power_of_ten(exponent).strip()})" if exponent else ""


def log_scale(axis: Axis) -> str:
    """Make an axis logarithmic with readable ticks, also if it spans no power of ten. Call it after plotting.

    Returns:
        As `number_ticks`.
    """
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
        return number_ticks(axis)
    axis.set_major_formatter(FuncFormatter(lambda x, _: tick_text(x)))
    return ""
