"""The figures of task `count`."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from calotype.evaluation.study_results import Lost, Runs, StudyResults
from calotype.figures.base import WRONG, double
from calotype.figures.image_page import FRAME, black_and_white, first_seed_diverged, image_page
from calotype.figures.panels import columns, count_ticks, legend, legend_height, note_diverged, place
from calotype.tasks.count import rounded

SHOWN = 50  # images of a contact sheet, as on the source's page
TALLEST = 2.7  # inches: greatest height of a panel, which is square if narrower
ROUNDS = "#DDEBF5"  # areas in which predictions round to the true count


def draw_contact_sheet(
    images: NDArray[np.float32], labels: NDArray[np.int64], predicted: NDArray[np.float64], columns: int = 10
) -> Figure:
    """Plot images in rows of `columns`, each with the title ``true (predicted)``, red and bold if wrong.

    Args:
        images: shape (images, height, width, 1 or 3), 0 (black) to 1 (white), or of another range (`black_and_white`).
    """
    rows = -(-len(images) // columns)
    # All in inches.
    edge, gap, title = 0.07, 0.065, 0.17
    size = (double() - 2 * edge - (columns - 1) * gap) / columns
    height = size * images.shape[1] / images.shape[2]
    low, white = (0.0, 1.0) if images.min() >= 0 and images.max() <= 1 else black_and_white(images)
    page = image_page(double(), edge + rows * (title + height + 0.02))
    for i, (image, label, count) in enumerate(zip(images, labels, predicted, strict=True)):
        left = edge + i % columns * (size + gap)
        top = title + i // columns * (title + height + 0.02)
        wrong = count != label
        page.picture(image, left, top, size, height, low, white, frame=(WRONG, 1.2) if wrong else FRAME)
        page.text(left + size / 2, top - 0.045, f"{label} ({count:.0f})", fontsize=8, color=WRONG if wrong else None,
                  fontweight="bold" if wrong else "normal")  # fmt: skip
    return page.figure


def draw_predicted_against_true(
    runs: Runs, diverged: Lost | None = None, names: tuple[str, str] = ("true count", "predicted count")
) -> Figure:
    """Plot the distribution of unrounded predictions for every true count, one panel a variant.

    `names` are those of both axes.
    """
    handles: list[Any] = [
        Line2D([], [], color="C1", marker="o", linestyle="", label="median"),
        Patch(color="C0", label="all seeds"),
        Patch(color=ROUNDS, label="rounds to the true count"),
    ]
    figure, panel, places = columns(
        list(runs), 3, lambda panel, _: min(panel, TALLEST) + 0.4,
        left=0.52, right=0.15, between=0.5, head=legend_height(handles, len(runs)), above=0.1, beyond=0.3,
    )  # fmt: skip
    for label, title, x, top, column in places:
        labels, predictions = runs[label]
        axis = place(figure, x, top, panel, min(panel, TALLEST))
        counts = np.unique(labels)
        groups = [predictions[:, labels == count].ravel() for count in counts]
        groups = [group[np.isfinite(group)] for group in groups]
        low, high = counts.min() - 1.5, counts.max() + 1.5
        axis.grid(visible=False)
        for count in counts:
            axis.add_patch(Rectangle((count - 0.42, count - 0.5), 0.84, 1, color=ROUNDS, linewidth=0))
        drawn = {count: np.clip(group, low, high) for count, group in zip(counts, groups, strict=True) if len(group)}
        if drawn:
            parts = axis.violinplot(
                list(drawn.values()), positions=list(drawn), widths=0.8, showextrema=False, bw_method=0.1
            )
            bodies: Any = parts["bodies"]
            for body in bodies:
                body.set(facecolor="C0", alpha=0.9, edgecolor="none")
        medians = [float(np.median(group)) if len(group) else np.nan for group in groups]
        axis.plot(counts, medians, "o", color="C1")
        axis.set(xlabel=names[0], ylabel="" if column else names[1], xlim=(low, high), ylim=(low, high))
        axis.set_title(title, y=1, parse_math=False, va="bottom")
        count_ticks(axis, counts)
        axis.yaxis.set_major_locator(MaxNLocator(integer=True))
        axis.yaxis.set_label_coords(-0.38 / panel, 0.5)
        note_diverged(axis, (diverged or {}).get(label, 0), len(predictions))
    legend(figure, handles)
    return figure


def contact_sheets(results: StudyResults, variant: str) -> Figure:
    """Plot the first test images with their true counts and the counts that seed 0 of a variant predicts."""
    if lost := results.diverged[variant].get(0):
        return first_seed_diverged(lost)
    labels, predicted = results.first_seed(variant, results.tests[0])
    images = results.images(results.tests[0]).images[: len(labels)]
    return draw_contact_sheet(images[:SHOWN], labels[:SHOWN].astype(np.int64), rounded(predicted[:SHOWN]))


def predicted_against_true(results: StudyResults) -> Figure:
    """Plot predicted against true counts of every variant, all seeds together."""
    names = results.axis("true count"), results.axis("predicted count")
    return draw_predicted_against_true(results.converged(results.tests[-1]), results.diverged_seeds, names)
