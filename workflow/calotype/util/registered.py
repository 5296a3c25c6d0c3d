"""The types that a config can name: a type is registered by being defined in a module of its kind."""

from collections.abc import Iterable
from types import ModuleType
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin

from calotype.util.typed import Strict

Model = TypeVar("Model", bound="Registered")


class Registered(Strict):
    """A type that the config calls by the literal of its key `registered_by`. Its docstring describes it there."""

    registered_by: ClassVar[str] = "name"

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> dict[str, Any]:
        found: dict[str, Any] = handler(core)
        schema = handler.resolve_ref_schema(found)
        schema["description"] = " ".join(schema["description"].split())
        schema["properties"][cls.registered_by]["description"] = schema["description"]
        return found


def by_name(modules: Iterable[ModuleType], base: type[Model]) -> dict[str, type[Model]]:
    """Collect the types that some modules define and that derive from a class, by name.

    Raises:
        TypeError: a type lacks a method, or a name is a duplicate.
    """
    found: dict[str, type[Model]] = {}
    for module in modules:
        for model in vars(module).values():
            if not (isinstance(model, type) and issubclass(model, base) and model.__module__ == module.__name__):
                continue
            kind: Any = model.model_fields[base.registered_by].annotation
            if get_origin(kind) is not Literal:  # what several types share
                continue
            if missing := getattr(model, "__abstractmethods__", None):
                raise TypeError(f"{module.__name__}.{model.__name__} lacks {', '.join(sorted(missing))}")
            (name,) = get_args(kind)
            if name in found:
                raise TypeError(f"{module.__name__}.{model.__name__}: duplicate {base.registered_by} `{name}`")
            found[name] = model
    return found
