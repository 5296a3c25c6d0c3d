"""The figure of task `regress`: how predicted numbers agree with the true ones."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from calotype.evaluation.study_results import Lost, Runs, StudyResults
from calotype.figures.base import (
    DOUBLE,
    FAINT,
    SINGLE,
    empty_figure,
    legend,
    note_diverged,
    place,
    shorten,
    text_width,
    wrap,
)

DOTS = 1500  # beyond so many points they cover each other, and cells say how many lie where
SPREAD = 1.96  # standard deviations to either side hold 95 % of differences that are normally distributed


def limits_of_agreement(labels: NDArray[np.float64], predictions: NDArray[np.float32]) -> NDArray[np.float64]:
    """The mean difference of predicted and true numbers of each seed, and the range that 95 % of them lie in.

    Source: J. M. Bland, D. G. Altman, Statistical methods for assessing agreement between two methods of clinical
    measurement, Lancet 327 (1986) 307.

    Args:
        labels: true numbers, shape (images,).
        predictions: shape (seeds, images); those that are not finite do not count.

    Returns:
        Shape (seeds, 3): the mean minus 1.96 standard deviations, the mean, and plus 1.96; of the seeds that have two
        finite predictions.
    """
    found = []
    for seed in predictions.astype(np.float64):
        differences = (seed - labels)[np.isfinite(seed)]
        if len(differences) > 1:
            found.append(differences.mean() + SPREAD * differences.std(ddof=1) * np.array([-1.0, 0.0, 1.0]))
    return np.array(found).reshape(-1, 3)


def _draw_points(axis: Axes, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """Points, or where there are too many, cells with a shade for how many lie there; those outside, at the edge."""
    x, y = (np.clip(values, *limits) for values, limits in ((x, axis.get_xlim()), (y, axis.get_ylim())))
    if len(x) <= DOTS:
        axis.plot(x, y, "o", color="C0", markersize=2, markeredgewidth=0, alpha=0.6, clip_on=False)
        return
    shades = ListedColormap(matplotlib.colormaps["Blues"](np.linspace(0.3, 1, 256)))
    extent = (*axis.get_xlim(), *axis.get_ylim())
    across = 40
    down = max(8, round(across * axis.bbox.height / axis.bbox.width / 3**0.5))
    # Cells are many shapes, which some viewers show with gaps: one image.
    axis.hexbin(x, y, gridsize=(across, down), extent=extent, mincnt=1, cmap=shades, norm=LogNorm(vmin=1),
                linewidths=0.2, edgecolors="face", rasterized=True)  # fmt: skip


def _draw_limits(axis: Axes, limits: NDArray[np.float64]) -> None:
    """The mean difference and the limits of agreement: means over seeds, and bands from the lowest to the highest."""
    for values, dashes in zip(limits.T, ("--", "-", "--"), strict=True):
        if len(values) > 1:
            axis.axhspan(values.min(), values.max(), color="C1", alpha=0.25, linewidth=0)
        axis.axhline(values.mean(), color="C1", linestyle=dashes, linewidth=1)


def _reach(limits: NDArray[np.float64], differences: NDArray[np.float64], span: float) -> float:
    """How far an axis of differences reaches to either side: to the farthest, unless that is far beyond the others."""
    widest = 1.1 * float(np.abs(limits).max(initial=0))
    farthest = 1.05 * float(np.abs(differences).max(initial=0))
    return min(max(widest, min(farthest, 2 * widest)), 1.5 * span) or 0.1 * span


def _words(limits: NDArray[np.float64], width: float) -> str:
    """A mean difference and its limits as text, no wider than some inches: ``+0.17 (−0.786 to +1.13)``."""
    for digits in (3, 2):
        lower, mean, upper = (f"{value:+.{digits}g}".replace("-", "−") for value in limits)
        words = f"{mean} ({lower} to {upper})"
        if text_width(words, 7) <= width:
            break
    return shorten(words, width, 7)


def draw_agreement(runs: Runs, diverged: Lost | None = None) -> Figure:
    """Predicted against true numbers, and beneath the difference of the two against their mean (Bland and Altman).

    A column for each variant, up to three side by side, with the images of all seeds. The lines beneath are the mean
    difference and the limits of agreement, 1.96 standard deviations from it: means over seeds, which the words above
    them say, and bands from the lowest to the highest seed. What lies outside of a panel is drawn at its edge.
    """
    across = min(len(runs), 3)
    width = SINGLE if across == 1 else DOUBLE
    blocks = [list(runs.items())[i : i + across] for i in range(0, len(runs), across)]
    # All in inches.
    left, right, between, foot, middle = 0.7, 0.25, 0.55, 0.4, 0.62
    head = 0.2 if across > 1 else 0.36
    panel = (width - left - right - between * (across - 1)) / across
    tall, flat = panel, min(0.62 * panel, 1.5)
    titles = [[wrap(label, panel + between - 0.1, 8) for label, _ in block] for block in blocks]
    above = [0.1 + 0.13 * max(title.count("\n") + 1 for title in row) for row in titles]
    heights = [space + tall + middle + flat + foot for space in above]
    figure = empty_figure(width, head + sum(heights))
    for i, block in enumerate(blocks):
        top = head + sum(heights[:i]) + above[i]
        for j, (label, (labels, predictions)) in enumerate(block):
            x = left + j * (panel + between)
            limits = limits_of_agreement(labels, predictions)
            span = float(np.ptp(labels)) or abs(float(labels[0])) or 1.0
            low, high = float(labels.min()) - 0.15 * span, float(labels.max()) + 0.15 * span
            true = np.broadcast_to(labels, predictions.shape)[np.isfinite(predictions)].astype(np.float64)
            said = predictions[np.isfinite(predictions)].astype(np.float64)
            reach = _reach(limits, said - true, span)
            both = place(figure, x, top, panel, tall, xlim=(low, high), ylim=(low, high))
            both.plot([low, high], [low, high], color=FAINT, linestyle=":", linewidth=0.8)
            both.set(xlabel="true", ylabel="predicted" if j == 0 else "")
            both.set_title(titles[i][j], y=1, parse_math=False, va="bottom")
            apart = place(figure, x, top + tall + middle, panel, flat, xlim=(low, high), ylim=(-reach, reach))
            apart.axhline(0, color=FAINT, linestyle=":", linewidth=0.8)
            apart.set(xlabel="mean of both", ylabel="predicted − true" if j == 0 else "")
            _draw_points(both, true, said)
            _draw_points(apart, (true + said) / 2, said - true)
            if len(limits):
                _draw_limits(apart, limits)
                words = _words(limits.mean(axis=0), panel + right - 0.02)
                apart.set_title(words, y=1, fontsize=7, va="bottom", loc="left")
            lost = (diverged or {}).get(label, 0)
            note_diverged(both, lost, lost + len(predictions), top=False)
            for axis in (both, apart):
                axis.yaxis.set_label_coords(-0.58 / panel, 0.5)
                for ticks in (axis.xaxis, axis.yaxis):
                    ticks.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
                    # In full: a factor for all ticks would stand where the words above the panel do.
                    ticks.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "−")))
                axis.grid(visible=False)
    handles: list[Any] = [
        Line2D([], [], color=FAINT, linestyle=":", linewidth=0.8, label="as true"),
        Line2D([], [], color="C1", linewidth=1, label="mean difference"),
        Line2D([], [], color="C1", linestyle="--", linewidth=1, label="limits of agreement"),
    ]
    if any(len(predictions) > 1 for _, predictions in runs.values()):
        handles.append(Patch(color="C1", alpha=0.25, linewidth=0, label="all seeds"))
    legend(figure, handles, len(handles) if width == DOUBLE else 2)
    return figure


def agreement(results: StudyResults) -> Figure:
    """How the predicted numbers of every variant agree with the true ones, all seeds together."""
    return draw_agreement(results.converged(results.tests[-1]), results.diverged_seeds)
