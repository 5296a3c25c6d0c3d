"""The figure of losses and accuracies over the epochs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullLocator

from calotype.evaluation.divergence import diverged
from calotype.evaluation.study_results import StudyResults
from calotype.figures.base import (
    DOUBLE,
    FAINT,
    SINGLE,
    WRONG,
    empty_figure,
    legend,
    log_scale,
    note_diverged,
    percent_ticks,
    place,
    wrap,
)
from calotype.util.csv_tables import where


def _draw_curve(axis: Axes, history: pd.DataFrame, metric: str, colour: str, dashes: str) -> None:
    """The mean over seeds as a line, and a band from the lowest to the highest seed.

    Both end where the first seed stops, or diverges: with fewer seeds they would jump.
    """
    found = history[history.metric == metric].pivot(index="epoch", columns="seed", values="value").astype(float)
    if found.empty:
        return
    found = found.where(np.isfinite(found)).dropna()
    mean = found.mean(axis=1)
    few = len(found) <= 5
    axis.plot(found.index, mean, color=colour, linestyle=dashes, marker="o" if few else "", markersize=2.5)
    if found.shape[1] > 1:
        low, high = found.min(axis=1), found.max(axis=1)
        axis.fill_between(found.index, low, high, color=colour, alpha=0.25, linewidth=0)
        if len(found) == 1:
            axis.vlines(found.index, low, high, color=colour, alpha=0.4, linewidth=3)


def _draw_diverged(axis: Axes, history: pd.DataFrame, metric: str, lost: Mapping[int, int]) -> None:
    """A thin line for each seed that diverged, up to the epoch before."""
    found = history[history.metric == metric].sort_values("epoch")
    for seed, epoch in lost.items():
        curve = found[(found.seed == seed) & (found.epoch < epoch)]
        dot = "o" if len(curve) == 1 else ""  # a line of one epoch would not be seen
        axis.plot(curve.epoch, curve.value, color=WRONG, linewidth=0.7, alpha=0.7, marker=dot, markersize=2)


def draw_training_curves(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Loss and, where it was written down, accuracy over the epochs, of the training and of a validation part.

    A column of panels for each variant, four side by side: the loss above (each panel has its own scale, because losses
    can differ in kind), the accuracy beneath (one scale for all). Lines are means over seeds, bands reach from the
    lowest to the highest seed; both end with the epoch that all seeds reach. Seeds that diverged are not among these:
    each is a thin line of its own, up to a cross at the upper edge where it diverged.

    Args:
        histories: by the variant's label: columns seed, epoch, metric, value. Metrics: loss, accuracy, and of the
            validation part val_loss, val_accuracy.
    """
    lost = {label: diverged(history) for label, history in histories.items()}
    kept = {label: history[~history.seed.isin(list(lost[label]))] for label, history in histories.items()}
    across = min(len(histories), 4)
    width = SINGLE if across == 1 else DOUBLE
    blocks = [list(histories.items())[i : i + across] for i in range(0, len(histories), across)]
    metrics = set().union(*(set(history.metric) for history in histories.values()))
    # All in inches.
    left, right, between, head, foot = 0.58, 0.15, 0.45, 0.2, 0.4
    panel = (width - left - right - between * (across - 1)) / across
    tall = 1.5 if across == 1 else 1.15
    titles = [[wrap(label, panel + 2 * right - 0.04, 8) for label, _ in block] for block in blocks]
    above = [0.1 + 0.13 * max(title.count("\n") + 1 for title in row) for row in titles]
    rows = [1 + any((history.metric == "accuracy").any() for _, history in block) for block in blocks]
    heights = [space + n * tall + (n - 1) * 0.12 + foot for space, n in zip(above, rows, strict=True)]
    figure = empty_figure(width, head + sum(heights))
    shared: Axes | None = None
    for i, block in enumerate(blocks):
        top = head + sum(heights[:i]) + above[i]
        for j, (label, history) in enumerate(block):
            x = left + j * (panel + between)
            loss = place(figure, x, top, panel, tall)
            loss.set_title(titles[i][j], y=1, parse_math=False, va="bottom")
            drawn = [(loss, "loss")]
            if (history.metric == "accuracy").any():
                lower = place(figure, x, top + tall + 0.12, panel, tall, sharex=loss, sharey=shared)
                first = not any((before.metric == "accuracy").any() for _, before in block[:j])
                lower.tick_params(labelleft=first)
                lower.set_ylabel("accuracy" if first else "")
                shared = shared or lower
                loss.tick_params(labelbottom=False)
                drawn.append((lower, "accuracy"))
            for axis, metric in drawn:
                _draw_curve(axis, kept[label], metric, "C0", "-")
                if (history.metric == f"val_{metric}").any():
                    _draw_curve(axis, kept[label], f"val_{metric}", "C1", "--")
            loss.set_ylabel("" if j else "loss")
            for axis, _ in drawn:  # at one place, however wide the ticks' labels are
                axis.yaxis.set_label_coords(-0.46 / panel, 0.5)
            drawn[-1][0].set_xlabel("epoch")
            drawn[-1][0].xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
            alone = kept[label].empty
            for axis, metric in drawn if alone else []:
                _draw_diverged(axis, history, metric, lost[label])
            if any((np.asarray(line.get_ydata()) > 0).any() for line in loss.lines):
                log_scale(loss.yaxis)
            elif alone and not any(np.size(line.get_ydata()) for line in loss.lines):
                loss.yaxis.set_major_locator(NullLocator())  # there is no number for it to show
            if lost[label]:
                scale = loss.get_ylim()
                for axis, metric in [] if alone else drawn:
                    _draw_diverged(axis, history, metric, lost[label])
                # A loss on its way to infinity would flatten the others; that it leaves the panel is what it does.
                loss.set_ylim(scale)
                epochs = list(lost[label].values())
                at_the_edge = loss.get_xaxis_transform()
                loss.plot(epochs, np.ones(len(epochs)), "x", color=WRONG, clip_on=False, transform=at_the_edge)
                note_diverged(loss, len(epochs), history.seed.nunique(), top=True)
    if shared is not None:
        percent_ticks(shared.yaxis)
    handles: list[Any] = [Line2D([], [], color="C0", label="training")]
    if any(metric.startswith("val_") for metric in metrics):
        handles.append(Line2D([], [], color="C1", linestyle="--", label="validation"))
    if any(history.seed.nunique() > 1 for history in kept.values()):
        handles.append(Patch(color=FAINT, alpha=0.3, linewidth=0, label="all seeds"))
    if any(lost.values()):
        handles.append(Line2D([], [], color=WRONG, linewidth=0.7, marker="x", label="diverged"))
    legend(figure, handles, len(handles))
    return figure


def training_curves(results: StudyResults) -> Figure:
    """Loss and accuracy of every variant over the epochs, over all seeds."""
    history = results.table("history")
    return draw_training_curves({label: where(history, variant=name) for name, label in results.labels.items()})
