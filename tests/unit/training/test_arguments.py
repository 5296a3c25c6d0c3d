"""Arguments are refused before any job where Keras or scikit-learn raises, gives NaN, or does something else silently.

The right answers come from Keras and scikit-learn themselves.
"""

import inspect
import math
import random
from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError

from calotype.config.model_arguments import INITIALIZERS, OF_MODEL, Activation, misfit, too_small
from calotype.config.optimizer import OptimizerName, Schedule
from calotype.config.optimizer_arguments import OF_OPTIMIZER, OF_SCHEDULE, optimizer_arguments
from calotype.config.recipe import SCIKIT_LEARN, Recipe
from calotype.util.errors import CalotypeError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]

SHAPE, OUTPUTS = (6, 6, 1), 3
PERCEPTRON = next(iter(SCIKIT_LEARN))


def accepts(kind, arguments):
    """Tell if a type takes these arguments."""
    try:
        kind.model_validate(arguments)
    except ValidationError:
        return False
    return True


def signature(function):
    """Return the keyword arguments of a function with their defaults."""
    found = inspect.signature(function).parameters
    return {name: each.default for name, each in found.items() if each.kind != each.VAR_KEYWORD and name != "self"}


# ---- Optimizers ------------------------------------------------------------------------------------------------------


def trained(name, arguments, steps=60):
    """Return the weights after some steps down a parabola, from weights with a sum of squares of 18.25."""
    from calotype.training.backend import keras, tf

    kinds = {key.lower(): kind for key, kind in vars(keras.optimizers).items()}
    optimizer = kinds[name](learning_rate=0.05, **arguments)
    matrix = keras.Variable(np.array([[1.0, -2, 3], [0.5, 1, -1]], np.float32), name="matrix")
    vector = keras.Variable(np.array([1.0, -1], np.float32), name="vector")
    optimizer.build([matrix, vector])
    for _ in range(steps):
        optimizer.apply([2 * tf.convert_to_tensor(each) for each in (matrix, vector)], [matrix, vector])
    return np.concatenate([matrix.numpy().ravel(), vector.numpy()])


def outcome(name, arguments):
    """Say how Keras trains with these arguments."""
    try:
        loss = float((trained(name, arguments) ** 2).sum())
    except Exception:
        return "raises"
    return "gives NaN" if not math.isfinite(loss) else "falls" if loss < 18.2 else "does not fall"


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_each_argument_of_an_optimizer_is_known_with_keras_s_default(tensorflow, name):
    kinds = {key.lower(): kind for key, kind in vars(tensorflow.keras.optimizers).items()}
    known = signature(kinds[name].__init__)
    known.pop("learning_rate")
    assert {*optimizer_arguments(name).model_fields} == known.keys()
    assert accepts(optimizer_arguments(name), known)


WRONG = [
    ("sgd", "momentum", 90.0), ("sgd", "momentum", "x"), ("sgd", "momentum", 1), ("sgd", "momentum", -1.0),
    ("sgd", "momentum", None), ("sgd", "momentumm", 0.5), ("sgd", "weight_decay", {"a": 1}), ("sgd", "name", "a/b"),
    ("sgd", "weight_decay", "x"), ("sgd", "weight_decay", -10.0), ("sgd", "clipnorm", "x"), ("sgd", "name", 3),
    ("sgd", "loss_scale_factor", 0), ("sgd", "loss_scale_factor", -1.0), ("sgd", "gradient_accumulation_steps", 1),
    ("sgd", "gradient_accumulation_steps", 2.5), ("sgd", "weight_decay", math.nan), ("rmsprop", "rho", 1),
    ("rmsprop", "rho", 1.1), ("rmsprop", "rho", -0.5), ("rmsprop", "momentum", 2.0), ("rmsprop", "epsilon", -1),
    ("adam", "beta_1", 1), ("adam", "beta_1", 1.5), ("adam", "beta_1", -2.0), ("adam", "beta_1", "0.9"),
    ("adam", "beta_2", 1), ("adam", "beta_2", 1.5), ("adam", "beta_2", -0.5), ("adam", "epsilon", -1.0),
    ("adam", "epsilon", None), ("adamw", "weight_decay", None), ("adamax", "beta_1", 1), ("nadam", "beta_2", 1),
    ("lamb", "beta_1", 1), ("lamb", "beta_2", 1), ("lion", "beta_1", 0), ("lion", "beta_1", 1.5),
    ("lion", "beta_2", 2.0), ("ftrl", "learning_rate_power", 1.0), ("ftrl", "initial_accumulator_value", -1.0),
    ("ftrl", "l1_regularization_strength", -1.0), ("ftrl", "l2_regularization_strength", -1.0),
    ("ftrl", "l2_shrinkage_regularization_strength", -1.0), ("adagrad", "initial_accumulator_value", -1000.0),
    ("adadelta", "rho", 1.5), ("adadelta", "rho", -2.0), ("adadelta", "epsilon", -1.0),
    ("adafactor", "beta_2_decay", 0.8), ("adafactor", "epsilon_1", -1.0), ("adafactor", "clip_threshold", 0),
    ("muon", "ns_steps", 1.5), ("muon", "exclude_layers", ["["]), ("muon", "exclude_layers", [3]),
    ("muon", "adam_lr_ratio", -1.0), ("muon", "rms_rate", -1.0), ("muon", "adam_beta_1", 1), ("muon", "muon_a", "x"),
    ("muon", "epsilon", -1.0), ("muon", "adam_weight_decay", -10.0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "key", "value"), WRONG)
