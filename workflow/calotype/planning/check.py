"""Make the trainer of a variant, of whatever library, and run its smoke test."""

import logging
import resource
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from calotype.config.paths import Layout
from calotype.config.recipe import SCIKIT_LEARN, Recipe
from calotype.config.study import Study
from calotype.data.prepared_split import Split, open_split, place_of
from calotype.planning.cost_forecast import Forecast, forecast, trained
from calotype.steps.custom import Custom
from calotype.training.loop import Trainer
from calotype.training.smoke_test import SmokeTest, affordable, few, smoke_test
from calotype.util.code_digest import LIBRARY, NO_RESULT, reach
from calotype.util.errors import CalotypeError, about

logger = logging.getLogger(__name__)

PREDICTED = 10  # images


def check_example(study: Study, test: Split) -> None:
    """Raise CalotypeError if the image that a study shows is none that models are tested on."""
    if study.example is not None:
        place_of(test, study.example, max(each.test_images or len(test.ids) for each in study.variants.values()))


def try_variant(recipe: Recipe, train: Split, facts: Mapping[str, Any], validation: Split | None = None) -> SmokeTest:
    """Try a variant on a few of its training images.

    Raises:
        CalotypeError: as `smoke_test.smoke_test`, or the model cannot be made.
    """
    recipe = Recipe(**{key: getattr(recipe, key) for key in Recipe.model_fields})
    recipe = affordable(recipe, train.images[:1].nbytes)
    some = few(train, recipe)
    trainer: Trainer
    try:
        if recipe.model in SCIKIT_LEARN:
            from calotype.training import sklearn_trainer

            trainer, size = sklearn_trainer.Trainer(recipe, some, classes=facts["classes"]), len(some.labels)
        else:
            from calotype.training import backend, keras_trainer

            backend.start(1)  # one number for all variants that a process tries
            labels = {key: facts[key] for key in ("minimum", "maximum", "classes")}
            held_out = None if validation is None else few(validation, recipe)
            trainer = net = keras_trainer.Trainer(recipe, some, validation=held_out, **labels)
            size = net.size
        return smoke_test(recipe, trainer, np.asarray(some.images[:PREDICTED]), size)
    except CalotypeError:
        raise
    except Exception as error:  # somebody's own code may raise anything
        raise CalotypeError(f"model: {recipe.model}: {type(error).__name__}: {error}") from error


def try_study(
    layout: Layout, name: str, manifests: Mapping[str, Mapping[str, Any]], code: Mapping[str, tuple[str, str | None]]
) -> tuple[list[Forecast], list[str]]:
    """Try all variants of a study, whose images are prepared.

    Args:
        code: the digests of the code that trains a variant and of the user's own model, by `study/variant`.

    Returns:
        What is to be done for each variant, and all that is wrong, in words.
    """
    study, file = layout.config.studies[name], f"{layout.config.settings.study_files}/{name}.yaml"
    rows, problems = [], []

    def opened(splits: Iterable[str]) -> list[Split]:
        return [open_split(layout.root / layout.prepared(name, split, ".npy")) for split in splits]

    try:
        with about(file):
            check_example(study, *opened(study.tests[:1]))
    except CalotypeError as error:
        problems.append(str(error))
    for key, variant in study.variants.items():
        data = [manifests[layout.prepared(name, split, ".json")] for split in (*variant.splits, *study.tests)]
        try:
            with about(f"{file}: variants.{key}"):
                train, *validation = opened(variant.splits)
                seen = try_variant(variant, train, data[0], *validation)
        except CalotypeError as error:  # the others may have their own
            problems.append(str(error))
            continue
        logger.info("%s/%s: trains, saves, loads and predicts", name, key)
        done = trained(layout, name, key, *code[f"{name}/{key}"], data[: len(variant.splits)])
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        rows.append(forecast(layout, name, key, seen, done, data, memory))
    return rows, problems


def whole_files(layout: Layout, studies: Iterable[str]) -> dict[str, str]:
    """The user's files of which all code counts, because it cannot be told which of it is used; by file, why."""
    config, functions = layout.config, set()
    for name in studies:
        study = config.studies[name]
        functions |= {variant.model for variant in study.variants.values() if ":" in variant.model}
        functions |= {step.function for step in config.datasets[study.dataset].prepare if isinstance(step, Custom)}
    found: dict[str, str] = {}
    for function in sorted(functions):
        found |= reach(function, NO_RESULT).unclear
    return {file: why for file, why in found.items() if LIBRARY not in Path(file).parents}
