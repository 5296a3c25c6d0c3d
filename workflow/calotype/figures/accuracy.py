"""The figure of the accuracy of each true label."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from calotype.evaluation.divergence import seeds_text
from calotype.evaluation.study_results import Lost, Runs, StudyResults
from calotype.figures.base import BAND, DOUBLE, MARKERS, SINGLE, text_width, wrap
from calotype.figures.panels import count_ticks, percent_ticks
from calotype.util.statistics import share_interval


def draw_accuracy_by_label(
    runs: Runs, *, xlabel: str, ylabel: str, names: Sequence[str] | None = None, diverged: Lost | None = None
) -> Figure:
    """Plot the share of correct predictions for each true label: the mean over seeds and its 95 % interval.

    `names` are the names of classes 0, 1, and so on.
    """
    everywhere = np.unique(np.concatenate([labels for labels, _ in runs.values()]))
    nothing = all(len(predicted) == 0 for _, predicted in runs.values())  # all seeds diverged
    width = DOUBLE if len(everywhere) > 6 else SINGLE
    figure = Figure(figsize=(width, 2.5))
    axis = figure.subplots()
    step = min(0.16, 0.8 / len(runs))
    offsets = (np.arange(len(runs)) - (len(runs) - 1) / 2) * step
    for i, (label, (labels, predicted)) in enumerate(runs.items()):
        counts = np.unique(labels)
        means, lows, highs = [], [], []
        for count in counts:
            right = (predicted[:, labels == count] == count).astype(float)
            mean = float(right.mean()) if len(right) else np.nan
            low, high = share_interval(mean, right) if len(right) else (np.nan, np.nan)
            means.append(mean)
            lows.append(low)
            highs.append(high)
        seeds = seeds_text((diverged or {}).get(label, 0), len(predicted))
        errors = np.array([np.subtract(means, lows), np.subtract(highs, means)]).clip(0)
        axis.errorbar(counts + offsets[i], means, errors, fmt=MARKERS[i % len(MARKERS)], capsize=2, elinewidth=0.8,
                      label=f"{label} ({seeds})")  # fmt: skip
    if nothing:
        axis.set(xlim=(everywhere.min() - 0.5, everywhere.max() + 0.5), ylim=(0, 1))
    if step * len(runs) > 0.5:  # wide groups need bands to show which label a point belongs to
        for count in everywhere[::2]:
            axis.axvspan(count - 0.5, count + 0.5, color=BAND, linewidth=0, zorder=0)
        axis.set_xlim(everywhere.min() - 0.5, everywhere.max() + 0.5)
    count_ticks(axis, everywhere)
    if names is not None:
        room = (width - 0.8) / max(1, int(np.ptp(everywhere)) + 1)
        shown = [wrap(names[label], room * 0.95, 7, lines=2) for label in everywhere]
        rotated = any("…" in text for text in shown)
        axis.set_xticks(everywhere, [names[label] for label in everywhere] if rotated else shown, parse_math=False)
        if rotated:
            axis.tick_params("x", rotation=45, rotation_mode="xtick")
    percent_ticks(axis.yaxis)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.set_ylim(top=min(1.02, axis.get_ylim()[1]))
    handles, texts = axis.get_legend_handles_labels()
    texts = [wrap(text, width - 0.6, 7) for text in texts]
    longest = max(text_width(line, 7) for text in texts for line in text.splitlines())
    across = int(np.clip((width + 0.14) / (longest + 0.47), 1, 2 if width == SINGLE else 4))
    rows = -(-len(texts) // across)
    figure.set_figheight(2.5 + 0.15 * max(0, rows - 2))
    for text in figure.legend(handles, texts, loc="outside upper center", ncols=across).get_texts():
        text.set_parse_math(False)
    return figure


def accuracy_by_label(results: StudyResults) -> Figure:
    """Plot the accuracy of every variant for each true count or class."""
    found = results.converged(results.tests[-1])
    decide = results.task.decide
    assert decide is not None
    runs = {label: (true, decide(predicted)) for label, (true, predicted) in found.items()}
    axes = ("class", "accuracy") if results.classes else (results.axis("true count"), "share of exact counts")
    return draw_accuracy_by_label(
        runs, xlabel=axes[0], ylabel=axes[1], names=results.classes or None, diverged=results.diverged_seeds
    )
