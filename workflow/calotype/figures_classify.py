"""The figures of task `classify`."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from calotype.figures import (
    DOUBLE,
    FAINT,
    RIGHT,
    SINGLE,
    Sheet,
    empty_figure,
    fit,
    legend,
    place,
    sheet,
    shorten,
    text_width,
    wrap,
)

NUMBERS_UP_TO = 20  # classes: beyond, a number in every cell of the confusion matrix cannot be read
BARS = 10  # classes of an example
FILTERS = 16
MISTAKES = 40


def _cell(share: float) -> str:
    """A share in per cent in as few characters as tell it from none and from all."""
    percent = 100 * share
    if percent >= 99.95:
        return "100" if share == 1 else ">99.9"
    if percent >= 0.095:
        return f"{percent:.1f}"
    return f"{percent:.2f}" if percent >= 0.005 else "<.01"


def confusion_matrix(counts: NDArray[np.int64], names: Sequence[str]) -> Figure:
    """What part of the images of each class (rows) was taken for which class (columns), in per cent of the row.

    The shades are not in proportion: a mistake of half a per cent can still be seen.

    Args:
        counts: images of true class (row) taken for a class (column), all seeds together, shape (classes, classes).
        names: of the classes.
    """
    classes = len(names)
    many = classes > NUMBERS_UP_TO
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    small = classes <= 10 and max(map(len, names)) <= 3
    width = SINGLE if small else DOUBLE
    lines = [wrap(name, 1.1, 7, lines=1) for name in names]
    # All in inches.
    left = 0.3 + max(text_width(name, 7) for name in lines)
    across = (width - left - (0.75 if many else 0.1)) / classes
    down = min(0.8 * across if small else 0.34, 5.5 / classes)
    below = [wrap(name, across - 0.04, 7, lines=2) for name in names]
    rotated = any("…" in name for name in below)
    named = down >= 0.1  # else there is no room for a name beside each row
    if rotated and named:
        foot = 0.3 + max(text_width(name, 7) for name in lines)
    else:
        foot = 0.4 + (0.1 if named and any("\n" in name for name in below) else 0)
    figure = empty_figure(width, 0.08 + classes * down + foot)
    axis = place(figure, left, 0.08, across * classes, down * classes)
    shades = plt.get_cmap("Blues")
    norm = PowerNorm(0.4, 0, 1)
    # Many cells are one image: a shape for each would make the PDF slow to show.
    edges: dict[str, Any] = {"rasterized": True} if many else {"linewidth": 0.4, "edgecolor": "#E3E3E3"}
    cells = axis.pcolormesh(np.ma.masked_where(counts == 0, shares), cmap=shades, norm=norm, **edges)
    if many:
        bar = figure.colorbar(
            cells, cax=place(figure, width - 0.65, 0.08, 0.12, down * classes), ticks=[0, 0.005, 0.05, 0.2, 0.5, 1]
        )
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:g} %"))
    else:
        size = min(7.0, 7 * (across - 0.03) / text_width("88.8", 7))
        for row, column in np.argwhere(counts > 0):
            share = float(shares[row, column])
            axis.text(
                column + 0.5, row + 0.5, _cell(share), ha="center", va="center_baseline", fontsize=size,
                color="white" if norm(share) > 0.6 else "black",
            )  # fmt: skip
    axis.set(xlim=(0, classes), ylim=(classes, 0), xlabel="predicted", ylabel="true")
    middle = np.arange(classes) + 0.5
    if not named:
        axis.set(xticks=middle[::10], yticks=middle[::10], xticklabels=range(0, classes, 10),
                 yticklabels=range(0, classes, 10))  # fmt: skip
    else:
        axis.set_yticks(middle, lines, parse_math=False)
        axis.set_xticks(middle, lines if rotated else below, parse_math=False, rotation=90 if rotated else 0)
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(True)
    return figure


def _percent(probability: float) -> str:
    """A probability in per cent; a net's certainty is not called one."""
    return ">99.9 %" if probability > 0.9995 else f"{100 * probability:.1f} %"


