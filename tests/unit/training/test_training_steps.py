"""A run takes the steps of its recipe, ends when it diverges, and refuses models that do not fit."""

from dataclasses import replace

import numpy as np
import pytest
from unit.trainings import IMAGES, class_recipe, of, predictor_of, recipe, train, turned_in_numpy

from calotype.data.prepared_split import Split, open_split
from calotype.evaluation.runs import measure
from calotype.tasks.regress import REGRESS
from calotype.util.errors import CalotypeError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]


# ---- The steps of a training -----------------------------------------------------------------------------------------


def rates(optimizer, steps):
    """Return the learning rate of every step by its formula."""
    rising = round(steps * optimizer.warmup_fraction)
    for step in range(steps):
        if optimizer.schedule == "constant":
            yield optimizer.learning_rate
        elif step < rising:
            yield optimizer.learning_rate * step / rising
        else:
            yield optimizer.learning_rate * (1 + np.cos(np.pi * (step - rising) / (steps - rising))) / 2


def by_hand(made, split, seed, draws_of):
    """Fit least squares by gradient descent in NumPy; return the weights, and the mean loss of each epoch."""
    offset, scale = (0, 5) if made.scale_targets else (0, 1)
    targets = (split.labels - offset) / scale
    weights, losses = np.zeros(split.images[0].size), []
    images = len(split.images)
    rate = rates(made.optimizer, made.epochs * -(-images // made.batch_size))
    for epoch in range(1, made.epochs + 1):
        order, draws = draws_of(seed, epoch, images, made.augment, 8, 8)
        total = 0.0
        for start in range(0, images, made.batch_size):
            chosen = order[start : start + made.batch_size]
            batch = [split.images[i] for i in chosen]
            if made.augment:
                batch = [turned_in_numpy(x, s) for x, s in zip(batch, draws[start:, 0], strict=False)]
            batch = np.stack(batch).reshape(len(chosen), -1).astype(float)
            wrong = batch @ weights - targets[chosen]
            total += (wrong**2).sum()
            weights = weights - next(rate) * 2 / len(chosen) * batch.T @ wrong
        losses.append(total / images)
    assert next(rate, None) is None
    return weights, losses


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"batch_size": 100},
        {"augment": ["dihedral"], "scale_targets": True},
        {
            "optimizer": {"name": "sgd", "learning_rate": 0.01, "schedule": "cosine", "warmup_fraction": 0.4},
            "epochs": 3,
        },
        {"optimizer": {"name": "sgd", "learning_rate": 0.01, "schedule": "cosine"}, "batch_size": 11},
    ],
    ids=["last batch smaller", "one batch larger than all", "dihedral", "cosine with warm-up", "cosine"],
)
def test_training_takes_the_steps_that_one_takes_by_hand(tensorflow, data, tmp_path, changes):
    made = recipe(f"{data}/own.py:linear", **{"optimizer": {"name": "sgd", "learning_rate": 0.01}} | changes)
    pack = train(data, made, range(4, 6), tmp_path / "models")
    images = np.array(open_split(data / "test.npy").images).reshape(IMAGES["test"], -1)
    for place, seed in enumerate((4, 5)):
        weights, losses = by_hand(made, open_split(data / "train.npy"), seed, tensorflow.augment.epoch_draws)
        found = pack.history[(pack.history.seed == seed) & (pack.history.metric == "loss")].value
        assert found.tolist() == pytest.approx(losses, rel=1e-4)
        expected = images @ weights * (5 if made.scale_targets else 1)
        np.testing.assert_allclose(pack.predictions["test"][place], expected, rtol=1e-3, atol=1e-4)
    assert not np.array_equal(*pack.predictions["test"])


def test_dropout_draws_again_in_every_epoch(data, tmp_path):
    """The learning rate is too small to change weights: only dropout differs between epochs."""
    still = {"optimizer": {"name": "sgd", "learning_rate": 1e-30}, "epochs": 4, "batch_size": 22}
    losses = {}
    for rate in (0.0, 0.4):
        made = recipe(f"{data}/own.py:net", model_arguments={"rate": rate}, **still)
        losses[rate] = train(data, made, range(1), tmp_path / f"{rate}").history.value
    assert np.ptp(losses[0.0]) < 1e-4
    assert losses[0.4].round(3).nunique() == 4


# ---- Models that do not fit ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["two_outputs", "not_flat"])
def test_a_model_whose_outputs_do_not_fit_the_labels_is_refused(data, tmp_path, model):
    """Keras would broadcast and silently train nonsense."""
    with pytest.raises(CalotypeError, match=rf"^model: .*{model}"):
        train(data, recipe(f"{data}/own.py:{model}", epochs=1), range(1), tmp_path / "models")


