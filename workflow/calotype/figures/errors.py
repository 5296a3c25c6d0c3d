"""The figures of errors, of all tasks: confusion matrices and the most confident errors."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from calotype.evaluation.study_results import StudyResults
from calotype.figures.base import DOUBLE, FAINT, INK, PAPER, SINGLE, shorten, text_width, wrap
from calotype.figures.image_page import black_and_white, first_seed_diverged, fit, image_page, notice
from calotype.figures.panels import empty_figure, percent_ticks, place
from calotype.util.csv_tables import where

ERRORS = 40  # images of a page
NUMBERS_UP_TO = 20  # columns: in a larger confusion matrix, numbers in the cells would be unreadable
COUNTS = 30  # columns of a confusion matrix of counts, unless the true counts need more
OTHER = "other"  # the column of predictions without a column of their own


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


def draw_confusion_matrix(counts: NDArray[np.int64], true: Sequence[str], predicted: Sequence[str]) -> Figure:
    """Plot the share of the images of each true label (row) by predicted label (column), in per cent of the row.

    Shades are not proportional, so that errors of half a per cent stay visible. If rows and columns have different
    labels, frames mark the correct cells.

    Args:
        counts: images, all seeds together, shape (true, predicted).
    """
    down, across = counts.shape
    many = max(counts.shape) > NUMBERS_UP_TO
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    lines = [wrap(name, 1.1, 7, lines=1) for name in true]
    # All in inches.
    left = 0.3 + max(text_width(name, 7) for name in lines)
    small = not many and max(text_width(name, 7) for name in predicted) <= (SINGLE - left - 0.1) / across - 0.04
    width = SINGLE if small else DOUBLE
    wide = (width - left - (0.75 if many else 0.1)) / across
    high = min(0.34, 5.5 / down, 0.8 * wide if small else np.inf)
    every = 1 if high >= 0.1 else 10  # rows with a name beside them
    below = [wrap(name, every * wide - 0.04, 7, lines=2) for name in predicted[::every]]
    rotated = any("…" in name for name in below)
    if rotated:
        below = [wrap(name, 1.1, 7, lines=1) for name in predicted[::every]]
        foot = 0.3 + max(text_width(name, 7) for name in below)
    else:
        foot = 0.5 if any("\n" in name for name in below) else 0.4
    figure = empty_figure(width, 0.08 + down * high + foot)
    axis = place(figure, left, 0.08, across * wide, down * high)
    shades = matplotlib.colormaps["Blues"]
    norm = PowerNorm(0.4, 0, 1)
    # Many cells are one image: a shape for each would slow down PDF viewers.
    edges: dict[str, Any] = {"rasterized": True}
    if not many:
        edges = {"linewidth": 0.4, "edgecolor": matplotlib.rcParams["grid.color"]}
    cells = axis.pcolormesh(np.ma.masked_where(counts == 0, shares), cmap=shades, norm=norm, **edges)
    if many:
        bar = figure.colorbar(
            cells, cax=place(figure, width - 0.65, 0.08, 0.12, down * high), ticks=[0, 0.005, 0.05, 0.2, 0.5, 1]
        )
        percent_ticks(bar.ax.yaxis)
    else:
        size = min(7.0, 7 * (wide - 0.03) / text_width("88.8", 7))
        for row, column in np.argwhere(counts > 0):
            share = float(shares[row, column])
            axis.text(
                column + 0.5, row + 0.5, _cell(share), ha="center", va="center_baseline", fontsize=size,
                color=PAPER if norm(share) > 0.6 else INK,
            )  # fmt: skip
    if list(true) != list(predicted):
        for row, name in enumerate(true):
            right = (list(predicted).index(name), row)
            axis.add_patch(Rectangle(right, 1, 1, fill=False, edgecolor=INK, linewidth=0.8))
    axis.set(xlim=(0, across), ylim=(down, 0), xlabel="predicted", ylabel="true")
    axis.set_yticks(np.arange(0, down, every) + 0.5, lines[::every], parse_math=False)
    axis.set_xticks(np.arange(0, across, every) + 0.5, below, parse_math=False, rotation=90 if rotated else 0)
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(True)
    return figure


def draw_errors(
    images: NDArray[np.float32], true: Sequence[str], predicted: Sequence[str], sure: Sequence[str] | None = None
) -> Figure:
    """Plot images with wrong predictions, each with the title true → predicted, and the confidence.

    Args:
        images: shape (images, height, width, 1 or 3), of any range (`black_and_white`), worst first; the first `ERRORS`
            are shown.
        true, predicted: labels, as text.
        sure: confidences, as text; None if the model gives none.
    """
    if not len(images):
        return notice("No errors.")
    titles = list(zip(true, predicted, [""] * len(images) if sure is None else sure, strict=True))[:ERRORS]
    columns, edge, gap, line = 8, 0.07, 0.1, 0.115  # all in inches but the first
    rows = -(-len(titles) // columns)
    size = (DOUBLE - 2 * edge - (columns - 1) * gap) / columns
    room = size + gap - 0.04
    words = [[f"{is_} → {said}  {how}".rstrip()] for is_, said, how in titles]
    if any(text_width(title, 6.5) > room for (title,) in words):
        arrow = room - text_width("→ ", 6.5)
        words = [[shorten(is_, room, 6.5), "→ " + shorten(said, arrow, 6.5), how] for is_, said, how in titles]
        if sure is None:
            words = [title[:2] for title in words]
    lines = len(words[0])
    wide, high = fit(images[0], size, 1.5 * size)
    step = lines * line + 0.06 + high + 0.06
    page = image_page(DOUBLE, rows * step + edge / 2)
    ends = black_and_white(images)
    for i, title in enumerate(words):
        middle = edge + i % columns * (size + gap) + size / 2
        top = i // columns * step + lines * line + 0.06
        page.picture(images[i], middle - wide / 2, top, wide, high, *ends)
        for j, word in enumerate(title):
            colour = FAINT if j == 2 else None
            page.text(middle, top - 0.035 - (lines - 1 - j) * line, word, fontsize=6.5, color=colour)
    return page.figure


def confusion_matrices(results: StudyResults, variant: str) -> Figure:
    """Plot the confusion matrix of a variant, all seeds together."""
    table = where(results.table("confusion"), variant=variant, split=results.tests[-1], seed="all")
    if not len(table):
        return notice("All seeds diverged: there is nothing to show.")
    return draw_confusion_matrix(*cross_tabulate(table, results.classes))


def most_confident_errors(results: StudyResults, variant: str) -> Figure:
    """Plot the most confident errors of seed 0 of a variant; of numbers, the largest errors."""
    if lost := results.diverged[variant].get(0):
        return first_seed_diverged(lost)
    labels, predicted = results.first_seed(variant, results.tests[-1])
    worst = results.task.worst_errors(labels, predicted, results.classes, ERRORS)
    images = results.images(results.tests[-1]).images[worst.places]
    return draw_errors(images, worst.true, worst.predicted, worst.confidence)
