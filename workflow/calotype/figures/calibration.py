"""The figure of calibration, of task `classify`: accuracy against confidence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from calotype.evaluation.number_format import show
from calotype.evaluation.study_results import Lost, Runs, StudyResults
from calotype.figures.base import FAINT, PALE, PAPER
from calotype.figures.panels import (
    band_text,
    columns,
    legend,
    legend_height,
    mean_and_band,
    note_diverged,
    percent_ticks,
    place,
    tick_text,
)
from calotype.metrics.calibration import BINS, Calibration, calibration

TALLEST = 2.0  # inches: greatest height of a panel, which is square if narrower
FEW = 10  # images of a seed: the accuracy of fewer is by chance


def _draw_curve(axis: Axes, found: Sequence[Calibration]) -> None:
    """Plot the accuracy in each bin: the mean over seeds, and a band of them; bins with few images are faint."""
    images = np.array([seed.images for seed in found])
    held = images.any(axis=0)
    few = images.mean(axis=0)[held] < FEW
    sure, right = (np.array([getattr(seed, part)[held] for seed in found]) for part in ("confidence", "accuracy"))
    x, y = np.nanmean(sure, axis=0), np.nanmean(right, axis=0)
    axis.plot(x, y, color="C0", linewidth=0.6, alpha=0.35)
    axis.plot(x[few], y[few], "o", color="C0", markersize=2.5, markerfacecolor=PAPER, alpha=0.5, clip_on=False)
    if not few.all():
        mean_and_band(axis, x, np.where(few, np.nan, right), "C0", marker="o", markersize=2.5, clip_on=False)


def draw_calibration_curves(runs: Runs, diverged: Lost | None = None) -> Figure:
    """Plot the accuracy of images with similar confidence and, below, the number of these images.

    Each variant has a column, up to four side by side. Confidence is the probability of the predicted class; its range
    has `BINS` bins of equal width. The curve shows means over seeds, with a band; bins with fewer than `FEW` images of
    a seed are faint and have none. On the dashed line, accuracy equals confidence. Bars are the mean number of images
    of one seed, on a logarithmic axis. Seeds with a non-finite probability are left out.
    """
    bins = {
        label: [found for seed in probabilities if (found := calibration(labels, seed))]
        for label, (labels, probabilities) in runs.items()
    }
    images = {label: np.mean([seed.images for seed in found], axis=0) for label, found in bins.items() if found}
    counts = np.concatenate([np.ones(1), *images.values()])
    lowest, highest = 0.5 * counts[counts > 0].min(), 2 * counts.max()
    powers = np.arange(0, np.log10(highest), 1 + np.log10(highest) // 3)
    handles = _handles(
        [len(found) for found in bins.values()], any(((part > 0) & (part < FEW)).any() for part in images.values())
    )
    gap, bars = 0.1, 0.45  # inches
    figure, panel, places = columns(
        list(runs), 4, lambda panel, _: min(panel, TALLEST) + gap + bars + 0.4,
        left=0.58, right=0.2, between=0.4, head=legend_height(handles, len(runs)), above=0.23, beyond=0.3,
    )  # fmt: skip
    tall = min(panel, TALLEST)
    for label, title, x, top, column in places:
        curve = place(figure, x, top, panel, tall)
        below = place(figure, x, top + tall + gap, panel, bars, sharex=curve)
        curve.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=0.8)
        if drawn := bins[label]:
            _draw_curve(curve, drawn)
            words = f"ECE {show(float(np.mean([seed.error for seed in drawn])), share=True)}"
            curve.text(0.5, 1 + 0.05 / tall, words, fontsize=7, ha="center", transform=curve.transAxes)
            middles = (np.arange(BINS) + 0.5) / BINS
            held = images[label] > 0
            below.bar(middles[held], images[label][held] - lowest, 0.9 / BINS, bottom=lowest, color=PALE)
        note_diverged(curve, (diverged or {}).get(label, 0), len(runs[label][1]))
        curve.set(xlim=(0, 1), ylim=(0, 1), xticks=[0, 0.5, 1], yticks=[0, 0.25, 0.5, 0.75, 1])
        curve.set_title(title, y=1 + 0.1 / tall, parse_math=False, va="bottom")
        curve.tick_params(labelbottom=False, labelleft=column == 0)
        below.set(yscale="log", ylim=(lowest, highest), xlabel="confidence")
        below.yaxis.set_minor_locator(NullLocator())
        below.set_yticks(10**powers, [tick_text(10**power) for power in powers])
        below.tick_params(labelleft=column == 0)
        for axis, name in ((curve, "accuracy"), (below, "images")):
            axis.set_ylabel("" if column else name)
            axis.yaxis.set_label_coords(-0.46 / panel, 0.5)
        percent_ticks(curve.yaxis)
        percent_ticks(below.xaxis)
    legend(figure, handles)
    return figure


def _handles(seeds: Sequence[int], few: bool) -> list[Any]:
    """Return the entries of the legend."""
    point: dict[str, Any] = {"color": "C0", "marker": "o", "markersize": 2.5}
    several = max(seeds, default=0) > 1
    handles: list[Any] = [Line2D([], [], label="mean" if several else "one seed", **point)]
    if several:
        handles.append(Patch(color="C0", alpha=0.25, linewidth=0, label=band_text(seeds)))
    if few:
        faint = {"alpha": 0.5, "markerfacecolor": PAPER, "linewidth": 0.6}
        handles.append(Line2D([], [], label=f"fewer than {FEW} images", **point | faint))
    return [*handles, Line2D([], [], color=FAINT, linestyle="--", linewidth=0.8, label="accuracy = confidence")]


def calibration_curves(results: StudyResults) -> Figure:
    """Plot the calibration of every variant, over all seeds."""
    return draw_calibration_curves(results.converged(results.tests[-1]), results.diverged_seeds)