def test_a_training_run_that_cannot_begin_is_named(data, tmp_path):
    with pytest.raises(CalotypeError, match=r"^model: .*three filters are too few") as problem:
        train(data, recipe(f"{data}/own.py:fails"), range(1), tmp_path / "models")
    assert isinstance(problem.value.__cause__, ValueError)
    wrong = recipe(f"{data}/own.py:linear", optimizer={"name": "adam", "arguments": {"momentumm": 0.9}})
    with pytest.raises(CalotypeError, match=r"^optimizer: adam: .*momentumm") as problem:
        train(data, wrong, range(1), tmp_path / "others")
    assert str(problem.value).count("\nHint: ") == 1


def test_a_training_run_that_diverges_ends_there_and_says_so(data, tmp_path, caplog):
    """Further epochs would cost hours and change nothing."""
    optimizer = {"name": "sgd", "learning_rate": 1e15}
    made = recipe(f"{data}/own.py:linear", optimizer=optimizer, epochs=9)
    pack = train(data, made, range(2), tmp_path / "models")
    assert pack.diverged.keys() == {0, 1}
    for seed, epoch in pack.diverged.items():
        losses = of(pack, "loss", seed)
        assert len(losses) == epoch < 9
        assert np.isfinite(losses[:-1]).all()
        assert not np.isfinite(losses[-1])
        assert f"study/variant: seed {seed} diverged in epoch {epoch}: loss " in caplog.text
    assert not np.isfinite(pack.predictions["test"]).any()


def test_a_training_run_that_does_not_diverge_is_not_marked(data, tmp_path):
    assert train(data, class_recipe(), range(1), tmp_path / "models").diverged == {}


def test_images_and_labels_of_a_training_run_may_be_few(data, tmp_path):
    split = open_split(data / "train.npy")
    one = Split(split.images[:1], split.labels[:1], split.ids[:1])
    pack = train(data, recipe(f"{data}/own.py:linear"), range(1), tmp_path / "models", train_split=one)
    assert len(pack.history) == 2


# ---- Numbers ---------------------------------------------------------------------------------------------------------


def large_numbers(images, seed):
    """Return images whose brightness is that of their labels, which are in 1,000 to 6,000."""
    light = np.random.default_rng(seed).random(images)
    return Split(
        np.tile(light[:, None, None, None], (8, 8, 1)).astype(np.float32), 1000 + 5000 * light, np.arange(images)
    )


def numbers_trainer(data, split, **changes):
    from calotype.training.keras_trainer import Trainer

    made = recipe(f"{data}/own.py:linear", scale_targets=True, epochs=40, validation_split=0.2, **changes)
    trainer = Trainer(made, split, minimum=None, maximum=None, classes=None)
    trainer.begin(0)
    for epoch in range(1, made.epochs + 1):
        trainer.begin_epoch(0, epoch)
        trainer.train(0, trainer.steps)
    return trainer


def test_large_numbers_are_learnt_and_predicted_in_their_own_units(data):
    tested = large_numbers(20, seed=1)
    found = predictor_of(numbers_trainer(data, large_numbers(60, seed=0))).predict(tested.images)[:, 0]
    assert measure(REGRESS, tested.labels, found)["r2"] > 0.95


def test_labels_that_are_held_out_change_no_weight_even_where_targets_are_scaled(data):
    split = large_numbers(30, seed=0)
    other = replace(split, labels=np.where(np.arange(30) < 24, split.labels, 1e6))
    one, two = (numbers_trainer(data, each) for each in (split, other))
    assert all(np.array_equal(*weights) for weights in zip(one.weights(), two.weights(), strict=True))


def test_labels_that_are_all_the_same_are_trained_on_without_a_division_by_zero(data):
    split = large_numbers(30, seed=0)
    trainer = numbers_trainer(data, replace(split, labels=np.full(30, 7.5)))
    assert predictor_of(trainer).predict(split.images)[:, 0].tolist() == [7.5] * 30


def test_counts_beyond_those_that_were_trained_on_are_predicted_and_not_cut_off(data):
    from calotype.training.keras_trainer import Trainer

    made, split = recipe(f"{data}/own.py:linear", scale_targets=True), large_numbers(30, seed=0)
    split = replace(split, labels=np.round(5 * split.labels / 6000).astype(np.int64))
    trainer = Trainer(made, split, minimum=1, maximum=5, classes=None)
    trainer.begin(0)
    trainer.set_weights([np.full((64, 1), 2 / 64, np.float32)])
    assert predictor_of(trainer).predict(np.ones((1, 8, 8, 1), np.float32)).item() == pytest.approx(9)
