"""Arguments of models that Keras or scikit-learn refuses, or takes for something else, are refused before any job.

The right answers come from Keras and scikit-learn themselves.
"""

import inspect
import math
import random
from typing import get_args

import numpy as np
import pytest
from unit.arguments import accepts, signature

from calotype.config.model_arguments import INITIALIZERS, OF_MODEL, Activation, misfit, too_small
from calotype.config.recipe import SCIKIT_LEARN, Recipe
from calotype.training.output_layer import REACH
from calotype.util.errors import CalotypeError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]

SHAPE, OUTPUTS = (6, 6, 1), 3
(PERCEPTRON,) = SCIKIT_LEARN


def built(model, arguments, shape=SHAPE, outputs=OUTPUTS):
    """Return a model if it can be built and gives numbers, else None."""
    from calotype.training.models import build

    try:
        made = build(model, shape, outputs, arguments)
        images = np.random.default_rng(0).random((4, *shape), dtype=np.float32)
        return made if np.isfinite(made(images, training=True).numpy()).all() else None
    except Exception:
        return None


def test_arguments_of_each_model_are_known_with_their_defaults(tensorflow):
    from sklearn.neural_network import MLPClassifier

    assert OF_MODEL.keys() == {*tensorflow.models.MODELS, *SCIKIT_LEARN}
    for name, kind in OF_MODEL.items():
        function = MLPClassifier.__init__ if name == PERCEPTRON else tensorflow.models.MODELS[name]
        known = {key: value for key, value in signature(function).items() if key not in ("shape", "outputs")}
        if name == PERCEPTRON:
            known = {key: known[key] for key in kind.model_fields}
        assert kind.model_fields.keys() == known.keys(), name
        for key, field in kind.model_fields.items():
            empty = known[key] is inspect.Parameter.empty
            assert field.is_required() == empty, (name, key)
            assert empty or field.default == known[key], (name, key)


def test_activations_are_those_that_keras_finds_by_name_and_calls_with_the_outputs_alone(tensorflow):
    public = {name for name in vars(tensorflow.keras.activations) if not name.startswith("_")}
    public -= {"deserialize", "get", "serialize"}
    assert {*get_args(Activation)} == {name for name in public if built("dense", {"units": [4], "activation": name})}


def test_initializers_are_those_that_make_the_kernel_of_a_dense_layer(tensorflow):
    public = {name for name in vars(tensorflow.keras.initializers) if not name.startswith("_")}
    for name in sorted(public | INITIALIZERS.keys() | {"normal", "one", "zero", "uniform", "xavier", "Glorot_Uniform"}):
        arguments = {"units": [4], "initializer": name}
        assert accepts(OF_MODEL["dense"], arguments) == (built("dense", arguments) is not None), name


@pytest.mark.parametrize("name", INITIALIZERS)
def test_each_argument_of_an_initializer_is_known(tensorflow, name):
    kind = getattr(tensorflow.keras.initializers, name.title().replace("_", ""))
    known = {} if name in ("zeros", "ones") else signature(kind.__init__)
    assert INITIALIZERS[name].keys() == known.keys()


