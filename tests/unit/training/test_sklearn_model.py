"""scikit-learn's perceptron trains as in a script by hand, and its errors are reported."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_info, threadpool_limits
from unit.trainings import Predicted, predict

from calotype.config.recipe import Recipe
from calotype.data.prepared_split import Split
from calotype.training.loop import Store, train_pack
from calotype.training.sklearn_model import Trainer
from calotype.util.errors import CalotypeError

NAME = "sklearn.neural_network.MLPClassifier"
CLASSES = 4


def recipe(**changes):
    base = {
        "model": NAME,
        "model_arguments": {"hidden_layer_sizes": [5], "activation": "logistic", "alpha": 1e-3},
        "loss": "categorical_crossentropy",
        "optimizer": {"name": "sgd", "learning_rate": 0.1, "arguments": {"momentum": 0.9}},
        "epochs": 6,
        "batch_size": 8,
    }
    return Recipe.model_validate(base | changes)


def split(images, key, labels=CLASSES):
    rng = np.random.default_rng(key)
    return Split(rng.random((images, 3, 3, 1), np.float32), rng.integers(0, labels, images), np.arange(images))


TRAIN, TEST = split(50, 1), split(20, 2)


def train(folder, made, seeds=range(3), train_split=TRAIN, classes=CLASSES, **tested):
    folder.mkdir()
    store = Store({seed: folder.parent / f"checkpoints/{seed}" for seed in seeds}, "identity", minutes=60.0)
    trainer = Trainer(made, train_split, classes=classes)
    pack = train_pack("study/variant", made, seeds, trainer, folder, store=store, check=lambda: None)
    return Predicted(**vars(pack), predictions={"test": predict(made, pack, folder, seeds, TEST.images, **tested)})


def by_hand(seed, epochs=6, **arguments):
    """Train the classifier as in a script, epoch by epoch, each with another order of the images."""
    base = {"hidden_layer_sizes": [5], "activation": "logistic", "alpha": 1e-3, "solver": "sgd", "momentum": 0.9}
    base |= {"nesterovs_momentum": False, "learning_rate_init": 0.1, "batch_size": 8}
    made = MLPClassifier(**base | arguments)
    for epoch in range(1, epochs + 1):
        made.random_state = int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])
        made.partial_fit(TRAIN.images.reshape(50, -1), TRAIN.labels, classes=range(CLASSES))
    return made


@pytest.mark.parametrize(
    ("changes", "arguments"),
    [
        ({}, {}),
        (
            {"optimizer": {"name": "sgd", "learning_rate": 0.1, "arguments": {"momentum": 0.5, "nesterov": True}}},
            {"momentum": 0.5, "nesterovs_momentum": True},
        ),
        ({"optimizer": {"name": "sgd", "learning_rate": 0.1}}, {"momentum": 0.0}),
        (
            {"optimizer": "adam", "model_arguments": {"hidden_layer_sizes": [5, 3]}},
            {"solver": "adam", "learning_rate_init": 0.001, "hidden_layer_sizes": [5, 3]}
            | {"activation": "relu", "alpha": 1e-4},
        ),
        ({"epochs": 40, "batch_size": 50}, {"epochs": 40, "batch_size": 50}),
    ],
    ids=["momentum", "nesterov", "plain", "adam", "forty epochs"],
)
def test_training_is_the_one_that_one_calls_by_hand(tmp_path, changes, arguments):
    pack = train(tmp_path / "models", recipe(**changes))
    for place, seed in enumerate(range(3)):
        expected = by_hand(seed, **arguments)
        probabilities = expected.predict_proba(TEST.images.reshape(20, -1)).astype(np.float32)
        assert pack.predictions["test"][place].tobytes() == probabilities.tobytes()
        losses = pack.history[pack.history.seed == seed]
        assert losses.value.tolist() == expected.loss_curve_
        assert losses.epoch.tolist() == list(range(1, changes.get("epochs", 6) + 1)), "every epoch that was asked for"
        assert set(losses.metric) == {"loss"}
        with np.load(tmp_path / f"models/seed-{seed:03d}.npz") as weights:
            assert [weights[f"coefs_{i}"].tolist() for i in range(len(expected.coefs_))] == [
                array.tolist() for array in expected.coefs_
            ]
            assert len(weights.files) == 2 * len(expected.coefs_)


def test_a_run_in_a_pack_is_bit_for_bit_the_run_alone(tmp_path):
    pack = train(tmp_path / "pack", recipe())
    alone = train(tmp_path / "alone", recipe(), range(1, 2))
    assert pack.predictions["test"][1].tobytes() == alone.predictions["test"][0].tobytes()
    assert (tmp_path / "pack/seed-001.npz").stat().st_size == (tmp_path / "alone/seed-001.npz").stat().st_size
    assert len({row.tobytes() for row in pack.predictions["test"]}) == 3, "each seed is another training"
    assert pack.best_epochs == {}


def test_the_order_of_the_images_is_another_in_each_epoch(tmp_path):
    """It is keyed by the epoch, so that a run can resume at any epoch."""
    still = {"name": "sgd", "learning_rate": 1e-300}
    one, two = (recipe(optimizer=still, epochs=epochs, batch_size=7) for epochs in (1, 2))
    assert train(tmp_path / "one", one).history.value.tolist() == [
        row.value for row in train(tmp_path / "two", two).history.itertuples() if row.epoch == 1
    ]
    orders = []
    for epoch in (1, 2):
        trainer = Trainer(recipe(batch_size=1), TRAIN, classes=CLASSES)
        trainer.begin(0)
        trainer.begin_epoch(0, 1)
        trainer.train(0, 1)
        trainer.begin_epoch(0, epoch)
        trainer.train(0, 1)
        orders.append(trainer.weights()[0].tobytes())
    assert len(set(orders)) == 2


def test_layers_are_those_of_the_same_model_in_keras(tmp_path):
    pack = train(tmp_path / "models", recipe(), range(1))
    assert pack.layers.columns.tolist() == ["layer", "kind", "output_shape", "parameters"]
    assert pack.layers[["kind", "output_shape", "parameters"]].values.tolist() == [
        ["Dense", "(None, 5)", 9 * 5 + 5],
        ["Dense", "(None, 4)", 5 * 4 + 4],
    ]
    assert pack.parameters == 74


def test_a_class_that_no_training_image_shows_has_no_probability_and_shifts_no_other(tmp_path):
    labels = np.where(TRAIN.labels == 1, 3, TRAIN.labels)
    pack = train(tmp_path / "models", recipe(), range(1), Split(TRAIN.images, labels, TRAIN.ids))
    probabilities = pack.predictions["test"][0]
    assert probabilities.shape == (20, 4)
    assert (probabilities[:, 1] == 0).all()
    assert (probabilities[:, [0, 2, 3]] > 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_large_test_splits_are_cut_to_the_images_asked_for(tmp_path):
    assert train(tmp_path / "models", recipe(), range(1), test_images=7).predictions["test"].shape == (1, 7, 4)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"hidden_layer_sizes": [0]}, "hidden_layer_sizes"),
        ({"activation": "sigmoid"}, "activation"),
        ({"alpha": -1.0}, "alpha"),
        ({"alfa": 1.0}, "alfa"),
    ],
)
def test_a_wrong_argument_is_named(tmp_path, arguments, complaint):
    with pytest.raises(CalotypeError, match=rf"^model: {NAME}: ") as problem:
        train(tmp_path / "models", recipe(model_arguments=arguments))
    assert complaint in str(problem.value)
    assert "\nHint: see `model_arguments` and the scikit-learn page of MLPClassifier" in str(problem.value)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_training_run_that_diverges_is_marked_and_ends_no_pack(tmp_path, caplog, solver):
    """The other seeds of the pack and the other variants of the study remain valid."""
    optimizer = {"name": solver, "learning_rate": 1e300}
    arguments = {"activation": "relu", "hidden_layer_sizes": [5, 5]}
    pack = train(tmp_path / "models", recipe(optimizer=optimizer, model_arguments=arguments), range(2))
    assert pack.diverged.keys() == {0, 1}
    for place, (seed, epoch) in enumerate(pack.diverged.items()):
        losses = pack.history[pack.history.seed == seed].value.tolist()
        assert len(losses) == epoch
        assert np.isnan(losses[-1])
        assert np.isnan(pack.predictions["test"][place]).all()
        assert f"seed {seed} diverged in epoch {epoch}" in caplog.text
        assert (tmp_path / f"models/seed-{seed:03d}.npz").exists()
    assert train(tmp_path / "well", recipe(), range(2)).diverged == {}


def test_predictions_are_made_with_the_threads_of_the_recipe_too(tmp_path, monkeypatch):
    """Otherwise their last bits would depend on the number of cores."""
    seen = {}

    def count(name):
        method = getattr(MLPClassifier, name)

        def counting(self, *arguments, **keys):
            seen[name] = {pool["num_threads"] for pool in threadpool_info()}
            return method(self, *arguments, **keys)

        monkeypatch.setattr(MLPClassifier, name, counting)

    count("partial_fit")
    count("predict_proba")
    with threadpool_limits(2):
        train(tmp_path / "models", recipe(threads=1), range(1))
    assert seen == {"partial_fit": {1}, "predict_proba": {1}}


@pytest.mark.filterwarnings("error")
def test_a_training_run_that_ends_before_it_converged_warns_nobody(tmp_path):
    """The number of epochs is the number in the config."""
    train(tmp_path / "models", recipe(epochs=1), range(1))
