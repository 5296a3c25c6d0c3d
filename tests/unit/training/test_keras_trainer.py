"""Trainings are the ones of the recipe, the same in every process, and the same alone as in a pack."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from pydantic import ValidationError
from unit.trainings import CLASSES, IMAGES, class_recipe, class_split, make_data, of, predictor_of, recipe, train

from calotype.config.optimizer import Optimizer
from calotype.data.prepared_split import Split, open_split
from calotype.evaluation.runs import measure
from calotype.tasks.classify import CLASSIFY, most_probable
from calotype.tasks.regress import REGRESS
from calotype.util.errors import CalotypeError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]

ROOT = Path(__file__).parents[3]


def recipes(own):
    """Return recipes: a shipped model, a custom one with all that is random or counts steps, and two of classes."""
    schedule = {"name": "adamw", "learning_rate": 0.01, "schedule": "cosine", "warmup_fraction": 0.2}
    momentum = {"name": "sgd", "learning_rate": 0.05, "arguments": {"momentum": 0.9}}
    changes = ["flip", {"name": "shift", "pixels": 2}, {"name": "erase", "pixels": 3}, "dihedral"]
    changes.append({"name": "affine", "degrees": 20.0, "zoom": 0.1})
    held_out = {"validation_split": 0.25, "restore_best_weights": True, "monitor": "val_accuracy"}
    dense = {"units": [6, 5], "dropout": 0.3, "l2": 1e-3, "initializer": "random_normal"}
    return {
        "source": recipe("dots_source", scale_targets=True),
        "own": recipe(f"{own}:net", optimizer=schedule, epochs=3, augment=["dihedral"]),
        "classes": class_recipe(
            f"{own}:classifier",
            optimizer="adam",
            epochs=4,
            augment=changes,
            label_smoothing=0.1,
            **held_out,
        ),
        "momentum": class_recipe(
            model_arguments=dense,
            optimizer=momentum,
            loss="sparse_categorical_crossentropy",
            epochs=6,
            validation_split=0.3,
            patience=1,
            jit_compile="auto",
        ),
    }


TESTED = {"own": {"test_images": 5}, "classes": {"test_time_augmentation": ["shift"]}}


def train_all(data, folder, seeds):
    """Train a pack of each recipe, and keep the files that the workflow keeps."""
    for name, made in recipes(data / "own.py").items():
        pack = train(data, made, seeds, folder / name / "models", **TESTED.get(name, {}))
        pack.history.to_csv(folder / name / "history.csv", index=False)
        np.savez(folder / name / "predictions.npz", **pack.predictions)
        pack.layers.to_csv(folder / name / "layers.csv", index=False)
        (folder / name / "chosen.json").write_text(json.dumps(pack.best_epochs))


ELSEWHERE = """
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("test_training", sys.argv[1])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
from calotype.training import backend
backend.start(1)
tests.train_all(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), range(1, 2))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    make_data(folder)
    return folder


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """Folders of the same trainings: seeds 0 and 1 as a pack, and side by side seed 1 alone, in another process."""
    folder = tmp_path_factory.mktemp("trained")
    with open(folder / "log", "w+", encoding="utf-8") as log:
        other = subprocess.Popen(
            [sys.executable, "-c", ELSEWHERE, __file__, str(data), str(folder / "alone")],
            env={**os.environ, "PYTHONPATH": f"{ROOT}/workflow{os.pathsep}{ROOT}/tests", "PYTHONHASHSEED": "7"},
            stderr=log,
        )
        try:
            train_all(data, folder / "pack", range(2))
            assert other.wait() == 0, (folder / "log").read_text()
        finally:
            other.kill()
            other.wait()
    return folder


def history_of(folder, seed):
    return [line for line in (folder / "history.csv").read_text().splitlines() if line.startswith(f"{seed},")]


# ---- The same bytes --------------------------------------------------------------------------------------------------


NAMES = ["source", "own", "classes", "momentum"]


