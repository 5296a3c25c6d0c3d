"""One function per figure, and one that writes a figure as PDF, SVG and PNG, the same bytes every time."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from calotype.files import new_file
from calotype.statistics import mean_interval, wilson_interval

SINGLE = 3.5  # inches: one column of a paper
DOUBLE = 7.1  # inches: its whole width
RIGHT, WRONG = "#333333", "#D00000"
# Without these the files would hold the time of their making.
METADATA: Mapping[str, Mapping[str, str | None]] = {
    ".pdf": {"CreationDate": None},
    ".svg": {"Date": None},
    ".png": {"Software": None},
}


def use_style(style: Path) -> None:
    """Take the look of all figures from a matplotlib style file."""
    plt.style.use(style)


def save(figure: Figure, files: Sequence[Path]) -> None:
    """Write a figure to files whose suffixes say the format (.pdf, .svg, .png), and close it.

    Raises:
        CalotypeError: a file cannot be written.
    """
    for file in files:
        drawn = io.BytesIO()  # not to the file: on a full disk matplotlib's own error hides the cause
        figure.savefig(drawn, format=file.suffix[1:], metadata=METADATA[file.suffix])
        with new_file(file) as aside:
            aside.write_bytes(drawn.getvalue())
    plt.close(figure)


def contact_sheet(
    images: NDArray[np.float32], labels: NDArray[np.int64], predicted: NDArray[np.float64], columns: int = 10
) -> Figure:
    """Images in rows, each with its title ``true (predicted)``: red and bold where wrong.

    Args:
        images: shape (images, height, width, 1), 0 (black) to 1 (white).
        labels: true counts, shape (images,).
        predicted: predicted counts, shape (images,).
        columns: images in a row.
    """
    rows = -(-len(images) // columns)
    # Spaces are known beforehand; to compute them for fifty panels takes seconds.
    figure, axes = plt.subplots(
        rows, columns, figsize=(DOUBLE, rows * DOUBLE / columns * 1.08), squeeze=False, layout="none",
        gridspec_kw={"left": 0.01, "right": 0.99, "bottom": 0.01, "top": 1 - 0.17 / rows, "wspace": 0.1, "hspace": 0.3},
    )  # fmt: skip
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, image, label, count in zip(axes.flat, images, labels, predicted, strict=False):
        axis.imshow(image[..., 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        wrong = count != label
        axis.add_patch(
            Rectangle((-0.5, -0.5), image.shape[1], image.shape[0], fill=False, linewidth=1.2 if wrong else 0.4,
                          edgecolor=WRONG if wrong else "#BBBBBB", clip_on=False)
        )  # fmt: skip
        axis.set_title(
            f"{label} ({count:.0f})", color=WRONG if wrong else RIGHT, fontweight="bold" if wrong else "normal", pad=2
        )
    return figure


def _columns(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """One panel a variant, up to three side by side."""
    across = min(count, 3)
    rows = -(-count // across)
    width = SINGLE if across == 1 else DOUBLE
    figure, axes = plt.subplots(rows, across, figsize=(width, rows * height), squeeze=False)
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    return figure, list(axes.flat[:count])


def loss_curves(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """The training loss of every seed over the epochs, one panel a variant, with the mean over seeds.

    Args:
        histories: by the variant's label: columns seed, epoch, metric, value.
    """
    figure, axes = _columns(len(histories), 2.3)
    for axis, (label, history) in zip(axes, histories.items(), strict=True):
        losses = history[history.metric == "loss"].pivot(index="epoch", columns="seed", values="value")
        seeds = losses.shape[1]
        if seeds > 1:
            axis.plot(losses.index, losses, color="C0", alpha=0.35, linewidth=0.7)
            axis.plot([], [], color="C0", alpha=0.5, linewidth=0.7, label="one seed")
        mean = f"mean of {seeds} seeds" if seeds > 1 else "one seed"
        axis.plot(losses.index, losses.mean(axis=1), "C1.-" if len(losses) == 1 else "C1-", label=mean)
        axis.set(title=label, xlabel="epoch", ylabel="training loss", yscale="log")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axis.legend()
    return figure


def predicted_against_true(runs: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float32]]]) -> Figure:
    """The unrounded prediction for every true count: what part of the images lies where, one panel a variant.

    Args:
        runs: by the variant's label: true counts, shape (images,), and predictions of all seeds, shape (seeds, images).
    """
    figure, axes = _columns(len(runs), 2.8)
    for axis, (label, (labels, predictions)) in zip(axes, runs.items(), strict=True):
        counts = np.unique(labels)
        groups = [predictions[:, labels == count].ravel() for count in counts]
        groups = [group[np.isfinite(group)] for group in groups]
        low, high = counts.min() - 1.5, counts.max() + 1.5
        axis.axhspan(low, high, color="white")
        for count in counts:  # what rounds to the true count
            axis.add_patch(Rectangle((count - 0.42, count - 0.5), 0.84, 1, color="#DDEBF5", linewidth=0))
        drawn = {count: np.clip(group, low, high) for count, group in zip(counts, groups, strict=True) if len(group)}
        if drawn:  # a training that diverged predicts no number at all
            parts = axis.violinplot(
                list(drawn.values()), positions=list(drawn), widths=0.8, showextrema=False, bw_method=0.1
            )
            bodies: Any = parts["bodies"]
            for body in bodies:
                body.set(facecolor="C0", alpha=0.9, edgecolor="none")
        axis.plot(
            counts,
            [float(np.median(group)) if len(group) else np.nan for group in groups],
            "o",
            color="C1",
            label="median",
        )
        axis.add_patch(Rectangle((0, 0), 0, 0, color="#DDEBF5", label="rounds to the true count"))
        axis.set(title=label, xlabel="true count", ylabel="predicted count", xticks=counts, ylim=(low, high))
        axis.yaxis.set_major_locator(MaxNLocator(integer=True))
        axis.legend(loc="upper left")
    return figure


def accuracy_by_count(runs: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]) -> Figure:
    """The exact-count accuracy for every true count: the mean over seeds and its 95 % interval.

    With a single seed the interval is Wilson's, over the images.

    Args:
        runs: by the variant's label: true counts, shape (images,), and predicted counts, shape (seeds, images).
    """
    figure, axis = plt.subplots(figsize=(SINGLE, 2.5))
    offsets = (np.arange(len(runs)) - (len(runs) - 1) / 2) * 0.16
    markers = "osD^vP"
    for i, (label, (labels, predicted)) in enumerate(runs.items()):
        counts = np.unique(labels)
        means, lows, highs = [], [], []
        for count in counts:
            right = predicted[:, labels == count] == count
            mean, low, high = mean_interval(right.mean(axis=1).tolist())
            if len(right) == 1:
                low, high = wilson_interval(int(right.sum()), right.size)
            means.append(mean)
            lows.append(max(low, 0.0))
            highs.append(min(high, 1.0))
        seeds = f"{len(predicted)} seed{'s' if len(predicted) > 1 else ''}"
        errors = np.array([np.subtract(means, lows), np.subtract(highs, means)]).clip(0)
        axis.errorbar(counts + offsets[i], means, errors, fmt=markers[i % len(markers)], capsize=2, elinewidth=0.8,
                      label=f"{label} ({seeds})")  # fmt: skip
    axis.set_xticks(np.unique(np.concatenate([labels for labels, _ in runs.values()])))
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axis.set(xlabel="true count", ylabel="counts that are exact")
    axis.set_ylim(top=min(1.02, axis.get_ylim()[1]))
    figure.legend(loc="outside upper center", ncols=2)
    return figure
