"""Read YAML and validate it, with errors that give file, key, problem and hint."""

import difflib
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from calotype.util.errors import CalotypeError, closest, did_you_mean, redacted
from calotype.util.files import check_regular

MOST_VALUES = 1_000_000  # of a YAML file: anchors that refer to anchors could fill the memory
MOST_BYTES = 20_000_000  # of a YAML file
LONG = 200_000  # characters, for which the loader with better messages takes two seconds
MOST_MERGED = 10_000  # keys of a mapping with merge keys, which could grow ninefold with each line
LARGEST = 10**300  # whole number; Python neither prints nor reads thousands of digits
DEEP = 200  # nested brackets
MOST_LINES = 20  # of an error
COMMAND_LINE = "command line (--config)"  # names it in errors, as a file's name does a file


class _UniqueKeys(yaml.constructor.SafeConstructor):
    """A loader that refuses duplicate keys, of which YAML would keep the last."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            found = super().construct_object(node, deep)
            if isinstance(found, int) and abs(found) > LARGEST:
                raise ValueError
            return found
        except (ArithmeticError, AttributeError, LookupError, ValueError):  # such as the 30th of February
            kind = node.tag.rsplit(":", 1)[-1]
            problem = f"{node.value!r:.60} is not of the type {kind}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > MOST_MERGED:
            problem = f"merge keys (<<) expand to more than {MOST_MERGED:,} keys"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            key = key if isinstance(key, str | int | float | bool) else id(key_node)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key!r}", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


class _Loader(_UniqueKeys, yaml.SafeLoader):
    """Ten times slower than the loader in C, with better messages."""


class _FastLoader(_UniqueKeys, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The loader in C, where PyYAML has it."""


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        CalotypeError: the file is missing or not valid YAML, or has duplicate keys or recursive or too large anchors.
    """
    try:
        check_regular(path)
        if path.stat().st_size > MOST_BYTES:
            raise CalotypeError(f"{path}: too large for a config file: more than {MOST_BYTES:,} bytes.")
        text = path.read_text(encoding="utf-8")
        if _looks_deep(text):
            raise RecursionError
        try:
            found = yaml.load(text, _FastLoader)
        except yaml.YAMLError as error:
            if len(text) > LONG:
                raise
            try:
                found = yaml.load(text, _Loader)
            except OverflowError:  # an escape beyond all characters
                raise error from None
        if _size(found, {}) > MOST_VALUES:
            raise CalotypeError(f"{path}: its anchors expand to more than {MOST_VALUES:,} values.")
        return found
    except RecursionError:
        raise CalotypeError(f"{path}: not valid YAML: nested too deeply, or an anchor that contains itself.") from None
    except FileNotFoundError:
        files = sorted(file.name for file in path.parent.glob("*.yaml"))
        raise CalotypeError(f"{path}: file not found.", did_you_mean(path.name, files)) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise CalotypeError(f"{path}, line {line}: not UTF-8 text.", "save it as UTF-8.") from None
    except OSError as error:
        raise CalotypeError(f"{path}: cannot be read: {error.strerror}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        problem = re.sub("could not determine a constructor for the tag '(?:tag:yaml.org,2002:)?(.*)'",
                         r"unknown tag `\1`", problem)  # fmt: skip
        around = text.splitlines()[max(mark.line - 1, 0) : mark.line + 1] if mark else []
        hint = "check indentation, colons and quotes."
        if any(re.match(r" *\t", line) for line in around):
            hint = "indent with spaces, not tabs."
        elif problem.startswith("duplicate key"):
            hint = "write the key once."
        raise CalotypeError(f"{path}{where}: not valid YAML: {problem}.", hint) from None


def _looks_deep(text: str) -> bool:
    """Tell if a text is nested so deeply that the loader in C could crash the process."""
    steps = (1 if sign in "[{" else -1 for sign in re.findall(r"[][{}]", text))
    return max(itertools.accumulate(steps), default=0) > DEEP or bool(re.search(rf"(?:[-?:]\s+){{{DEEP}}}", text))


def _size(value: Any, known: dict[int, int]) -> int:
    """Count values, with anchors wherever they are used; an anchor that contains itself raises a RecursionError."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(each, known) for each in inner)
    return known[id(value)]


