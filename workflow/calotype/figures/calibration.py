"""The figure of calibration, of task `classify`: whether a net is as often right as it is sure."""

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
from calotype.figures.base import (
    DOUBLE,
    FAINT,
    PALE,
    SINGLE,
    empty_figure,
    legend,
    note_diverged,
    percent_ticks,
    place,
    wrap,
)
from calotype.metrics.calibration import BINS, Calibration, calibration

TALLEST = 2.0  # inches: of a panel, which is as high as it is wide where that is less


def _draw_curve(axis: Axes, found: Sequence[Calibration]) -> None:
    """The accuracy in each bin that holds images: the mean over seeds, and a band from the lowest to the highest."""
    held = np.array([seed.images for seed in found]).any(axis=0)
    sure, right = (np.array([getattr(seed, part)[held] for seed in found]) for part in ("confidence", "accuracy"))
    places = np.nanmean(sure, axis=0)
    if len(found) > 1:
        low, high = np.nanmin(right, axis=0), np.nanmax(right, axis=0)
        axis.fill_between(places, low, high, color="C0", alpha=0.25, linewidth=0)
        if len(places) == 1:
            axis.vlines(places, low, high, color="C0", alpha=0.4, linewidth=3)
    axis.plot(places, np.nanmean(right, axis=0), color="C0", marker="o", markersize=2.5, clip_on=False)


def draw_calibration_curves(runs: Runs, diverged: Lost | None = None) -> Figure:
    """The accuracy among images that a net is about equally sure of, and beneath it how many images that are.

    A column for each variant, up to four side by side. The curve has a point for each of `measures.BINS` equal parts of
    the range of confidence, the probability of the predicted class: the means over seeds, and a band from the lowest to
    the highest seed. On the dashed line a net is as often right as it is sure. Bars are images of one seed, on average,
    on a logarithmic axis. A seed with a probability that is not finite is left out.
    """
    bins = {
        label: [found for seed in probabilities if (found := calibration(labels, seed))]
        for label, (labels, probabilities) in runs.items()
    }
    images = {label: np.mean([seed.images for seed in found], axis=0) for label, found in bins.items() if found}
    counts = np.concatenate([np.ones(1), *images.values()])
    lowest, highest = 0.5 * counts[counts > 0].min(), 2 * counts.max()
    powers = np.arange(0, np.log10(highest), 1 + np.log10(highest) // 3)
    across = min(len(runs), 4)
    width = SINGLE if across == 1 else DOUBLE
    blocks = [list(runs.items())[i : i + across] for i in range(0, len(runs), across)]
    # All in inches.
    left, right, between, head, foot, gap, bars = 0.58, 0.2, 0.4, 0.2, 0.4, 0.1, 0.45
    panel = (width - left - right - between * (across - 1)) / across
    tall = min(panel, TALLEST)
    titles = [[wrap(label, panel + between - 0.1, 8) for label, _ in block] for block in blocks]
    above = [0.23 + 0.13 * max(title.count("\n") + 1 for title in row) for row in titles]
    heights = [space + tall + gap + bars + foot for space in above]
    figure = empty_figure(width, head + sum(heights))
    for i, block in enumerate(blocks):
        top = head + sum(heights[:i]) + above[i]
        for j, (label, (_, probabilities)) in enumerate(block):
            x = left + j * (panel + between)
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
            lost = (diverged or {}).get(label, 0)
            note_diverged(curve, lost, lost + len(probabilities), top=False)
            curve.set(xlim=(0, 1), ylim=(0, 1), xticks=[0, 0.5, 1], yticks=[0, 0.25, 0.5, 0.75, 1])
            curve.set_title(titles[i][j], y=1 + 0.1 / tall, parse_math=False, va="bottom")
            curve.tick_params(labelbottom=False, labelleft=j == 0)
            below.set(yscale="log", ylim=(lowest, highest), xlabel="confidence")
            below.yaxis.set_minor_locator(NullLocator())
            below.set_yticks(10**powers, [f"{10**power:g}" for power in powers])
            below.tick_params(labelleft=j == 0)
            for axis, name in ((curve, "accuracy"), (below, "images")):
                axis.set_ylabel("" if j else name)
                axis.yaxis.set_label_coords(-0.46 / panel, 0.5)
            percent_ticks(curve.yaxis)
            percent_ticks(below.xaxis)
    several = any(len(found) > 1 for found in bins.values())
    handles: list[Any] = [
        Line2D([], [], color="C0", marker="o", markersize=2.5, label="mean over seeds" if several else "one seed")
    ]
    if several:
        handles.append(Patch(color="C0", alpha=0.25, linewidth=0, label="all seeds"))
    handles.append(Line2D([], [], color=FAINT, linestyle="--", linewidth=0.8, label="as sure as right"))
    legend(figure, handles, len(handles))
    return figure


def calibration_curves(results: StudyResults) -> Figure:
    """How often every variant is right, by how sure it is, over all seeds."""
    return draw_calibration_curves(results.converged(results.tests[-1]), results.diverged_seeds)
