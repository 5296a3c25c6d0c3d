"""Held-out images choose an epoch, end a run and lower its learning rate as in Keras, and are not trained on."""

import functools

import numpy as np
import pytest
from unit.trainings import class_recipe, class_split, of, recipe, train

from calotype.config.optimizer import Plateau
from calotype.data.prepared_split import Split
from calotype.util.errors import CalotypeError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]


WILD = {"optimizer": {"name": "sgd", "learning_rate": 0.9, "arguments": {"momentum": 0.5}}, "batch_size": 8}
HELD_OUT = {"validation_split": 0.3, "epochs": 9, **WILD}


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """Train three seeds for nine epochs without early stopping; their losses rise and fall."""
    folder = tmp_path_factory.mktemp("whole")
    return train(data, class_recipe(**HELD_OUT), range(3), folder / "models"), folder


@pytest.fixture(scope="module")
def anew(data, tmp_path_factory):
    """Return a function that trains one seed for so many epochs without early stopping, and caches the result."""

    @functools.cache
    def trained_anew(seed, epochs):
        folder = tmp_path_factory.mktemp("anew")
        made = class_recipe(**HELD_OUT | {"epochs": epochs})
        return train(
            data, made, range(seed, seed + 1), folder / "models"
        ), folder / f"models/seed-{seed:03d}.weights.h5"

    return trained_anew


def best_epochs(pack, monitor):
    """Return the earliest best epoch of each seed, from the history."""
    choose = np.argmax if monitor == "val_accuracy" else np.argmin
    return {seed: int(choose(of(pack, monitor, seed))) + 1 for seed in range(3)}


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
def test_restored_weights_are_those_of_the_best_epoch(data, tmp_path, whole, anew, monitor):
    """Compared with new runs of exactly so many epochs."""
    pack = train(data, class_recipe(**HELD_OUT, monitor=monitor, restore_best_weights=True), range(3), tmp_path / "a")
    assert pack.history.equals(whole[0].history), "choosing changes no training"
    best = best_epochs(whole[0], monitor)
    assert pack.best_epochs == best
    assert min(best.values()) < 9, "these trainings could not tell the best epoch from the last"
    seed, epochs = min(best.items(), key=lambda item: item[1])
    expected, weights = anew(seed, epochs)
    assert (tmp_path / "a" / weights.name).read_bytes() == weights.read_bytes()
    assert pack.predictions["test"][seed].tobytes() == expected.predictions["test"][0].tobytes()
    assert expected.best_epochs == {}


@pytest.mark.parametrize(("patience", "monitor"), [(1, "val_loss"), (2, "val_accuracy")])
def test_a_training_run_stops_when_it_was_not_better_for_so_many_epochs(data, tmp_path, whole, anew, patience, monitor):
    pack = train(data, class_recipe(**HELD_OUT, patience=patience, monitor=monitor), range(3), tmp_path / "models")
    sign = 1 if monitor == "val_accuracy" else -1
    stops = {}
    for seed in range(3):
        values = [sign * value for value in of(whole[0], monitor, seed)]
        waits = [epoch - (int(np.argmax(values[:epoch])) + 1) for epoch in range(1, 10)]
        stops[seed] = next((epoch for epoch, wait in enumerate(waits, start=1) if wait >= patience), 9)
        for metric in ("loss", "accuracy", "val_loss", "val_accuracy"):
            assert of(pack, metric, seed) == of(whole[0], metric, seed)[: stops[seed]]
    assert min(stops.values()) < 9, "no training stopped"
    assert pack.best_epochs == {}
    seed, epochs = min(stops.items(), key=lambda item: item[1])
    assert pack.predictions["test"][seed].tobytes() == anew(seed, epochs)[0].predictions["test"][0].tobytes()


