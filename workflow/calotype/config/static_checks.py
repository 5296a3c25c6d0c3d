"""Checks of folders, files and functions that the config names; they import no user code."""

import ast
import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from calotype.config.dataset_user import UserDataset
from calotype.config.datasets import Dataset
from calotype.config.load import Config
from calotype.config.model_arguments import OF_MODEL, misfit, too_small
from calotype.config.optimizer_arguments import OF_SCHEDULE, optimizer_arguments
from calotype.config.recipe import SCIKIT_LEARN, Recipe
from calotype.config.study import Study
from calotype.steps.custom import Custom
from calotype.util.errors import CalotypeError, did_you_mean, nearest_path
from calotype.util.python_source import parse
from calotype.util.yaml_validation import MOST_LINES, validate


@functools.cache  # variants often share a file
def _functions(path: Path) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in parse(path).body if isinstance(node, ast.FunctionDef)}


def _check_function(name: str, path: Path, known: Sequence[str], key: str) -> None:
    if not path.is_file():
        module = next(filter(os.path.isfile, (f"{path}.py", f"{str(path).replace('.', '/')}.py")), None)
        raise CalotypeError(
            f"{key}: file {path} not found.", f"use `{module}:{name}`." if module else nearest_path(path)
        )
    if name not in known:
        raise CalotypeError(f"{key}: {path.name} has no function `{name}`.", f"use one of {', '.join(known)}.")


def _check_arguments(function: ast.FunctionDef, first: int, arguments: Mapping[str, Any], key: str) -> None:
    """Check the keyword arguments of a function; the workflow gives its `first` positional arguments."""
    takes = function.args
    names = [argument.arg for argument in (*takes.posonlyargs, *takes.args)[first:]]
    names += [argument.arg for argument in takes.kwonlyargs]
    for argument in arguments:
        if argument not in names and takes.kwarg is None:
            hint = f"allowed arguments are {', '.join(names)}." if names else "remove it: there are no arguments."
            raise CalotypeError(f"{key}: `{function.name}` has no argument `{argument}`.", hint)


def check_model(name: str, arguments: Mapping[str, Any], key: str) -> None:
    """Raise CalotypeError if a model does not exist, or if a custom model does not take its keyword arguments."""
    if name in OF_MODEL:
        return
    file, colon, function = name.rpartition(":")
    if not colon:
        hint = f"name a function of the file: {name}:<function>." if name.endswith(".py") else None
        raise CalotypeError(f"{key}.model: model `{name}` not found.", hint or did_you_mean(name, OF_MODEL))
    path = Path(file)
    found = _functions(path) if path.is_file() else {}
    _check_function(function, path, [other for other in found if not other.startswith("_")], f"{key}.model")
    _check_arguments(found[function], 2, arguments, f"{key}.model_arguments")


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Yield all texts in a value of the config, with their keys."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for name, entry in entries:
            yield from _texts(entry, f"{key}.{name}")


def check_files(files: Sequence[str], arguments: Mapping[str, Any], key: str, name: str) -> None:
    """Raise CalotypeError if a declared file is missing, or an argument is the path of an undeclared file."""
    for place, file in enumerate(files):
        if not os.path.exists(file):
            raise CalotypeError(f"{key}.files.{place}: {file} not found.", nearest_path(file))
    declared = {os.path.abspath(file) for file in files}
    for where, text in _texts(arguments, f"{key}.{name}"):
        if os.path.exists(text) and declared.isdisjoint(map(os.path.abspath, (text, *map(str, Path(text).parents)))):
            problem = f"{where}: {text} is an undeclared file or folder: changes of it would not be noticed."
            raise CalotypeError(problem, f"add `files: [{', '.join([*files, text])}]` beside `{name}`.")


def check_folder(dataset: Dataset, key: str) -> None:
    """Raise CalotypeError if the folder of a user's own images, or a file named in the config, is missing."""
    if not isinstance(dataset, UserDataset):
        return
    if not os.path.isdir(dataset.folder):
        raise CalotypeError(
            f"{key}.folder: folder {dataset.folder} not found.", nearest_path(dataset.folder, folder=True)
        )
    for where, file in dataset.named().items():
        if not os.path.isfile(os.path.join(dataset.folder, file)):
            raise CalotypeError(f"{key}.{where}: file {file} not found.", f"its path starts from {dataset.folder}.")


def _written(study: Study, variant: str, key: str) -> str:
    """Return the place in the study file of a variant's `model_arguments` or `optimizer`."""
    found, given = study.variants[variant], study.defaults.get(key)
    if key == "optimizer":
        same = isinstance(given, dict) and given.items() <= found.optimizer.model_dump().items()
    else:
        same = bool(given) and given == found.model_arguments and study.defaults.get("model") == found.model
    return f"defaults.{key}" if same else f"variants.{variant}.{key}"