@pytest.mark.parametrize("name", NAMES)
def test_a_run_in_a_pack_is_bit_for_bit_the_run_alone_in_another_process(trained, name):
    """After another seed it starts with that seed's state; alone, all names have other hashes."""
    pack, alone = trained / "pack" / name, trained / "alone" / name
    same = ["layers.csv", "models/architecture.json", "models/seed-001.weights.h5"]
    files = {str(path.relative_to(alone)) for path in alone.rglob("*") if path.is_file()}
    assert files == {*same, "chosen.json", "history.csv", "predictions.npz"}
    for file in same:
        assert (pack / file).read_bytes() == (alone / file).read_bytes(), file
    assert history_of(pack, 1) == history_of(alone, 1) != []
    chosen = [json.loads((folder / "chosen.json").read_text()) for folder in (pack, alone)]
    assert chosen[0].get("1") == chosen[1].get("1")
    assert (chosen[1] != {}) == (name == "classes")
    with np.load(pack / "predictions.npz") as many, np.load(alone / "predictions.npz") as one:
        assert many["test"][1].tobytes() == one["test"][0].tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_each_seed_is_another_training(trained, name):
    models = trained / "pack" / name / "models"
    assert len({(models / f"seed-{seed:03d}.weights.h5").read_bytes() for seed in range(2)}) == 2
    with np.load(trained / "pack" / name / "predictions.npz") as found:
        assert len({row.tobytes() for row in found["test"]}) == 2


def test_saved_weights_and_architecture_give_the_predictions_again(trained, data, tensorflow):
    models = trained / "pack/source/models"
    model = tensorflow.keras.models.model_from_json((models / "architecture.json").read_text())
    images = np.array(open_split(data / "test.npy").images)
    with np.load(trained / "pack/source/predictions.npz") as found:
        for seed in range(2):
            model.load_weights(models / f"seed-{seed:03d}.weights.h5")
            again = model(images).numpy() * 5  # the count is scaled to 0..1
            np.testing.assert_allclose(found["test"][seed], again[:, 0], atol=1e-5)


def test_files_of_weights_hold_the_weights_and_nothing_else(trained):
    """The state of Adam would make them three times as large."""
    for name in NAMES:
        with h5py.File(trained / "pack" / name / "models/seed-000.weights.h5") as opened:
            assert set(opened) == {"_layer_checkpoint_dependencies", "layers", "vars"} & set(opened), name
            assert "optimizer" not in opened


def test_history_and_predictions_have_a_place_for_every_seed_and_epoch(trained):
    assert (trained / "pack/own/history.csv").read_text().splitlines()[0] == "seed,epoch,metric,value"
    losses = [
        line.split(",") for line in (trained / "pack/own/history.csv").read_text().splitlines() if ",loss," in line
    ]
    assert [(seed, epoch) for seed, epoch, *_ in losses] == [(f"{s}", f"{e}") for s in range(2) for e in range(1, 4)]
    with np.load(trained / "pack/source/predictions.npz") as found:
        assert (found["test"].shape, found["test"].dtype) == ((2, 13), np.float32)


def test_large_test_splits_are_cut_to_the_images_asked_for(trained):
    with np.load(trained / "pack/own/predictions.npz") as found:
        assert found["test"].shape == (2, 5)


def test_predictions_of_classes_are_probabilities_of_each(trained):
    for name in ("classes", "momentum"):
        with np.load(trained / "pack" / name / "predictions.npz") as found:
            assert (found["test"].shape, found["test"].dtype) == ((2, 17, 3), np.float32)
            np.testing.assert_allclose(found["test"].sum(axis=-1), 1, atol=1e-5)


def in_numpy(image, symmetry):
    """Flip vertically, horizontally and along the diagonal, as the three bits of a dihedral element say."""
    image = image[::-1] if symmetry & 1 else image
    image = image[:, ::-1] if symmetry & 2 else image
    return image.transpose(1, 0, 2) if symmetry & 4 else image


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
    """Least squares with plain gradient descent in numpy: the weights, and the mean loss of each epoch."""
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
                batch = [in_numpy(x, s) for x, s in zip(batch, draws[start:, 0], strict=False)]
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


def test_dropout_draws_anew_in_every_epoch(data, tmp_path):
    """With a rate too small to learn anything, only dropout tells one epoch from the next."""
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
    """Keras would broadcast, train nonsense and say nothing."""
    with pytest.raises(CalotypeError, match=rf"^model: .*{model}"):
        train(data, recipe(f"{data}/own.py:{model}", epochs=1), range(1), tmp_path / "models")


