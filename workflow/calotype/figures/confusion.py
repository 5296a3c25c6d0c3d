"""The figure of confusion matrices, of tasks with classes or counts."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from calotype.evaluation.study_results import StudyResults
from calotype.figures.base import INK, PALE, PAPER, double, shorten_all, single, tallest, text_width, wrap
from calotype.figures.image_page import notice
from calotype.figures.panels import empty_figure, percent_ticks, place
from calotype.util.csv_tables import where

NUMBERS_UP_TO = 20  # columns: of a larger confusion matrix, no one reads all numbers
LARGEST = 12  # confusions that are listed below a matrix without numbers
COUNTS = 30  # columns of a confusion matrix of counts, unless the true counts need more
OTHER = "other"  # the column of predictions without a column of their own
NORM = PowerNorm(0.4, 0, 1)  # not proportional, so that errors of half a per cent stay visible


def _predicted_counts(true: pd.Series, predicted: pd.Series) -> range:
    """Return the counts that get columns: true and predicted ones; of too many, the true ones and those around them."""
    first, last = int(true.min()), int(true.max())
    low, high = int(min(first, predicted.min())), int(max(last, predicted.max()))
    if high - low >= COUNTS:
        around = max(0, COUNTS - (last - first + 1)) // 2
        near = predicted[predicted.between(first - around, last + around)]
        low, high = int(min([first, *near])), int(max([last, *near]))
    return range(low, high + 1)


def cross_tabulate(table: pd.DataFrame, classes: Sequence[str]) -> tuple[NDArray[np.int64], list[str], list[str]]:
    """Count the images of each true label (row) by predicted label (column).

    Args:
        table: columns true, predicted (empty if not a number), images.
        classes: names of the classes, which all have a row and a column; empty for counts. Rows of counts go from the
            smallest to the largest true count, columns over all predicted counts, up to thirty.

    Returns:
        Images, shape (rows, columns); names of the rows and of the columns. A last column, if needed, holds predictions
        without a column of their own, and predictions that are not a number.
    """
    known = table.dropna(subset="predicted")
    if classes:
        rows = columns = range(len(classes))
        names = [list(classes)] * 2
    else:
        rows = range(int(table.true.min()), int(table.true.max()) + 1)
        columns = _predicted_counts(table.true, known.predicted) if len(known) else rows
        names = [[str(count) for count in counts] for counts in (rows, columns)]
    counts = np.zeros((len(rows), len(columns) + 1), np.int64)
    place_of = {column: i for i, column in enumerate(columns)}
    places = [place_of.get(predicted, len(columns)) for predicted in table.predicted]
    np.add.at(counts, (table.true.to_numpy(int) - rows[0], places), table.images.to_numpy(int))
    if counts[:, -1].any():
        return counts, names[0], [*names[1], OTHER]
    return counts[:, :-1], names[0], names[1]


def _cell(share: float) -> str:
    """Return a share in per cent, as short as possible, but different from 0 and 100 unless it is exactly that."""
    percent = 100 * share
    if percent >= 99.95:
        return "100" if share == 1 else ">99.9"
    if percent >= 0.095:
        return f"{percent:.1f}"
    return f"{percent:.2f}" if percent >= 0.005 else "<.01"


def _write_numbers(axis: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64], wide: float) -> None:
    """Write the share of each cell that is not empty, and beside each row the number of its images."""
    for row, column in np.argwhere(counts > 0):
        share = float(shares[row, column])
        axis.text(column + 0.5, row + 0.5, _cell(share), ha="center", va="center_baseline", fontsize=7,
                  color=PAPER if NORM(share) > 0.6 else INK)  # fmt: skip
    right: dict[str, Any] = {"ha": "right", "fontsize": 7}
    for row, total in enumerate(counts.sum(axis=1)):
        axis.text(counts.shape[1] + 0.4 / wide, row + 0.5, f"{total:,}", va="center_baseline", **right)
    axis.text(counts.shape[1] + 0.4 / wide, -0.1, "n", va="bottom", **right)


def _draw_largest(axis: Axes, counts: NDArray[np.int64], true: Sequence[str], predicted: Sequence[str],
                  found: NDArray[np.int64], room: float) -> None:  # fmt: skip
    """Plot the numbers of images of some cells as bars, named within a room in inches."""
    half = room / 2 - 0.16
    rows, columns = ([names[i] for i in cells] for names, cells in zip((true, predicted), found.T, strict=True))
    for i, (row, column) in enumerate(found):
        images, of = counts[row, column], counts[row].sum()
        axis.barh(i, images, height=0.7, color=PALE)
        axis.text(images, i, f" {images:,} of {of:,} ({_cell(images / of)} %)", va="center_baseline", fontsize=7)
    known = list(dict.fromkeys([*rows, *columns]))
    short = dict(zip(known, shorten_all(known, half, 7), strict=True))
    names = [f"{short[row]} → {short[column]}" for row, column in zip(rows, columns, strict=True)]
    axis.set_yticks(range(len(found)), names, parse_math=False)
    axis.set(ylim=(len(found) - 0.4, -0.6), xlim=(0, counts[tuple(found[0])]))
    axis.set_title("largest confusions: true → predicted", loc="left", x=-room * axis.figure.dpi / axis.bbox.width)
    axis.set_xticks([])
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)


def draw_confusion_matrix(counts: NDArray[np.int64], true: Sequence[str], predicted: Sequence[str]) -> Figure:
    """Plot the share of the images of each true label (row) by predicted label (column), in per cent of the row.

    A matrix of up to `NUMBERS_UP_TO` columns has numbers in its cells, if they have room; another one has a legend and,
    below, the largest confusions. If rows and columns have different labels, frames mark the correct cells.

    Args:
        counts: images, all seeds together, shape (true, predicted).
    """
    down, across = counts.shape
    shares = counts / counts.sum(axis=1, keepdims=True).clip(1)
    lines = shorten_all(true, 1.1, 7)
    # All in inches.
    left = 0.3 + max(text_width(name, 7) for name in lines)
    widest = max((text_width(_cell(share), 7) for share in shares[counts > 0].tolist()), default=0.0)
    many = max(counts.shape) > NUMBERS_UP_TO or (double() - left - 0.5) / across < widest + 0.03
    head, right = (0.08, 0.75) if many else (0.2, 0.5)
    widest = max(widest, *(text_width(name, 7) for name in predicted)) + 0.04
    small = not many and widest <= (single() - left - right) / across
    width = single() if small else double()
    wide = (width - left - right) / across
    high = min(0.34, min(4.2, tallest() - 4.0) / down, 0.8 * wide if small else np.inf)
    each, every = (1 if size >= 0.11 else 10 for size in (high, wide))  # rows and columns with a name
    below = [wrap(name, every * wide - 0.04, 7, lines=2) for name in predicted[::every]]
    rotated = any("…" in name for name in below)
    if rotated:
        below = shorten_all(predicted[::every], 1.1, 7)
        foot = 0.3 + max(text_width(name, 7) for name in below)
    else:
        foot = 0.5 if any("\n" in name for name in below) else 0.4
    wrong = counts * (np.array(true)[:, None] != np.array(predicted)) if many else np.zeros_like(counts)
    order = np.argsort(-wrong, axis=None, kind="stable")[: min(LARGEST, np.count_nonzero(wrong))]
    listed = 0.3 + 0.15 * len(order) if len(order) else 0.0
    figure = empty_figure(width, head + down * high + foot + listed)
    axis = place(figure, left, head, across * wide, down * high)
    # Many cells are one image: a shape for each would slow down PDF viewers.
    edges: dict[str, Any] = {"rasterized": True}
    if not many:
        edges = {"linewidth": 0.4, "edgecolor": matplotlib.rcParams["grid.color"]}
    shaded = np.ma.masked_where(counts == 0, shares)
    cells = axis.pcolormesh(shaded, cmap=matplotlib.colormaps["Blues"], norm=NORM, **edges)
    if many:
        beside = place(figure, width - 0.65, head, 0.12, down * high)
        bar = figure.colorbar(cells, cax=beside, ticks=[0, 0.005, 0.05, 0.2, 0.5, 1])
        percent_ticks(bar.ax.yaxis)
    else:
        _write_numbers(axis, counts, shares, wide)
    if list(true) != list(predicted):
        for row, name in enumerate(true):
            corner = (list(predicted).index(name), row)
            axis.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=INK, linewidth=0.8))
    axis.set(xlim=(0, across), ylim=(down, 0), xlabel="predicted, in % of the row", ylabel="true")
    axis.set_yticks(np.arange(0, down, each) + 0.5, lines[::each], parse_math=False)
    axis.set_xticks(np.arange(0, across, every) + 0.5, below, parse_math=False, rotation=90 if rotated else 0)
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(True)
    if len(order):
        room = min(3.2, 0.52 * width)
        found = np.stack(np.unravel_index(order, counts.shape), axis=1)
        bars = place(figure, room, head + down * high + foot + 0.22, (width - room) * 0.42, listed - 0.27)
        _draw_largest(bars, counts, true, predicted, found, room - 0.04)
    return figure


def confusion_matrices(results: StudyResults, variant: str) -> Figure:
    """Plot the confusion matrix of a variant, all seeds together."""
    table = where(results.table("confusion"), variant=variant, split=results.tests[-1], seed="all")
    if not len(table):
        return notice("All seeds diverged: there is nothing to show.")
    return draw_confusion_matrix(*cross_tabulate(table, results.classes))
