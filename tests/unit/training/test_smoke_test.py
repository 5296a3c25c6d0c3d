"""A smoke test finds the errors of a model before a job runs, and changes nothing."""

import logging
import re
import textwrap

import numpy as np
import pytest

from calotype.config.recipe import Recipe
from calotype.data.prepared_split import Split
from calotype.util.errors import CalotypeError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]

OWN = '''
import keras
import tensorflow as tf
from keras import layers


def good(shape, outputs, *, units=5):
    """A model with batch normalisation and dropout, which Keras saves."""
    inner = [layers.Flatten(), layers.Dense(units), layers.BatchNormalization(), layers.Dropout(0.3)]
    return keras.Sequential([keras.Input(shape), *inner, layers.Dense(outputs, activation="softmax")])


def compiled(shape, outputs):
    net = good(shape, outputs)
    net.compile(optimizer=keras.optimizers.SGD(5.0), loss="mse")
    return net


def linear_stack(shape, outputs):
    inner = [layers.Flatten(), layers.Dense(5), layers.Dense(outputs, activation="softmax")]
    return keras.Sequential([keras.Input(shape), *inner])


def logits(shape, outputs):
    return keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(outputs)])


def sigmoids(shape, outputs):
    return keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(outputs, activation="sigmoid")])


def scaled(shape, outputs):
    kind = "softmax" if outputs > 1 else "sigmoid"
    net = [layers.Flatten(), layers.Dense(outputs, activation=kind), layers.Rescaling(5.0)]
    return keras.Sequential([keras.Input(shape), *net])


def scaled_logits(shape, outputs):
    return keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(outputs), layers.Rescaling(5.0)])


def not_a_number(shape, outputs):
    image = keras.Input(shape)
    x = layers.Dense(outputs, activation="softmax")(layers.Flatten()(image))
    return keras.Model(image, x * keras.ops.log(keras.ops.sum(x, axis=1, keepdims=True) * 0 - 1))


@keras.saving.register_keras_serializable("test")
class Forgetful(layers.Layer):
    """Counts its calls in a variable that Keras does not track."""

    def build(self, shape):
        self.state = self.add_weight(shape=(), initializer="zeros", trainable=False)
        self.hidden = keras.Variable(0.0, trainable=False)
        self._untrack_variable(self.hidden)

    def call(self, x, training=False):
        if training:
            self.hidden.assign_add(1.0)
        return x * (1 + self.hidden)


def forgetful(shape, outputs):
    net = [layers.Flatten(), Forgetful(), layers.Dense(outputs, activation="softmax")]
    return keras.Sequential([keras.Input(shape), *net])


class Drawing(layers.Layer):
    def call(self, x, training=False):
        return x + tf.random.normal(tf.shape(x)) if training else x


class Noisy(layers.Layer):
    def call(self, x, training=False):
        return x + keras.random.normal(keras.ops.shape(x)) if training else x


def around(shape, outputs, layer, **further):
    net = [layers.Flatten(), layer, layers.Dense(outputs, activation="softmax", **further)]
    return keras.Sequential([keras.Input(shape), *net])


def drawing(shape, outputs):
    return around(shape, outputs, Drawing())


def noisy(shape, outputs):
    return around(shape, outputs, Noisy())


def zeros(shape, outputs):
    return around(shape, outputs, layers.Dropout(0.3), kernel_initializer="zeros")


def set(shape, outputs):
    keras.utils.set_random_seed(1)
    return around(shape, outputs, layers.Dropout(0.3))


def building(shape, outputs):
    layers.builds = getattr(layers, "builds", 0) + 1
    return around(shape, outputs, layers.Dense(4, kernel_initializer=keras.initializers.Constant(layers.builds)))


class Unready(keras.Sequential):
    def train_step(self, data):
        raise AttributeError("no step yet")


class Unset(keras.Sequential):
    def reset_metrics(self):
        raise RuntimeError("no metrics yet")


def unready(shape, outputs):
    return Unready([keras.Input(shape), layers.Flatten(), layers.Dense(outputs, activation="softmax")])


def unset(shape, outputs):
    return Unset([keras.Input(shape), layers.Flatten(), layers.Dense(outputs, activation="softmax")])


def another_each_time(shape, outputs):
    layers.calls = getattr(layers, "calls", 0) + 1  # each build reads this file again
    units = 3 + layers.calls
    return keras.Sequential(
        [keras.Input(shape), layers.Flatten(), layers.Dense(units), layers.Dense(outputs, activation="softmax")]
    )
'''
IMAGES, CLASSES = 50, 3
FACTS = {"minimum": None, "maximum": None, "classes": CLASSES}


@pytest.fixture
def own(tmp_path):
    """Write a file of custom models."""
    path = tmp_path / "own.py"
    path.write_text(textwrap.dedent(OWN))
    return path


def split(scale=1.0):
    rng = np.random.default_rng(0)
    images = (scale * rng.random((IMAGES, 6, 6, 1))).astype(np.float32)
    return Split(images, rng.integers(0, CLASSES, IMAGES), np.arange(IMAGES))