def confident_mistakes(
    images: NDArray[np.float32], true: Sequence[str], predicted: Sequence[str], probability: Sequence[float]
) -> Figure:
    """The wrongly classified images of which the net was surest: true → predicted, and the net's probability for it.

    Args:
        images: shape (images, height, width, 1 or 3), 0 (black) and up; the surest first; the first forty are shown.
        true: class of each image, by its name.
        predicted: the class that the net takes it for.
        probability: that the net gives to that class.
    """
    if not len(images):
        page = sheet(SINGLE, 0.6)
        page.text(SINGLE / 2, 0.35, "No image was classified wrongly.", fontsize=8, color=RIGHT)
        return page.figure
    titles = list(zip(true, predicted, map(_percent, probability), strict=True))[:MISTAKES]
    columns, edge, gap, line = 8, 0.07, 0.1, 0.115  # all in inches but the first
    rows = -(-len(titles) // columns)
    size = (DOUBLE - 2 * edge - (columns - 1) * gap) / columns
    room = size + gap - 0.04
    together = all(text_width(f"{is_} → {said}  {sure}", 6.5) <= room for is_, said, sure in titles)
    lines = 1 if together else 3
    wide, high = fit(images[0], size, 1.5 * size)
    step = lines * line + 0.06 + high + 0.06
    page = sheet(DOUBLE, rows * step + edge / 2)
    brightest = float(images.max()) or 1.0
    for i, (is_, said, sure) in enumerate(titles):
        middle = edge + i % columns * (size + gap) + size / 2
        top = i // columns * step + lines * line + 0.06
        page.picture(images[i], middle - wide / 2, top, wide, high, high=brightest)
        words = [f"{is_} → {said}  {sure}"]
        if not together:
            words = [shorten(is_, room, 6.5), "→ " + shorten(said, room - text_width("→ ", 6.5), 6.5), sure]
        for j, word in enumerate(reversed(words)):
            page.text(middle, top - 0.035 - j * line, word, fontsize=6.5, color=FAINT if j == 0 < lines - 1 else RIGHT)
    return page.figure


def example(
    image: NDArray[np.float32],
    true: str,
    probabilities: Mapping[str, NDArray[np.float32]],
    names: Sequence[str],
) -> Figure:
    """One image and the probability that each variant gives to each class: the mean over seeds, and every seed.

    Of many classes, the ten with the largest means are shown, and the true one.

    Args:
        image: shape (height, width, 1 or 3), 0 (black) and up.
        true: its class, by its name.
        probabilities: by the variant's label: shape (seeds, classes); three variants at most.
        names: of the classes.
    """
    means = np.array([np.nanmean(found, axis=0) for found in probabilities.values()])
    order = np.argsort(-means.max(axis=0), kind="stable")
    shown = sorted({*order[:BARS].tolist(), names.index(true)})
    variants = len(probabilities)
    # All in inches.
    width = SINGLE if variants == 1 else DOUBLE
    picture = 0.95 if variants == 1 else 1.3
    labels = [shorten(names[i], 1.0, 7) for i in shown]
    left = 0.1 + picture + 0.15 + max(text_width(label, 7, bold=True) for label in labels)
    between = 0.32
    panel = (width - left - 0.2 - between * (variants - 1)) / variants
    titles = [wrap(label, panel + between - 0.05, 8) for label in probabilities]
    head = 0.24 + 0.13 * (max(title.count("\n") for title in titles) + 1)
    body = max(0.17 * len(shown), picture)
    figure = empty_figure(width, head + body + 0.4)
    wide, high = fit(image, picture, body)
    within = place(figure, 0.1 + (picture - wide) / 2, head, wide, high, xlim=(0, wide), ylim=(high, 0))
    within.set_axis_off()
    Sheet(figure, within).picture(image, 0, 0, wide, high, high=float(image.max()) or 1.0)
    within.set_title(f"true: {true}", y=1, parse_math=False)
    rows = np.arange(len(shown))
    for i, found in enumerate(probabilities.values()):
        axis = place(figure, left + i * (panel + between), head, panel, body)
        axis.barh(rows, means[i, shown], height=0.7, linewidth=0,
                  color=["C0" if names[k] == true else "#BBBBBB" for k in shown])  # fmt: skip
        for seed in found if len(found) > 1 else []:
            axis.plot(seed[shown], rows, "o", color="black", markersize=1.8, markeredgewidth=0, alpha=0.6)
        axis.set(xlim=(-0.02, 1.02), xticks=[0, 0.5, 1], ylim=(len(shown) - 0.5, -0.5), xlabel="probability")
        axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:g} %"))
        axis.set_title(titles[i], y=1, parse_math=False)
        axis.set_yticks(rows, labels if i == 0 else [""] * len(rows), parse_math=False)
        axis.tick_params("y", length=0)
        axis.grid(visible=False, axis="y")
        axis.grid(visible=True, axis="x")
        for tick, k in zip(axis.get_yticklabels(), shown, strict=True):
            tick.set_fontweight("bold" if names[k] == true else "normal")
    handles: list[Any] = [Patch(color="C0", label="true class"), Patch(color="#BBBBBB", label="other classes")]
    if any(len(found) > 1 for found in probabilities.values()):
        handles.append(Line2D([], [], color="black", marker="o", linestyle="", markersize=1.8, label="one seed"))
    legend(figure, handles, len(handles))
    return figure


def feature_maps(image: NDArray[np.float32], convolved: NDArray[np.float32], pooled: NDArray[np.float32]) -> Figure:
    """What the first filters of a net make of an image: after the convolution with its activation, and after pooling.

    Black and white are the smallest and the largest value of a filter's map, the same before and after the pooling.

    Args:
        image: shape (height, width, 1 or 3), 0 (black) and up.
        convolved: shape (height, width, filters); the first sixteen filters are shown.
        pooled: shape (smaller height, smaller width, filters).
    """
    filters = min(convolved.shape[-1], FILTERS)
    columns = min(filters, 8)
    # All in inches.
    picture, edge, gap, number = 1.1, 0.07, 0.06, 0.12
    size = (DOUBLE - 2 * edge - picture - 0.25 - 7 * gap) / 8
    left = edge + picture + 0.25
    wide, high = fit(convolved, size, 1.5 * size)
    rows = -(-filters // columns)
    block = 0.18 + rows * (number + high + 0.03) + 0.06
    page = sheet(DOUBLE, 2 * block)
    across, down = fit(image, picture, 2 * block - 0.4)
    page.text(edge + picture / 2, 0.12, "the image", fontsize=8)
    page.picture(image, edge + (picture - across) / 2, 0.18, across, down, high=float(image.max()) or 1.0)
    for i, (maps, what) in enumerate([(convolved, "after the convolution"), (pooled, "after max-pooling")]):
        top = i * block
        title = f"{what}: {maps.shape[0]} × {maps.shape[1]}"
        page.text(left, top + 0.12, title, fontsize=8, ha="left")
        for k in range(filters):
            low, top_value = float(convolved[..., k].min()), float(convolved[..., k].max())
            x = left + k % columns * (size + gap)
            y = top + 0.18 + number + k // columns * (number + high + 0.03)
            page.text(x + size / 2, y - 0.03, str(k + 1), fontsize=6.5, color=FAINT)
            page.picture(
                maps[..., k],
                x + (size - wide) / 2,
                y,
                wide,
                high,
                low=low,
                high=top_value if top_value > low else low + 1,
            )
    return page.figure
