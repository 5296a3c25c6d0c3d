"""Errors of a study that classifies are reported before training, with file and key."""

from typing import get_args

import pytest
from unit.projects import CLASSIFY, CLOTHES_FILE, OF_CLASSES, SMOOTHING, changed

from calotype.config.augmentation import Augmentation
from calotype.tasks.registry import TASKS

NO_CHOICE = "restore_best_weights and patience need validation or validation_split: never choose on test images"
CHANGES = get_args(Augmentation.model_fields["name"].annotation)


# ---- Keras models ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        # the task
        (
            "task",
            "count",
            "variants.plain.loss: categorical_crossentropy does not fit task count. "
            f"Hint: its losses are {', '.join(TASKS['count'].losses)}.",
        ),
        (
            "dataset",
            "dots",
            "task: `classify` needs classes, but the labels of `dots` are counts.\nHint: use task: count.",
        ),
        (
            "variants.plain.loss",
            "huber",
            "variants.plain.loss: huber does not fit task classify. "
            f"Hint: its losses are {', '.join(TASKS['classify'].losses)}.",
        ),
        (
            "variants.plain.scale_targets",
            True,
            "variants.plain.scale_targets: task classify has no targets to scale.",
        ),
        ("metric", "exact", f"metric: task classify has {OF_CLASSES}, not exact."),
        ("metric", "parameters", f"metric: task classify has {OF_CLASSES}, not parameters."),
        ("example", -1, "example: -1 is out of range: it must be >= 0."),
        ("example", True, "example: true is not a whole number."),
        ("feature_maps", "plian", "feature_maps: variant `plian` not found.\nHint: did you mean `plain`?"),
        (
            "feature_maps",
            "perceptron",
            "feature_maps: `perceptron` has no convolution: it is a scikit-learn model.\n"
            "Hint: name a variant with a Keras model.",
        ),
        (
            "source",
            {"title": "A page", "url": "example.org"},
            'source.url: "example.org" is not a web address (http:// or https://).',
        ),
        # the recipe
        (
            "variants.plain.monitor",
            "val_accuracy",
            "variants.plain: monitor: val_accuracy needs validation or validation_split.",
        ),
        (
            "variants.plain.monitor",
            "val_auc",
            "variants.plain: monitor: val_auc is not recorded; allowed values are val_loss, val_accuracy, loss, "
            "accuracy.",
        ),
        (
            "variants.plain.training_metrics",
            ["r2_score"],
            "variants.plain: training_metrics: r2_score does not fit loss categorical_crossentropy; allowed values are "
            "auc, precision, recall, mean_absolute_error, mean_squared_error, root_mean_squared_error, "
            "categorical_crossentropy, kl_divergence, top_k_categorical_accuracy.",
        ),
        (
            "variants.plain.training_metrics",
            ["auc", "auc"],
            "variants.plain: training_metrics: duplicate metric.",
        ),
        (
            "variants.plain.reduce_on_plateau",
            {},
            "variants.plain: monitor: val_loss needs validation or validation_split.",
        ),
        (
            "variants.held-out",
            {
                "validation_split": 0.1,
                "reduce_on_plateau": {},
                "optimizer": {"name": "sgd", "learning_rate": 0.1, "schedule": "cosine"},
            },
            "variants.held-out: reduce_on_plateau: schedule cosine already sets the rate.",
        ),
        ("variants.plain.mode", "max", "variants.plain: mode and min_delta need restore_best_weights or patience."),
        ("variants.plain.min_delta", 0.1, "variants.plain: mode and min_delta need restore_best_weights or patience."),
        (
            "variants.plain.loss",
            "binary_crossentropy",
            "variants.plain.loss: `binary_crossentropy` needs 2 classes, but `clothes` has 3.\n"
            "Hint: use categorical_crossentropy.",
        ),
        (
            "variants.plain.validation",
            "train",
            "variants.plain: validation: is the training split; name another.",
        ),
        (
            "variants.plain.validation",
            "test",
            "variants.plain.validation: `test` is also a test split.\n"
            "Hint: never choose on test images: name another split, or use `validation_split`.",
        ),
        (
            "variants.plain.validation",
            "tset",
            "variants.plain.validation: the dataset `clothes` has no split `tset`.\nHint: did you mean `test`?",
        ),
        (
            "variants.held-out.validation",
            "more",
            "variants.held-out: validation and validation_split: give only one.",
        ),
        # classes: their weights, and how sure of them to be
        (
            "variants.plain.class_weight",
            "even",
            "variants.plain.class_weight: 'even' is neither `balanced` nor a mapping of classes to weights, such as "
            "{leaf: 2.5}.",
        ),
        (
            "variants.plain.class_weight",
            7,
            "variants.plain.class_weight: 7 is neither `balanced` nor a mapping of "
            "classes to weights, such as {leaf: 2.5}.",
        ),
        ("variants.plain.class_weight", {"Bag": -1}, "variants.plain.class_weight: Bag: -1 is not a number >= 0."),
        (
            "variants.plain.class_weight",
            {False: 1},
            "variants.plain.class_weight: False is not the name of a class; put it in quotes.",
        ),
        (
            "variants.plain.class_weight",
            {"Bog": 2},
            "variants.plain.class_weight: `clothes` has no class `Bog`.\nHint: did you mean `Bag`?",
        ),
        (
            "variants.plain.class_weight",
            [1.0, 2.0],
            "variants.plain.class_weight: has 2 weights, but `clothes` has 3 classes.\n"
            "Hint: give one weight for each class, or a mapping by class name.",
        ),
        (
            "variants.plain",
            {"label_smoothing": 0.1, "loss": "sparse_categorical_crossentropy"},
            f"variants.plain: {SMOOTHING}.",
        ),
        (
            "variants.plain.label_smoothing",
            1.0,
            "variants.plain.label_smoothing: 1.0 is out of range: it must be < 1.0.",
        ),
        # images that are held out, and changed
        (
            "variants.plain.restore_best_weights",
            True,
            f"variants.plain: {NO_CHOICE}.",
        ),
        (
            "variants.plain.patience",
            3,
            f"variants.plain: {NO_CHOICE}.",
        ),
        ("variants.held-out.patience", 0, "variants.held-out.patience: 0 is not a positive whole number."),
        (
            "variants.plain.validation_split",
            1.0,
            "variants.plain.validation_split: 1.0 is out of range: it must be < 1.0.",
        ),
        (
            "variants.plain.validation_split",
            -0.1,
            "variants.plain.validation_split: -0.1 is out of range: it must be >= 0.0.",
        ),
        (
            "variants.plain.augment",
            ["flop"],
            f"variants.plain.augment.0.name: 'flop' is not one of {', '.join(CHANGES)}. Hint: did you mean `flip`?",
        ),
        ("variants.plain.augment", ["shift"], "variants.plain.augment.0: shift needs pixels."),
        (
            "variants.plain.augment",
            ["flip", {"name": "flip", "pixels": 2}],
            "variants.plain.augment.1: flip takes no pixels.",
        ),
        (
            "variants.plain.augment",
            [{"name": "affine", "zoom": 0.1}],
            "variants.plain.augment.0: affine needs degrees.",
        ),
        (
            "variants.plain.augment",
            [{"name": "affine", "zoom": 0.1, "degrees": 5.0, "pixels": 1}],
            "variants.plain.augment.0: affine takes no pixels.",
        ),
        (
            "variants.plain.augment",
            [{"name": "shift", "pixels": 1, "zoom": 0.1}],
            "variants.plain.augment.0: shift takes no zoom.",
        ),
        (
            "variants.plain.augment",
            [{"name": "affine", "zoom": 1.0, "degrees": 5.0}],
            "variants.plain.augment.0.zoom: 1.0 is out of range: it must be < 1.0.",
        ),
        (
            "variants.plain.test_time_augmentation",
            ["flipp"],
            "variants.plain.test_time_augmentation.0: 'flipp' is not one of flip, shift. Hint: did you mean `flip`?",
        ),
        (
            "variants.plain.augment",
            [{"name": "erase", "pixels": 0}],
            "variants.plain.augment.0.pixels: 0 is not a positive whole number.",
        ),
        (
            "variants.plain.augment",
            [{"name": "erase", "pixel": 2}],
            "variants.plain.augment.0.pixel: is not a known key. Hint: did you mean `pixels`?",
        ),
    ],
)
def test_wrong_value_in_a_study_that_classifies_is_named_with_file_and_key(classes, where, value, complaint):
    assert classes.study(changed(CLASSIFY, where, value), "clothes").complaint() == f"{CLOTHES_FILE}: {complaint}"


