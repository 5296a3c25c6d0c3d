"""Read YAML and check it against a type, with errors in our words: file, key, what is wrong, and a hint."""

import json
import re
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from calotype.errors import CalotypeError, did_you_mean


class _UniqueKeys(yaml.constructor.SafeConstructor):
    """YAML allows a key to stand twice and keeps the last one; here that is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str | int | float | bool) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands there twice", key_node.start_mark
                )
            seen.add(key if isinstance(key, str | int | float | bool) else id(key_node))
        return super().construct_mapping(node, deep)


class _Loader(_UniqueKeys, yaml.SafeLoader):
    """Ten times slower than the other, but it says in more words what is wrong."""


class _FastLoader(_UniqueKeys, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """In C, where PyYAML was built with it."""


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        CalotypeError: it is missing, is not YAML, or has a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        try:
            return yaml.load(text, _FastLoader)
        except yaml.YAMLError:
            return yaml.load(text, _Loader)
    except FileNotFoundError:
        raise CalotypeError(f"{path}: there is no such file.", did_you_mean(path.name, _siblings(path))) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CalotypeError(f"{path}: cannot be read: {error}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise CalotypeError(
            f"{path}{where}: not valid YAML: {problem}.", "check indentation, colons and quotes."
        ) from None


def _siblings(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.glob("*.yaml")) if path.parent.is_dir() else []


EXPECTED = {
    "int_type": "is not a whole number",
    "float_type": "is not a number",
    "string_type": "is not text",
    "finite_number": "is not a finite number",
    "bool_type": "is neither true nor false",
    "list_type": "is not a list",
    "dict_type": "is not a mapping",
    "model_type": "is not a mapping",
    "model_attributes_type": "is not a mapping",
    "too_short": "is empty",
    "string_pattern_mismatch": "is not a plain name (letters, digits, - and _)",
}
# The other patterns, by a part of them.
WRITTEN = {
    "{64}": "is not a SHA-256 (64 of 0-9 and a-f)",
    "https?": "is not a web address (http:// or https://)",
    "._-": "is not a plain file name (letters, digits, . - and _)",
    ".py:": "is not `path/to/file.py:function`",
}


def _keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that are allowed at a place of a config, found by walking down the types."""
    named = False  # the step before named a field that is a mapping by name or a list: this one is an entry of it
    kinds: list[type[BaseModel]] = []  # where an entry is one of several types, the step after it says which
    for step in location:
        if not named and step in model.model_fields:
            annotation = model.model_fields[str(step)].annotation
            inner = _models_in(annotation)
            named = bool(inner) and get_origin(_unwrapped(annotation)) in (dict, list)
            model, kinds = (inner[0], inner) if inner else (model, kinds)
        else:
            if not named:
                model = next((kind for kind in kinds if _is_called(kind, step)), model)
            named = False
    return list(model.model_fields)


def _is_called(model: type[BaseModel], name: int | str) -> bool:
    """Whether a type is the one of a union that `name`, its key of that name, says."""
    return "name" in model.model_fields and get_args(model.model_fields["name"].annotation) == (name,)


def _unwrapped(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _explain(error: Any, model: type[BaseModel]) -> tuple[str, str | None]:
    """One of pydantic's errors in our words: what is wrong with the value, and a hint."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "missing":
        return "is missing", None
    if kind == "extra_forbidden":
        return "is not a known key", did_you_mean(error["loc"][-1], _keys(model, error["loc"][:-1]))
    if kind == "literal_error":
        options = [
            option.strip(" ").strip("'") if "'" in option else option.strip(" ").lower()
            for option in context["expected"].replace(" or ", ", ").split(",")
        ]
        return f"{value!r} is not one of {', '.join(options)}", did_you_mean(value, options) if value else None
    if kind == "union_tag_invalid":
        options = re.findall(r"'([^']*)'", context["expected_tags"])
        return f"{context['tag']!r} is not one of {', '.join(options)}", did_you_mean(context["tag"], options)
    if kind == "union_tag_not_found":
        return f"{context['discriminator'].strip(chr(39))}: is missing", None
    shown = json.dumps(value, default=str, ensure_ascii=False)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if kind == "float_type" and isinstance(value, str) and re.fullmatch(r"[+-]?\d+e[+-]?\d+", value, re.IGNORECASE):
        mantissa, exponent = re.split("e", value, flags=re.IGNORECASE)
        return f"{shown} is text in YAML, not a number", f"write {mantissa}.0e{exponent}"
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        if kind == "greater_than" and context["gt"] == 0:
            # pydantic gives the bound in the type of the field
            return f"{shown} is not a positive {'whole ' if isinstance(context['gt'], int) else ''}number", None
        sign = {"greater_than": ">", "greater_than_equal": ">=", "less_than": "<", "less_than_equal": "<="}[kind]
        return f"{shown} is out of range: it must be {sign} {next(iter(context.values()))}", None
    if kind == "value_error":
        return str(context["error"]), None
    if kind in ("too_short", "too_long") and value:
        bound = f"at least {context['min_length']}" if kind == "too_short" else f"at most {context['max_length']}"
        return f"{shown} is {kind.replace('_', ' ')}: it must have {bound}", None
    if kind == "string_pattern_mismatch":
        words = next((words for part, words in WRITTEN.items() if part in context["pattern"]), EXPECTED[kind])
        return f"{shown} {words}", None
    return f"{shown} {EXPECTED.get(kind, 'is not valid: ' + error['msg'])}", None


def _is_default(raw: Any, variant: int | str, key: int | str) -> bool:
    return key in (raw.get("defaults") or {}) and key not in raw["variants"][variant]


_Model = TypeVar("_Model", bound=BaseModel)


def validate(model: type[_Model], raw: Any, file: str, where: tuple[str, ...] = ()) -> _Model:
    """Check a value against a type.

    Args:
        model: the type.
        raw: plain data, as YAML gives it.
        file: how errors name the file.
        where: the keys that lead to `raw` in it.

    Raises:
        CalotypeError: with one line per mistake.
    """
    if raw is None:
        raw = {}
    try:
        return model.model_validate(raw)
    except ValidationError as problem:
        lines: list[str] = []
        for error in problem.errors():
            location = tuple(step for step in error["loc"] if step != "[key]")
            what, hint = _explain(error, model)
            # A value that came from the study's defaults is reported there, and once.
            if location[:1] == ("variants",) and len(location) > 2 and _is_default(raw, *location[1:3]):
                location = ("defaults", *location[2:])
            key = ".".join(map(str, (*where, *location)))
            line = f"{file}: {key + ': ' if key else ''}{what}." + (f" Hint: {hint}" if hint else "")
            if line not in lines:
                lines.append(line)
        raise CalotypeError("\n".join(lines)) from None
