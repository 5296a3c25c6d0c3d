"""Trainings are the ones of the recipe, the same in every process, and the same alone as in a pack."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from calotype.dots import write_split
from calotype.errors import CalotypeError
from calotype.images import Split, open_split, prepare_split
from calotype.recipe import Optimizer, Recipe

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]

ROOT = Path(__file__).parents[2]
RANGE = {"minimum": 0, "maximum": 5}
IMAGES = {"train": 22, "test": 13}
OWN = '''
import keras
from keras import layers


def net(shape, outputs, *, rate=0.4):
    """Dropout twice, once in a model inside the model, and batch normalisation."""
    convolution = layers.Conv2D(4, 3, activation="relu")
    inner = keras.Sequential([convolution, layers.BatchNormalization(), layers.Dropout(rate)])
    return keras.Sequential([keras.Input(shape), inner, layers.Flatten(), layers.Dropout(rate), layers.Dense(outputs)])


def linear(shape, outputs):
    dense = layers.Dense(outputs, use_bias=False, kernel_initializer="zeros")
    return keras.Sequential([keras.Input(shape), layers.Flatten(), dense])


def too_deep(shape, outputs):
    return keras.Sequential([keras.Input(shape)] + [layers.Conv2D(2, 3) for _ in range(9)] + [layers.Dense(outputs)])


def two_outputs(shape, outputs):
    return keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(2)])


def not_flat(shape, outputs):
    return keras.Sequential([keras.Input(shape), layers.Dense(outputs)])


def fails(shape, outputs):
    raise ValueError("three filters are too few")


def needs_a_file(shape, outputs):
    return open("/nowhere/weights")


def no_model(shape, outputs):
    return 3


constant = 3
'''


def recipe(model, **changes):
    base = {"loss": "mean_squared_error", "optimizer": {"name": "adam"}, "epochs": 2, "batch_size": 8}
    return Recipe.model_validate({"model": model} | base | changes)


def recipes(own):
    """A model that comes along, and one's own with everything that is random or counts steps."""
    schedule = {"name": "adamw", "learning_rate": 0.01, "schedule": "cosine", "warmup": 0.2}
    return {
        "source": recipe("dots_source", scale_targets=True),
        "own": recipe(f"{own}:net", optimizer=schedule, epochs=3, augment=["symmetries"], test_images=5),
    }


def make_data(folder):
    """Tiny drawn images, prepared as in the workflow; and the file of one's own models."""
    for key, (split, images) in enumerate(IMAGES.items()):
        write_split(folder / split, images=images, seed=key, width=8, quality=90, **RANGE)
        files = folder / f"{split}.npy", folder / f"{split}.json"
        prepare_split(folder / split, *files, split=split, width=8, steps=["grey", "scale"], **RANGE)
    (folder / "own.py").write_text(textwrap.dedent(OWN))


def train(data, made, seeds, models, train_split=None):
    """Train a pack as workflow/scripts/train.py does."""
    from calotype.training import train_pack

    models.mkdir(parents=True)
    splits = {split: open_split(data / f"{split}.npy") for split in IMAGES}
    tests = {"test": splits["test"]}
    return train_pack("study/variant", made, seeds, train_split or splits["train"], tests, models, **RANGE)


def train_all(data, folder, seeds):
    """Train a pack of each recipe, and keep what the workflow keeps."""
    for name, made in recipes(data / "own.py").items():
        pack = train(data, made, seeds, folder / name / "models")
        pack.history.to_csv(folder / name / "history.csv", index=False)
        np.savez(folder / name / "predictions.npz", **pack.predictions)
        (folder / name / "parameters").write_text(str(pack.parameters))


