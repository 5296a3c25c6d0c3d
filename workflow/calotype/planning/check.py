"""Smoke tests of all variants of a study, for the target `check`."""

import functools
import importlib
import json
import logging
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from calotype.config.paths import Layout
from calotype.config.recipe import SCIKIT_LEARN, Recipe
from calotype.config.study import Study
from calotype.data.prepared_split import Split, open_split, place_of
from calotype.jobs.usage import Peak, memory_mib
from calotype.planning.cost_forecast import Forecast, forecast, trained
from calotype.steps.custom import Custom
from calotype.training.predicting import PREDICT_BATCH
from calotype.training.smoke_test import Memory, SmokeTest, affordable, few, smoke_test
from calotype.training.trainer import new_trainer
from calotype.util.children import in_children
from calotype.util.code_digest import LIBRARY, NO_RESULT, reach
from calotype.util.errors import CalotypeError, about
from calotype.util.files import write_text

MIB = 2**20
logger = logging.getLogger(__name__)


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
    base, after = _import_library(recipe), list[float]()
    some = few(train, recipe)
    held_out = None if validation is None else few(validation, recipe)
    images = np.asarray(some.images[:PREDICT_BATCH])
    try:
        with Peak() as peak:

            def predicting() -> None:
                after.append(memory_mib())
                peak.phase("predicting")

            trainer = new_trainer(recipe, some, held_out, facts)
            found = smoke_test(recipe, trainer, images, may_diverge=may_diverge, predicting=predicting)
        memory = Memory(
            base=base,
            training=peak.mib["start"],
            after=after[0],
            predicting=peak.mib["predicting"],
            images_mib=sum(each.images.nbytes for each in (some, held_out) if each is not None) / MIB,
            batch_size=recipe.batch_size,
            predicted=len(images),
            device=trainer.device,
        )
        return replace(found, memory=memory)
    except CalotypeError:
        raise
    except Exception as error:  # custom code may raise anything
        raise CalotypeError(f"model: {recipe.model}: {type(error).__name__}: {error}") from error


@functools.cache
def _tensorflow_mib() -> float:
    """Import TensorFlow and Keras, and return their memory; once in a process, so that its children share them."""
    before = memory_mib()
    importlib.import_module("calotype.training.backend")
    return memory_mib() - before


def _import_library(recipe: Recipe) -> float:
    """Import the library of a model, and return the memory of a process that has imported no other one."""
    if recipe.model not in SCIKIT_LEARN:
        _tensorflow_mib()
        return memory_mib()
    importlib.import_module("calotype.training.sklearn_model")
    return memory_mib() - (_tensorflow_mib() if _tensorflow_mib.cache_info().currsize else 0.0)


def try_study(
    layout: Layout, name: str, manifests: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Run a smoke test of each variant of a prepared study.

    Args:
        manifests: of the prepared splits, by path.

    Returns:
        By variant, the findings as plain data; and all errors. Each test has a process of its own, so that its memory
        can be measured, and its death does not end the others.
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
    with tempfile.TemporaryDirectory() as folder:
        tests = {}
        for key, variant in study.variants.items():
            facts = manifests[layout.prepared(name, variant.splits[0], ".json")]
            run = partial(_tried, variant, partial(opened, variant.splits), facts, may_diverge=study.may_diverge)
            tests[key] = partial(_write, f"{file}: variants.{key}", run, Path(folder, f"{key}.json"))
        if any(variant.model not in SCIKIT_LEARN for variant in study.variants.values()):
            _tensorflow_mib()
        for ended in in_children(tests, most=1):
            seen = _ended(Path(folder, f"{ended.name}.json"), f"{file}: variants.{ended.name}", ended.status)
            if isinstance(seen, str):
                problems.append(seen)
            else:
                logger.info("%s/%s: smoke test passed", name, ended.name)
                found[ended.name] = seen
    return found, problems


def _tried(recipe: Recipe, splits: Callable[[], list[Split]], facts: Any, *, may_diverge: bool) -> dict[str, Any]:
    train, *validation = splits()
    return asdict(try_variant(recipe, train, facts, *validation, may_diverge=may_diverge))


def _write(where: str, run: Callable[[], dict[str, Any]], results: Path) -> int:
    """Run a smoke test in a child, and write its findings, or its error."""
    try:
        with about(where):
            found = run()
    except CalotypeError as error:
        found = {"problem": str(error)}
    write_text(json.dumps(found), results)
    return 0


def _ended(results: Path, where: str, status: int) -> dict[str, Any] | str:
    """Return the findings of a child, or the error."""
    if status:
        why = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return str(
            CalotypeError(f"{where}: its smoke test {why}.", "if memory ran out, use smaller images or batches.")
        )
    found = json.loads(results.read_text(encoding="utf-8"))
    return found.get("problem", found)


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
        seen = SmokeTest(**{**tried[key], "memory": Memory(**tried[key]["memory"])})
        rows.append(forecast(layout, name, key, seen, done, data))
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
