"""ROC and precision-recall curves of task `classify` with two classes; the second one is the positive class."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from calotype.evaluation.curves import precision_recall_curve, roc_curve
from calotype.evaluation.divergence import seeds_text
from calotype.evaluation.number_format import show
from calotype.evaluation.study_results import Lost, Runs, StudyResults
from calotype.figures.base import FAINT, apart, single, text_width, wrap
from calotype.figures.panels import band_text, empty_figure, legend, mean_and_band, percent_ticks, place
from calotype.metrics.classes import POSITIVE
from calotype.util.csv_tables import where

POINTS = 500  # of a curve
DASHES = ("-", "--", "-.", ":")  # with the six colours of the style: 12 pairs, and four in grey
BANDS = 3  # variants: more bands would cover each other
NEW_LINE = "\n"
TALLEST = 3.2  # inches: greatest side of the panel


def _entries(labels: Sequence[str], ends: Sequence[str], room: float) -> list[str]:
    """Return the texts of a legend within a width in inches: long labels are cut, what follows them is not."""
    short = apart(labels, lambda label, end: wrap(label, room - 0.05, 7, 2, end))
    return [
        f"{label}:{' ' if text_width(f'{label.splitlines()[-1]}: {end}', 7) <= room else NEW_LINE}{end}"
        for label, end in zip(short, ends, strict=True)
    ]


def _draw(
    runs: Runs,
    curve: Callable[[NDArray[np.int64], NDArray[np.float32]], NDArray[np.float64] | None],
    places: NDArray[np.float64],
    names: tuple[str, str, str],
    areas: Mapping[str, float],
    chance: Sequence[tuple[float, float]],
    diverged: Lost,
) -> Figure:
    """Plot one curve for each variant: the mean over seeds and, of up to `BANDS` variants, a band of them.

    Args:
        curve: gives the values of a seed at `places`, from 0 to 1, or None to leave the seed out.
        names: of the area under the curves and of both axes.
        areas: mean area by the variant's label.
        chance: both ends of the curve of a random model.
    """
    ends, drawn = [], []
    for label, (true, probabilities) in runs.items():
        each = [curve(true, seed[:, POSITIVE]) for seed in probabilities]
        drawn.append(np.array([values for values in each if values is not None]))
        counted = seeds_text(diverged.get(label, 0), len(probabilities))
        ends.append(f"{names[0]} {show(areas.get(label, np.nan), share=True)} ({counted})")
    # All in inches.
    left, right, foot = 0.62, 0.15, 0.42
    side = min(single() - left - right, TALLEST)
    texts = _entries([*runs], ends, single() - 0.6)
    several = len(runs) <= BANDS and any(len(found) > 1 for found in drawn)
    head = 0.14 + 0.15 * (several + 1) + sum(0.155 + 0.11 * text.count("\n") for text in texts)
    figure = empty_figure(single(), head + side + foot)
    axis = place(figure, left, head, side, side)
    handles: list[Any] = []
    for i, (found, text) in enumerate(zip(drawn, texts, strict=True)):
        look: dict[str, Any] = {"color": f"C{i % 6}", "linestyle": DASHES[i % len(DASHES)]}
        handles.append(Line2D([], [], label=text, **look))
        if len(found):
            shown = found if several else found.mean(axis=0, keepdims=True)
            mean_and_band(axis, places, shown, look["color"], alpha=0.2, linestyle=look["linestyle"])
    (line,) = axis.plot(*zip(*chance, strict=True), color=FAINT, linewidth=0.8, linestyle=(0, (1, 2)), zorder=0.9)
    line.set_label("chance")
    axis.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=names[1], ylabel=names[2])
    for ticks in (axis.xaxis, axis.yaxis):
        percent_ticks(ticks)
        ticks.label.set_parse_math(False)
    axis.grid(visible=True, axis="both")
    handles += [Patch(color=FAINT, alpha=0.3, linewidth=0, label=band_text(map(len, drawn)))] * several
    legend(figure, [*handles, line], 1)
    for words in figure.legends[0].get_texts():
        words.set_parse_math(False)
    return figure


def _positive(name: str) -> str:
    """Return the end of an axis label that names the positive class."""
    return f" (“{wrap(name, 1.2, 8, lines=1)}”)"


def draw_roc_curves(runs: Runs, *, positive: str, areas: Mapping[str, float], diverged: Lost | None = None) -> Figure:
    """Plot the true against the false positive rate of all variants; means are taken at equal false positive rates.

    `positive` is the name of the positive class, `areas` the mean area under the curves by the variant's label.
    """
    rates = np.concatenate([[0.0], np.linspace(0, 1, POINTS + 1)])

    def curve(labels: NDArray[np.int64], scores: NDArray[np.float32]) -> NDArray[np.float64] | None:
        found = roc_curve(labels, scores, rates)
        if found is not None:
            found[0] = 0  # the start of all curves; the second rate is also 0, and its value may be larger
        return found

    names = "AUC", "false positive rate", "true positive rate" + _positive(positive)
    return _draw(runs, curve, rates, names, areas, [(0, 0), (1, 1)], diverged or {})


def draw_precision_recall_curves(
    runs: Runs, *, positive: str, areas: Mapping[str, float], diverged: Lost | None = None
) -> Figure:
    """Plot precision against recall of all variants, as step curves; means are taken at equal recalls.

    `positive` is the name of the positive class, `areas` the mean average precision by the variant's label.
    """
    labels = max((true for true, _ in runs.values()), key=len)
    share = float(np.mean(labels == POSITIVE))
    recalls = np.arange(1, POINTS + 1) / POINTS
    curve = partial(precision_recall_curve, recalls=recalls)
    names = "AP", "recall" + _positive(positive), "precision"
    return _draw(runs, curve, recalls, names, areas, [(0, share), (1, share)], diverged or {})


def _of_study(results: StudyResults, draw: Callable[..., Figure], metric: str) -> Figure:
    """Plot the curves of a study; `metric` is the area under them."""
    split = results.tests[-1]
    measured = where(results.table("summary"), split=split, metric=metric).set_index("variant")["mean"]
    areas = {label: float(measured[variant]) for variant, label in results.labels.items()}
    positive, runs = results.classes[POSITIVE], results.converged(split)
    return draw(runs, positive=positive, areas=areas, diverged=results.diverged_seeds)


def roc_curves(results: StudyResults) -> Figure:
    """Plot the ROC curve of every variant."""
    return _of_study(results, draw_roc_curves, "roc_auc")


def precision_recall_curves(results: StudyResults) -> Figure:
    """Plot the precision-recall curve of every variant."""
    return _of_study(results, draw_precision_recall_curves, "average_precision")