def test_a_value_with_which_keras_cannot_train_is_refused(name, key, value):
    assert outcome(name, {key: value}) != "falls"
    assert not accepts(optimizer_arguments(name), {key: value})


@pytest.mark.parametrize(
    ("name", "key", "value", "alike"),
    [
        ("sgd", "clipnorm", -1.0, {}),
        ("sgd", "clipvalue", -1.0, {}),
        ("sgd", "global_clipnorm", 0, {}),
        ("sgd", "nesterov", "no", {"nesterov": True}),
        ("adam", "amsgrad", "false", {"amsgrad": True}),
        ("rmsprop", "centered", "no", {"centered": True}),
        ("muon", "nesterov", "no", {"nesterov": True}),
    ],
)
def test_a_value_that_keras_takes_for_another_is_refused(name, key, value, alike):
    more = {"momentum": 0.5} if name == "sgd" else {}
    assert np.array_equal(trained(name, {key: value} | more), trained(name, alike | more))
    assert not accepts(optimizer_arguments(name), {key: value})


RIGHT = [
    ("sgd", {"momentum": 0.0}), ("sgd", {"momentum": 0.9, "nesterov": True}), ("sgd", {"clipnorm": 1}),
    ("sgd", {"weight_decay": 0, "clipvalue": 0.5}), ("sgd", {"gradient_accumulation_steps": 2, "name": "mine"}),
    ("rmsprop", {"rho": 0, "momentum": 0}), ("rmsprop", {"epsilon": 0, "centered": True}),
    ("adam", {"beta_1": 0, "amsgrad": True}), ("adam", {"epsilon": 0}), ("adamw", {"weight_decay": 0}),
    ("adamax", {"beta_2": 1}), ("nadam", {"beta_1": 0, "beta_2": 0}), ("lamb", {"beta_1": 0, "beta_2": 0}),
    ("lion", {"beta_1": 1, "beta_2": 0}), ("ftrl", {"learning_rate_power": 0, "beta": 1}),
    ("adagrad", {"initial_accumulator_value": 0}), ("adadelta", {"rho": 0}), ("adafactor", {"beta_2_decay": 0}),
    ("adafactor", {"epsilon_1": 0, "epsilon_2": 0, "relative_step": False}),
    ("muon", {"ns_steps": 1, "rms_rate": None}),
    ("muon", {"exclude_layers": ["mat.*"], "weight_decay": None, "adam_weight_decay": None, "momentum": 0}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments"), RIGHT)
def test_a_value_with_which_keras_trains_is_accepted(name, arguments):
    assert outcome(name, arguments) == "falls"
    assert accepts(optimizer_arguments(name), arguments)


def test_two_limits_of_the_gradient_are_refused():
    both = {"clipnorm": 1.0, "clipvalue": 1.0}
    assert outcome("sgd", both) == "raises"
    assert not accepts(optimizer_arguments("sgd"), both)


def test_no_optimizer_is_left_out():
    assert OF_OPTIMIZER.keys() == {*get_args(OptimizerName)}
    assert OF_SCHEDULE.keys() == {*get_args(Schedule)} - {"constant", "cosine"}


# ---- Schedules -------------------------------------------------------------------------------------------------------


def rates(name, arguments):
    """Return the learning rates of a schedule, or none if Keras raises."""
    from calotype.training.backend import keras
    from calotype.training.optimizer import class_name

    first = {} if name.startswith("piecewise") else {"initial_learning_rate": 0.1}
    try:
        schedule = getattr(keras.optimizers.schedules, class_name(name))(**first, **arguments)
        return [float(schedule(step)) for step in (0, 1, 3, 5, 10, 20, 50)]
    except Exception:
        return []


@pytest.mark.parametrize("name", OF_SCHEDULE)
def test_each_argument_of_a_schedule_is_known_with_keras_s_default(tensorflow, name):
    from calotype.training.optimizer import class_name

    known = signature(getattr(tensorflow.keras.optimizers.schedules, class_name(name)).__init__)
    known.pop("initial_learning_rate", None)
    fields = {field.alias or key: field for key, field in OF_SCHEDULE[name].model_fields.items()}
    assert fields.keys() == known.keys()
    for key, field in fields.items():
        assert field.is_required() == (known[key] is inspect.Parameter.empty)
        assert field.is_required() or key == "name" or field.default == known[key]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("cosine_decay", {"decay_steps": 0}),
        ("cosine_decay", {}),
        ("cosine_decay", {"decay_steps": "5"}),
        ("cosine_decay", {"decay_steps": 10, "alpha": -1.0}),
        ("cosine_decay", {"decay_steps": 10, "warmup_target": -0.5, "warmup_steps": 3}),
        ("cosine_decay_restarts", {"first_decay_steps": -3}),
        ("cosine_decay_restarts", {"first_decay_steps": 3, "t_mul": 0.5}),
        ("cosine_decay_restarts", {"first_decay_steps": 3, "m_mul": -1.0}),
        ("cosine_decay_restarts", {"first_decay_steps": 3, "alpha": -1.0}),
        ("exponential_decay", {"decay_steps": 0, "decay_rate": 0.5}),
        ("exponential_decay", {"decay_steps": 3, "decay_rate": -1.0}),
        ("exponential_decay", {"decay_steps": 3, "decay_rate": 0.5, "speed": 1}),
        ("inverse_time_decay", {"decay_steps": 3, "decay_rate": -0.5}),
        ("polynomial_decay", {"decay_steps": 3, "end_learning_rate": -1.0}),
        ("polynomial_decay", {"decay_steps": 3, "power": -1.0}),
        ("piecewise_constant_decay", {"boundaries": [], "values": [0.1]}),
        ("piecewise_constant_decay", {"boundaries": [3], "values": [0.1]}),
        ("piecewise_constant_decay", {"boundaries": [3], "values": [1, 0.1]}),
        ("piecewise_constant_decay", {"boundaries": [3], "values": [0.1, -0.2]}),
        ("piecewise_constant_decay", {"boundaries": 3, "values": [0.1, 0.2]}),
        ("piecewise_constant_decay", {"boundaries": ["3"], "values": [0.1, 0.2]}),
    ],
)
def test_a_schedule_without_rates_from_zero_is_refused(name, arguments):
    assert not all(math.isfinite(rate) and rate >= 0 for rate in rates(name, arguments) or [math.nan])
    assert not accepts(OF_SCHEDULE[name], arguments)