def check_model_arguments(recipe: Recipe, dataset: Dataset, file: str, key: str) -> None:
    """Check the arguments of a built-in model, as far as the config tells if it can be trained.

    Args:
        recipe: the recipe.
        dataset: its steps may tell the size of the images, and a drawing the largest label.
        file: the study file, for errors.
        key: the place of the arguments in it.

    Raises:
        CalotypeError: with one line per error.
    """
    model, arguments = recipe.model, recipe.model_arguments
    if model not in OF_MODEL:
        return
    validate(OF_MODEL[model], arguments, file, (*key.split("."),))
    if model in SCIKIT_LEARN:
        return
    known = dataset.raw_images()
    for step in dataset.prepare:
        known = step.after(known)
    problem = misfit(recipe, getattr(getattr(dataset, "drawing", None), "maximum", None))
    if model == "dense" and arguments.get("l2") and recipe.precision != "float32":
        problem = "l2", "sums of squares do not fit into 16 bits.", "remove `precision`."
    elif not problem and known.size is not None:
        problem = too_small(model, arguments, known.size)
    if problem:
        argument, what, hint = problem
        where = f"{key}.{argument}" if argument else key.removesuffix("_arguments")
        raise CalotypeError(f"{file}: {where}: {what}", hint)


def check_optimizer_arguments(recipe: Recipe, file: str, key: str) -> None:
    """Check the arguments of the optimizer and of its schedule; the arguments are those of `check_model_arguments`."""
    optimizer, place = recipe.optimizer, key.split(".")
    arguments = dict(optimizer.arguments)
    if recipe.model in SCIKIT_LEARN and type(arguments.get("momentum")) is int:  # Keras refuses whole numbers
        arguments["momentum"] = float(arguments["momentum"])
    validate(optimizer_arguments(optimizer.name), arguments, file, (*place, "arguments"))
    if optimizer.schedule in OF_SCHEDULE:
        where = (*place, "schedule_arguments")
        validate(OF_SCHEDULE[optimizer.schedule], optimizer.schedule_arguments, file, where)


@contextmanager
def _collected(problems: dict[str, None]) -> Iterator[None]:
    try:
        yield
    except CalotypeError as error:
        problems[str(error)] = None


def _check_study(study: Study, dataset: Dataset, datasets_file: str, file: str) -> None:
    problems: dict[str, None] = {}
    with _collected(problems):
        where = f"{datasets_file}: {study.dataset}"
        check_folder(dataset, where)
        check_custom_steps(dataset, where)
    for key, variant in study.variants.items():
        where = f"{file}: variants.{key}"
        with _collected(problems):
            check_model(variant.model, variant.model_arguments, where)
            check_files(variant.files, variant.model_arguments, where, "model_arguments")
            check_model_arguments(variant, dataset, file, _written(study, key, "model_arguments"))
        with _collected(problems):
            check_optimizer_arguments(variant, file, _written(study, key, "optimizer"))
    if problems:
        lines = [*problems][: MOST_LINES - 1]
        raise CalotypeError("\n".join([*lines, *[f"{file}: and more errors."] * (len(lines) < len(problems))]))


def check_studies(config: Config) -> None:
    """Check images, custom steps, models and arguments of all studies.

    An error in a study that config.yaml does not name moves it to `Config.broken`.

    Raises:
        CalotypeError: A study of the report or the paper has an error.
    """
    settings = config.settings
    for name, study in [*config.studies.items()]:
        try:
            dataset, file = config.datasets[study.dataset], f"{settings.study_files}/{name}.yaml"
            _check_study(study, dataset, settings.datasets, file)
        except CalotypeError as error:
            if name in (*settings.studies, *settings.paper):
                raise
            del config.studies[name]
            config.broken[name] = str(error)


def check_custom_steps(dataset: Dataset, key: str) -> None:
    """Raise CalotypeError if the function of a custom step does not exist or does not take its arguments."""
    for place, step in enumerate(dataset.prepare):
        if isinstance(step, Custom):
            where = f"{key}.prepare.{place}.custom"
            file, _, function = step.function.rpartition(":")
            found = _functions(Path(file)) if Path(file).is_file() else {}
            _check_function(function, Path(file), [*found], f"{where}.function")
            _check_arguments(found[function], 1, step.arguments, f"{where}.arguments")
            check_files(step.files, step.arguments, where, "arguments")