def test_patience_and_restored_weights_together_keep_the_best_epoch_until_the_stop(data, tmp_path, whole):
    pack = train(data, class_recipe(**HELD_OUT, patience=1, restore_best_weights=True), range(3), tmp_path / "models")
    for seed in range(3):
        values = of(pack, "val_loss", seed)
        assert pack.best_epochs[seed] == int(np.argmin(values)) + 1
        assert len(values) in (pack.best_epochs[seed] + 1, 9)
    assert len(pack.history) < len(whole[0].history)


def spoilt(places):
    """Return the training images, of which some show only noise."""
    split = class_split("train")
    images = split.images.copy()
    images[places] = np.random.default_rng(99).random(images[places].shape, np.float32)
    return Split(images, split.labels, split.ids)


def test_held_out_images_are_never_trained_on(data, tmp_path, whole):
    """Other pixels in the held-out images change their scores, and no weight."""
    pack, folder = whole
    weights = "seed-000.weights.h5"
    held_out = train(data, class_recipe(**HELD_OUT), range(1), tmp_path / "held", train_split=spoilt(slice(32, None)))
    assert (tmp_path / "held" / weights).read_bytes() == (folder / "models" / weights).read_bytes()
    assert (of(held_out, "loss"), of(held_out, "accuracy")) == (of(pack, "loss"), of(pack, "accuracy"))
    assert of(held_out, "val_loss") != of(pack, "val_loss")
    train(data, class_recipe(**HELD_OUT), range(1), tmp_path / "last", train_split=spoilt(slice(31, 32)))
    assert (tmp_path / "last" / weights).read_bytes() != (folder / "models" / weights).read_bytes()


@pytest.mark.parametrize(("images", "part"), [(22, 0.99), (1, 0.5), (2, 0.9)])
def test_held_out_parts_that_leave_nothing_to_train_on_are_named(data, tmp_path, images, part):
    split = class_split("train")
    few = Split(split.images[:images], split.labels[:images], split.ids[:images])
    with pytest.raises(CalotypeError, match=rf"^validation_split: {part} of {images} images leaves none"):
        train(data, class_recipe(validation_split=part), range(1), tmp_path / "models", train_split=few)


def test_one_image_may_be_held_out(data, tmp_path):
    pack = train(data, class_recipe(validation_split=0.01, epochs=1), range(1), tmp_path / "models")
    assert set(of(pack, "val_accuracy")) <= {0.0, 1.0}


@pytest.fixture(scope="module")
def given(data, tmp_path_factory):
    """Train the runs of `whole` with their held-out images as a separate split."""
    folder = tmp_path_factory.mktemp("given")
    made = class_recipe(**HELD_OUT | {"validation_split": 0.0, "validation": "held-out"})
    return train(data, made, range(1), folder / "models", **held_out_apart()), folder


def held_out_apart():
    """Return the training images in two splits, as `HELD_OUT` divides them."""
    split = class_split("train")
    first, last = (
        Split(split.images[part], split.labels[part], split.ids[part]) for part in (slice(0, 32), slice(32, None))
    )
    return {"train_split": first, "validation": last}


def test_a_given_split_validates_like_held_out_images(given, whole):
    weights = "models/seed-000.weights.h5"
    assert (given[1] / weights).read_bytes() == (whole[1] / weights).read_bytes()
    for metric in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert of(given[0], metric) == of(whole[0], metric)


def early(values, sign, delta, patience):
    """Return the epoch that Keras's EarlyStopping keeps for some values, and its last epoch."""
    from calotype.training.backend import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    callback = keras.callbacks.EarlyStopping("seen", min_delta=delta, patience=patience, mode=sign)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"seen": value})
        if model.stop_training:
            break
    return callback.best_epoch + 1, epoch + 1


@pytest.fixture(scope="module")
def recalled(data, tmp_path_factory):
    """Train the runs of `whole` with one more metric in their history."""
    made = class_recipe(**HELD_OUT, training_metrics=["recall"])
    return train(data, made, range(2), tmp_path_factory.mktemp("recalled") / "models")