def test_a_training_that_cannot_begin_is_named(data, tmp_path):
    with pytest.raises(CalotypeError, match=r"^model: .*three filters are too few") as problem:
        train(data, recipe(f"{data}/own.py:fails"), range(1), tmp_path / "models")
    assert isinstance(problem.value.__cause__, ValueError)
    wrong = recipe(f"{data}/own.py:linear", optimizer={"name": "adam", "arguments": {"momentumm": 0.9}})
    with pytest.raises(CalotypeError, match=r"^optimizer: adam: .*momentumm") as problem:
        train(data, wrong, range(1), tmp_path / "others")
    assert str(problem.value).count("\nHint: ") == 1


# ---- Optimizers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"schedule": "cosine"}, "cosine needs a learning_rate"),
        ({"schedule": "cosine", "learning_rate": 0.1, "warmup_fraction": 1.0}, "less than 1"),
        ({"learning_rate": 0.1, "warmup_fraction": 0.5}, "warmup_fraction needs schedule: cosine"),
        ({"arguments": {"learning_rate": 0.1}}, "learning_rate has a key of its own"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused_before_any_job(settings, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Optimizer(name="adam", **settings)


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        ("adam", {"momentumm": 0.9}, "momentumm"),
        ("sgd", {"momentum": 2.0}, "momentum"),
        ("sgd", {"momentum": "0.9"}, "momentum"),
    ],
)
def test_a_wrong_argument_of_an_optimizer_is_named(tensorflow, name, arguments, complaint):
    with pytest.raises(CalotypeError, match=rf"^optimizer: {name}: ") as problem:
        tensorflow.optimizer.make_optimizer(Optimizer(name=name, arguments=arguments), 100)
    assert complaint in str(problem.value)
    assert "\nHint: " in str(problem.value)


def test_further_arguments_reach_the_optimizer(tensorflow):
    made = Optimizer(name="adamw", learning_rate=0.25, arguments={"weight_decay": 0.125, "beta_1": 0.5})
    found = tensorflow.optimizer.make_optimizer(made, 100).get_config()
    assert (found["learning_rate"], found["weight_decay"], found["beta_1"]) == (0.25, 0.125, 0.5)


@pytest.mark.parametrize("steps", [1, 3, 100])
@pytest.mark.parametrize("warmup_fraction", [0.0, 0.001, 0.4, 0.999])
def test_a_schedule_of_any_shape_can_be_made(tensorflow, warmup_fraction, steps):
    made = Optimizer(name="sgd", learning_rate=0.125, schedule="cosine", warmup_fraction=warmup_fraction)
    optimizer = tensorflow.optimizer.make_optimizer(made, steps)
    optimizer.build([tensorflow.keras.Variable([0.0])])
    assert 0 <= float(optimizer.learning_rate) <= 0.125


def test_a_training_that_diverges_ends_there_and_says_so(data, tmp_path, caplog):
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
        assert f"study/variant: seed {seed} diverged in epoch {epoch}: its loss is " in caplog.text
    assert not np.isfinite(pack.predictions["test"]).any()


def test_a_training_that_does_not_diverge_is_not_marked(data, tmp_path):
    assert train(data, class_recipe(), range(1), tmp_path / "models").diverged == {}


def test_images_and_labels_of_a_training_may_be_few(data, tmp_path):
    split = open_split(data / "train.npy")
    one = Split(split.images[:1], split.labels[:1], split.ids[:1])
    pack = train(data, recipe(f"{data}/own.py:linear"), range(1), tmp_path / "models", train_split=one)
    assert len(pack.history) == 2


@pytest.mark.parametrize("name", ["adafactor", "ftrl", "lamb", "lion", "muon"])
def test_an_optimizer_keeps_nothing_that_a_checkpoint_does_not_hold(name):
    from calotype.training.keras_trainer import Trainer

    made = class_recipe(optimizer={"name": name, "learning_rate": 0.01})
    trainer = Trainer(made, class_split("train"), minimum=None, maximum=None, classes=CLASSES)
    trainer.begin(0)
    before = trainer.weights()
    trainer.begin_epoch(0, 1)
    trainer.train(0, 2)
    kept, found = trainer.state(), []
    for _ in range(2):
        trainer.begin(1)
        trainer.begin_epoch(0, 1)
        trainer.restore(kept)
        trainer.train(2, 5)
        found.append(trainer.weights())
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))
    assert any(not np.array_equal(one, other) for one, other in zip(before, found[0], strict=True))