ELSEWHERE = """
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("test_training", sys.argv[1])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
from calotype import backend
backend.start(1)
tests.train_all(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), range(3))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    make_data(folder)
    return folder


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """Folders of the same trainings: seeds 0 to 2 as a pack, the same in another process, and seed 1 alone."""
    folder = tmp_path_factory.mktemp("trained")
    with open(folder / "log", "w+", encoding="utf-8") as log:
        other = subprocess.Popen(
            [sys.executable, "-c", ELSEWHERE, __file__, str(data), str(folder / "elsewhere")],
            env={**os.environ, "PYTHONPATH": str(ROOT / "workflow"), "PYTHONHASHSEED": "7"},
            stderr=log,
        )
        try:
            train_all(data, folder / "pack", range(3))
            train_all(data, folder / "alone", range(1, 2))
            assert other.wait() == 0, (folder / "log").read_text()
        finally:
            other.kill()
            other.wait()
    return folder


def history_of(folder, seed):
    return [line for line in (folder / "history.csv").read_text().splitlines() if line.startswith(f"{seed},")]


# ---- The same bytes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["source", "own"])
def test_a_run_in_a_pack_is_bit_for_bit_the_run_alone(trained, name):
    pack, alone = trained / "pack" / name, trained / "alone" / name
    weights = "models/seed-001.weights.h5"
    assert (pack / weights).read_bytes() == (alone / weights).read_bytes()
    assert history_of(pack, 1) == history_of(alone, 1) != []
    with np.load(pack / "predictions.npz") as many, np.load(alone / "predictions.npz") as one:
        assert many["test"][1].tobytes() == one["test"][0].tobytes()
    assert (pack / "models/architecture.json").read_bytes() == (alone / "models/architecture.json").read_bytes()


@pytest.mark.parametrize("name", ["source", "own"])
def test_another_process_gives_the_same_bytes(trained, name):
    here, there = trained / "pack" / name, trained / "elsewhere" / name
    files = sorted(path.relative_to(here) for path in here.rglob("*") if path.is_file())
    assert [str(file) for file in files] == [
        "history.csv",
        "models/architecture.json",
        "models/seed-000.weights.h5",
        "models/seed-001.weights.h5",
        "models/seed-002.weights.h5",
        "parameters",
        "predictions.npz",
    ]
    for file in files:
        if file.suffix != ".npz":  # a zip file, with dates inside
            assert (here / file).read_bytes() == (there / file).read_bytes(), file
    with np.load(here / "predictions.npz") as one, np.load(there / "predictions.npz") as other:
        assert one["test"].tobytes() == other["test"].tobytes()


@pytest.mark.parametrize("name", ["source", "own"])
def test_each_seed_is_another_training(trained, name):
    models = trained / "pack" / name / "models"
    assert len({(models / f"seed-{seed:03d}.weights.h5").read_bytes() for seed in range(3)}) == 3
    with np.load(trained / "pack" / name / "predictions.npz") as found:
        assert len({row.tobytes() for row in found["test"]}) == 3


def test_saved_weights_and_architecture_give_the_predictions_again(trained, data, tensorflow):
    models = trained / "pack/source/models"
    model = tensorflow.keras.models.model_from_json((models / "architecture.json").read_text())
    images = np.array(open_split(data / "test.npy").images)
    with np.load(trained / "pack/source/predictions.npz") as found:
        for seed in range(3):
            model.load_weights(models / f"seed-{seed:03d}.weights.h5")
            again = model(images).numpy() * 5  # the count is scaled to 0..1
            np.testing.assert_allclose(found["test"][seed], again, atol=1e-5)


def test_history_and_predictions_have_a_place_for_every_seed_and_epoch(trained):
    assert (trained / "pack/own/history.csv").read_text().splitlines()[0] == "seed,epoch,metric,value"
    losses = [
        line.split(",") for line in (trained / "pack/own/history.csv").read_text().splitlines() if ",loss," in line
    ]
    assert [(seed, epoch) for seed, epoch, *_ in losses] == [(f"{s}", f"{e}") for s in range(3) for e in range(1, 4)]
    with np.load(trained / "pack/source/predictions.npz") as found:
        assert (found["test"].shape, found["test"].dtype) == ((3, 13, 1), np.float32)


def test_large_test_splits_are_cut_to_the_images_asked_for(trained):
    with np.load(trained / "pack/own/predictions.npz") as found:
        assert found["test"].shape == (3, 5, 1)


# ---- Order and symmetries --------------------------------------------------------------------------------------------


def test_every_image_is_seen_once_an_epoch_in_an_order_of_its_own(tensorflow):
    orders = {}
    for seed in range(4):
        for epoch in range(1, 5):
            order, symmetry = tensorflow.training.epoch_order(seed, epoch, 500)
            assert sorted(order.tolist()) == list(range(500))
            assert set(symmetry.tolist()) == set(range(8))
            orders[seed, epoch] = (order.tobytes(), symmetry.tobytes())
    assert len({order for order, _ in orders.values()}) == 16
    assert len({symmetry for _, symmetry in orders.values()}) == 16
    again = tensorflow.training.epoch_order(3, 4, 500)
    assert (again[0].tobytes(), again[1].tobytes()) == orders[3, 4], "whoever computes it"


def test_an_image_is_shown_in_the_eight_positions_of_the_square(tensorflow):
    image = np.random.default_rng(1).random((5, 5, 2), np.float32)
    turned = tensorflow.training.turn(np.repeat(image[None], 8, axis=0), np.arange(8, dtype=np.int32)).numpy()
    expected = [np.rot90(flipped, quarter) for flipped in (image, image[::-1]) for quarter in range(4)]
    assert {position.tobytes() for position in turned} == {np.ascontiguousarray(e).tobytes() for e in expected}
    for number, position in enumerate(turned):
        assert np.array_equal(position, in_numpy(image, number))


def in_numpy(image, symmetry):
    """The bits of a symmetry flip down, across, and along the diagonal, in this order."""
    image = image[::-1] if symmetry & 1 else image
    image = image[:, ::-1] if symmetry & 2 else image
    return image.transpose(1, 0, 2) if symmetry & 4 else image


# ---- The steps of a training -----------------------------------------------------------------------------------------


def rates(optimizer, steps):
    """The learning rate of every step, by the textbook."""
    rising = round(steps * optimizer.warmup)
    for step in range(steps):
        if optimizer.schedule == "constant":
            yield optimizer.learning_rate
        elif step < rising:
            yield optimizer.learning_rate * step / rising
        else:
            yield optimizer.learning_rate * (1 + np.cos(np.pi * (step - rising) / (steps - rising))) / 2


def by_hand(made, split, seed, order_of):
    """Least squares with plain gradient descent in numpy: the weights, and the mean loss of each epoch."""
    offset, scale = (0, 5) if made.scale_targets else (0, 1)
    targets = (split.labels - offset) / scale
    weights, losses = np.zeros(split.images[0].size), []
    images = len(split.images)
    rate = rates(made.optimizer, made.epochs * -(-images // made.batch_size))
    for epoch in range(1, made.epochs + 1):
        order, symmetry = order_of(seed, epoch, images)
        total = 0.0
        for start in range(0, images, made.batch_size):
            chosen = order[start : start + made.batch_size]
            batch = [split.images[i] for i in chosen]
            if made.augment:
                batch = [in_numpy(x, s) for x, s in zip(batch, symmetry[start:], strict=False)]
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
        {"augment": ["symmetries"], "scale_targets": True},
        {"optimizer": {"name": "sgd", "learning_rate": 0.01, "schedule": "cosine", "warmup": 0.4}, "epochs": 3},
        {"optimizer": {"name": "sgd", "learning_rate": 0.01, "schedule": "cosine"}, "batch_size": 11},
    ],
    ids=["last batch smaller", "one batch larger than all", "symmetries", "cosine with warm-up", "cosine"],
)
def test_training_takes_the_steps_that_one_takes_by_hand(tensorflow, data, tmp_path, changes):
    made = recipe(f"{data}/own.py:linear", **{"optimizer": {"name": "sgd", "learning_rate": 0.01}} | changes)
    pack = train(data, made, range(4, 6), tmp_path / "models")
    images = np.array(open_split(data / "test.npy").images).reshape(IMAGES["test"], -1)
    for place, seed in enumerate((4, 5)):
        weights, losses = by_hand(made, open_split(data / "train.npy"), seed, tensorflow.training.epoch_order)
        found = pack.history[(pack.history.seed == seed) & (pack.history.metric == "loss")].value
        assert found.tolist() == pytest.approx(losses, rel=1e-4)
        expected = images @ weights * (5 if made.scale_targets else 1)
        np.testing.assert_allclose(pack.predictions["test"][place, :, 0], expected, rtol=1e-3, atol=1e-4)
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


# ---- Models ----------------------------------------------------------------------------------------------------------


def test_net_of_the_source_has_its_number_of_parameters(tensorflow):
    assert tensorflow.models.build("dots_source", (40, 40, 1), 1, {}).count_params() == 338_881


def test_accurate_net_has_fewer_parameters_than_that_of_the_source(tensorflow, root):
    study = yaml.safe_load((root / "config/studies/dots.yaml").read_text(encoding="utf-8"))
    variant = study["variants"]["accurate"]
    net = tensorflow.models.build(variant["model"], (40, 40, 1), 1, variant["model_arguments"])
    assert net.count_params() < 338_881
    assert net.output_shape == (None, 1)


def test_dots_that_overlap_add_up_in_the_darkness(tensorflow):
    """One dot gives 127, two that overlap 63, then 31, 15, 7; white gives 255."""
    net = tensorflow.models.build("all_convolutional", (8, 8, 1), 1, {"blocks": [], "darkness": True})
    net.set_weights([np.ones((1, 1), np.float32), np.zeros(1, np.float32)])
    grey = np.array([255, 127, 63, 31, 15, 7], np.float32) / 255
    images = np.broadcast_to(grey[:, None, None, None], (6, 8, 8, 1))
    assert net(images).numpy()[:, 0].tolist() == pytest.approx([n / 4 for n in range(6)], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("{own}.missing:net", "there is no Python file"),
        ("{own}:missing", "there is no such function"),
        ("{own}:constant", "there is no such function"),
        ("dots_sauce", "there is no such function"),
        ("{own}:no_model", "returned int, not a Keras model"),
        ("{own}:fails", "three filters are too few"),
        ("{own}:needs_a_file", "No such file"),
        ("{own}:too_deep", "own.py:too_deep"),
        ("{broken}:net", "broken.py"),
        ("{folder}:net", "there is no Python file"),
    ],
)
def test_a_model_that_cannot_be_made_is_named(tensorflow, data, tmp_path, name, complaint):
    (tmp_path / "broken.py").write_text("import nothing_that_is_installed\n")
    name = name.format(own=data / "own.py", broken=tmp_path / "broken.py", folder=tmp_path)
    with pytest.raises(CalotypeError) as problem:
        tensorflow.models.build(name, (8, 8, 1), 1, {})
    assert str(problem.value).startswith(f"model: {name}: ")
    assert complaint in str(problem.value)


def test_a_wrong_argument_of_a_model_is_answered_with_a_hint(tensorflow, data):
    with pytest.raises(CalotypeError, match=r"unexpected keyword argument 'rat'") as problem:
        tensorflow.models.build(f"{data}/own.py:net", (8, 8, 1), 1, {"rat": 0.1})
    assert "\nHint: " in str(problem.value)
    assert "model_arguments" in str(problem.value)


@pytest.mark.parametrize("model", ["two_outputs", "not_flat"])
def test_a_model_whose_outputs_do_not_fit_the_labels_is_refused(data, tmp_path, model):
    """Keras would broadcast, train nonsense and say nothing."""
    with pytest.raises(CalotypeError, match=rf"^study/variant: model: .*{model}"):
        train(data, recipe(f"{data}/own.py:{model}", epochs=1), range(1), tmp_path / "models")


def test_a_training_that_cannot_begin_is_named(data, tmp_path):
    with pytest.raises(CalotypeError, match=r"^study/variant: model: .*three filters are too few") as problem:
        train(data, recipe(f"{data}/own.py:fails"), range(1), tmp_path / "models")
    assert isinstance(problem.value.__cause__, ValueError)
    wrong = recipe(f"{data}/own.py:linear", optimizer={"name": "adam", "arguments": {"momentumm": 0.9}})
    with pytest.raises(CalotypeError, match=r"^study/variant: optimizer: adam: .*momentumm") as problem:
        train(data, wrong, range(1), tmp_path / "others")
    assert str(problem.value).count("\nHint: ") == 1


# ---- Optimizers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"schedule": "cosine"}, "cosine needs a learning_rate"),
        ({"schedule": "cosine", "learning_rate": 0.1, "warmup": 1.0}, "less than 1"),
        ({"learning_rate": 0.1, "warmup": 0.5}, "warmup needs schedule: cosine"),
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
        tensorflow.training.make_optimizer(Optimizer(name=name, arguments=arguments), 100)
    assert complaint in str(problem.value)
    assert "\nHint: " in str(problem.value)


def test_further_arguments_reach_the_optimizer(tensorflow):
    made = Optimizer(name="adamw", learning_rate=0.25, arguments={"weight_decay": 0.125, "beta_1": 0.5})
    found = tensorflow.training.make_optimizer(made, 100).get_config()
    assert (found["learning_rate"], found["weight_decay"], found["beta_1"]) == (0.25, 0.125, 0.5)


@pytest.mark.parametrize("steps", [1, 3, 100])
@pytest.mark.parametrize("warmup", [0.0, 0.001, 0.4, 0.999])
def test_a_schedule_of_any_shape_can_be_made(tensorflow, warmup, steps):
    made = Optimizer(name="sgd", learning_rate=0.125, schedule="cosine", warmup=warmup)
    optimizer = tensorflow.training.make_optimizer(made, steps)
    optimizer.build([tensorflow.keras.Variable([0.0])])
    assert 0 <= float(optimizer.learning_rate) <= 0.125


def test_a_training_that_diverges_ends_and_says_so_in_its_history(data, tmp_path):
    optimizer = {"name": "sgd", "learning_rate": 1e30}
    pack = train(data, recipe(f"{data}/own.py:linear", optimizer=optimizer), range(2), tmp_path / "models")
    assert not np.isfinite(pack.predictions["test"]).any()
    assert not np.isfinite(pack.history.value).all()


def test_images_and_labels_of_a_training_may_be_few(data, tmp_path):
    split = open_split(data / "train.npy")
    one = Split(split.images[:1], split.labels[:1], split.ids[:1])
    pack = train(data, recipe(f"{data}/own.py:linear"), range(1), tmp_path / "models", train_split=one)
    assert len(pack.history) == 2


def test_architecture_is_readable_json(trained):
    for name in ("source", "own"):
        assert json.loads((trained / "pack" / name / "models/architecture.json").read_text())["class_name"]
