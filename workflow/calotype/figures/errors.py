"""The figure of the most confident errors, of all tasks."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from calotype.evaluation.study_results import StudyResults
from calotype.figures.base import FAINT, SMALL, double, shorten, shorten_all, text_width
from calotype.figures.image_page import black_and_white, fit, image_page, notice

ERRORS = 40  # images of a page
KEPT = 8  # letters at the end of a file's name that are not cut


def draw_errors(
    images: NDArray[np.float32],
    true: Sequence[str],
    predicted: Sequence[str],
    details: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
) -> Figure:
    """Plot images with wrong predictions, each below the words true → predicted, the details, and its name.

    Args:
        images: shape (images, height, width, 1 or 3), of any range (`black_and_white`), worst first; the first `ERRORS`
            are shown.
        true, predicted: labels, as text.
        details: such as confidences, as text.
        names: of the images.
    """
    if not len(images):
        return notice("No errors.")
    count = min(len(images), ERRORS)
    columns, edge, gap, line = 8, 0.07, 0.1, 0.118  # all in inches but the first
    rows = -(-count // columns)
    size = (double() - 2 * edge - (columns - 1) * gap) / columns
    room = size + gap - 0.04
    titles = [[f"{true[i]} → {predicted[i]}"] for i in range(count)]
    if any(text_width(title, SMALL) > room for (title,) in titles):
        known = list(dict.fromkeys([*true[:count], *predicted[:count]]))
        short = dict(zip(known, shorten_all(known, room - text_width("→ ", SMALL), SMALL), strict=True))
        titles = [[short[true[i]], f"→ {short[predicted[i]]}"] for i in range(count)]
    further = [[shorten(part[i], room, SMALL, end=part[i][-KEPT:]) for part in (details, names) if part is not None]
               for i in range(count)]  # fmt: skip
    lines = len(titles[0]) + len(further[0])
    wide, high = fit(images[0], size, 1.5 * size)
    step = lines * line + 0.06 + high + 0.06
    page = image_page(double(), rows * step + edge / 2)
    ends = black_and_white(images)
    for i in range(count):
        middle = edge + i % columns * (size + gap) + size / 2
        top = i // columns * step + lines * line + 0.06
        page.picture(images[i], middle - wide / 2, top, wide, high, *ends)
        for j, words in enumerate([*titles[i], *further[i]]):
            colour = FAINT if j >= len(titles[i]) else None
            page.text(middle, top - 0.035 - (lines - 1 - j) * line, words, fontsize=SMALL, color=colour)
    return page.figure


def most_confident_errors(results: StudyResults, variant: str) -> Figure:
    """Plot the most confident errors of a variant over its seeds; of numbers, the largest errors."""
    split = results.tests[-1]
    labels, predicted = results.converged(split)[results.labels[variant]]
    if not len(predicted):
        return notice("All seeds diverged: there is nothing to show.")
    worst = results.task.worst_errors(labels, predicted, results.classes, ERRORS)
    images = results.images(split).images[worst.places]
    return draw_errors(images, worst.true, worst.predicted, worst.details, results.image_names(split, worst.places))
