"""Arguments of optimizers and schedules with which Keras cannot train are refused before any job.

The right answers come from Keras and scikit-learn themselves.
"""

import inspect
import math
from typing import get_args

import numpy as np
import pytest
from unit.arguments import accepts, signature

from calotype.config.optimizer import OptimizerName, Schedule
from calotype.config.optimizer_arguments import (
    DEFAULT_RATE,
    OF_OPTIMIZER,
    OF_SCHEDULE,
    default_rate,
    optimizer_arguments,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]


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


def test_the_learning_rate_without_a_key_is_that_of_keras_and_scikit_learn():
    from sklearn.neural_network import MLPClassifier

    from calotype.training.backend import keras

    kinds = {key.lower(): kind for key, kind in vars(keras.optimizers).items()}
    for name in get_args(OptimizerName):
        assert float(kinds[name]().learning_rate) == pytest.approx(default_rate(name)), name
    assert MLPClassifier().learning_rate_init == DEFAULT_RATE


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
