"""An optimizer and its schedule are those of the recipe; settings that do not fit are refused."""

import numpy as np
import pytest
from pydantic import ValidationError
from unit.trainings import CLASSES, class_recipe, class_split

from calotype.config.optimizer import Optimizer
from calotype.util.errors import CalotypeError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow")]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"schedule": "cosine"}, "cosine needs a learning_rate"),
        ({"schedule": "cosine", "learning_rate": 0.1, "warmup_fraction": 1.0}, "less than 1"),
        ({"learning_rate": 0.1, "warmup_fraction": 0.5}, "warmup_fraction needs schedule: cosine"),
        ({"arguments": {"learning_rate": 0.1}}, "learning_rate is not allowed here"),
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


# ---- Keras's schedules -----------------------------------------------------------------------------------------------

SCHEDULES = {
    "exponential_decay": {"decay_steps": 4, "decay_rate": 0.5},
    "inverse_time_decay": {"decay_steps": 4, "decay_rate": 0.5, "staircase": True},
    "polynomial_decay": {"decay_steps": 8, "end_learning_rate": 0.01, "power": 2.0},
    "cosine_decay": {"decay_steps": 8, "alpha": 0.1},
    "cosine_decay_restarts": {"first_decay_steps": 4},
    "piecewise_constant_decay": {"boundaries": [2, 5], "values": [0.1, 0.05, 0.01]},
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_keras_s_schedules_change_the_rate_as_keras_says(name):
    from calotype.training.backend import keras
    from calotype.training.optimizer import make_optimizer

    rate = {} if name.startswith("piecewise") else {"learning_rate": 0.2}
    made = make_optimizer(Optimizer(name="sgd", schedule=name, schedule_arguments=SCHEDULES[name], **rate), 10)
    kind = getattr(keras.optimizers.schedules, "".join(map(str.capitalize, name.split("_"))))
    own = kind(**({"initial_learning_rate": 0.2} if rate else {}), **SCHEDULES[name])
    for step in (0, 3, 4, 7):
        made.iterations.assign(step)
        assert float(made.learning_rate) == pytest.approx(float(own(step)))


@pytest.mark.parametrize(
    ("schedule", "arguments"),
    [
        ("exponential_decay", {"decay_rate": 0.5}),
        ("exponential_decay", {"decay_steps": 1, "decay_rate": 0.5, "speed": 1}),
        ("piecewise_constant_decay", {"boundaries": [1], "values": [0.1]}),
    ],
)
def test_wrong_arguments_of_a_schedule_are_named(schedule, arguments):
    from calotype.training.optimizer import make_optimizer

    rate = {} if schedule.startswith("piecewise") else {"learning_rate": 0.2}
    with pytest.raises(CalotypeError, match=rf"optimizer.schedule_arguments: {schedule}: "):
        make_optimizer(Optimizer(name="sgd", schedule=schedule, schedule_arguments=arguments, **rate), 10)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"schedule": "exponential_decay"}, "needs a learning_rate"),
        ({"schedule": "piecewise_constant_decay", "learning_rate": 0.1}, "takes its rates from schedule_arguments"),
        ({"schedule_arguments": {"decay_steps": 3}}, "schedule constant takes none"),
        ({"schedule": "cosine", "learning_rate": 0.1, "schedule_arguments": {"alpha": 0.1}}, "cosine takes none"),
        (
            {"schedule": "exponential_decay", "learning_rate": 0.1, "warmup_fraction": 0.1},
            "warmup_fraction needs schedule: cosine",
        ),
        (
            {"schedule": "cosine_decay", "learning_rate": 0.1, "schedule_arguments": {"initial_learning_rate": 1}},
            "is not allowed here",
        ),
    ],
)
def test_a_schedule_that_does_not_fit_is_refused_before_any_job(settings, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Optimizer(name="sgd", **settings)
