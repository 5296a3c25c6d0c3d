"""Keras optimizers and learning rate schedules of a recipe."""

from typing import Any

from calotype.config.optimizer import Optimizer
from calotype.training.backend import keras
from calotype.util.errors import CalotypeError


def make_optimizer(recipe: Optimizer, steps: int) -> Any:
    """Make the Keras optimizer of a recipe for a run of `steps` steps.

    Raises:
        CalotypeError: Keras refuses an argument.
    """
    arguments = dict(recipe.arguments)
    if recipe.schedule not in ("constant", "cosine"):
        arguments["learning_rate"] = _schedule(recipe)
    elif recipe.schedule == "cosine":
        rising = min(round(steps * recipe.warmup_fraction), steps - 1)
        warmup = {"warmup_target": recipe.learning_rate, "warmup_steps": rising} if rising else {}
        start = 0.0 if rising else recipe.learning_rate
        arguments["learning_rate"] = keras.optimizers.schedules.CosineDecay(start, steps - rising, **warmup)
    elif recipe.learning_rate is not None:
        arguments["learning_rate"] = recipe.learning_rate
    kinds = {name.lower(): kind for name, kind in vars(keras.optimizers).items()}
    try:
        return kinds[recipe.name](**arguments)
    except (TypeError, ValueError) as error:
        raise CalotypeError(f"optimizer: {recipe.name}: {error}", "see the Keras page of this optimizer.") from error


def class_name(name: str) -> str:
    """Convert a name with underscores to the name of a Keras class."""
    return "".join(part.capitalize() for part in name.split("_"))


def _schedule(recipe: Optimizer) -> Any:
    """Make a Keras schedule, named like its class in lower case."""
    name = class_name(recipe.schedule)
    rate = {} if recipe.learning_rate is None else {"initial_learning_rate": recipe.learning_rate}
    try:
        found = getattr(keras.optimizers.schedules, name)(**rate, **recipe.schedule_arguments)
        found(0)  # Keras checks some arguments only here
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        problem = f"optimizer.schedule_arguments: {recipe.schedule}: {error}"
        raise CalotypeError(problem, f"see the Keras page of {name}.") from error
    return found
