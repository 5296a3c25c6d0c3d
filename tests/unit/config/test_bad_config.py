"""Any value in any place of the config is accepted, or named with its file and key."""

import datetime
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from unit.mistakes import (
    DATASETS,
    FILES,
    INNARDS,
    SETTINGS,
    STUDIES,
    content_of,
    dumped,
    outcome,
    read,
)

pytestmark = pytest.mark.usefixtures("valid_config")


def test_the_config_that_the_mistakes_are_put_into_has_none():
    assert [*read().studies] == ["leaves", "dots"]


# Values by mistake: of each YAML type, and of types that YAML creates implicitly.
SLIPS: list[Any] = [
    None,
    True,
    -1,
    10**30,
    float("nan"),
    "",
    "'; touch hacked #\n`touch hacked`$(touch hacked)",
    [],
    {},
    {1: [2, {3: 4}]},
    {datetime.date(2024, 2, 29): b"\xff"},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to each value in a tree of mappings and lists."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


EVERYWHERE = {
    f"{file}: {'.'.join(map(str, path))}": (file, path)
    for file in ("config", "datasets", "leaves")
    for path in places({"config": SETTINGS, "datasets": DATASETS, **STUDIES}[file])
}


@pytest.mark.parametrize("what", EVERYWHERE)
def test_any_kind_of_value_is_accepted_or_named_with_its_file_and_key(what):
    file, (*above, last) = EVERYWHERE[what]
    for slip in SLIPS:
        content = place = content_of(file)
        for key in above:
            place = place[key]
        place[last] = slip
        if file != "config":
            Path(FILES[file]).write_text(dumped(content), encoding="utf-8")
        text = outcome(content if file == "config" else None)
        shown = f"{what} = {slip!r}: {text}"
        if text:
            # A study may be where a wrong dataset shows, and the config where a study does.
            assert text.startswith("config/"), shown
            assert not [word for word in INNARDS if word in text], shown
            assert all(line.isprintable() for line in text.splitlines()), shown
            assert len(text.splitlines()) <= 21, shown
            named = re.findall(r"[A-Za-z_-]+", text)
            assert slip in (None, {}) or any(str(key) in named for key in (*above, last)), shown
    assert not [*Path().rglob("hacked*")]


@pytest.mark.parametrize("what", [what for what, (file, _) in EVERYWHERE.items() if file != "config"])
def test_whatever_is_missing_is_filled_in_or_named(what):
    file, (*above, last) = EVERYWHERE[what]
    content = place = content_of(file)
    for key in above:
        place = place[key]
    del place[last]
    Path(FILES[file]).write_text(dumped(content), encoding="utf-8")
    text = outcome()
    assert text.startswith("config/") or not text
    assert not [word for word in INNARDS if word in text]