EXPECTED = {
    "int_type": "is not a whole number",
    "float_type": "is not a number",
    "string_type": "is not text",
    "finite_number": "is not a finite number",
    "bool_type": "is neither true nor false",
    "list_type": "is not a list",
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "is not a mapping"),
    "too_short": "is empty",
    "string_pattern_mismatch": "is not a plain name (letters, digits, - and _)",
}
SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
# Words for patterns that contain a text.
WRITTEN = {
    "{64}": "is not a SHA-256 (64 of 0-9 and a-f)",
    "https?": "is not a web address (http:// or https://)",
    "._-": "is not a plain file name (letters, digits, . - and _)",
    ".py:": "is not `path/to/file.py:function`",
}


def _keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the allowed keys at a place of a config, found by walking down the types."""
    named = False  # the step before was a mapping by name or a list, so this step is an entry of it
    kinds: list[type[BaseModel]] = []  # the possible types of an entry; the step after it selects one
    for step in location:
        if not named and step in model.model_fields:
            annotation = model.model_fields[str(step)].annotation
            inner = _models_in(annotation)
            named = bool(inner) and get_origin(annotation) in (dict, list)
            model, kinds = (inner[0], inner) if inner else (model, kinds)
        else:
            if not named:
                model = next((kind for kind in kinds if _is_called(kind, step)), model)
            named = False
    return [field.alias or name for name, field in model.model_fields.items()]


def _is_called(model: type[BaseModel], name: int | str) -> bool:
    """Tell if `name` selects this type of a union."""
    return "name" in model.model_fields and get_args(model.model_fields["name"].annotation) == (name,)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _short(text: str, most: int = 60) -> str:
    text = redacted(text)  # now: a part of a password would not be found
    return text if len(text) <= most else text[: most - 3] + "..."


def _explain(error: Any, model: type[BaseModel]) -> tuple[str, str | None]:
    """Describe an error of pydantic: the problem with the value, and a hint."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "missing":
        return "is missing", None
    if kind == "extra_forbidden":
        return "is not a known key", did_you_mean(str(error["loc"][-1]), _keys(model, error["loc"][:-1]))
    if kind in ("literal_error", "union_tag_invalid"):
        value, expected = context.get("tag", value), context.get("expected") or context["expected_tags"]
        found = re.findall(r"'([^']*)'|(\w+)", expected.replace(" or ", ", "))
        options = [text or other.lower() for text, other in found]
        hint = closest(value, options) if value else None
        return f"{_short(repr(value))} is not one of {', '.join(options)}", hint
    if kind == "union_tag_not_found":
        return f"{context['discriminator'].strip(chr(39))}: is missing", None
    try:
        shown = json.dumps(value, default=str, ensure_ascii=False)
    except TypeError:  # keys that are not text
        shown = str(value)
    shown = _short(shown)
    if kind == "float_type" and isinstance(value, str) and re.fullmatch(r"[+-]?\d+e[+-]?\d+", value, re.IGNORECASE):
        mantissa, exponent = re.split("e", value, flags=re.IGNORECASE)
        return f"{shown} is text in YAML, not a number", f"write {mantissa}.0e{exponent}"
    if context.get("gt") == 0:
        whole = "whole " if isinstance(context["gt"], int) else ""  # pydantic gives the bound in the type of the field
        return f"{shown} is not a positive {whole}number", None
    for name in context.keys() & SIGNS:
        return f"{shown} is out of range: it must be {SIGNS[name]} {context[name]}", None
    if kind == "value_error":
        what, _, hint = str(context["error"]).partition("\nHint: ")
        return what, hint or None
    if kind in ("too_short", "too_long") and value:
        bound = f"at least {context['min_length']}" if kind == "too_short" else f"at most {context['max_length']}"
        return f"{shown} is {kind.replace('_', ' ')}: it must have {bound}", None
    if kind == "string_pattern_mismatch":
        words = next((words for part, words in WRITTEN.items() if part in context["pattern"]), EXPECTED[kind])
        return f"{shown} {words}", None
    alternative = f" or {context['or']}" if "or" in context else ""
    return f"{shown} {EXPECTED.get(kind, 'is not valid: ' + error['msg'])}{alternative}", None