# ---- Classes ---------------------------------------------------------------------------------------------------------

STILL = {"optimizer": {"name": "sgd", "learning_rate": 1e-30}, "epochs": 1, "batch_size": 1000}


def surprise(probabilities, labels, smoothing=0.0):
    """Return the mean crossentropy by its formula."""
    targets = np.eye(CLASSES)[labels] * (1 - smoothing) + smoothing / CLASSES
    return -(targets * np.log(probabilities)).sum(axis=1).mean()


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_loss_and_accuracy_of_classes_are_those_computed_by_hand(data, tmp_path, smoothing):
    """At a rate too small to learn anything, the model that trained is the one that predicts."""
    made = class_recipe(**STILL, label_smoothing=smoothing, validation_split=0.3)
    pack = train(data, made, range(1), tmp_path / "models", tests=("train",))
    probabilities, labels = pack.predictions["train"][0], class_split("train").labels
    size = int(46 * 0.7)
    assert of(pack, "loss") == pytest.approx([surprise(probabilities[:size], labels[:size], smoothing)], rel=1e-5)
    assert of(pack, "val_loss") == pytest.approx([surprise(probabilities[size:], labels[size:], smoothing)], rel=1e-5)
    right = probabilities.argmax(axis=1) == labels
    assert of(pack, "accuracy") == pytest.approx([right[:size].mean()], rel=1e-6)
    assert of(pack, "val_accuracy") == pytest.approx([right[size:].mean()], rel=1e-6)


def test_a_held_out_part_larger_than_a_batch_of_predictions_is_measured_whole(data, tmp_path, tensorflow, monkeypatch):
    """Full batches, and a rest."""
    monkeypatch.setattr(tensorflow.training, "TEST_BATCH", 4)
    made = class_recipe(**STILL, validation_split=0.3)
    pack = train(data, made, range(1), tmp_path / "models", tests=("train",))
    probabilities, labels = pack.predictions["train"][0][32:], class_split("train").labels[32:]
    assert len(labels) % 4
    assert of(pack, "val_loss") == pytest.approx([surprise(probabilities, labels)], rel=1e-5)
    assert of(pack, "val_accuracy") == pytest.approx([(probabilities.argmax(axis=1) == labels).mean()], rel=1e-6)


def test_penalties_of_weights_count_in_the_loss_of_a_training(data, tmp_path):
    made = {}
    for l2 in (0.0, 0.5):
        changes = {"model_arguments": {"units": [6], "l2": l2}}
        made[l2] = of(train(data, class_recipe(**STILL, **changes), range(1), tmp_path / f"{l2}"), "loss")[0]
    assert made[0.5] > made[0.0] + 0.5


def test_labels_as_numbers_and_as_vectors_train_the_same_net(data, tmp_path):
    found = {}
    for kind in ("categorical_crossentropy", "sparse_categorical_crossentropy"):
        pack = train(data, class_recipe(loss=kind, epochs=5), range(1), tmp_path / kind)
        found[kind] = pack.predictions["test"], of(pack, "accuracy"), of(pack, "loss")
    one_hot, sparse = found.values()
    np.testing.assert_allclose(one_hot[0], sparse[0], atol=1e-5)
    assert one_hot[1] == pytest.approx(sparse[1])
    assert one_hot[2] == pytest.approx(sparse[2], rel=1e-4)
    assert len(set(one_hot[2])) == 5


def test_a_net_that_classifies_learns_its_classes(data, tmp_path):
    made = class_recipe(optimizer={"name": "adam", "learning_rate": 0.02}, epochs=25)
    pack = train(data, made, range(2), tmp_path / "models")
    for probabilities in pack.predictions["test"]:
        assert measure(CLASSIFY, class_split("test").labels, probabilities)["accuracy"] > 0.75, "chance is one in three"


def test_augmentation_is_drawn_for_the_training_images_and_for_no_others(data, tmp_path):
    """Erasing every pixel leaves nothing to learn from, but the held-out images and those of the test are whole."""
    nothing = [{"name": "erase", "pixels": 100}]
    made = class_recipe(**STILL | {"epochs": 2}, validation_split=0.3, augment=nothing)
    pack = train(data, made, range(1), tmp_path / "models", tests=("train",))
    probabilities, labels = pack.predictions["train"][0], class_split("train").labels
    assert of(pack, "loss") == pytest.approx([np.log(CLASSES)] * 2, rel=1e-5), "all biases are zero"
    assert of(pack, "val_loss") == pytest.approx([surprise(probabilities[32:], labels[32:])] * 2, rel=1e-5)
    assert abs(surprise(probabilities[32:], labels[32:]) - np.log(CLASSES)) > 0.01


