"""The figure of the accuracy of each true label."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from calotype.evaluation.divergence import seeds_text
from calotype.evaluation.study_results import Lost, Runs, StudyResults
from calotype.figures.base import BAND, FAINT, MARKERS, apart, double, shorten_all, single, tallest, text_width, wrap
from calotype.figures.panels import empty_figure, percent_ticks, place
from calotype.util.statistics import share_interval

TOGETHER = 3  # variants of a panel, so that their marks have room
ACROSS = 4  # panels side by side
NO_BREAK = "\u00a0"
NARROW = 0.11  # inches: the height of a row with a name
Shares = dict[int, tuple[float, float, float]]  # by label: the mean, and low and high of its interval


def _shares(labels: NDArray[np.int64], predicted: NDArray[np.float64]) -> Shares:
    """Return the share of correct predictions for each label."""
    found: Shares = {}
    for label in np.unique(labels).tolist() if len(predicted) else []:
        right = (predicted[:, labels == label] == label).astype(float)
        mean = float(right.mean())
        found[label] = mean, *share_interval(mean, right)
    return found


def _shown(shares: Sequence[Shares], labels: Sequence[int], most: int) -> list[int]:
    """Return the labels that get a row: of too many, those with the lowest means, in their order."""
    if len(labels) <= most:
        return [*labels]
    lowest = {label: min((each[label][0] for each in shares if label in each), default=1.0) for label in labels}
    return sorted(sorted(labels, key=lambda label: lowest[label])[:most])


def _draw_panel(axis: Axes, shares: Mapping[int, Shares], rows: Sequence[int], lane: float) -> None:
    """Plot the shares of a few variants, by their place in the panel: a row for each label, a lane for a variant."""
    middle = (len(shares) - 1) / 2
    for i, found in shares.items():
        kept = [(row, *found[label]) for row, label in enumerate(rows) if label in found]
        if not kept:
            continue
        at, means, lows, highs = np.array(kept).T
        places = at + (i - middle) * lane
        errors = np.array([means - lows, highs - means]).clip(0)
        axis.errorbar(means, places, xerr=errors, fmt=MARKERS[i % len(MARKERS)], color=f"C{i % 6}", markersize=3.2,
                      capsize=1.5, elinewidth=0.8, clip_on=False)  # fmt: skip


def draw_accuracy_by_label(
    runs: Runs, *, ylabel: str, xlabel: str, names: Sequence[str] | None = None, diverged: Lost | None = None
) -> Figure:
    """Plot the share of correct predictions for each true label: the mean over seeds and its 95 % interval.

    Each label has a row. Up to three variants share a panel, if at most four panels hold all. Of more labels than a
    page has rows, those with the lowest shares are shown.

    Args:
        names: of classes 0, 1, and so on.
    """
    labels = np.unique(np.concatenate([true for true, _ in runs.values()])).tolist()
    shares = {label: _shares(true, predicted) for label, (true, predicted) in runs.items()}
    together = max(TOGETHER, -(-len(runs) // ACROSS)) if len(runs) > TOGETHER else len(runs)
    groups = [[*runs][i : i + together] for i in range(0, len(runs), together)]
    # All in inches.
    gap, right, foot = 0.3, 0.2, 0.4  # the numbers at two ends of axes need a gap
    seeds = {name: seeds_text((diverged or {}).get(name, 0), len(runs[name][1])) for name in runs}
    titles = [f"{name} ({said.replace(' ', NO_BREAK)})" for name, said in seeds.items()]
    high = 0.075 * together + 0.075
    room = tallest() - 0.7 - 0.4 * together  # without the legend
    rows = _shown([*shares.values()], labels, int(room / NARROW))
    high = max(NARROW, min(high, room / len(rows)))
    texts = [str(label) for label in rows] if names is None else [names[label] for label in rows]
    long = max(text_width(text, 7) for text in texts) > 0.3 * single()
    width = double() if long or len(groups) > 1 else single()
    texts = shorten_all(texts, 0.3 * width if len(groups) == 1 else 1.6, 7)
    left = 0.34 + max(text_width(text, 7) for text in texts)
    panel = (width - left - right - gap * (len(groups) - 1)) / len(groups)
    free = panel - 0.2 + (left - 0.1) * (len(groups) == 1)
    legends = dict(zip(runs, apart(titles, lambda text, end: wrap(text, free, 7, end=end)), strict=True))
    head = 0.08 + max(sum(0.04 + 0.115 * (legends[name].count("\n") + 1) for name in group) for group in groups)
    left_out = len(labels) - len(rows)
    figure = empty_figure(width, head + high * len(rows) + foot + 0.13 * bool(left_out))
    lowest = min((low for each in shares.values() for _, low, _ in each.values()), default=0.0)
    for column, group in enumerate(groups):
        axis = place(figure, left + column * (panel + gap), head, panel, high * len(rows))
        for row in range(0, len(rows), 2):
            axis.axhspan(row - 0.5, row + 0.5, color=BAND, linewidth=0, zorder=0)
        _draw_panel(axis, dict(enumerate(shares[name] for name in group)), rows, 0.84 / together)
        axis.set(xlim=(max(0.0, lowest - 0.03), 1.0), ylim=(len(rows) - 0.5, -0.5), xlabel=ylabel)
        axis.set_yticks(range(len(rows)), texts if column == 0 else [], parse_math=False)
        axis.tick_params("y", length=0, labelleft=column == 0)
        axis.grid(visible=False, axis="y")
        axis.grid(visible=True, axis="x")
        axis.xaxis.set_major_locator(MaxNLocator(5 if panel > 2 else 3, steps=[1, 2, 5, 10]))
        percent_ticks(axis.xaxis)
        handles = [Line2D([], [], color=f"C{i % 6}", marker=MARKERS[i % len(MARKERS)], markersize=3.2, linestyle="",
                          label=legends[name]) for i, name in enumerate(group)]  # fmt: skip
        start = 0.04 if len(groups) == 1 else left + column * (panel + gap) - 0.05
        legend = figure.legend(handles=handles, loc="upper left", borderaxespad=0, borderpad=0, handlelength=0.8,
                               labelspacing=0.3, handletextpad=0.5,
                               bbox_to_anchor=(start / width, 1 - 0.04 / figure.get_figheight()))  # fmt: skip
        for text in legend.get_texts():
            text.set_parse_math(False)
    figure.axes[0].set_ylabel(xlabel, labelpad=0)
    figure.axes[0].yaxis.set_label_coords(-(left - 0.15) / panel, 0.5)
    if left_out:
        note = f"The {len(rows)} of {len(labels)} with the lowest shares."
        figure.text(left / width, 0.04 / figure.get_figheight(), note, fontsize=7, color=FAINT)
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
