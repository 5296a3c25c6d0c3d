"""The preview of a preparation: some images as read, and after each step."""

from collections.abc import Sequence
from itertools import islice
from pathlib import PurePosixPath

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from calotype.data.readers import Raw, Record
from calotype.figures.base import FAINT, SMALL, double, shorten, text_width, wrap
from calotype.figures.image_page import fit, image_page
from calotype.preparation.stages import stages
from calotype.steps.base import Known, Step, step_title
from calotype.util.powers import with_powers

ROWS = 6  # images of a figure
FIRST = 1000  # images to choose from if labels are numbers: all images before a chosen one must be read
DOTS = 300  # pixels per inch; finer ones are averaged
DIM = "Before scale or normalise, an image that uses less than half of the grey levels is shown brighter than it is."
Stage = tuple[NDArray[np.float32], Known]  # an image, shape (height, width, channels), and its known properties


def chosen(labels: NDArray[np.int64] | NDArray[np.float64], rows: int = ROWS) -> list[int]:
    """Return the indices of up to `rows` images to show, from the smallest to the largest label.

    Of more labels than rows, some at equal steps are shown. Of fewer, the first image of each label, then the second of
    each, and so on. If labels are floating-point numbers, the images go in equal steps through the sorted labels.
    """
    if labels.dtype.kind == "f":
        order = np.argsort(labels[:FIRST], kind="stable")
        return [int(i) for i in order[np.linspace(0, len(order) - 1, min(rows, len(order))).astype(np.int64)]]
    known = np.unique(labels)
    steps = np.linspace(0, len(known) - 1, min(rows, len(known))).astype(np.int64)
    shown = np.flatnonzero(np.isin(labels, known[steps]))
    order = shown[np.argsort(labels[shown], kind="stable")]
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    turn = np.arange(len(order)) - np.repeat(starts, counts)
    found = order[np.lexsort((labels[order], turn))[:rows]]
    return [int(i) for i in found[np.lexsort((found, labels[found]))]]


def called(record: Record, place: int, raw: Raw, classes: Sequence[str]) -> str:
    """Return the title of a row: the file or the number of the image, and its label."""
    number, label, _ = record
    name = f"image {number}" if raw.names is None else PurePosixPath(raw.names[place]).name
    words = classes[int(label)] if classes else with_powers(f"{label:.4g}") if raw.numbers else f"count {label}"
    return f"{name}\n{words}"


def pick(raw: Raw, places: Sequence[int]) -> list[Record]:
    """Read the records of a split at some places, in their order."""
    found = {place: record for place, record in enumerate(islice(raw.records, max(places) + 1)) if place in places}
    return [found[place] for place in places]


def all_stages(records: Sequence[Record], steps: Sequence[Step]) -> list[list[Stage]]:
    """Return each image as read and after each step.

    Raises:
        CalotypeError: a step fails on an image; the message names both.
    """
    return [
        [(image[0], known) for image, known in stages(pixels[None], steps, [number])] for number, _, pixels in records
    ]


def _printable(image: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    """Reduce an image to grey or colour (red first), and to the pixels that a width in inches can show."""
    fewer = int(np.ceil(width * DOTS)) / image.shape[1]
    if fewer < 1:
        size = max(1, round(image.shape[1] * fewer)), max(1, round(image.shape[0] * fewer))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)
    return image if image.shape[2] in (1, 3) else image.mean(axis=2, keepdims=True)


def _has_levels(column: Sequence[Stage]) -> bool:
    return all(known.values == "levels" for _, known in column)


def _ranges(column: Sequence[Stage]) -> list[tuple[float, float]]:
    """Return the values shown black and white in each image of a column.

    Grey levels: the ends of the pixel type, or less for a `_dim` image, as cameras of 12 bits use a small part of 16
    bits. Later: the same for all images, `_shared_range`.
    """
    if not _has_levels(column):
        return [_shared_range(column)] * len(column)
    return [(0.0, float(stage[0].max() if _dim(stage) else stage[1].white or 1)) for stage in column]


def _dim(stage: Stage) -> bool:
    """Return True for an image of grey levels that uses less than half of them."""
    image, known = stage
    return known.values == "levels" and bool(0 < image.max() < (known.white or 1) / 2)


