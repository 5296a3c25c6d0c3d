"""All steps by name, and the type of `prepare`. Code that computes does not import it: a new step changes no result."""

import functools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from calotype.steps import custom, filters, geometry, levels, tone
from calotype.steps.base import Step
from calotype.util.errors import CalotypeError
from calotype.util.typed import by_name

STEPS: Mapping[str, type[Step]] = by_name((tone, geometry, filters, levels, custom), Step)  # type: ignore[type-abstract]
BY_DEFAULT: Any = ["grey", "scale"]  # as YAML would give it: schemas show it so


def _by_name(entry: Any) -> Any:
    if isinstance(entry, str):
        return {"name": entry}
    if not isinstance(entry, dict | Step):
        raise ValueError(f"{entry!r} is neither the name of a step nor a mapping with `name`")
    if isinstance(entry, dict) and len(entry) == 1 and (name := next(iter(entry))) in STEPS:
        raise ValueError(f"a step is a name, or a mapping with `name`: write {{name: {name}, ...}}")
    return entry


def _complete(name: str) -> bool:
    """Tell if a step needs no key but its name."""
    try:
        STEPS[name].model_validate({"name": name})
    except ValidationError:
        return False
    return True


class _NameAlone:
    """Schema: a step may be given by its name alone."""

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "enum": [*filter(_complete, STEPS)]}, handler(core)]}


if TYPE_CHECKING:
    Steps = list[Step]
else:
    _Entry = Annotated[Union[*STEPS.values()], Field(discriminator="name"), BeforeValidator(_by_name), _NameAlone()]
    Steps = list[_Entry]


@functools.cache
def _validator() -> TypeAdapter[list[Step]]:
    return TypeAdapter(Steps)


def read_steps(plain: Iterable[Any]) -> list[Step]:
    """Return steps from plain data, as YAML or `plain_steps` gives it; steps stay as they are."""
    try:
        return _validator().validate_python([*plain])
    except ValidationError as problem:
        lines = [f"prepare.{'.'.join(map(str, error['loc']))}: {error['msg']}." for error in problem.errors()]
        raise CalotypeError("\n".join(lines)) from None
