"""Smoke tests of all variants of a study, for the target `check`."""

import logging
import resource
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from calotype.config.paths import Layout
from calotype.config.recipe import Recipe
from calotype.config.study import Study
from calotype.data.prepared_split import Split, open_split, place_of
from calotype.planning.cost_forecast import Forecast, forecast, trained
from calotype.steps.custom import Custom
from calotype.training.smoke_test import SmokeTest, affordable, few, smoke_test
from calotype.training.trainer import new_trainer
from calotype.util.code_digest import LIBRARY, NO_RESULT, reach
from calotype.util.errors import CalotypeError, about

logger = logging.getLogger(__name__)

PREDICTED = 10  # images that a smoke test predicts


def check_example(study: Study, test: Split) -> None:
    """Raise CalotypeError if the `example` of a study is not one of its test images."""
    if study.example is not None:
        place_of(test, study.example, max(each.test_images or len(test.ids) for each in study.variants.values()))


def try_variant(
    recipe: Recipe,
    train: Split,
    facts: Mapping[str, Any],
    validation: Split | None = None,
    *,
    may_diverge: bool = True,
) -> SmokeTest:
    """Run a smoke test of a variant on a few of its training images.

    Args:
        recipe: the recipe; further keys of a variant do not count.
        train: the training images.
        facts: manifest of the training split.
        validation: the images of `Recipe.validation`.
        may_diverge: of the study.

    Raises:
        CalotypeError: The smoke test failed, or the model cannot be built.
    """
    recipe = Recipe(**{key: getattr(recipe, key) for key in Recipe.model_fields})
    # One thread, as TensorFlow sets them once for all variants of a process.
    recipe = affordable(recipe, train.images[:1].nbytes).model_copy(update={"threads": 1})
    some = few(train, recipe)
    held_out = None if validation is None else few(validation, recipe)
    try:
        trainer = new_trainer(recipe, some, held_out, facts)
        return smoke_test(recipe, trainer, np.asarray(some.images[:PREDICTED]), may_diverge=may_diverge)
    except CalotypeError:
        raise
    except Exception as error:  # custom code may raise anything
        raise CalotypeError(f"model: {recipe.model}: {type(error).__name__}: {error}") from error


def try_study(
    layout: Layout, name: str, manifests: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Run a smoke test of each variant of a prepared study.

    Args:
        manifests: of the prepared splits, by path.

    Returns:
        By variant, the findings as plain data, with `memory`, the peak of this process so far in MiB; and all errors.
    """
    study, file = layout.config.studies[name], f"{layout.config.settings.study_files}/{name}.yaml"
    found, problems = {}, []

    def opened(splits: Iterable[str]) -> list[Split]:
        return [open_split(layout.root / layout.prepared(name, split, ".npy")) for split in splits]

    try:
        with about(file):
            check_example(study, *opened(study.tests[:1]))
    except CalotypeError as error:
        problems.append(str(error))
    for key, variant in study.variants.items():
        facts = manifests[layout.prepared(name, variant.splits[0], ".json")]
        try:
            with about(f"{file}: variants.{key}"):
                train, *validation = opened(variant.splits)
                seen = try_variant(variant, train, facts, *validation, may_diverge=study.may_diverge)
        except CalotypeError as error:
            problems.append(str(error))
            continue
        logger.info("%s/%s: smoke test passed", name, key)
        found[key] = asdict(seen) | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10}
    return found, problems


def forecast_study(
    layout: Layout,
    name: str,
    tried: Mapping[str, Mapping[str, Any]],
    manifests: Mapping[str, Mapping[str, Any]],
    code: Mapping[str, tuple[str, str | None]],
) -> list[Forecast]:
    """Return a forecast for each variant of a study.

    Args:
        tried: the findings of `try_study`.
        manifests: of the prepared splits, by path.
        code: the digests of the training code and of the custom model, by `study/variant`.
    """
    study, rows = layout.config.studies[name], []
    for key, variant in study.variants.items():
        data = [manifests[layout.prepared(name, split, ".json")] for split in (*variant.splits, *study.tests)]
        done = trained(layout, name, key, *code[f"{name}/{key}"], data[: len(variant.splits)])
        seen = {field.name: tried[key][field.name] for field in fields(SmokeTest)}
        rows.append(forecast(layout, name, key, SmokeTest(**seen), done, data, tried[key]["memory"]))
    return rows


def whole_files(layout: Layout, studies: Iterable[str]) -> dict[str, str]:
    """Return the user's files whose whole code counts, because its use is unclear, each with the reason."""
    config, functions = layout.config, set()
    for name in studies:
        study = config.studies[name]
        functions |= {variant.model for variant in study.variants.values() if ":" in variant.model}
        functions |= {step.function for step in config.datasets[study.dataset].prepare if isinstance(step, Custom)}
    found: dict[str, str] = {}
    for function in sorted(functions):
        found |= reach(function, NO_RESULT).unclear
    return {file: why for file, why in found.items() if LIBRARY not in Path(file).parents}