@pytest.mark.parametrize("monitor", [None, "val_loss", "val_accuracy"])
def test_a_training_of_classes_that_diverges_ends_and_is_counted_as_wrong(data, tmp_path, monitor):
    optimizer = {"name": "sgd", "learning_rate": 1e30}
    held_out = {"validation_split": 0.3, "restore_best_weights": True, "monitor": monitor} if monitor else {}
    made = class_recipe(optimizer=optimizer, epochs=3, **held_out)
    pack = train(data, made, range(2), tmp_path / "models")
    assert not np.isfinite(pack.history[pack.history.metric == "loss"].value).all()
    for probabilities in pack.predictions["test"]:
        assert not np.isfinite(probabilities).any()
        assert np.isnan(most_probable(probabilities)).all(), "no class is predicted, not even the first"


@pytest.mark.parametrize("classes", [True, False])
def test_predictions_are_the_mean_over_the_views_that_were_asked_for(tensorflow, data, tmp_path, classes):
    """And the training is the same with and without."""
    made = class_recipe(epochs=3) if classes else recipe(f"{data}/own.py:linear", scale_targets=True)
    plain = train(data, made, range(1), tmp_path / "plain")
    viewed = train(data, made, range(1), tmp_path / "viewed", test_time_augmentation=["flip", "shift"])
    assert viewed.history.equals(plain.history)
    weights = "seed-000.weights.h5"
    assert (tmp_path / "plain" / weights).read_bytes() == (tmp_path / "viewed" / weights).read_bytes()
    model = tensorflow.keras.models.model_from_json((tmp_path / "plain/architecture.json").read_text())
    model.load_weights(tmp_path / "plain" / weights)
    images = class_split("test").images if classes else np.array(open_split(data / "test.npy").images)
    views = tensorflow.augment.test_time_augmentation(images, ["flip", "shift"])
    assert len(views) == 10
    expected = np.mean([model(np.ascontiguousarray(view)).numpy() for view in views], axis=0) * (1 if classes else 5)
    expected = expected if classes else expected[:, 0]
    np.testing.assert_allclose(viewed.predictions["test"][0], expected, atol=1e-5)
    assert np.abs(viewed.predictions["test"] - plain.predictions["test"]).max() > 1e-3


def test_layers_are_listed_with_their_shapes_and_parameters(data, tmp_path):
    made = class_recipe(model_arguments={"units": [6, 5], "dropout": 0.5}, epochs=1)
    pack = train(data, made, range(1), tmp_path / "models")
    assert pack.layers.columns.tolist() == ["layer", "kind", "output_shape", "parameters"]
    assert pack.layers[["kind", "output_shape", "parameters"]].values.tolist() == [
        ["Flatten", "(None, 64)", 0],
        ["Dense", "(None, 6)", 64 * 6 + 6],
        ["Dense", "(None, 5)", 6 * 5 + 5],
        ["Dropout", "(None, 5)", 0],
        ["Dense", "(None, 3)", 5 * 3 + 3],
    ]
    assert pack.parameters == pack.layers.parameters.sum()


def test_symmetries_of_images_that_are_not_square_are_refused_by_name(data, tmp_path):
    """A quarter turn of them has another shape: TensorFlow's words for it would help nobody."""
    split = class_split("train")
    wide = Split(np.ascontiguousarray(split.images[:, :6]), split.labels, split.ids)
    made = class_recipe(augment=["flip", "dihedral"], epochs=1)
    with pytest.raises(CalotypeError) as problem:
        train(data, made, range(1), tmp_path / "models", train_split=wide)
    assert str(problem.value) == "augment: dihedral: the images are 8 x 6 px, not square."


# ---- Numbers ---------------------------------------------------------------------------------------------------------


def large_numbers(images, seed):
    """Images that are as bright as their labels, from 1,000 to 6,000, say."""
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


def test_architecture_is_readable_json(trained):
    for name in NAMES:
        assert json.loads((trained / "pack" / name / "models/architecture.json").read_text())["class_name"]
