"""The figure of task `regress`: agreement of predicted and true numbers."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from calotype.evaluation.study_results import Lost, Runs, StudyResults
from calotype.figures.base import FAINT, WRONG, shorten, text_width
from calotype.figures.panels import (
    band,
    band_text,
    columns,
    legend,
    legend_height,
    note_diverged,
    number_ticks,
    place,
)
from calotype.util.powers import with_powers

DOTS = 1500  # more points would cover each other: shaded cells count them instead
TALLEST = 2.7  # inches: greatest height of a panel, which is square if narrower
SPREAD = 1.96  # 95 % of normally distributed differences lie within so many standard deviations


def limits_of_agreement(labels: NDArray[np.float64], predictions: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean difference of predicted and true numbers of each seed, and its limits of agreement.

    Source: J. M. Bland, D. G. Altman, Statistical methods for assessing agreement between two methods of clinical
    measurement, Lancet 327 (1986) 307.

    Args:
        labels: true numbers, shape (images,).
        predictions: shape (seeds, images); values that are not finite are left out.

    Returns:
        Shape (seeds, 3): the mean minus 1.96 standard deviations, the mean, and plus 1.96. Seeds with fewer than two
        finite predictions have no row.
    """
    found = []
    for seed in predictions.astype(np.float64):
        differences = (seed - labels)[np.isfinite(seed)]
        if len(differences) > 1:
            found.append(differences.mean() + SPREAD * differences.std(ddof=1) * np.array([-1.0, 0.0, 1.0]))
    return np.array(found).reshape(-1, 3)