def _shared_range(column: Sequence[Stage]) -> tuple[float, float]:
    """Return the ends of the pixel range, or less if no image reaches half of it; else the ends of the values."""
    low = min(float(image.min()) for image, _ in column)
    high = max(float(image.max()) for image, _ in column)
    white = [known.white for _, known in column]
    # A custom step may leave the range of its input.
    if None not in white and low >= 0 and high <= (largest := max(float(value or 0) for value in white)):
        return 0.0, high if 0 < high < largest / 2 else largest
    return low, high if high > low else low + 1


def _beneath(column: Sequence[Stage], low: float, high: float) -> str:
    """Return the text below a column's title: size, channels, and the shared range of values if it is not 0 to 1."""
    shapes = {image.shape for image, _ in column}
    height, width, channels = next(iter(shapes))
    words = f"{width}×{height}" if len(shapes) == 1 else "several sizes"
    words += f"×{channels}" if len(shapes) == 1 and channels > 1 else ""
    return words if _has_levels(column) or (low, high) == (0, 1) else f"{words}, {low:.2g} to {high:.2g}"


def preview(rows: Sequence[Sequence[Stage]], steps: Sequence[Step], names: Sequence[str]) -> Figure:
    """Plot a row for each image, with a column for the image as read and one for each step.

    Black and white are the ends of the pixel range, but for the images of `DIM`, a note below the figure; without such
    a range, as after `normalise`, the smallest and the largest value of the column, given below its title.

    Args:
        rows: stages of each image, as from `all_stages`.
        names: titles of the rows.
    """
    columns = [[row[i] for row in rows] for i in range(len(steps) + 1)]
    ranges = [_ranges(column) for column in columns]
    # All in inches.
    shown = ["\n".join(shorten(line, 1.2, SMALL, end=line[-10:]) for line in name.split("\n")) for name in names]
    left = 0.12 + max(text_width(line, SMALL) for name in shown for line in name.split("\n"))
    gap, line = 0.06, 0.118
    box = min(0.9, (double() - left - gap * len(columns)) / len(columns))
    tallest = max(image.shape[0] / image.shape[1] for column in columns for image, _ in column)
    high = box * min(max(tallest, 0.2), 1.5)
    titles = [("as read", ""), *map(step_title, steps)]
    widest = max(text_width(title, 8) for title, _ in titles)
    large = max(SMALL, min(8.0, 8 * (box + gap / 2) / widest))
    words = [wrap(given, box, SMALL, lines=5) for _, given in titles]
    beneath = [wrap(_beneath(column, *ends[0]), box, SMALL) for column, ends in zip(columns, ranges, strict=True)]
    given, said = (max(text.count("\n") + 1 if text else 0 for text in texts) for texts in (words, beneath))
    head = 0.16 + line * (given + said) + 0.05
    width, foot = left + len(columns) * (box + gap), head + len(rows) * (high + gap)
    dim = any(_dim(stage) for column in columns if _has_levels(column) for stage in column)
    note = wrap(DIM, width - 0.1, SMALL, lines=5) if dim else ""
    page = image_page(width, foot + (line * (note.count("\n") + 1) + 0.05 if note else 0))
    page.text(0.04, foot + 0.02, note, fontsize=SMALL, ha="left", va="top", color=FAINT)
    for i, (title, _) in enumerate(titles):
        x = left + i * (box + gap)
        page.text(x + box / 2, 0.13, shorten(title, box + gap, large), fontsize=large)
        page.text(x + box / 2, 0.16, words[i], fontsize=SMALL, va="top")
        page.text(x + box / 2, 0.16 + line * given, beneath[i], fontsize=SMALL, va="top", color=FAINT)
        for j, (image, _) in enumerate(columns[i]):
            wide, tall = fit(image, box, high)
            y = head + j * (high + gap)
            place = x + (box - wide) / 2, y + (high - tall) / 2, wide, tall
            page.picture(_printable(image, wide), *place, low=ranges[i][j][0], high=ranges[i][j][1])
    for j, name in enumerate(shown):
        page.text(0.04, head + j * (high + gap) + high / 2, name, fontsize=SMALL, ha="left", va="center")
    return page.figure
