"""A last layer that fits its loss is accepted, and no other: Keras would train without a message."""

import re

import numpy as np
import pytest

from calotype.config.recipe import Recipe
from calotype.training.output_layer import check_activation, number_of, probabilities
from calotype.util.errors import CalotypeError

pytestmark = pytest.mark.usefixtures("tensorflow")


def recipe(loss):
    return Recipe(model="dense", model_arguments={"units": []}, loss=loss, optimizer="sgd", epochs=1, batch_size=1)


@pytest.fixture
def ending(tensorflow):
    """Return a function that builds a model with a last activation: a name, or a function without a name."""

    def build(activation, outputs=1):
        keras = tensorflow.keras
        return keras.Sequential([keras.Input((2,)), keras.layers.Dense(outputs, activation=activation, name="last")])

    return build


@pytest.mark.parametrize(
    ("loss", "activation", "targets"),
    [
        ("huber", "sigmoid", (0, 1)),
        ("huber", "relu", (0, 1e9)),
        ("huber", "exponential", (0, 9)),
        ("huber", "softplus", (0, 9)),
        ("huber", "tanh", (-1, 1)),
        ("huber", "linear", (-1e9, 1e9)),
        ("huber", "elu", (-1e9, 1e9)),  # not checked
        ("poisson", "sigmoid", (0, 1)),
        ("poisson", "relu", (0, 9)),
        ("poisson", "elu", (0, 9)),
        ("mean_squared_logarithmic_error", "linear", (0, 9)),
        ("categorical_crossentropy", "softmax", (-9, 9)),  # targets do not count for classes
        ("categorical_crossentropy", "elu", (0, 1)),
        ("binary_crossentropy", "sigmoid", (-9, 9)),
    ],
)
def test_a_layer_that_reaches_all_labels_is_accepted(ending, loss, activation, targets):
    check_activation(recipe(loss), ending(activation), targets)


@pytest.mark.parametrize(
    ("activation", "targets", "said", "scaled"),
    [
        ("sigmoid", (-0.001, 1), "0..1, but the labels are in -0.001..1", True),
        ("sigmoid", (0, 1.001), "0..1, but the labels are in 0..1.001", True),
        ("tanh", (-1.5, 0), "-1..1, but the labels are in -1.5..0", True),
        ("tanh", (0, 1.5), "-1..1, but the labels are in 0..1.5", True),
        ("relu", (-2, 5), "0..inf, but the labels are in -2..5", False),
    ],
)
def test_labels_beyond_the_reach_of_a_layer_are_named_and_how_to_scale_them(ending, activation, targets, said, scaled):
    with pytest.raises(CalotypeError) as problem:
        check_activation(recipe("huber"), ending(activation), targets)
    message, hint = str(problem.value).splitlines()
    assert message == f"model: dense: its last layer `last` has the activation {activation}: its outputs are in {said}."
    assert ("scale_targets" in hint) is scaled


@pytest.mark.parametrize(
    ("loss", "activation", "targets", "said"),
    [
        ("huber", "softmax", (0, 1), "activation softmax: with a single output, its value is always 1"),
        ("poisson", "linear", (0, 1), "activation linear, but the loss poisson needs outputs from 0"),
        ("poisson", "tanh", (0, 1), "activation tanh, but the loss poisson needs outputs from 0"),
        ("poisson", "softplus", (-0.5, 1), "loss: poisson: labels must be 0 or more, but one is -0.5"),
        ("mean_squared_logarithmic_error", "linear", (-1, 1), "labels must be 0 or more, but one is -1"),
        ("categorical_crossentropy", "linear", (0, 1), "activation linear, but the loss categorical_crossentropy"),
        ("categorical_crossentropy", "sigmoid", (0, 1), "needs softmax"),
        ("binary_crossentropy", "softmax", (0, 1), "needs sigmoid"),
        ("binary_crossentropy", "tanh", (0, 1), "needs sigmoid"),
    ],
)
def test_a_layer_that_does_not_fit_the_loss_is_refused(ending, loss, activation, targets, said):
    with pytest.raises(CalotypeError, match=re.escape(said)):
        check_activation(recipe(loss), ending(activation), targets)


@pytest.mark.parametrize(
    ("loss", "classes", "outputs"),
    [("huber", None, 1), ("categorical_crossentropy", 10, 10), ("categorical_crossentropy", 2, 2),
     ("binary_crossentropy", 2, 1)],
)  # fmt: skip
def test_a_model_has_an_output_for_each_class_and_one_for_a_number_or_two_classes(loss, classes, outputs):
    assert number_of(recipe(loss), classes) == outputs


def test_one_output_of_two_classes_becomes_the_probability_of_each():
    outputs = np.array([[0.0], [0.25], [1.0]], np.float32)
    assert probabilities(recipe("binary_crossentropy"), outputs).tolist() == [[1, 0], [0.75, 0.25], [0, 1]]
    assert probabilities(recipe("huber"), outputs) is outputs
