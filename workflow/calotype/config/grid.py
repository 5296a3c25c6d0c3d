"""Parameter sweeps: a variant with a `grid` stands for one variant for each combination of its values."""

import copy
import itertools
import re
from collections.abc import Mapping
from typing import Any

from calotype.util.errors import CalotypeError

GRID = "grid"
GRID_DESCRIPTION = (
    "A sweep: keys, with dots between them, each with a list of values. The variant stands for one variant for each "
    "combination, named after them: `grid: {batch_size: [32, 64], optimizer.learning_rate: [0.1, 0.01]}`."
)
MOST = 1000  # variants of a study that a grid may make: more is a slip, and would take the plan minutes


def expand(variants: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Put one variant for each combination in the place of each variant that has a `grid`.

    Args:
        variants: plain data by name. ``grid`` maps keys, with dots between them (``optimizer.learning_rate``), to lists
            of values. The last key changes fastest.
        defaults: what variants leave out; of a key such as ``optimizer`` of which a part is varied, the rest is taken
            from there.

    Returns:
        The variants without grids. The name of a combination is that of its variant with the last part of each key and
        its value, such as ``wide-learning_rate-0_01``; its label that of its variant with the same in words.

    Raises:
        CalotypeError: a grid is no mapping of keys to lists, or two variants come to the same name.
    """
    found: dict[str, Any] = {}
    for name, variant in variants.items():
        combinations = [(name, variant)]
        if isinstance(variant, dict) and GRID in variant:
            combinations = _combinations(name, variant, defaults or {})
        for key, entry in combinations:
            if key in found:
                raise CalotypeError(f"variants.{name}: there would be two variants `{key}`.", "rename one of them.")
            found[key] = entry
    return found


def _combinations(
    name: str, variant: Mapping[str, Any], defaults: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    grid, where = variant[GRID], f"variants.{name}.{GRID}"
    if not isinstance(grid, dict) or not grid:
        raise CalotypeError(
            f"{where}: is not a mapping of keys to lists.", "for instance: grid: {batch_size: [32, 64]}"
        )
    for key, values in grid.items():
        if not isinstance(key, str) or not all(key.split(".")):
            raise CalotypeError(f"{where}: {key!r} is not a key.", "for instance: optimizer.learning_rate")
        if not isinstance(values, list) or not values:
            raise CalotypeError(f"{where}.{key}: is not a list of values.", f"for instance: {key}: [{values}]")
        if any(values.count(value) > 1 for value in values):
            raise CalotypeError(f"{where}.{key}: a value stands there twice.")
        if key in ("label", "description", "seeds", "seeds_per_job", GRID):
            raise CalotypeError(f"{where}.{key}: cannot be varied: it changes no result.")
    number = 1
    for values in grid.values():
        number *= len(values)
    if number > MOST:
        raise CalotypeError(f"{where}: stands for {number:,} variants, more than {MOST:,}.", "give shorter lists.")
    short = _short_names([*grid])
    found = []
    for values in itertools.product(*grid.values()):
        entry = copy.deepcopy({key: value for key, value in variant.items() if key != GRID})
        for key, value in zip(grid, values, strict=True):
            path = key.split(".")
            if len(path) > 1 and path[0] in defaults:
                entry.setdefault(path[0], copy.deepcopy(defaults[path[0]]))
            _put(entry, path, copy.deepcopy(value), f"{where}.{key}")
        pairs = [(short[key], value) for key, value in zip(grid, values, strict=True)]
        label = ", ".join(f"{key} {_shown(value)}" for key, value in pairs)
        entry["label"] = f"{entry.get('label') or name}, {label}"
        suffix = "-".join(f"{key}-{_plain(value)}" for key, value in pairs)
        found.append((f"{name}-{suffix}", entry))
    return found


def _short_names(keys: list[str]) -> dict[str, str]:
    """The last part of each key, or all of it where two end alike; as names of folders may be."""
    lasts = [key.split(".")[-1] for key in keys]
    return {
        key: re.sub(r"[^A-Za-z0-9_]+", "_", last if lasts.count(last) == 1 else key)
        for key, last in zip(keys, lasts, strict=True)
    }


def _put(entry: dict[str, Any], path: list[str], value: Any, where: str) -> None:
    """Set a value below some keys; mappings on the way are made, and `optimizer: adam` becomes one."""
    *above, last = path
    for key in above:
        inner = entry.get(key)
        if isinstance(inner, str):
            inner = {"name": inner}  # an optimizer may be given by its name alone
        if inner is None:
            inner = {}
        if not isinstance(inner, dict):
            raise CalotypeError(f"{where}: `{key}` is not a mapping.")
        entry[key] = inner
        entry = inner
    entry[last] = value


def _shown(value: Any) -> str:
    """A value as a label shows it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(map(_shown, value)) or "none"
    if isinstance(value, dict):
        return " ".join(f"{key} {_shown(inner)}" for key, inner in value.items() if key != "name") or (
            str(value.get("name", "none"))
        )
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)  # two values are never shown alike
    return str(value)


def _plain(value: Any) -> str:
    """A value as the name of a folder may hold it."""
    text = re.sub(r"(^|[ e])-(?=\d)", r"\1minus", _shown(value))
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_") or "_"