WRONG_MODELS = [
    ("dense", {"units": [-5]}), ("dense", {"units": [0]}), ("dense", {"units": "fifteen"}), ("dense", {"units": 15}),
    ("dense", {"units": [1.5]}), ("dense", {"units": {"a": 1}}), ("dense", {}), ("dense", {"units": None}),
    ("dense", {"units": [4], "activation": "reluu"}), ("dense", {"units": [4], "activation": "glu"}),
    ("dense", {"units": [4], "activation": "threshold"}), ("dense", {"units": [4], "l2": "x"}),
    ("dense", {"units": [4], "l2": -5.0}), ("dense", {"units": [4], "l2": math.nan}),
    ("dense", {"units": [4], "dropout": 1.5}), ("dense", {"units": [4], "dropout": -0.1}),
    ("dense", {"units": [4], "dropout": "0.5"}), ("dense", {"units": [4], "output": "softmaxx"}),
    ("dense", {"units": [4], "unit": 3}), ("dense", {"units": [4], "initializer": "he_norma"}),
    ("dense", {"units": [4], "initializer": 3}), ("dense", {"units": [4], "initializer": "constant"}),
    ("dense", {"units": [4], "initializer": {"config": {}}}),
    ("dense", {"units": [4], "initializer": {"class_name": "RandomNormal", "config": {"std": 0.1}}}),
    ("dense", {"units": [4], "initializer": {"class_name": "RandomNormal", "config": {"stddev": "x"}}}),
    ("dense", {"units": [4], "initializer": {"class_name": "VarianceScaling", "config": {"scale": 0.0}}}),
    ("dense", {"units": [4], "initializer": {"class_name": "VarianceScaling", "config": {"mode": "x"}}}),
    ("dense", {"units": [4], "initializer": {"class_name": "glorot_uniform", "config": {"seed": 1.5}}}),
    ("dense", {"units": [4], "initializer": {"class_name": "constant", "config": {"value": [1, 2]}}}),
    ("dots_source", {"output": "x"}), ("fashion_source", {"units": [3]}), ("all_convolutional", {}),
    ("all_convolutional", {"blocks": [4, 1, 3]}), ("all_convolutional", {"blocks": [[4, 1]]}),
    ("all_convolutional", {"blocks": [[4.0, 1, 3]]}), ("all_convolutional", {"blocks": [[4, 0, 3]]}),
    ("all_convolutional", {"blocks": [[4, 1, 0]]}), ("all_convolutional", {"blocks": [[4, 1, [3]]]}),
    ("all_convolutional", {"blocks": [[4, 1, 3, "same"]]}),
    ("all_convolutional", {"blocks": [[4, 1, 3]], "largest": 0}),
    ("all_convolutional", {"blocks": [[4, 1, 3], [4, 2, 3, "residual"]]}),
    ("all_convolutional", {"blocks": [[4, 1, 3], [8, 1, 3, "residual"]]}),
    ("all_convolutional", {"blocks": [[4, 1, 3]], "momentum": "x"}),
    ("all_convolutional", {"blocks": [[4, 1, 3]], "dropout": 2}),
    ("all_convolutional", {"blocks": [[4, 1, 3]], "activation": "x"}),
]  # fmt: skip


@pytest.mark.parametrize(("model", "arguments"), WRONG_MODELS)
def test_arguments_of_a_model_that_keras_refuses_are_refused(model, arguments):
    assert built(model, arguments) is None
    assert not accepts(OF_MODEL[model], arguments)


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        ("dense", {"units": [4], "dropout": 1.0}),
        ("dense", {"units": [True]}),
        ("all_convolutional", {"blocks": [[4, 1, 3]], "darkness": "no"}),
        ("all_convolutional", {"blocks": [[4, 1, 3]], "largest": -1}),
        ("all_convolutional", {"blocks": [[4, 1, 3]], "momentum": 1.5}),
    ],
)
def test_arguments_that_keras_takes_but_that_make_no_sense_are_refused(model, arguments):
    assert built(model, arguments) is not None
    assert not accepts(OF_MODEL[model], arguments)


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        ("dense", {"units": []}),
        ("dense", {"units": [4], "l2": 1, "dropout": 0, "output": "softmax"}),
        ("dense", {"units": [4], "initializer": {"class_name": "RandomNormal", "config": {"stddev": 0.1, "seed": 3}}}),
        ("dense", {"units": [4], "initializer": {"class_name": "random_normal"}}),
        ("dense", {"units": [4], "initializer": {"class_name": "constant", "config": {"value": 1}}}),
        ("all_convolutional", {"blocks": []}),
        ("all_convolutional", {"blocks": [[4, [1, 2], [3, 5]]], "momentum": 0, "darkness": True, "largest": 16}),
        ("all_convolutional", {"blocks": [[4, 1, 3, "valid", "pool"], [1, 1, 3], [4, 1, 1, "valid", "residual"]]}),
    ],
)
def test_arguments_of_a_model_that_keras_builds_are_accepted(model, arguments):
    assert built(model, arguments) is not None
    assert accepts(OF_MODEL[model], arguments)


