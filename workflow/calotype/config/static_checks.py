"""Checks of folders, files and functions that the config names; they import no user code."""

import ast
import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from calotype.config.dataset_user import OwnDataset
from calotype.config.datasets import Dataset
from calotype.config.load import Config
from calotype.config.recipe import SCIKIT_LEARN
from calotype.steps.custom import Custom
from calotype.util.code_digest import LIBRARY
from calotype.util.errors import CalotypeError
from calotype.util.python_source import parse

FROM_HERE = "paths start from the working directory."


@functools.cache  # variants often share a file
def _functions(path: Path) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in parse(path).body if isinstance(node, ast.FunctionDef)}


def _check_function(name: str, path: Path, known: Sequence[str], key: str, hint: str | None = None) -> None:
    if not path.is_file():
        raise CalotypeError(f"{key}: file {path} not found.", FROM_HERE)
    if name not in known:
        raise CalotypeError(f"{key}: {path.name} has no function `{name}`.", hint or f"use one of {', '.join(known)}.")


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
    """Raise CalotypeError if a model function does not exist or does not take its keyword arguments."""
    if name in SCIKIT_LEARN:
        for argument in arguments:
            if argument not in SCIKIT_LEARN[name]:
                hint = f"allowed arguments are {', '.join(SCIKIT_LEARN[name])}; use the variant's keys for others."
                raise CalotypeError(f"{key}.model_arguments: `{name}` has no argument `{argument}` here.", hint)
        return
    file, colon, function = name.rpartition(":")
    path = Path(file) if colon else LIBRARY / "training" / "models.py"
    found = _functions(path) if path.is_file() else {}
    known = [other for other in found if not other.startswith("_") and (colon or other != "build")]
    meant = f"name a function of the file: {name}:<function>." if not colon and name.endswith(".py") else None
    _check_function(function, path, known, f"{key}.model", meant)
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
            raise CalotypeError(f"{key}.files.{place}: {file} not found.", FROM_HERE)
    declared = {os.path.abspath(file) for file in files}
    for where, text in _texts(arguments, f"{key}.{name}"):
        if os.path.exists(text) and declared.isdisjoint(map(os.path.abspath, (text, *map(str, Path(text).parents)))):
            problem = f"{where}: {text} is an undeclared file or folder: changes of it would not be noticed."
            raise CalotypeError(problem, f"add `files: [{', '.join([*files, text])}]` beside `{name}`.")


def check_folder(dataset: Dataset, key: str) -> None:
    """Raise CalotypeError if the folder of a user's own images, or a file named in the config, is missing."""
    if not isinstance(dataset, OwnDataset):
        return
    if not os.path.isdir(dataset.folder):
        raise CalotypeError(f"{key}.folder: folder {dataset.folder} not found.", FROM_HERE)
    for where, file in dataset.named().items():
        if not os.path.isfile(os.path.join(dataset.folder, file)):
            raise CalotypeError(f"{key}.{where}: file {file} not found.", f"its path starts from {dataset.folder}.")


def check_studies(config: Config) -> None:
    """Check images, custom steps and models of all studies.

    An error in a study that config.yaml does not name moves it to `Config.broken`.

    Raises:
        CalotypeError: A study of the report or the paper has an error.
    """
    settings = config.settings
    for name, study in [*config.studies.items()]:
        try:
            dataset, where = config.datasets[study.dataset], f"{settings.datasets}: {study.dataset}"
            check_folder(dataset, where)
            check_custom_steps(dataset, where)
            for key, variant in study.variants.items():
                where = f"{settings.study_files}/{name}.yaml: variants.{key}"
                check_model(variant.model, variant.model_arguments, where)
                check_files(variant.files, variant.model_arguments, where, "model_arguments")
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