@pytest.mark.parametrize(
    ("monitor", "mode", "delta", "patience"),
    [("val_loss", "auto", 0.02, 1), ("val_recall", "auto", 0.05, 2), ("accuracy", "min", 0.0, 2)],
)
def test_the_best_epoch_and_the_last_are_those_of_keras_s_early_stopping(
    data, tmp_path, recalled, monitor, mode, delta, patience
):
    chosen = {"monitor": monitor, "mode": mode, "min_delta": delta, "restore_best_weights": True, "patience": patience}
    made = class_recipe(**HELD_OUT | {"training_metrics": ["recall"]} | chosen)
    pack = train(data, made, range(2), tmp_path / "models")
    better = mode if mode != "auto" else "min" if monitor.endswith("loss") else "max"
    for seed in range(2):
        best, last = early(of(recalled, monitor, seed), better, delta, patience)
        assert (pack.best_epochs[seed], len(of(pack, monitor, seed))) == (best, last)
    assert len(pack.history) < len(recalled.history), "no training stopped"


def test_a_training_run_without_held_out_images_is_stopped_by_its_own_loss(data, tmp_path):
    keys = {"monitor": "loss", "patience": 1, "min_delta": 0.1, "validation_split": 0.0}
    pack = train(data, class_recipe(**HELD_OUT | keys), range(1), tmp_path / "models")
    losses = of(pack, "loss")
    assert early(losses, "min", 0.1, 1)[1] == len(losses) < 9


def plateau_rates(values, sign, **plateau):
    """Return the learning rate of each epoch, as Keras's ReduceLROnPlateau sets it; the first is 0.9."""
    from calotype.training.backend import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.9))
    callback = keras.callbacks.ReduceLROnPlateau("seen", mode=sign, **plateau)
    callback.set_model(model)
    callback.on_train_begin()
    found = []
    for epoch, value in enumerate(values):
        found.append(float(model.optimizer.learning_rate))
        callback.on_epoch_end(epoch, {"seen": value})
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sign", ["min", "max"])
@pytest.mark.parametrize("keys", [{}, {"patience": 2, "cooldown": 2, "min_delta": 0.5}, {"patience": 1, "cooldown": 1}])
def test_the_rate_falls_where_keras_s_callback_lowers_it(seed, sign, keys):
    from calotype.training.early_stopping import reductions

    values = np.random.default_rng(seed).normal(size=30).tolist()
    plateau = Plateau(**{"factor": 0.5, **keys})
    found = [0.9 * 0.5 ** reductions(values[:epoch], plateau, more=sign == "max") for epoch in range(30)]
    np.testing.assert_allclose(found, plateau_rates(values, sign, factor=0.5, **keys), rtol=1e-5)


def test_a_lower_rate_reaches_the_optimizer_and_the_next_seed_begins_with_the_full_one(data, tmp_path, whole):
    """Compared by weights: the model differs after the rate fell, and not before."""
    keys = {"factor": 0.5, "patience": 1, "min_learning_rate": 0.3, "min_delta": 0.0}
    pack = train(data, class_recipe(**HELD_OUT, reduce_on_plateau=keys), range(2), tmp_path / "models")
    for seed in range(2):
        before, after = of(whole[0], "loss", seed), of(pack, "loss", seed)
        full = plateau_rates(of(pack, "val_loss", seed), "min", factor=0.5, patience=1, min_delta=0.0)
        falls = [epoch for epoch in range(9) if full[epoch] < 0.8]
        assert falls, "this rate never fell"
        assert after[: falls[0]] == before[: falls[0]]
        assert after[falls[0]] != before[falls[0]]


def test_counts_may_be_held_out_too(data, tmp_path):
    made = recipe(f"{data}/own.py:linear", validation_split=0.3, restore_best_weights=True, epochs=3, optimizer="sgd")
    pack = train(data, made, range(1), tmp_path / "models")
    assert set(pack.history.metric) == {"loss", "val_loss"}
    assert pack.best_epochs == {0: int(np.argmin(of(pack, "val_loss"))) + 1}
