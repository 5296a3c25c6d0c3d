"""Figures of invented runs, and functions that read numbers off a figure."""

from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.text import Text

from calotype.figures import accuracy, base, count
from calotype.figures import seeds as figures_seeds
from calotype.figures import training_curves as figures_training
from calotype.util.statistics import mean_interval

RED = "#d00000"
SUFFIXES = (".pdf", ".svg", ".png")
ALL = ("loss", "accuracy", "val_loss", "val_accuracy")
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def labels(images=60):
    return np.arange(images) % 6


def predictions(seeds=3, images=60, spread=0.4, key=1):
    rng = np.random.default_rng(key)
    return (labels(images) + rng.normal(0, spread, (seeds, images))).astype(np.float32)


def history(seeds=3, epochs=4, metrics=("loss",)):
    return pd.DataFrame(
        [
            (seed, epoch, metric, 1 - 0.5 / (epoch + seed) if "accuracy" in metric else (1 + seed) / epoch)
            for metric in metrics
            for seed in range(seeds)
            for epoch in range(1, epochs + 1)
        ],
        columns=["seed", "epoch", "metric", "value"],
    )


def sheet(images=12, columns=10, predicted=None):
    pictures = np.random.default_rng(1).random((images, 40, 40, 1), np.float32)
    predicted = labels(images).astype(float) if predicted is None else predicted
    return count.draw_contact_sheet(pictures, labels(images), np.asarray(predicted, float), columns)


def variants(make, names=("wide", "deep")):
    return {name: make(i) for i, name in enumerate(names)}


def training_curves(names=("wide",)):
    return figures_training.draw_training_curves(
        variants(lambda i: history(epochs=(4, 50)[i % 2], metrics=ALL[: i % 4 + 1]), names)
    )


def counted(runs):
    return accuracy.draw_accuracy_by_label(runs, xlabel="true count", ylabel="share of exact counts")


def accuracy_by_label(names=("wide", "deep")):
    return counted(variants(lambda i: (labels(), np.rint(predictions(key=i)).astype(float)), names))


def accuracy_by_class(names=("wide", "deep"), classes=CLASSES):
    true = np.arange(200) % 10
    predicted = np.where(np.random.default_rng(1).random((3, 200)) < 0.2, 0, true).astype(float)
    runs = variants(lambda _: (true, predicted), names)
    return accuracy.draw_accuracy_by_label(runs, xlabel="true class", ylabel="accuracy", names=classes)


def errors(variant=0, seeds=5, mean=0.03):
    return (mean + np.random.default_rng(variant).normal(0, 0.002, seeds)).tolist()


def differences(*rows):
    return pd.DataFrame(rows, columns=["variant", "than", "mean", "low", "high", "n"])


def neighbours(names):
    return differences(*((b, a, 0.002, -0.001, 0.005, 5) for a, b in pairwise(names)))


def seeds(names=("wide", "deep"), claims=None):
    claims = {names[0]: [("value", (0.0293,))]} if claims is None else claims
    values = variants(errors, names)
    return figures_seeds.draw_seeds(
        values, metric="error", share=True, claims=claims, differences=neighbours(names),
        intervals={name: mean_interval(found)[1:] for name, found in values.items()},
    )  # fmt: skip


def diverging(epochs, lost=np.nan, **options):
    """Three seeds, of which some diverge in some epoch."""
    losses = history(**options)
    for seed, epoch in epochs.items():
        losses = losses[(losses.seed != seed) | (losses.epoch <= epoch)]
        losses.loc[(losses.seed == seed) & (losses.epoch == epoch) & (losses.metric == "loss"), "value"] = lost
    return losses


def saved(figure, folder):
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"figure{suffix}" for suffix in SUFFIXES]
    base.save(figure, files)
    return {file.suffix: file.read_bytes() for file in files}


# ---- Numbers of a figure---------------------------------------------------------------------------------------------


def legend_texts(figure):
    return [entry.get_text() for entry in figure.legends[0].get_texts()]


def drawn(axis, marker):
    return [line for line in axis.lines if line.get_marker() == marker]


def words(figure):
    """All text that is printed, with the box it takes: ticks count where they lie on their axis."""
    figure.set_dpi(300)  # as it is printed; letters are a little wider on a coarser grid
    figure.draw_without_rendering()
    off = []
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not axes.axison or not low <= tick.get_loc() <= high:
                    off += [tick.label1, tick.label2]
            if not axes.axison:
                off += [axis.label, axis.offsetText]
    return [
        (text, text.get_window_extent())
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and not any(text is other for other in off)
    ]


def assert_readable(figure):
    found = words(figure)
    for text, box in found:
        word = text.get_text()
        assert box.x0 >= -1, f"{word!r} is cut off at the left"
        assert box.y0 >= -1, f"{word!r} is cut off at the bottom"
        assert box.x1 <= figure.bbox.x1 + 1, f"{word!r} is cut off at the right"
        assert box.y1 <= figure.bbox.y1 + 1, f"{word!r} is cut off at the top"
    level = [(text.get_text(), box) for text, box in found if text.get_rotation() % 90 == 0]  # boxes are, always
    for i, (word, box) in enumerate(level):
        for other, second in level[:i]:
            across = min(box.x1, second.x1) - max(box.x0, second.x0)
            down = min(box.y1, second.y1) - max(box.y0, second.y0)
            assert across < 1 or down < 6, f"{word!r} covers {other!r}"  # a line's box is higher than its letters
