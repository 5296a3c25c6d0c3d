"""Parameter sweeps: a variant with a `grid` is replaced by one variant for each combination of its values."""

import copy
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from calotype.util.errors import CalotypeError

GRID = "grid"
GRID_DESCRIPTION = (
    "Sweep: keys, nested with dots, each with a list of values. One variant for each combination replaces this one, "
    "named after its values: `grid: {batch_size: [32, 64], optimizer.learning_rate: [0.1, 0.01]}`."
)
MOST = 1000  # variants of one grid: a plan of more takes minutes


def expand(variants: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Replace each variant that has a `grid` by one variant for each combination of its values.

    Args:
        variants: plain data by name. ``grid`` maps keys, nested with dots, to lists; the last key changes fastest.
        defaults: of all variants; a sweep of ``optimizer.learning_rate`` takes the other keys of `optimizer` from here.

    Returns:
        The variants without grids. Names end with the last part of each key and its value
        (``wide-learning_rate-0_01``), labels with the same in words.

    Raises:
        CalotypeError: A grid is not a mapping of keys to lists, or two variants get the same name.
    """
    found: dict[str, Any] = {}
    for name, variant in variants.items():
        combinations = [(name, variant)]
        if isinstance(variant, dict) and GRID in variant:
            combinations = _combinations(name, variant, defaults or {})
        for key, entry in combinations:
            if key in found:
                raise CalotypeError(f"variants.{name}: duplicate variant `{key}`.", "rename one of them.")
            found[key] = entry
    return found


def _combinations(
    name: str, variant: Mapping[str, Any], defaults: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    grid, where = variant[GRID], f"variants.{name}.{GRID}"
    if not isinstance(grid, dict) or not grid:
        raise CalotypeError(f"{where}: is not a mapping of keys to lists.", "example: grid: {batch_size: [32, 64]}")
    for key, values in grid.items():
        if not isinstance(key, str) or not all(key.split(".")):
            raise CalotypeError(f"{where}: {key!r} is not a key.", "example: optimizer.learning_rate")
        if not isinstance(values, list) or not values:
            raise CalotypeError(f"{where}.{key}: is not a list of values.", f"example: {key}: [{values}]")
        if len(values) <= MOST and any(values.count(value) > 1 for value in values):
            raise CalotypeError(f"{where}.{key}: duplicate value.", "remove one of them.")
        if key in ("label", "description", "seeds", "seeds_per_job", "side_by_side", GRID):
            raise CalotypeError(f"{where}.{key}: cannot be swept: it changes no result.", "set it beside `grid`.")
    number = math.prod(map(len, grid.values()))
    if number > MOST:
        raise CalotypeError(f"{where}: gives {number:,} variants, more than {MOST:,}.", "use shorter lists.")
    short, found = _short_names([*grid]), []
    for values in itertools.product(*grid.values()):
        entry = copy.deepcopy({key: value for key, value in variant.items() if key != GRID})
        for key, value in zip(grid, values, strict=True):
            path = key.split(".")
            if len(path) > 1 and path[0] in defaults:
                entry.setdefault(path[0], copy.deepcopy(defaults[path[0]]))
            _put(entry, path, copy.deepcopy(value), f"{where}.{key}")
        label = ", ".join(f"{_called(key, short)} {_shown(value)}" for key, value in zip(grid, values, strict=True))
        entry["label"] = f"{entry.get('label') or name}, {label}"
        found.append((_variant_name(name, short, values), entry))
    return found


def _variant_name(name: str, short: Mapping[str, str], values: Sequence[Any]) -> str:
    pairs = zip(short.values(), values, strict=True)
    return "-".join([name, *(f"{key}-{_plain(value)}" for key, value in pairs)])


def settings_of(variants: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the settings of each grid by the name of its variant, as plain data.

    Args:
        variants: as for `expand`, which has checked them.

    Returns:
        Of each grid with at least one setting that has several values: ``settings``, by key a ``name`` and its
        ``values`` as texts; ``variants``, the texts of each variant in the order of the settings.
    """
    found = {}
    for name, variant in variants.items():
        grid = variant.get(GRID, {}) if isinstance(variant, dict) else {}
        short = _short_names([*grid])
        swept = [place for place, values in enumerate(grid.values()) if len(values) > 1]
        if not swept:
            continue
        keys = [*grid]
        found[name] = {
            "settings": {
                keys[place]: {"name": _called(keys[place], short), "values": [*map(_shown, grid[keys[place]])]}
                for place in swept
            },
            "variants": {
                _variant_name(name, short, values): [_shown(values[place]) for place in swept]
                for values in itertools.product(*grid.values())
            },
        }
    return found


def _short_names(keys: list[str]) -> dict[str, str]:
    """Return the last part of each key, or the whole key if two end alike, as plain names."""
    lasts = [key.split(".")[-1] for key in keys]
    return {
        key: re.sub(r"[^A-Za-z0-9_]+", "_", last if lasts.count(last) == 1 else key)
        for key, last in zip(keys, lasts, strict=True)
    }


def _called(key: str, short: Mapping[str, str]) -> str:
    """Return the name of a setting for readers: `optimizer` for ``optimizer.name``."""
    *above, last = key.split(".")
    return above[-1] if above and last == "name" else short[key]


def _put(entry: dict[str, Any], path: list[str], value: Any, where: str) -> None:
    """Set a nested value; missing mappings are made, and `optimizer: adam` becomes one."""
    *above, last = path
    for key in above:
        inner = entry.get(key)
        if isinstance(inner, str | None):
            inner = {} if inner is None else {"name": inner}
        if not isinstance(inner, dict):
            raise CalotypeError(f"{where}: `{key}` is not a mapping.")
        entry[key] = inner
        entry = inner
    entry[last] = value


def _shown(value: Any) -> str:
    """Format a value for a label."""
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
        return short if float(short) == value else repr(value)  # different values have different labels
    return str(value)


def _plain(value: Any) -> str:
    """Format a value for the name of a folder."""
    text = re.sub(r"(^|[ e])-(?=\d)", r"\1minus", _shown(value))
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_") or "_"
