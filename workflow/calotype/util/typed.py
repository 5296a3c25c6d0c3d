"""Types that all config is made of, and types that a config selects by name."""

import unicodedata
from collections.abc import Iterable
from types import ModuleType
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def check_shown(text: str) -> str:
    """Return a text for figures and pages without its last line break, or raise ValueError if it cannot be shown."""
    text = text.rstrip("\n")  # that of a YAML block
    if odd := next((letter for letter in text if unicodedata.category(letter) in ("Cc", "Cs")), None):
        kind = "a surrogate, half of a letter" if odd >= "\ud800" else "a control character or line break"
        raise ValueError(f"{text!a:.60} contains {odd!a}, {kind}, which no font shows\nHint: remove it.")
    return text


Shown = Annotated[str, AfterValidator(check_shown)]  # a text of figures and pages
PositiveInt = Annotated[int, Field(gt=0)]
Seeds = Annotated[int, Field(gt=0, le=10_000)]  # more is a slip, and would take the plan minutes
AUTO: Literal["auto"] = "auto"
SeedsPerJob = Seeds | Literal["auto"]
Whole = Annotated[int, Field(ge=0)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class Strict(BaseModel):
    """Config without unknown keys, silent conversions ("10" is not 10) and later changes.

    Validators are built at first use: most calls use few of these types.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    def values(self, **which: Any) -> dict[str, Any]:
        """Return the keys that differ from their defaults as plain data: they identify a config.

        So a new key at its default makes nothing run again. If you change the default of an old key, see
        tests/unit/config/test_defaults.py.

        Args:
            which: `include` or `exclude`, as for `model_dump`.
        """
        return self.model_dump(exclude_defaults=True, **which)


class Registered(Strict):
    """A type that the config selects by the literal of its key `registered_by`; its docstring describes it there."""

    registered_by: ClassVar[str] = "name"

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> dict[str, Any]:
        found: dict[str, Any] = handler(core)
        schema = handler.resolve_ref_schema(found)
        schema["description"] = " ".join(schema["description"].split())
        schema["properties"][cls.registered_by]["description"] = schema["description"]
        return found


Model = TypeVar("Model", bound=Registered)


def by_name(modules: Iterable[ModuleType], base: type[Model]) -> dict[str, type[Model]]:
    """Collect the types that the modules define and that derive from `base`, by name; refuse duplicates."""
    found: dict[str, type[Model]] = {}
    for module in modules:
        for model in vars(module).values():
            if not (isinstance(model, type) and issubclass(model, base) and model.__module__ == module.__name__):
                continue
            kind: Any = model.model_fields[base.registered_by].annotation
            if get_origin(kind) is not Literal:  # a base class of several types
                continue
            if missing := getattr(model, "__abstractmethods__", None):
                raise TypeError(f"{module.__name__}.{model.__name__} lacks {', '.join(sorted(missing))}")
            (name,) = get_args(kind)
            if name in found:
                raise TypeError(f"{module.__name__}.{model.__name__}: duplicate {base.registered_by} `{name}`")
            found[name] = model
    return found