def test_boundaries_that_do_not_rise_are_refused():
    """Keras then takes a rate that is none of the values."""
    arguments = {"boundaries": [5, 3], "values": [0.1, 0.2, 0.3]}
    assert not {round(rate, 5) for rate in rates("piecewise_constant_decay", arguments)} <= {*arguments["values"]}
    assert not accepts(OF_SCHEDULE["piecewise_constant_decay"], arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("cosine_decay", {"decay_steps": 10.5, "alpha": 2, "warmup_target": 0.5, "warmup_steps": 2}),
        ("cosine_decay_restarts", {"first_decay_steps": 3, "t_mul": 1, "m_mul": 0}),
        ("exponential_decay", {"decay_steps": 3, "decay_rate": 2, "staircase": True}),
        ("inverse_time_decay", {"decay_steps": 3, "decay_rate": 0}),
        ("polynomial_decay", {"decay_steps": 3, "power": 0, "cycle": True, "end_learning_rate": 1}),
        ("piecewise_constant_decay", {"boundaries": [0, 3, 5.5], "values": [0.1, 0.2, 0.3, 0.0]}),
    ],
)
def test_a_schedule_with_rates_from_zero_is_accepted(name, arguments):
    found = rates(name, arguments)
    assert found
    assert all(math.isfinite(rate) and rate >= 0 for rate in found)
    assert accepts(OF_SCHEDULE[name], arguments)


# ---- Models ----------------------------------------------------------------------------------------------------------


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
            known = {key: known[key] for key in SCIKIT_LEARN[PERCEPTRON]}
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
@pytest.mark.parametrize("name", ["linear", "relu", "sigmoid", "softmax", "softplus", "tanh", "exponential"])
@pytest.mark.parametrize("model", ["dense", "all_convolutional", "dots_source", "fashion_source"])
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