def _plain(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Return the keys that lead to a value, without pydantic's names of possible types."""
    return tuple(step for step in location if not re.fullmatch(r"\[key\]|constrained-int|[a-z-]+\[.*\]", str(step)))


def _deepest(errors: Sequence[Any]) -> list[Any]:
    """Drop errors that follow from others, and errors of other possible types of a value."""
    if of_defaults := [error for error in errors if error["loc"] == ("defaults",)]:
        return of_defaults  # keys that variants then lack are no further errors
    words = {_plain(error["loc"]): error["ctx"]["expected"] for error in errors if error["type"] == "literal_error"}
    others = [error for error in errors if error["type"] != "literal_error"]
    for error in others:
        if error["type"] == "int_type" and (allowed := words.get(_plain(error["loc"]))):
            error["ctx"] = {"or": allowed.replace("'", '"')}  # a number or "auto"
    otherwise = {_plain(error["loc"]) for error in others}
    errors = [error for error in errors if error["type"] != "literal_error" or _plain(error["loc"]) not in otherwise]
    lets_in = {_plain(error["loc"])[:depth] for error in errors for depth in range(len(_plain(error["loc"])))}
    return [error for error in errors if _plain(error["loc"]) == error["loc"] or _plain(error["loc"]) not in lets_in]


def _typos_first(errors: Sequence[Any]) -> list[Any]:
    """Put mistyped keys first, and drop the missing keys that they explain."""
    unknown = defaultdict(list)  # by the place of the mapping
    for error in errors:
        if error["type"] == "extra_forbidden":
            unknown[error["loc"][:-1]].append(error)
    typos, explained = [], set()
    for error in errors:
        name = str(error["loc"][-1]) if error["type"] == "missing" else ""
        for other in unknown[error["loc"][:-1]] if name else ():
            typed = str(other["loc"][-1])
            if difflib.get_close_matches(typed, [name], cutoff=0.75):
                typos.append(other)
                explained |= {id(error), id(other)}
    return typos + [error for error in errors if id(error) not in explained]


def _is_default(raw: Any, variant: int | str, key: int | str) -> bool:
    defaults, own = raw.get("defaults"), raw["variants"][variant]
    return isinstance(defaults, dict) and key in defaults and not (isinstance(own, dict) and key in own)


_Model = TypeVar("_Model", bound=BaseModel)


def validate(
    model: type[_Model], raw: Any, file: str, where: tuple[str, ...] = (), typed: Collection[str] = ()
) -> _Model:
    """Validate plain data from YAML.

    Args:
        model: its type.
        raw: the data.
        file: the file name for errors.
        where: the keys that lead to `raw` in it.
        typed: the keys whose values come from the command line.

    Raises:
        CalotypeError: with one line per error.
    """
    if raw is None:
        raw = {}
    try:
        return model.model_validate(raw)
    except ValidationError as problem:
        lines: list[str] = []
        for error in _typos_first(_deepest(problem.errors())):
            if len(lines) == MOST_LINES:
                lines.append(f"{file}: and more errors.")
                break
            location = _plain(error["loc"])
            what, hint = _explain(error, model)
            # Report a value from the study's defaults there, and once.
            if location[:1] == ("variants",) and len(location) > 2 and _is_default(raw, *location[1:3]):
                location = ("defaults", *location[2:])
            source = file
            if location and location[0] in typed:
                source = COMMAND_LINE
                if error["type"] == "list_type":
                    hint = f"--config '{location[0]}=[{str(error['input']).strip('[]() ')}]'"
            steps = (str(step) if str(step).isprintable() else repr(step) for step in (*where, *location))
            key = ".".join(_short(step, 200) for step in steps)
            line = f"{source}: {key + ': ' if key else ''}{_short(what, 2000)}." + (f" Hint: {hint}" if hint else "")
            if line not in lines:
                lines.append(line)
        raise CalotypeError("\n".join(lines)) from None
