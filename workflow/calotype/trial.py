"""Make the trainer of a variant, of whatever library, and rehearse with it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from calotype.errors import CalotypeError
from calotype.recipe import SCIKIT_LEARN, Recipe
from calotype.rehearsal import Rehearsal, affordable, few, rehearse
from calotype.runs import Trainer
from calotype.splits import Split, place_of
from calotype.studies import Study

PREDICTED = 10  # images


def check_example(study: Study, test: Split) -> None:
    """See that the image that a study shows is one that models are tested on.

    Args:
        study: which.
        test: its first test split.

    Raises:
        CalotypeError: it is not.
    """
    if study.example is not None:
        place_of(test, study.example, max(each.test_images or len(test.ids) for each in study.variants.values()))


def try_variant(recipe: Recipe, train: Split, facts: Mapping[str, Any], validation: Split | None = None) -> Rehearsal:
    """Rehearse a variant on a few of its training images.

    Args:
        recipe: the variant, or its recipe alone.
        train: its training split.
        facts: the manifest of that.
        validation: its validation split, if it names one.

    Raises:
        CalotypeError: as `rehearsal.rehearse`, or the model cannot be made.
    """
    recipe = Recipe(**{key: getattr(recipe, key) for key in Recipe.model_fields})
    recipe = affordable(recipe, train.images[:1].nbytes)
    some = few(train, recipe)
    trainer: Trainer
    if recipe.model in SCIKIT_LEARN:
        from calotype import scikit

        trainer, size = scikit.Trainer(recipe, some, classes=facts["classes"]), len(some.labels)
    else:
        from calotype import backend, training

        backend.start(1)  # one number for all variants that a process tries
        labels = {key: facts[key] for key in ("minimum", "maximum", "classes")}
        held_out = None if validation is None else few(validation, recipe)
        trainer = net = training.Trainer(recipe, some, validation=held_out, **labels)
        size = net.size
    try:
        return rehearse(recipe, trainer, np.asarray(some.images[:PREDICTED]), size)
    except CalotypeError:
        raise
    except Exception as error:  # somebody's own code may raise anything
        raise CalotypeError(f"model: {recipe.model}: {type(error).__name__}: {error}") from error