def test_blocks_and_image_sizes_fit_exactly_if_keras_builds_the_model():
    draw, outcomes = random.Random(1), set()
    for _ in range(60):
        size = draw.randint(5, 14), draw.randint(5, 14)
        blocks = []
        for place in range(draw.randint(1, 3)):
            words = [word for word in ("valid", "pool") if draw.random() < 0.3]
            words += ["residual"] * (place > 0 and draw.random() < 0.3)
            strides = draw.choice([1, 1, 2, [1, 2]])
            blocks.append([draw.choice([2, 4]), strides, draw.choice([1, 3, 5, [3, 5]]), *words])
        arguments = {"blocks": blocks}
        fits = accepts(OF_MODEL["all_convolutional"], arguments) and not too_small("all_convolutional", arguments, size)
        found = built("all_convolutional", arguments, (size[1], size[0], 1))
        assert fits == (found is not None), (blocks, size)
        outcomes.add(fits)
    assert outcomes == {True, False}


@pytest.mark.parametrize("model", ["dots_source", "fashion_source"])
def test_images_are_too_small_for_a_model_exactly_if_keras_cannot_build_it(model):
    for side in range(1, 12):
        fits = too_small(model, {}, (side, 9)) is None
        assert fits == (built(model, {}, (9, side, 1), 1) is not None), side


@pytest.mark.parametrize(
    "arguments",
    [
        {"hidden_layer_sizes": [-5]}, {"hidden_layer_sizes": 0}, {"hidden_layer_sizes": "x"},
        {"hidden_layer_sizes": [1.5]}, {"activation": "sigmoid"}, {"alpha": -1.0}, {"alpha": "x"},
        {"hidden_layer_sizes": 5}, {"hidden_layer_sizes": []}, {"hidden_layer_sizes": [5, 3], "alpha": 0},
        {"activation": "identity"},
    ],
)  # fmt: skip
def test_arguments_of_the_perceptron_are_accepted_exactly_if_scikit_learn_trains_it(arguments):
    from sklearn.neural_network import MLPClassifier

    images, labels = np.random.default_rng(0).random((20, 4)), np.arange(20) % 3
    try:
        MLPClassifier(max_iter=2, **arguments).partial_fit(images, labels, classes=[0, 1, 2])
        trains = True
    except (TypeError, ValueError):
        trains = False
    assert accepts(OF_MODEL[PERCEPTRON], arguments) == trains


# ---- The last layer --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "binary_crossentropy", "huber", "poisson"])
@pytest.mark.parametrize("name", REACH)
@pytest.mark.parametrize("model", [name for name in OF_MODEL if name not in SCIKIT_LEARN])
def test_a_last_layer_is_refused_exactly_if_the_training_refuses_it(tensorflow, model, name, loss):
    from calotype.training import output_layer

    key = {"all_convolutional": "activation", "dense": "output", "dots_source": "output"}.get(model)
    needed = {"all_convolutional": {"blocks": [[4, 1, 3]]}, "dense": {"units": [4]}}.get(model, {})
    base = {"optimizer": "adam", "epochs": 1, "batch_size": 4, "loss": loss, "model": model}
    for arguments in ({key: name}, {}) if key else ({},):
        recipe = Recipe.model_validate(base | {"model_arguments": needed | arguments})
        outputs = output_layer.number_of(recipe, 2 if recipe.binary else 3)
        made = tensorflow.models.build(model, (8, 8, 1), outputs, recipe.model_arguments)
        try:
            output_layer.check_activation(recipe, made, (0.0, 5.0))
            fits = True
        except CalotypeError:
            fits = False
        assert (misfit(recipe, 5) is None) == fits, arguments
