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
from calotype.figures.base import FAINT, PALE
from calotype.figures.panels import columns, legend, mean_and_band, note_diverged, percent_ticks, place
from calotype.metrics.calibration import BINS, Calibration, calibration
from calotype.util.powers import with_powers

TALLEST = 2.0  # inches: greatest height of a panel, which is square if narrower


def _draw_curve(axis: Axes, found: Sequence[Calibration]) -> None:
    """Plot the accuracy in each bin that holds images: the mean over seeds, and a band that holds all seeds."""
    held = np.array([seed.images for seed in found]).any(axis=0)
    sure, right = (np.array([getattr(seed, part)[held] for seed in found]) for part in ("confidence", "accuracy"))
    mean_and_band(axis, np.nanmean(sure, axis=0), right, "C0", marker="o", markersize=2.5, clip_on=False)


def draw_calibration_curves(runs: Runs, diverged: Lost | None = None) -> Figure:
    """Plot the accuracy of images with similar confidence and, below, the number of these images.

    Each variant has a column, up to four side by side. Confidence is the probability of the predicted class; its range
    has `BINS` bins of equal width. The curve shows means over seeds, the band reaches from the lowest to the highest
    seed. On the dashed line, accuracy equals confidence. Bars are the mean number of images of one seed, on a
    logarithmic axis. Seeds with a non-finite probability are left out.
    """
    bins = {
        label: [found for seed in probabilities if (found := calibration(labels, seed))]
        for label, (labels, probabilities) in runs.items()
    }
    images = {label: np.mean([seed.images for seed in found], axis=0) for label, found in bins.items() if found}
    counts = np.concatenate([np.ones(1), *images.values()])
    lowest, highest = 0.5 * counts[counts > 0].min(), 2 * counts.max()
    powers = np.arange(0, np.log10(highest), 1 + np.log10(highest) // 3)
    gap, bars = 0.1, 0.45  # inches
    figure, panel, places = columns(
        list(runs), 4, lambda panel, _: min(panel, TALLEST) + gap + bars + 0.4,
        left=0.58, right=0.2, between=0.4, head=0.2, above=0.23, beyond=0.3,
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
        below.set_yticks(10**powers, [with_powers(f"{10**power:,g}") for power in powers])
        below.tick_params(labelleft=column == 0)
        for axis, name in ((curve, "accuracy"), (below, "images")):
            axis.set_ylabel("" if column else name)
            axis.yaxis.set_label_coords(-0.46 / panel, 0.5)
        percent_ticks(curve.yaxis)
        percent_ticks(below.xaxis)
    several = any(len(found) > 1 for found in bins.values())
    handles: list[Any] = [
        Line2D([], [], color="C0", marker="o", markersize=2.5, label="mean" if several else "one seed")
    ]
    if several:
        handles.append(Patch(color="C0", alpha=0.25, linewidth=0, label="range over seeds"))
    handles.append(Line2D([], [], color=FAINT, linestyle="--", linewidth=0.8, label="accuracy = confidence"))
    legend(figure, handles, len(handles))
    return figure


def calibration_curves(results: StudyResults) -> Figure:
    """Plot the calibration of every variant, over all seeds."""
    return draw_calibration_curves(results.converged(results.tests[-1]), results.diverged_seeds)