def tried(model, data=None, facts=FACTS, validation_images=None, may_diverge=True, **changes):
    from calotype.planning.check import try_variant

    base = {"loss": "categorical_crossentropy", "optimizer": "adam", "epochs": 2, "batch_size": 8}
    made = Recipe.model_validate({"model": model} | base | changes)
    return try_variant(made, data or split(), facts, validation_images, may_diverge=may_diverge)


def test_a_custom_model_is_tested_from_the_first_step_to_its_predictions(own):
    seen = tried(f"{own}:good", model_arguments={"units": 4})
    assert seen.parameters == 36 * 4 + 4 + 4 * 4 + 4 * 3 + 3
    assert 0 < seen.image_seconds < 10
    assert 0 < seen.weights_mib < 1


def test_models_that_come_along_and_scikit_learns_are_tried_too():
    assert tried("dense", model_arguments={"units": [4]}).parameters == 36 * 4 + 4 + 4 * 3 + 3
    other = tried("sklearn.neural_network.MLPClassifier", optimizer={"name": "sgd"}, batch_size=8)
    assert other.parameters > 0
    assert other.image_seconds > 0


@pytest.mark.parametrize(
    ("name", "activation"), [("logits", "linear"), ("sigmoids", "sigmoid"), ("scaled", ""), ("scaled_logits", "")]
)
def test_outputs_that_are_no_probabilities_are_refused(own, name, activation):
    """The activation of the last layer decides, or its outputs if the activation is unknown."""
    complaint = f"activation {activation}, but the loss" if activation else "its outputs are not probabilities"
    with pytest.raises(CalotypeError, match=rf"{complaint}.*\n.*softmax"):
        tried(f"{own}:{name}")


def test_an_output_that_is_no_probability_of_two_classes_is_refused(own):
    data = split()
    two = Split(data.images, np.minimum(data.labels, 1), data.ids)
    facts = FACTS | {"classes": 2}
    assert tried("dense", two, facts, model_arguments={"units": [4]}, loss="binary_crossentropy").parameters > 0
    with pytest.raises(CalotypeError, match=r"its outputs are not probabilities: one is .*\n.*sigmoid"):
        tried(f"{own}:scaled", two, facts, loss="binary_crossentropy")


def test_a_validation_split_is_tried_too():
    seen = tried("dense", model_arguments={"units": [4]}, validation="held-out", validation_images=split())
    assert seen.parameters > 0


@pytest.mark.parametrize("may_diverge", [True, False])
def test_a_loss_that_is_no_number_from_the_start_is_named(own, may_diverge):
    """No learning rate helps such a model, so this is no divergence."""
    with pytest.raises(CalotypeError, match=r"the loss of the first step is nan.*\n.*`scale`"):
        tried(f"{own}:not_a_number", may_diverge=may_diverge)


TOO_FAST = {"optimizer": {"name": "sgd", "learning_rate": 1e30}}
DIVERGES = r"the training diverges: the loss of the first \d+ step\(s\) is nan"


@pytest.mark.parametrize("batch_size", [8, IMAGES])
def test_a_model_that_diverges_in_its_first_steps_is_a_warning_if_the_study_allows_it(own, caplog, batch_size):
    """With one step an epoch, only the predictions show it."""
    problem = DIVERGES if batch_size < IMAGES else "the training diverges: after the first .* a prediction is NaN"
    with caplog.at_level(logging.WARNING, "calotype"):
        seen = tried(f"{own}:linear_stack", **TOO_FAST, batch_size=batch_size)
    assert seen.parameters == 36 * 5 + 5 + 5 * 3 + 3
    assert [line for line in caplog.messages if re.search(f"own.py:linear_stack: {problem}", line)]
    assert "Its runs will be marked as diverged." in caplog.text
    assert "bit-identical" not in caplog.text


@pytest.mark.parametrize("batch_size", [8, IMAGES])
def test_a_model_that_diverges_is_refused_if_the_study_does_not_allow_it(own, batch_size):
    with pytest.raises(CalotypeError, match=r"the training diverges: .*\nHint: lower the learning rate, or set `may_"):
        tried(f"{own}:linear_stack", may_diverge=False, **TOO_FAST, batch_size=batch_size)


def test_a_run_that_the_smoke_test_warns_of_is_marked_as_diverged(own, tmp_path):
    from calotype.training.keras_trainer import Trainer
    from calotype.training.loop import Store, train_pack

    base = {"loss": "categorical_crossentropy", "epochs": 2, "batch_size": 8}
    made = Recipe.model_validate({"model": f"{own}:linear_stack"} | base | TOO_FAST)
    trainer = Trainer(made, split(), minimum=None, maximum=None, classes=CLASSES)
    (tmp_path / "models").mkdir()
    store = Store({0: tmp_path / "checkpoint"}, identity="same", minutes=60.0)
    pack = train_pack("s/v", made, range(1), trainer, tmp_path / "models", store=store, check=lambda: None)
    assert pack.diverged == {0: 1}


