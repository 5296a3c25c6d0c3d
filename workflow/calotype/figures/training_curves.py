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
from calotype.figures.base import FAINT, WRONG
from calotype.figures.panels import columns, legend, log_scale, mean_and_band, note_diverged, percent_ticks, place
from calotype.util.csv_tables import where


def _draw_curve(axis: Axes, history: pd.DataFrame, metric: str, colour: str, dashes: str) -> None:
    """Plot the mean over seeds and a band that holds all seeds, up to the last epoch that all seeds reach."""
    found = history[history.metric == metric].pivot(index="epoch", columns="seed", values="value").astype(float)
    if found.empty:
        return
    found = found.where(np.isfinite(found)).dropna()
    marker = "o" if len(found) <= 5 else ""
    mean_and_band(axis, found.index, found.to_numpy().T, colour, linestyle=dashes, marker=marker, markersize=2.5)


def _draw_diverged(axis: Axes, history: pd.DataFrame, metric: str, lost: Mapping[int, int]) -> None:
    """Plot a thin line for each seed that diverged, up to the epoch before."""
    found = history[history.metric == metric].sort_values("epoch")
    for seed, epoch in lost.items():
        curve = found[(found.seed == seed) & (found.epoch < epoch)]
        dot = "o" if len(curve) == 1 else ""  # a line of one epoch is invisible
        axis.plot(curve.epoch, curve.value, color=WRONG, linewidth=0.7, alpha=0.7, marker=dot, markersize=2)


def draw_training_curves(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Plot loss and, if recorded, accuracy over the epochs, of training and of validation images.

    Each variant has a column, up to four side by side. Each loss has its own scale, because losses can differ in kind;
    accuracies below share one. Lines are means over seeds, bands reach from the lowest to the highest seed; both end
    with the last epoch that all seeds reach. Each seed that diverged is a thin line up to a cross at the upper edge.

    Args:
        histories: by the variant's label: columns seed, epoch, metric, value. Metrics: loss, accuracy, val_loss,
            val_accuracy.
    """
    lost = {label: diverged(history) for label, history in histories.items()}
    kept = {label: history[~history.seed.isin(list(lost[label]))] for label, history in histories.items()}
    metrics = set().union(*(set(history.metric) for history in histories.values()))
    with_accuracy = [label for label, history in histories.items() if (history.metric == "accuracy").any()]
    tall = 1.5 if len(histories) == 1 else 1.15
    figure, panel, places = columns(
        list(histories), 4, lambda _, row: tall + (tall + 0.12) * any(label in with_accuracy for label in row) + 0.4,
        left=0.58, right=0.15, between=0.45, head=0.2, above=0.1, beyond=0.26,
    )  # fmt: skip
    shared: Axes | None = None
    first = True
    for label, title, x, top, column in places:
        history = histories[label]
        loss = place(figure, x, top, panel, tall)
        loss.set_title(title, y=1, parse_math=False, va="bottom")
        drawn = [(loss, "loss")]
        first = first or column == 0  # of its row with an accuracy
        if label in with_accuracy:
            lower = place(figure, x, top + tall + 0.12, panel, tall, sharex=loss, sharey=shared)
            lower.tick_params(labelleft=first)
            lower.set_ylabel("accuracy" if first else "")
            first, shared = False, shared or lower
            loss.tick_params(labelbottom=False)
            drawn.append((lower, "accuracy"))
        for axis, metric in drawn:
            _draw_curve(axis, kept[label], metric, "C0", "-")
            if (history.metric == f"val_{metric}").any():
                _draw_curve(axis, kept[label], f"val_{metric}", "C1", "--")
            axis.yaxis.set_label_coords(-0.46 / panel, 0.5)  # at one place, for tick labels of any width
        loss.set_ylabel("" if column else "loss")
        drawn[-1][0].set_xlabel("epoch")
        drawn[-1][0].xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
        alone = kept[label].empty
        for axis, metric in drawn if alone else []:
            _draw_diverged(axis, history, metric, lost[label])
        if any((np.asarray(line.get_ydata()) > 0).any() for line in loss.lines):
            log_scale(loss.yaxis)
        elif alone and not any(np.size(line.get_ydata()) for line in loss.lines):
            loss.yaxis.set_major_locator(NullLocator())  # no value to show
        if lost[label]:
            scale = loss.get_ylim()
            for axis, metric in [] if alone else drawn:
                _draw_diverged(axis, history, metric, lost[label])
            loss.set_ylim(scale)  # a diverging loss leaves the panel instead of flattening the others
            epochs = list(lost[label].values())
            at_the_edge = loss.get_xaxis_transform()
            loss.plot(epochs, np.ones(len(epochs)), "x", color=WRONG, clip_on=False, transform=at_the_edge)
            note_diverged(loss, len(epochs), kept[label].seed.nunique(), top=True)
    if shared is not None:
        percent_ticks(shared.yaxis)
    handles: list[Any] = [Line2D([], [], color="C0", label="training")]
    if any(metric.startswith("val_") for metric in metrics):
        handles.append(Line2D([], [], color="C1", linestyle="--", label="validation"))
    if any(history.seed.nunique() > 1 for history in kept.values()):
        handles.append(Patch(color=FAINT, alpha=0.3, linewidth=0, label="range over seeds"))
    if any(lost.values()):
        handles.append(Line2D([], [], color=WRONG, linewidth=0.7, marker="x", label="diverged"))
    legend(figure, handles, len(handles))
    return figure


def training_curves(results: StudyResults) -> Figure:
    """Plot the training curves of every variant, over all seeds."""
    history = results.table("history")
    return draw_training_curves({label: where(history, variant=name) for name, label in results.labels.items()})