# ---- Models of scikit-learn ------------------------------------------------------------------------------------------

PERCEPTRON = "sklearn.neural_network.MLPClassifier"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"optimizer": "adamw"}, "optimizer"),
        ({"optimizer": {"name": "sgd", "learning_rate": 0.1, "schedule": "cosine"}}, "optimizer.schedule"),
        ({"optimizer": {"name": "sgd", "arguments": {"weight_decay": 0.1}}}, "optimizer.arguments"),
        ({"optimizer": {"name": "adam", "arguments": {"momentum": 0.9}}}, "optimizer.arguments"),
        ({"loss": "sparse_categorical_crossentropy"}, "loss"),
        ({"label_smoothing": 0.1}, "label_smoothing"),
        ({"augment": ["flip"]}, "augment"),
        ({"test_time_augmentation": ["flip"]}, "test_time_augmentation"),
        ({"validation": "more"}, "validation"),
        ({"monitor": "loss", "patience": 3}, "monitor"),
        ({"validation_split": 0.1}, "validation_split"),
        ({"validation_split": 0.1, "restore_best_weights": True}, "validation_split"),
    ],
)
def test_what_scikit_learn_cannot_do_is_refused_before_a_job_waits_in_a_queue(classes, changes, key):
    """Else it would stand in the report as if it had been done."""
    variant = CLASSIFY["variants"]["perceptron"] | changes
    complaint = classes.study(changed(CLASSIFY, "variants.perceptron", variant), "clothes").complaint()
    where = f"{CLOTHES_FILE}: variants.perceptron: {key}: not supported by {PERCEPTRON}"
    assert complaint == f"{where}; remove it, or use a Keras model."


def test_what_scikit_learn_can_do_is_taken(classes):
    for optimizer in (
        "sgd",
        "adam",
        {"name": "sgd", "learning_rate": 0.1, "arguments": {"momentum": 0.9, "nesterov": True}},
    ):
        variant = CLASSIFY["variants"]["perceptron"] | {"optimizer": optimizer, "test_images": 5}
        classes.study(changed(CLASSIFY, "variants.perceptron", variant), "clothes").load()