def test_a_perceptron_of_scikit_learn_that_diverges_is_a_warning_too(caplog):
    with caplog.at_level(logging.WARNING, "calotype"):
        tried(
            "sklearn.neural_network.MLPClassifier", split(1e6), optimizer={"name": "sgd", "learning_rate": 1e30},
            model_arguments={"hidden_layer_sizes": [5], "activation": "identity"},
        )  # fmt: skip
    assert "the training diverges" in caplog.text


def test_a_model_that_is_another_each_time_is_refused(own):
    with pytest.raises(CalotypeError, match="another_each_time: the shapes of its weights change each time"):
        tried(f"{own}:another_each_time")


@pytest.mark.parametrize(
    ("name", "problem"), [("unready", "AttributeError: .*no step yet"), ("unset", "RuntimeError: .*no metrics yet")]
)
def test_whatever_the_code_of_a_model_raises_is_told_with_its_name(own, name, problem):
    """The other variants are still tested."""
    with pytest.raises(CalotypeError, match=f"^model: .*own.py:{name}: (?s:{problem})"):
        tried(f"{own}:{name}")


@pytest.mark.parametrize(("name", "warned"), [("compiled", 1), ("good", 0)])
def test_a_user_is_told_once_that_the_optimizer_in_the_model_function_is_ignored(own, caplog, name, warned):
    with caplog.at_level(logging.WARNING, "calotype"):
        tried(f"{own}:{name}")
    lines = [line for line in caplog.messages if "model.compile()" in line]
    assert len(lines) == warned
    assert all(f"own.py:{name}: " in line and "`optimizer`, `loss` and" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "forgetful",
            r": 1 variable\(s\) that Keras does not track \(.*variable\w*\) are not saved with the weights",
        ),
        ("drawing", ": a resumed run will not be bit-identical, and results may change with `seeds_per_job`: "),
        ("building", ": a resumed run will not be bit-identical, and results may change with `seeds_per_job`: "),
        ("set", ": all seeds start from the same weights, so intervals over seeds leave out the initialization. "),
    ],
)
def test_a_model_that_keras_or_its_seed_does_not_know_entirely_is_said_to_be_so(own, caplog, name, words):
    with caplog.at_level(logging.WARNING, "calotype"):
        tried(f"{own}:{name}")
    (line,) = (record.getMessage() for record in caplog.records if record.name.startswith("calotype"))
    assert re.search(f"^model: .*own.py:{name}{words}", line)


@pytest.mark.parametrize("name", ["good", "noisy", "zeros"])
def test_a_sound_model_is_not_said_to_be_inexact(own, caplog, name):
    with caplog.at_level(logging.WARNING, "calotype"):
        tried(f"{own}:{name}")
    assert not [record for record in caplog.records if record.name.startswith("calotype")]


def test_few_images_are_taken_from_all_over_the_split():
    from calotype.training.smoke_test import few

    made = Recipe(
        model="dense", model_arguments={"units": [2]}, loss="categorical_crossentropy", optimizer="adam", epochs=1,
        batch_size=2, validation_split=0.5,
    )  # fmt: skip
    found = few(split(), made)
    assert found.ids[0] == 0
    assert found.ids[-1] == IMAGES - 1
    assert len(found.labels) == IMAGES
    assert len(few(split(), made.model_copy(update={"batch_size": 1, "validation_split": 0.0})).labels) == 33


def test_a_smoke_test_takes_little_memory_however_large_images_and_batches_are(tmp_path):
    from calotype.training.smoke_test import MOST, affordable, few

    base = {"model": "dense", "model_arguments": {"units": [2]}, "loss": "categorical_crossentropy"}
    made = Recipe.model_validate(base | {"optimizer": "adam", "epochs": 1, "batch_size": 512, "validation_split": 0.5})
    large = np.memmap(tmp_path / "large", np.float32, "w+", shape=(1000, 1024, 512, 1))  # 2 GiB, sparse
    data = Split(large, np.zeros(1000, np.int64), np.arange(1000))
    cut = affordable(made, large[:1].nbytes)
    assert few(data, cut).images.nbytes <= 1.2 * MOST
    assert few(data, cut).held_out_from(0.5) >= cut.batch_size
    assert affordable(made, 16) == made
    assert affordable(made, 10 * MOST).batch_size == 1


@pytest.mark.parametrize(
    ("example", "limit", "problem"),
    [
        (None, 5, None),
        (49, None, None),
        (4, 5, None),
        (50, None, "test image 50 not found.\nHint: the numbers are 0 to 49"),
        (5, 5, "image 5 is not among the first 5"),
    ],
)
def test_an_example_that_nobody_is_tested_on_is_refused_before_a_training(example, limit, problem):
    from calotype.config.study import Study
    from calotype.planning.check import check_example

    net = {"model": "dense", "loss": "categorical_crossentropy", "optimizer": "adam", "epochs": 1, "batch_size": 1}
    variants = {"a": net | ({"test_images": limit} if limit else {})}
    entry = {"title": "t", "dataset": "d", "task": "classify", "tests": ["test"], "variants": variants}
    study = Study.model_validate(entry | {"example": example})
    if problem is None:
        check_example(study, split())
    else:
        with pytest.raises(CalotypeError, match=problem):
            check_example(study, split())
