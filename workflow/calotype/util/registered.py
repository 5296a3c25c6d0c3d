"""Find what a config can name: a type is registered by its module, a function by the name that its type gives."""

from collections.abc import Callable, Iterable
from importlib import import_module
from types import ModuleType
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)


def by_name(modules: Iterable[ModuleType], base: type[Model], key: str) -> dict[str, type[Model]]:
    """Collect the types whose key is a literal: their name in the config.

    Args:
        modules: that define them.
        base: the class that they derive from.
        key: such as `name`, annotated with `Literal["grey"]`.

    Returns:
        The types by name, in the order in which the modules define them.

    Raises:
        TypeError: a type lacks a method, or a name is a duplicate.
    """
    found: dict[str, type[Model]] = {}
    for module in modules:
        for model in vars(module).values():
            if not (isinstance(model, type) and issubclass(model, base) and model.__module__ == module.__name__):
                continue
            kind: Any = model.model_fields[key].annotation if key in model.model_fields else None
            if get_origin(kind) is not Literal:  # what several types share
                continue
            if missing := getattr(model, "__abstractmethods__", None):
                raise TypeError(f"{module.__name__}.{model.__name__} lacks {', '.join(sorted(missing))}")
            (name,) = get_args(kind)
            if name in found:
                raise TypeError(f"{module.__name__}.{model.__name__}: duplicate {key} `{name}`")
            found[name] = model
    return found


def function_of(place: str) -> Callable[..., Any]:
    """The function that `module:function` names; its module is imported only now."""
    module, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found
