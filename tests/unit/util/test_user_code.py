"""A user's function uses the modules beside its file in every call, and does not affect other functions."""

import sys

import pytest

from calotype.util.errors import CalotypeError
from calotype.util.user_code import BESIDE, load_function


@pytest.fixture(autouse=True)
def _clean():
    yield
    BESIDE.activate(None)
    BESIDE.away.clear()


def write(folder, **files):
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_modules_and_packages_beside_a_file_are_imported_also_late(tmp_path):
    write(
        tmp_path,
        nets="from my_layers import size\nimport parts.deep\ndef net():\n    import late\n"
        "    return size, parts.deep.size(), late.size\n",
        my_layers="size = 1\n",
        late="from my_layers import size\nsize += 2\n",
        parts__deep="from .other import size as found\ndef size():\n    return found\n",
        parts__other="size = 2\n",
    )
    assert load_function(f"{tmp_path}/nets.py:net")() == (1, 2, 3)
    assert not [*tmp_path.rglob("__pycache__")]
    assert str(tmp_path) not in sys.path


def test_modules_of_one_name_beside_two_files_are_not_confused(tmp_path):
    text = "import parts\ndef net():\n    import late\n    return parts.size, late.size\n"
    for name, size in (("one", 1), ("two", 2)):
        write(tmp_path / name, nets=text, parts=f"size = {size}\n", late=f"size = {size}\n")
    one, two = (load_function(f"{tmp_path}/{name}/nets.py:net") for name in ("one", "two"))
    assert (one(), two(), one()) == ((1, 1), (2, 2), (1, 1))


def test_a_reloaded_file_keeps_nothing_of_the_old_one(tmp_path):
    write(
        tmp_path,
        nets="import parts\ndef net():\n    parts.seen.append(1)\n    return parts.seen\n",
        parts="seen = []\n",
    )
    name = f"{tmp_path}/nets.py:net"
    assert load_function(name)() == [1]
    assert load_function(name)() == [1, 1]
    assert load_function(name, reload=True)() == [1]


def test_a_file_that_changes_within_a_second_is_not_taken_from_a_cache(tmp_path):
    for size in (1, 2):
        write(tmp_path, nets="from parts import size\ndef net():\n    return size\n", parts=f"size = {size}\n")
        assert load_function(f"{tmp_path}/nets.py:net", reload=True)() == size


def test_a_file_beside_hides_no_module_of_python_or_of_packages(tmp_path):
    write(
        tmp_path, nets="import statistics, numpy\ndef net():\n    return statistics, numpy\n", statistics="", numpy=""
    )
    import statistics

    import numpy as np

    assert load_function(f"{tmp_path}/nets.py:net")() == (statistics, np)


def test_dataclasses_of_a_users_file_find_their_module(tmp_path):
    """Dataclasses look up their module in sys.modules."""
    write(
        tmp_path,
        nets="from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Size:\n    width: int\ndef net():\n    return Size(3).width\n",
    )
    assert load_function(f"{tmp_path}/nets.py:net")() == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import no_such_module\n", r"nets\.py cannot be imported: ModuleNotFoundError"),
        ("import parts\n", r"nets\.py cannot be imported: SyntaxError"),
        ("net = 3\n", "function not found"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_named_and_leaves_nothing(tmp_path, text, problem):
    write(tmp_path, nets=text, parts="def (\n")
    with pytest.raises(CalotypeError, match=rf"nets\.py:net: .*{problem}"):
        load_function(f"{tmp_path}/nets.py:net")
    write(tmp_path, nets="def net():\n    return 1\n")
    assert load_function(f"{tmp_path}/nets.py:net", reload=True)() == 1
