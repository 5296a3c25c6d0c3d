"""Every figure, of invented runs."""

import numpy as np
from unit.drawings import (
    CLASSES,
    accuracy_by_class,
    accuracy_by_label,
    labels,
    predictions,
    seeds,
    sheet,
    training_curves,
    variants,
)

from calotype.figures import agreement as agreement_figure
from calotype.figures import binary_curves, calibration, classify, confusion
from calotype.figures import count as figures_count
from calotype.figures import errors as figures_errors
from calotype.tasks.classify import percent_text
from calotype.tasks.count import count_text

LONG = "Three layers of 784, dropout 0.2 after the third, SGD with learning rate 0.01"


def predicted_against_true(names=("wide",)):
    return figures_count.draw_predicted_against_true(variants(lambda i: (labels(), predictions(key=i)), names))


def confident_errors(images=10, names=CLASSES, channels=1):
    pictures = np.random.default_rng(1).random((images, 28, 28, channels), np.float32)
    true = [names[i % 10] for i in range(images)]
    predicted = [names[(i + 1) % 10] for i in range(images)]
    sure = [percent_text(probability) for probability in np.linspace(1, 0.5, images)]
    return figures_errors.draw_errors(pictures, true, predicted, sure)


def errors_of_counts(images=10):
    pictures = np.random.default_rng(1).random((images, 40, 40, 1), np.float32)
    predicted = [count_text(count) for count in np.linspace(14, 0.6, images)]
    return figures_errors.draw_errors(pictures, [str(i % 6) for i in range(images)], predicted)


def confusion_matrix(names=CLASSES, predicted=None):
    predicted = predicted or names
    counts = np.eye(len(names), len(predicted), dtype=np.int64) * 900
    counts += np.eye(len(names), len(predicted), k=1, dtype=np.int64) * 5
    return confusion.draw_confusion_matrix(counts, names, predicted)


def counts(first, last, *others):
    return [*map(str, range(first, last + 1)), *others]


def example(names=("wide", "deep", "scikit-learn")):
    found = np.random.default_rng(1).dirichlet(np.ones(10), 5).astype(np.float32)
    return classify.draw_example(np.eye(28, dtype=np.float32)[..., None], "Coat", dict.fromkeys(names, found), CLASSES)


def feature_maps(filters=16):
    found = np.random.default_rng(1).random((28, 28, filters), np.float32)
    return classify.draw_feature_maps(found[..., :1], found, found[::2, ::2])


def probable(variant=0, seeds=3, images=200, classes=10, key=None):
    """Return true classes and probabilities that favour them."""
    rng = np.random.default_rng(variant if key is None else key)
    true = np.arange(images) % classes
    chances = np.exp(2 * rng.normal(0, 1, (seeds, images, classes)))
    chances[:, np.arange(images), true] *= 5
    return true, (chances / chances.sum(axis=-1, keepdims=True)).astype(np.float32)


def calibration_curves(names=("wide",), diverged=None, **shape):
    return calibration.draw_calibration_curves(variants(lambda i: probable(i, **shape), names), diverged)


def binary(names=("wide", "deep"), curves="roc", diverged=None, positive="malignant", **shape):
    make = {"roc": binary_curves.draw_roc_curves, "pr": binary_curves.draw_precision_recall_curves}[curves]
    runs = variants(lambda i: probable(i, classes=2, **shape), names)
    return make(runs, positive=positive, areas=variants(lambda i: 0.98 - 0.1 * i, names), diverged=diverged)


def measured_numbers(variant=0, seeds=3, images=200):
    rng = np.random.default_rng(variant)
    true = rng.gamma(3, 2, images)
    return true, (true + rng.normal(0.1, 0.4, (seeds, images))).astype(np.float32)


def agreement(names=("wide",), diverged=None, **shape):
    return agreement_figure.draw_agreement(variants(lambda i: measured_numbers(i, **shape), names), diverged)


FIGURES = {
    "contact_sheet": lambda: sheet(5, columns=4),
    "training_curves": training_curves,
    "predicted_against_true": predicted_against_true,
    "accuracy_by_label": accuracy_by_label,
    "accuracy_by_class": accuracy_by_class,
    "seeds": seeds,
    "confusion_matrix": confusion_matrix,
    "most_confident_errors": confident_errors,
    "largest_errors": errors_of_counts,
    "example": example,
    "feature_maps": feature_maps,
    "calibration_curves": calibration_curves,
    "roc_curves": binary,
    "precision_recall_curves": lambda: binary(curves="pr"),
    "agreement": agreement,
    "agreement_of_many": lambda: agreement(["wide", "deep"], images=1000),
}
