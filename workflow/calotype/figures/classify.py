"""The figures of task `classify`: an example, and feature maps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from calotype.data.prepared_split import place_of
from calotype.evaluation.divergence import diverged_text
from calotype.evaluation.study_results import StudyResults
from calotype.figures.base import (
    FAINT,
    INK,
    PALE,
    SMALL,
    WRONG,
    apart,
    double,
    shorten,
    shorten_all,
    single,
    text_width,
    wrap,
)
from calotype.figures.image_page import ImagePage, black_and_white, first_seed_diverged, fit, image_page
from calotype.figures.panels import empty_figure, legend, percent_ticks, place
from calotype.training.result import Trained

BARS = 10  # classes of an example
FILTERS = 16


def draw_example(
    image: NDArray[np.float32],
    true: str,
    probabilities: Mapping[str, NDArray[np.float32]],
    names: Sequence[str],
    diverged: Mapping[str, int] | None = None,
) -> Figure:
    """Plot one image and the class probabilities of each variant: the mean over seeds, and every seed.

    Shown are the `BARS` classes with the largest means, and the true one.

    Args:
        image: shape (height, width, 1 or 3), of any range (`black_and_white`).
        true: the name of its class.
        probabilities: of up to three variants, by label, without seeds that diverged: shape (seeds, classes).
        names: of all classes.
    """
    nothing = np.zeros((1, len(names)), np.float32)  # bars of a variant without seeds
    means = np.array([np.nanmean(found if len(found) else nothing, axis=0) for found in probabilities.values()])
    order = np.argsort(-means.max(axis=0), kind="stable")
    shown = sorted({*order[:BARS].tolist(), names.index(true)})
    variants = len(probabilities)
    # All in inches.
    width = single() if variants == 1 else double()
    picture = 0.95 if variants == 1 else 1.3
    labels = shorten_all([names[i] for i in shown], 1.0, 7)
    left = 0.1 + picture + 0.15 + max(text_width(label, 7, bold=True) for label in labels)
    between = 0.32
    panel = (width - left - 0.2 - between * (variants - 1)) / variants
    titles = apart([*probabilities], lambda label, end: wrap(label, panel + between - 0.05, 8, end=end))
    head = 0.28 + 0.14 * (max(title.count("\n") for title in titles) + 1)
    body = max(0.17 * len(shown), picture)
    lost = {label: count for label, count in (diverged or {}).items() if count}
    figure = empty_figure(width, head + body + 0.4 + 0.13 * bool(lost))
    wide, high = fit(image, picture, body)
    within = place(figure, 0.1 + (picture - wide) / 2, head, wide, high, xlim=(0, wide), ylim=(high, 0))
    within.set_axis_off()
    ImagePage(figure, within).picture(image, 0, 0, wide, high, *black_and_white(image))
    within.set_title(shorten(f"true: {true}", picture + 0.1, 8), y=1, parse_math=False)
    rows = np.arange(len(shown))
    for i, (label, found) in enumerate(probabilities.items()):
        axis = place(figure, left + i * (panel + between), head, panel, body)
        axis.barh(rows, means[i, shown], height=0.7, linewidth=0,
                  color=["C0" if names[k] == true else PALE for k in shown])  # fmt: skip
        for seed in found if len(found) > 1 else []:
            axis.plot(seed[shown], rows, "o", color=INK, markersize=1.8, markeredgewidth=0, alpha=0.6)
        axis.set(xlim=(-0.02, 1.02), xticks=[0, 0.5, 1], ylim=(len(shown) - 0.5, -0.5), xlabel="probability")
        percent_ticks(axis.xaxis)
        axis.set_title(titles[i], y=1, parse_math=False)
        axis.set_yticks(rows, labels if i == 0 else [""] * len(rows), parse_math=False)
        axis.tick_params("y", length=0)
        axis.grid(visible=False, axis="y")
        axis.grid(visible=True, axis="x")
        for tick, k in zip(axis.get_yticklabels(), shown, strict=True):
            tick.set_fontweight("bold" if names[k] == true else "normal")
        if label in lost:
            words = diverged_text(lost[label], lost[label] + len(found))
            axis.text(0.5, -0.38 / body, words, color=WRONG, fontsize=7, ha="center", va="top",
                      transform=axis.transAxes)  # fmt: skip
    handles: list[Any] = [Patch(color="C0", label="true class"), Patch(color=PALE, label="other classes")]
    if any(len(found) > 1 for found in probabilities.values()):
        handles.append(Line2D([], [], color=INK, marker="o", linestyle="", markersize=1.8, label="one seed"))
    legend(figure, handles, len(handles))
    return figure


def draw_feature_maps(
    image: NDArray[np.float32], convolved: NDArray[np.float32], pooled: NDArray[np.float32]
) -> Figure:
    """Plot an image and the maps of the first `FILTERS` filters: after convolution and activation, and after pooling.

    Black and white are the smallest and the largest value of each map before pooling.

    Args:
        image: shape (height, width, 1 or 3), of any range (`black_and_white`).
        convolved: shape (height, width, filters).
        pooled: shape (smaller height, smaller width, filters).
    """
    filters = min(convolved.shape[-1], FILTERS)
    columns = min(filters, 8)
    # All in inches.
    picture, edge, gap, number = 1.1, 0.07, 0.06, 0.12
    size = (double() - 2 * edge - picture - 0.25 - 7 * gap) / 8
    left = edge + picture + 0.25
    wide, high = fit(convolved, size, 1.5 * size)
    rows = -(-filters // columns)
    block = 0.18 + rows * (number + high + 0.03) + 0.06
    page = image_page(double(), 2 * block)
    across, down = fit(image, picture, 2 * block - 0.4)
    page.text(edge + picture / 2, 0.12, "the image", fontsize=8)
    page.picture(image, edge + (picture - across) / 2, 0.18, across, down, *black_and_white(image))
    for i, (maps, what) in enumerate([(convolved, "after the convolution"), (pooled, "after max-pooling")]):
        top = i * block
        title = f"{what}: {maps.shape[0]} × {maps.shape[1]}"
        page.text(left, top + 0.12, title, fontsize=8, ha="left")
        for k in range(filters):
            low, top_value = float(convolved[..., k].min()), float(convolved[..., k].max())
            x = left + k % columns * (size + gap)
            y = top + 0.18 + number + k // columns * (number + high + 0.03)
            page.text(x + size / 2, y - 0.03, str(k + 1), fontsize=SMALL, color=FAINT)
            top_value = top_value if top_value > low else low + 1
            page.picture(maps[..., k], x + (size - wide) / 2, y, wide, high, low, top_value)
    return page.figure


def example(results: StudyResults) -> Figure:
    """Plot one test image and its class probabilities by each variant."""
    split = results.images(results.tests[0])
    runs = results.converged(results.tests[0])
    assert results.example is not None
    place = place_of(split, results.example, max(len(labels) for labels, _ in runs.values()))
    # A variant with fewer test images may have no prediction of it.
    probabilities = {label: seeds[:, place] for label, (labels, seeds) in runs.items() if place < len(labels)}
    true = results.classes[int(split.labels[place])]
    return draw_example(split.images[place], true, probabilities, results.classes, results.diverged_seeds)


def feature_maps(results: StudyResults) -> Figure:
    """Plot the maps of one test image after the first convolution and max-pooling of a model."""
    from calotype.evaluation.feature_maps import first_features  # imports h5py, which no other figure needs

    assert results.feature_maps is not None
    assert results.example is not None
    variant, models = results.feature_maps
    if lost := results.diverged[variant].get(0):
        return first_seed_diverged(lost)
    Trained.read(Path(models).with_name("provenance.json")).verify(0)
    split = results.images(results.tests[0])
    image = split.images[place_of(split, results.example)]
    architecture = Path(models, "architecture.json").read_text(encoding="utf-8")
    return draw_feature_maps(image, *first_features(architecture, Path(models, "seed-000.weights.h5"), image))
