"""Weights of images and classes count in the loss as Keras's `fit` counts them; further losses and metrics."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from unit.trainings import predictor_of

from calotype.config.recipe import Recipe
from calotype.config.training_metrics import fitting
from calotype.data.prepared_split import Split
from calotype.util.errors import CalotypeError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]

IMAGES, CLASSES, BATCH = 26, 3, 8


def split(weights=None, *, numbers=False):
    """Return images of noise, with classes of different frequency."""
    rng = np.random.default_rng(1)
    labels = rng.normal(size=IMAGES) if numbers else np.minimum(rng.integers(0, 5, IMAGES), CLASSES - 1)
    return Split(rng.random((IMAGES, 4, 4, 1), np.float32), labels, np.arange(IMAGES), weights)


def recipe(**changes):
    base = {
        "model": "dense", "model_arguments": {"units": [5]}, "loss": "categorical_crossentropy",
        "optimizer": {"name": "sgd", "learning_rate": 0.1}, "epochs": 1, "batch_size": BATCH,
        "jit_compile": False,
    }  # fmt: skip
    return Recipe.model_validate(base | changes)


def trained(made, data, *, epochs=2, classes=CLASSES, **how):
    """Return the weights after some epochs, and the logged metrics."""
    from calotype.training.keras_trainer import Trainer

    trainer, logs = Trainer(made, data, minimum=None, maximum=None, classes=classes, **how), []
    trainer.begin(0)
    for epoch in range(1, epochs + 1):
        trainer.begin_epoch(0, epoch)
        trainer.train(0, trainer.steps)
        logs.append(trainer.end_epoch())
    return trainer, logs


def by_fit(trainer, data, targets, *, epochs=2, weights=None, validation=None, **compiled):
    """Train by Keras's `fit` in the same order; return the model, and the metrics of each epoch."""
    from calotype.training.augmentation import epoch_draws
    from calotype.training.backend import keras

    trainer.begin(0)
    model, logs = trainer.model, []
    model.compile(optimizer=keras.optimizers.SGD(0.1), **{"loss": trainer.recipe.loss} | compiled)
    for epoch in range(1, epochs + 1):
        order, _ = epoch_draws(0, epoch, len(data.images), [], 4, 4)
        of_images = None if weights is None else weights[order]
        history = model.fit(
            data.images[order], targets[order], sample_weight=of_images, validation_data=validation, batch_size=BATCH,
            shuffle=False, verbose=0,
        ).history  # fmt: skip
        logs.append({name: values[0] for name, values in history.items()})
    return model, logs


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
@pytest.mark.parametrize("jit_compile", [True, False])
def test_weights_of_images_count_as_those_of_fit(loss, jit_compile):
    weights = np.random.default_rng(2).random(IMAGES).astype(np.float32)
    made = recipe(loss=loss, jit_compile=jit_compile)
    trainer, logs = trained(made, split(weights))
    weights_there, data = trainer.weights(), split()
    targets = data.labels if made.sparse else np.eye(CLASSES)[data.labels]
    model, found = by_fit(trainer, data, targets, weights=weights)
    for one, other in zip(weights_there, model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    np.testing.assert_allclose([log["loss"] for log in logs], [log["loss"] for log in found], rtol=1e-5)


def test_balanced_classes_weigh_as_if_they_were_equally_frequent():
    data = split()
    counts = np.bincount(data.labels, minlength=CLASSES)
    weights = (IMAGES / (CLASSES * counts))[data.labels].astype(np.float32)
    one, _ = trained(recipe(class_weight="balanced"), data)
    other, _ = trained(recipe(), split(weights))
    assert all(np.array_equal(a, b) for a, b in zip(one.weights(), other.weights(), strict=True))


def test_weights_of_classes_multiply_those_of_images():
    own = np.linspace(0.5, 2, IMAGES).astype(np.float32)
    data = split(own)
    expected = (np.array([1.0, 1.0, 3.0])[data.labels] * own).astype(np.float32)
    one, _ = trained(recipe(class_weight=[1.0, 1.0, 3.0]), data)
    other, _ = trained(recipe(), split(expected))
    assert all(np.array_equal(a, b) for a, b in zip(one.weights(), other.weights(), strict=True))


def test_an_image_without_weight_teaches_nothing():
    weights = np.ones(IMAGES, np.float32)
    data = split()
    weights[data.labels == 0] = 0
    changed = replace(data, images=np.where((data.labels == 0)[:, None, None, None], 9, data.images).astype(np.float32))
    one, _ = trained(recipe(), replace(data, weights=weights))
    other, _ = trained(recipe(), replace(changed, weights=weights))
    for a, b in zip(one.weights(), other.weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_streamed_images_keep_their_weights(monkeypatch):
    from calotype.training import input_pipeline

    weights = np.random.default_rng(3).random(IMAGES).astype(np.float32)
    monkeypatch.setattr(input_pipeline, "BLOCK", 4 * 4 * 4 * 10)
    resident, _ = trained(recipe(), split(weights))
    streamed, _ = trained(recipe(), split(weights), stream_above_mib=0.0)
    assert all(np.array_equal(a, b) for a, b in zip(resident.weights(), streamed.weights(), strict=True))


def part(data, chosen):
    """Return some images of a split."""
    weights = None if data.weights is None else data.weights[chosen]
    return Split(data.images[chosen], data.labels[chosen], data.ids[chosen], weights)


@pytest.mark.parametrize(
    ("given", "class_weight", "weighted"),
    [(False, [1.0, 4.0, 0.5], False), (False, None, True), (True, [1.0, 4.0, 0.5], True)],
)
def test_held_out_images_count_as_in_fit(given, class_weight, weighted):
    """Held-out images count with their image weights, and without class weights, in a split of their own or not."""
    weights = np.random.default_rng(4).random(IMAGES).astype(np.float32) if weighted else None
    data, first = split(weights), int(IMAGES * 0.7)
    train, held_out = part(data, slice(0, first)), part(data, slice(first, None))
    if given:
        made = recipe(class_weight=class_weight, validation="held-out")
        trainer, logs = trained(made, train, epochs=1, validation=held_out)
    else:
        trainer, logs = trained(recipe(class_weight=class_weight, validation_split=0.3), data, epochs=1)
    weights_there, targets = trainer.weights(), np.eye(CLASSES)
    of_images = np.ones(first) if train.weights is None else train.weights * 1.0
    if class_weight is not None:
        of_images *= np.array(class_weight)[train.labels]
    validation = held_out.images, targets[held_out.labels], *([held_out.weights] * weighted)
    model, found = by_fit(
        trainer, train, targets[train.labels], epochs=1, weights=of_images, validation=validation, metrics=["accuracy"]
    )
    assert logs[0] == pytest.approx(found[0], rel=1e-5)
    for one, other in zip(weights_there, model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_weights_that_are_not_one_for_each_class_are_refused():
    with pytest.raises(CalotypeError, match=r"class_weight: \[1.0, 2.0\]: must have one weight for each of the 3"):
        trained(recipe(class_weight=[1.0, 2.0]), split())


@pytest.mark.parametrize("loss", ["categorical_focal_crossentropy", "kl_divergence"])
def test_further_losses_of_probabilities_train(loss):
    _, logs = trained(recipe(loss=loss), split(), epochs=20)
    assert logs[-1]["loss"] < logs[0]["loss"]
    assert 0 <= logs[-1]["accuracy"] <= 1


@pytest.mark.parametrize("loss", ["poisson", "mean_squared_logarithmic_error", "mean_absolute_percentage_error"])
def test_further_losses_of_numbers_train(loss):
    data = split(numbers=True)
    made = of_numbers(loss, "softplus")
    _, logs = trained(made, replace(data, labels=np.abs(data.labels) + 1), classes=None, epochs=20)
    assert np.isfinite(logs[-1]["loss"])
    assert logs[-1]["loss"] < logs[0]["loss"]


def of_numbers(loss, output):
    """Return a dense model with one output."""
    return recipe(loss=loss, model_arguments={"units": [5], "output": output})


def test_a_model_is_held_against_the_labels_it_trains_on():
    """Each last layer and loss has a test in test_output_layer.py."""
    data = split(numbers=True)
    with pytest.raises(CalotypeError, match=r"model: dense: .*activation sigmoid: its outputs are in 0\.\.1, "):
        trained(of_numbers("huber", None), replace(data, labels=np.abs(data.labels) + 1), classes=None)
    with pytest.raises(CalotypeError, match="loss: poisson: labels must be 0 or more, but one is -"):
        trained(of_numbers("poisson", "softplus"), data, classes=None)
    with pytest.raises(CalotypeError, match="activation linear, but the loss categorical_crossentropy needs softmax"):
        trained(recipe(model_arguments={"units": [5], "output": "linear"}), split())


def of_two_classes():
    data = split()
    return replace(data, labels=np.minimum(data.labels, 1))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_one_output_for_two_classes_trains_as_in_keras_and_predicts_both(smoothing):
    from calotype.training.backend import keras

    data = of_two_classes()
    made = recipe(loss="binary_crossentropy", label_smoothing=smoothing, training_metrics=["auc", "recall"])
    trainer, logs = trained(made, data, classes=2)
    assert trainer.model.output_shape == (None, 1)
    found = predictor_of(trainer).predict(data.images)
    assert found.shape == (IMAGES, 2)
    np.testing.assert_allclose(found[:, 1:], trainer.model.predict(data.images, verbose=0), atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    loss = keras.losses.BinaryCrossentropy(label_smoothing=smoothing)
    metrics = ["accuracy", "auc", "recall"]
    _, history = by_fit(trainer, data, data.labels[:, None].astype(np.float32), loss=loss, metrics=metrics)
    assert logs[0] == pytest.approx(history[0], rel=1e-5)


@pytest.mark.parametrize("class_weight", ["balanced", [1.0, 3.0]])
def test_focal_loss_and_weights_of_two_classes_train(class_weight):
    made = recipe(loss="binary_focal_crossentropy", class_weight=class_weight, validation_split=0.3)
    _, logs = trained(made, of_two_classes(), classes=2, epochs=20)
    assert logs[-1]["loss"] < logs[0]["loss"]
    assert 0 <= logs[-1]["val_accuracy"] <= 1


@pytest.mark.parametrize("loss", ["huber", "categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_further_metrics_are_in_the_history_under_the_names_of_the_config(loss):
    """Record all metrics that fit the loss, with XLA, the default of dense models."""
    metrics, numbers = [*fitting(loss)], loss == "huber"
    made = recipe(loss=loss, training_metrics=metrics, validation_split=0.3, jit_compile="auto")
    if numbers:
        made = made.model_copy(update={"model_arguments": {"units": [5], "output": "linear"}})
    _, logs = trained(made, split(numbers=numbers), classes=None if numbers else CLASSES)
    recorded = ["loss", *(["accuracy"] * (not numbers)), *metrics]
    assert {*logs[0]} == {*recorded, *(f"val_{name}" for name in recorded)}
    assert np.isfinite([*logs[-1].values()]).all()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"training_metrics": ["loss"]}, "Input should be 'auc'"),
        ({"training_metrics": ["auc", "auc"]}, "duplicate metric"),
        ({"class_weight": "even"}, "class_weight"),
        ({"class_weight": {"leaf": -1.0}}, "class_weight"),
        ({"class_weight": "balanced", "loss": "huber"}, "class_weight needs a crossentropy"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_any_job(changes, complaint):
    with pytest.raises(ValidationError, match=complaint):
        recipe(**changes)
