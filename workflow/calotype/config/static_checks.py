"""What can be said against a config before anything runs, beyond what its types say."""

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


@functools.cache  # most variants name a function of the same file
def _functions(path: Path) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in parse(path).body if isinstance(node, ast.FunctionDef)}


def _check_function(name: str, path: Path, known: Sequence[str], key: str, hint: str | None = None) -> None:
    """See that a file of the config exists and has a function."""
    if not path.is_file():
        raise CalotypeError(f"{key}: there is no file {path}.", "paths start from the working directory.")
    if name not in known:
        raise CalotypeError(f"{key}: {path.name} has no function `{name}`.", hint or f"it has: {', '.join(known)}.")


def _check_arguments(function: ast.FunctionDef, first: int, arguments: Mapping[str, Any], key: str) -> None:
    """See that a function takes what the config gives it beside its first arguments, which the workflow gives."""
    takes = function.args
    names = [argument.arg for argument in (*takes.posonlyargs, *takes.args)[first:]]
    names += [argument.arg for argument in takes.kwonlyargs]
    for argument in arguments:
        if argument not in names and takes.kwarg is None:
            hint = f"it takes: {', '.join(names)}." if names else "it takes none."
            raise CalotypeError(f"{key}: `{function.name}` takes no `{argument}`.", hint)


def check_model(name: str, arguments: Mapping[str, Any], key: str) -> None:
    """See that a model of the config exists and takes its arguments, without importing it.

    Args:
        name: as in the config: a function of models.py or ``path/to/file.py:function``.
        arguments: the keyword arguments that the config gives it.
        key: file and variant of the config, for the message.

    Raises:
        CalotypeError: the file or the function is not there, or the function does not take the arguments.
    """
    if name in SCIKIT_LEARN:
        for argument in arguments:
            if argument not in SCIKIT_LEARN[name]:
                hint = f"it takes: {', '.join(SCIKIT_LEARN[name])}; the rest of it has keys of its own."
                raise CalotypeError(f"{key}.model_arguments: `{name}` takes no `{argument}` here.", hint)
        return
    file, colon, function = name.rpartition(":")
    path = Path(file) if colon else LIBRARY / "training" / "models.py"
    found = _functions(path) if path.is_file() else {}
    known = [other for other in found if not other.startswith("_") and (colon or other != "build")]
    meant = f"name a function of the file: {name}:function." if not colon and name.endswith(".py") else None
    _check_function(function, path, known, f"{key}.model", meant)
    _check_arguments(found[function], 2, arguments, f"{key}.model_arguments")


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """The texts in a value of the config, each with its key."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for name, entry in entries:
            yield from _texts(entry, f"{key}.{name}")


def check_files(files: Sequence[str], arguments: Mapping[str, Any], key: str, name: str) -> None:
    """See that the files that a user's function reads exist, and that it is given no others.

    Raises:
        CalotypeError: a file is not found, or an argument is the path of one that is not declared.
    """
    for place, file in enumerate(files):
        if not os.path.exists(file):
            raise CalotypeError(f"{key}.files.{place}: {file} is not found.", "paths start from the working directory.")
    declared = {os.path.abspath(file) for file in files}
    for where, text in _texts(arguments, f"{key}.{name}"):
        if os.path.exists(text) and declared.isdisjoint(map(os.path.abspath, (text, *map(str, Path(text).parents)))):
            raise CalotypeError(
                f"{where}: {text} is a file or folder that is not declared, so a change of it would go unnoticed.",
                f"declare it: `files: [{', '.join([*files, text])}]` beside `{name}`.",
            )


def check_folder(dataset: Dataset, key: str) -> None:
    """Raise CalotypeError if the folder of a user's own images, or a file in it that the config names, is missing."""
    if not isinstance(dataset, OwnDataset):
        return
    if not os.path.isdir(dataset.folder):
        hint = "paths start from the working directory."
        raise CalotypeError(f"{key}.folder: there is no folder {dataset.folder}.", hint)
    for where, file in dataset.named().items():
        if not os.path.isfile(os.path.join(dataset.folder, file)):
            raise CalotypeError(f"{key}.{where}: there is no file {file}.", f"its path starts from {dataset.folder}.")


def check_studies(config: Config) -> None:
    """Check images and models of all studies; what is wrong with one that config.yaml does not name is kept for later.

    Studies that are not named there become `Config.broken`.

    Raises:
        CalotypeError: of the report's or the paper's studies: a folder of images is not there, or a model is not, or
            does not take its arguments.
    """
    settings = config.settings
    for name, study in [*config.studies.items()]:
        try:
            dataset, where = config.datasets[study.dataset], f"{settings.datasets}: {study.dataset}"
            check_folder(dataset, where)
            check_own_steps(dataset, where)
            for key, variant in study.variants.items():
                where = f"{settings.study_files}/{name}.yaml: variants.{key}"
                check_model(variant.model, variant.model_arguments, where)
                check_files(variant.files, variant.model_arguments, where, "model_arguments")
        except CalotypeError as error:
            if name in (*settings.studies, *settings.paper):
                raise
            del config.studies[name]
            config.broken[name] = str(error)


def check_own_steps(dataset: Dataset, key: str) -> None:
    """See that the functions of the user's that prepare images exist and take their arguments, without importing them.

    Raises:
        CalotypeError: a file or a function is not there, or a function does not take its arguments.
    """
    for place, step in enumerate(dataset.prepare):
        if isinstance(step, Custom):
            where = f"{key}.prepare.{place}.custom"
            file, _, function = step.function.rpartition(":")
            found = _functions(Path(file)) if Path(file).is_file() else {}
            _check_function(function, Path(file), [*found], f"{where}.function")
            _check_arguments(found[function], 1, step.arguments, f"{where}.arguments")
            check_files(step.files, step.arguments, where, "arguments")