def _draw_outside(axis: Axes, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Plot points outside a panel as triangles at its edge, and write their number; return which are inside."""
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    beyond = {"^": y > high, "v": y < low}
    beyond |= {marker: far & (low <= y) & (y <= high) for marker, far in ((">", x > right), ("<", x < left))}
    for marker, far in beyond.items():
        axis.plot(x[far].clip(left, right), y[far].clip(low, high), marker, color=WRONG, markersize=3.5,
                  markeredgewidth=0, alpha=0.7, clip_on=False)  # fmt: skip
    outside = np.any([*beyond.values()], axis=0)
    if number := int(outside.sum()):
        axis.text(0.03, 0.95, f"{number:,} outside", color=WRONG, fontsize=7, va="top", transform=axis.transAxes)
    return ~outside


def _draw_points(axis: Axes, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """Plot points or, if they are too many, cells shaded by their number of points; those outside, at the edge."""
    inside = _draw_outside(axis, x, y)
    x, y = x[inside], y[inside]
    if len(x) <= DOTS:
        axis.plot(x, y, "o", color="C0", markersize=2, markeredgewidth=0, alpha=0.6, clip_on=False)
        return
    shades = ListedColormap(matplotlib.colormaps["Blues"](np.linspace(0.3, 1, 256)))
    extent = (*axis.get_xlim(), *axis.get_ylim())
    across = 40
    down = max(8, round(across * axis.bbox.height / axis.bbox.width / 3**0.5))
    # As one image: some viewers show gaps between many shapes.
    axis.hexbin(x, y, gridsize=(across, down), extent=extent, mincnt=1, cmap=shades, norm=LogNorm(vmin=1),
                linewidths=0.2, edgecolors="face", rasterized=True)  # fmt: skip


def _draw_limits(axis: Axes, limits: NDArray[np.float64]) -> None:
    """Plot the mean difference and the limits of agreement: means over seeds, with bands."""
    for values, dashes in zip(limits.T, ("--", "-", "--"), strict=True):
        if len(values) > 1:
            axis.axhspan(*map(float, band(values)), color="C1", alpha=0.25, linewidth=0)
        axis.axhline(values.mean(), color="C1", linestyle=dashes, linewidth=1)


def _reach(limits: NDArray[np.float64], differences: NDArray[np.float64], span: float) -> float:
    """Return the largest difference on an axis: the largest of all, unless it is far from the others."""
    widest = 1.1 * float(np.abs(limits).max(initial=0))
    farthest = 1.05 * float(np.abs(differences).max(initial=0))
    return min(max(widest, min(farthest, 2 * widest)), 1.5 * span) or 0.1 * span


def _words(limits: NDArray[np.float64], width: float) -> str:
    """Return a mean difference and its limits as text of a width in inches: ``+0.17 (−0.786 to +1.13)``."""
    for digits in (3, 2):
        lower, mean, upper = (with_powers(f"{value:+.{digits}g}") for value in limits)
        words = f"{mean} ({lower} to {upper})"
        if text_width(words, 7) <= width:
            break
    return shorten(words, width, 7)


def draw_agreement(
    runs: Runs,
    diverged: Lost | None = None,
    names: Sequence[str] = ("true", "predicted", "mean of both", "predicted − true"),
) -> Figure:
    """Plot predicted against true numbers and, below, their difference against their mean (Bland and Altman).

    Each variant has a column with the images of all seeds, up to three side by side. The lines below are the mean
    difference and the limits of agreement: means over seeds, with bands. The text above them gives these means. Points
    outside a panel are triangles at its edge. `names` are those of the axes.
    """
    handles: list[Any] = [
        Line2D([], [], color=FAINT, linestyle=":", linewidth=0.8, label="predicted = true"),
        Line2D([], [], color="C1", linewidth=1, label="mean difference"),
        Line2D([], [], color="C1", linestyle="--", linewidth=1, label="limits of agreement"),
    ]
    seeds = [len(predictions) for _, predictions in runs.values()]
    if max(seeds) > 1:
        handles.append(Patch(color="C1", alpha=0.25, linewidth=0, label=band_text(seeds)))
    right, middle = 0.25, 0.62
    figure, panel, places = columns(
        list(runs), 3, lambda panel, _: min(panel, TALLEST) + middle + min(0.62 * panel, 1.5) + 0.4,
        left=0.7, right=right, between=0.55, head=legend_height(handles, len(runs)), above=0.1, beyond=0.45,
    )  # fmt: skip
    tall = min(panel, TALLEST)
    for label, title, x, top, column in places:
        labels, predictions = runs[label]
        limits = limits_of_agreement(labels, predictions)
        span = float(np.ptp(labels)) or abs(float(labels[0])) or 1.0
        low, high = float(labels.min()) - 0.15 * span, float(labels.max()) + 0.15 * span
        true = np.broadcast_to(labels, predictions.shape)[np.isfinite(predictions)].astype(np.float64)
        said = predictions[np.isfinite(predictions)].astype(np.float64)
        reach = _reach(limits, said - true, span)
        both = place(figure, x, top, panel, tall, xlim=(low, high), ylim=(low, high))
        both.plot([low, high], [low, high], color=FAINT, linestyle=":", linewidth=0.8)
        both.set(xlabel=names[0], ylabel="" if column else names[1])
        both.set_title(title, y=1, parse_math=False, va="bottom")
        below = x, top + tall + middle, panel, min(0.62 * panel, 1.5)
        apart = place(figure, *below, xlim=(low, high), ylim=(-reach, reach))
        apart.axhline(0, color=FAINT, linestyle=":", linewidth=0.8)
        apart.set(xlabel=names[2], ylabel="" if column else names[3])
        _draw_points(both, true, said)
        _draw_points(apart, (true + said) / 2, said - true)
        if len(limits):
            _draw_limits(apart, limits)
            words = _words(limits.mean(axis=0), panel + right - 0.02)
            apart.set_title(words, y=1, fontsize=7, va="bottom", loc="left")
        note_diverged(both, (diverged or {}).get(label, 0), len(predictions))
        for axis in (both, apart):
            axis.yaxis.set_label_coords(-0.58 / panel, 0.5)
            for ticks in (axis.xaxis, axis.yaxis):
                ticks.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
                power = number_ticks(ticks)
                ticks.set_label_text((ticks.label.get_text() or " " * bool(power)) + power)
            axis.grid(visible=False)
    legend(figure, handles)
    return figure


def agreement(results: StudyResults) -> Figure:
    """Plot the agreement of every variant, all seeds together."""
    unit = f" ({results.unit})" if results.unit else ""
    names = results.axis("true"), results.axis("predicted"), f"mean of both{unit}", f"predicted − true{unit}"
    return draw_agreement(results.converged(results.tests[-1]), results.diverged_seeds, names)
