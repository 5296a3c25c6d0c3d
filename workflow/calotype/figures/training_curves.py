"""The figure of losses and other scores over the epochs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullLocator

from calotype.config.recipe import Recipe
from calotype.evaluation.divergence import diverged
from calotype.evaluation.study_results import StudyResults
from calotype.figures.base import FAINT, INK, WRONG, tallest
from calotype.figures.panels import (
    band_text,
    columns,
    legend,
    legend_height,
    log_scale,
    mean_and_band,
    note_diverged,
    percent_ticks,
    place,
)
from calotype.util.csv_tables import where

LOSS, ACCURACY = "loss", "accuracy"
BESIDE = 4  # variants side by side
GAP = 0.12  # inches between the panels of a variant
ALIKE = 5  # losses share an axis if each spans at least this part of it
Chosen = Mapping[str, tuple[str, Sequence[int]]]  # by label: the monitored score, and the chosen epoch of each seed


def _draw_curve(axis: Axes, history: pd.DataFrame, metric: str, colour: str, dashes: str) -> None:
    """Plot the mean over seeds and a band of them, up to the last epoch that all seeds reach."""
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


def _spread_lost(axes: Mapping[str, Axes], history: pd.DataFrame, lost: Mapping[int, int], kept: int) -> None:
    """Plot seeds that diverged, each with a cross at the upper edge; they leave the panel of the other losses."""
    loss = axes[LOSS]
    scale = loss.get_ylim()
    for metric, axis in axes.items() if kept else ():
        _draw_diverged(axis, history, metric, lost)
    loss.set_ylim(scale)  # a diverging loss leaves the panel instead of flattening the others
    epochs = list(lost.values())
    at_the_edge = loss.get_xaxis_transform()
    loss.plot(epochs, np.ones(len(epochs)), "x", color=WRONG, clip_on=False, transform=at_the_edge)
    note_diverged(loss, len(epochs), kept, top=True)


def _share_axis(losses: Sequence[Axes]) -> bool:
    """Give panels of losses one axis if that flattens none of them; return whether it was done."""
    ends = [np.log10(axis.get_ylim()) for axis in losses if axis.get_yscale() == "log"]
    if len(ends) < len(losses) or len(ends) < 2:
        return False
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    if any(ALIKE * (end[1] - end[0]) < high - low for end in ends):
        return False
    for axis in losses:
        axis.set_ylim(10**low, 10**high)
        power = log_scale(axis.yaxis)
        axis.set_ylabel(LOSS + power if axis.get_ylabel().startswith(LOSS) else "")
    return True


def _metrics(histories: Mapping[str, pd.DataFrame], chosen: Chosen) -> list[str]:
    """Return the metrics that get panels: the loss, the accuracy if recorded, and monitored scores."""
    known = {metric for history in histories.values() for metric in history.metric.unique()}
    monitored = [score.removeprefix("val_") for score, _ in chosen.values()]
    return [LOSS, *(metric for metric in dict.fromkeys([ACCURACY, *monitored]) if metric in known - {LOSS})]


def _handles(kept: Mapping[str, pd.DataFrame], histories: Mapping[str, pd.DataFrame], chosen: Chosen,
             lost: bool) -> list[Any]:  # fmt: skip
    """Return the entries of the legend."""
    handles: list[Any] = [Line2D([], [], color="C0", label="training")]
    if any(history.metric.str.startswith("val_").any() for history in histories.values()):
        handles.append(Line2D([], [], color="C1", linestyle="--", label="validation"))
    seeds = [history.seed.nunique() for history in kept.values()]
    if max(seeds) > 1:
        handles.append(Patch(color=FAINT, alpha=0.3, linewidth=0, label=band_text(seeds)))
    if chosen:
        scores = {score for score, _ in chosen.values()}
        words = f"epoch chosen by {scores.pop()}" if len(scores) == 1 else "chosen epoch"
        handles.append(Line2D([], [], color=INK, marker="^", markersize=3.5, linestyle="", label=words))
    if lost:
        handles.append(Line2D([], [], color=WRONG, linewidth=0.7, marker="x", label="diverged"))
    return handles


def draw_training_curves(histories: Mapping[str, pd.DataFrame], chosen: Chosen | None = None) -> Figure:
    """Plot loss, accuracy if recorded, and monitored scores over the epochs, of training and of validation images.

    Each variant has a column, up to four side by side; a figure is at most a page high. Losses share an axis unless
    that would flatten one; other scores share one each. Lines are means over seeds with a band; both end with the last
    epoch that all seeds reach. Each seed that diverged is a thin line up to a cross at the upper edge.

    Args:
        histories: by the variant's label: columns seed, epoch, metric, value. Metrics: loss, accuracy and others; with
            the prefix ``val_`` of validation images.
        chosen: epochs whose weights were kept, marked in the panel of the monitored score.
    """
    chosen = {label: found for label, found in (chosen or {}).items() if found[1]}
    lost = {label: diverged(history) for label, history in histories.items()}
    kept = {label: history[~history.seed.isin(list(lost[label]))] for label, history in histories.items()}
    metrics = _metrics(histories, chosen)
    has = {label: [metric for metric in metrics if metric == LOSS or (history.metric == metric).any()]
           for label, history in histories.items()}  # fmt: skip
    rows = -(-len(histories) // BESIDE)
    most = rows * max(len(found) for found in has.values())
    tall = max(0.35, min(1.5 if len(histories) == 1 else 1.15, (tallest() - 0.2 - rows * 0.96 - GAP * most) / most))
    handles = _handles(kept, histories, chosen, any(lost.values()))
    figure, panel, places = columns(
        list(histories), BESIDE, lambda _, row: (tall + GAP) * max(len(has[label]) for label in row) - GAP + 0.4,
        left=0.58, right=0.15, between=0.45, head=legend_height(handles, len(histories)), above=0.14, beyond=0.26,
    )  # fmt: skip
    losses: list[Axes] = []
    shared: dict[str, Axes] = {}  # the first panel of each score besides the loss
    named: set[str] = set()  # scores with a name in this row of panels
    for label, title, x, top, column in places:
        history, axes = histories[label], dict[str, Axes]()
        named = named if column else set()
        for i, metric in enumerate(has[label]):
            common = {"sharex": axes.get(LOSS), "sharey": shared.get(metric)}
            axis = place(figure, x, top + i * (tall + GAP), panel, tall, **common)
            axes[metric] = axis
            if metric != LOSS:
                shared.setdefault(metric, axis)
            _draw_curve(axis, kept[label], metric, "C0", "-")
            _draw_curve(axis, kept[label], f"val_{metric}", "C1", "--")
            axis.set_ylabel("" if metric in named else metric, parse_math=False)
            axis.yaxis.set_label_coords(-0.46 / panel, 0.5)  # at one place, for tick labels of any width
            axis.tick_params(labelleft=metric == LOSS or metric not in named, labelbottom=metric == has[label][-1])
            named.add(metric)
        loss, last = axes[LOSS], axes[has[label][-1]]
        losses.append(loss)
        loss.set_title(title, y=1, parse_math=False, va="bottom")
        last.set_xlabel("epoch")
        last.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
        alone = kept[label].empty
        for metric, axis in axes.items() if alone else ():
            _draw_diverged(axis, history, metric, lost[label])
        if any((np.asarray(line.get_ydata()) > 0).any() for line in loss.lines):
            loss.set_ylabel((loss.get_ylabel() + log_scale(loss.yaxis)).strip())
        elif alone and not any(np.size(line.get_ydata()) for line in loss.lines):
            loss.yaxis.set_major_locator(NullLocator())  # no value to show
        if label in chosen:
            score, epochs = chosen[label]
            axis = axes[score.removeprefix("val_")]
            axis.plot(epochs, np.full(len(epochs), 0.03), "^", color=INK, markersize=3.5, markeredgewidth=0, alpha=0.6,
                      transform=axis.get_xaxis_transform(), clip_on=False)  # fmt: skip
        if lost[label]:
            _spread_lost(axes, history, lost[label], kept[label].seed.nunique())
    if _share_axis(losses):
        for axis, (*_, column) in zip(losses, places, strict=True):
            axis.tick_params(labelleft=column == 0)
    if ACCURACY in shared:
        percent_ticks(shared[ACCURACY].yaxis)
    legend(figure, handles)
    return figure


def _chosen(results: StudyResults) -> dict[str, tuple[str, list[int]]]:
    """Return the monitored score of each variant, and the epochs whose weights its seeds kept."""
    found: dict[str, tuple[str, list[int]]] = {}
    for pack in results.origins:
        if pack.variant in results.labels:
            score = pack.origin["config"].get("monitor", Recipe.model_fields["monitor"].default)
            epochs = found.setdefault(results.labels[pack.variant], (score, []))[1]
            lost = results.diverged[pack.variant]
            epochs += [epoch for seed, epoch in pack.origin["best_epochs"].items() if int(seed) not in lost]
    return found


def training_curves(results: StudyResults) -> Figure:
    """Plot the training curves of every variant, over all seeds."""
    history = results.table("history")
    histories = {label: where(history, variant=name) for name, label in results.labels.items()}
    return draw_training_curves(histories, _chosen(results))
