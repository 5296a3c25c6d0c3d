"""Code counts if a result depends on it: too little gives stale results, too much trains for nothing."""

import shutil
from pathlib import Path

import pytest

from calotype.util import code_digest
from calotype.util.code_digest import NO_RESULT, reach
from calotype.util.errors import CalotypeError

ROOT = Path(__file__).parents[3]


NET = """
import keras
from my_layers import Attention
import sizes

UNITS = 32
OTHER = 64

def net(shape, outputs, *, depth=2):
    inside = [Attention(UNITS) for _ in range(depth)]
    return keras.Sequential([*inside, keras.layers.Dense(outputs, name=sizes.label())])
"""
LAYERS = """
import keras
from sizes import HEADS as heads

UNUSED = 1

class Attention(keras.layers.Layer):
    def build(self, shape):
        self.heads = _rounded(heads)

def _rounded(number):
    return round(number)

class Other(keras.layers.Layer):
    pass
"""
SIZES = "HEADS, KEYS = 4, 5\nWIDTH = 3\n\ndef label():\n    return 'last'\n"


@pytest.fixture
def before(files):
    return files.digest(NET, my_layers=LAYERS, sizes=SIZES)


# ---- Code that a user's model reaches --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "beside"),
    [
        (NET + "\n\ndef other(shape, outputs):\n    return UNITS + OTHER\n", {}),
        (NET + "\nANOTHER = 3  # remark\n", {}),
        (NET.replace("OTHER = 64", "OTHER = 65"), {}),
        (NET.replace("depth=2):", 'depth=2):\n    """Stack layers."""'), {}),
        (NET.replace("depth=2)", "depth: int = 2) -> keras.Model"), {}),
        (NET.replace("\nUNITS = 32", "\n\n# of each layer\nUNITS: int = 32\n"), {}),
        (NET + '\nif __name__ == "__main__":\n    net((1, 1, 1), 2).summary()\n', {}),
        (NET, {"my_layers": LAYERS.replace("UNUSED = 1", "UNUSED = 2").replace("    pass", "    x = 1")}),
        (NET, {"sizes": SIZES.replace("WIDTH = 3", "WIDTH = 4")}),
        (NET, {"unrelated": "WIDTH = 3"}),
    ],
)
def test_what_a_model_does_not_use_trains_it_no_second_time(files, before, text, beside):
    assert files.digest(text, **beside) == before


@pytest.mark.parametrize(
    ("text", "beside"),
    [
        (NET.replace("UNITS = 32", "UNITS = 33"), {}),
        (NET.replace("depth=2", "depth=3"), {}),
        (NET.replace("import keras", "import tf_keras as keras"), {}),
        (NET.replace("def net", "import random\nrandom.seed(3)\n\ndef net"), {}),
        (NET.replace("def net", "if OTHER:\n    UNITS = 5\n\ndef net"), {}),
        (NET.replace("def net", "UNITS += 5\n\ndef net"), {}),
        (NET + "\nnet.units = 5\n", {}),
        (NET + "\n@keras.saving.register_keras_serializable()\nclass Late(keras.layers.Layer):\n    pass\n", {}),
        (NET, {"my_layers": LAYERS.replace("round(number)", "int(number)")}),
        (NET, {"my_layers": LAYERS.replace("def build", "supports_masking = True\n\n    def build")}),
        (NET, {"my_layers": LAYERS + "\nkeras.config.set_epsilon(1e-3)\n"}),
        (NET, {"my_layers": LAYERS.replace("_rounded(heads)", "_rounded(heads + 1)")}),
        (NET, {"sizes": SIZES.replace("4, 5", "8, 5")}),
        (NET, {"sizes": SIZES.replace("'last'", "'end'")}),
    ],
)
def test_a_change_of_the_code_that_a_model_uses_trains_it_again_in_any_file(files, before, text, beside):
    """Also in a module beside the user's file, and in the modules that it imports."""
    assert files.digest(text, **beside) != before


def test_the_place_of_a_file_counts_no_more_than_its_time(files, before, tmp_path):
    shutil.copytree(files.folder, tmp_path / "elsewhere")
    assert type(files)(tmp_path / "elsewhere").digest() == before


def test_modules_in_packages_beside_a_file_are_followed(files):
    text = (
        "from parts.blocks import block\nimport parts.heads as heads\ndef net(s, o):\n    return block(), heads.head\n"
    )
    beside = {
        "parts____init__": "SEED = 1\n",
        "parts__blocks": "from .sizes import WIDTH\nfrom . import heads\n\ndef block():\n    return WIDTH\n",
        "parts__heads": "def head():\n    return 1\n\ndef unused():\n    return 1\n",
        "parts__sizes": "WIDTH = 1\n",
    }
    beside["parts/__init__"] = beside.pop("parts____init__")
    found = [files.digest(text, **beside)]
    for module in ("parts__sizes", "parts__heads"):
        found.append(files.digest(**{module: beside[module].replace("1", "2", 1)}))
    assert len({*found}) == 3
    assert files.digest(**{"parts__heads": beside["parts__heads"].replace("1", "2")}) == found[-1]


def test_a_variable_of_a_function_is_no_name_of_the_file(files):
    text = "def net(shape, outputs):\n    size = shape[0]\n    return [row for row in range(size)]\n"
    before = files.digest(text)
    assert files.digest("size, row, shape = 1, 2, 3\n" + text) == before


def test_the_first_loop_of_a_comprehension_and_defaults_are_evaluated_outside(files):
    text = "rows = 3\n\ndef net(shape, rows=rows):\n    return rows\n"
    assert files.digest(text) != files.digest(text.replace("3", "4"))
    text = "rows = 3\n\ndef net(shape):\n    return [rows for rows in rows]\n"
    assert files.digest(text) != files.digest(text.replace("3", "4"))


def test_the_library_that_a_users_file_imports_is_followed(files, monkeypatch, tmp_path):
    shutil.copytree(ROOT / "workflow/calotype", tmp_path / "calotype", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code_digest, "LIBRARY", tmp_path / "calotype")
    text = "from calotype.training.models import dense\ndef net(s, o):\n    return dense(s, o, units=[3])\n"
    before = files.digest(text)
    file = tmp_path / "calotype/training/models.py"
    models = file.read_text(encoding="utf-8")
    file.write_text(models.replace("layers.Conv2D(32", "layers.Conv2D(16"), encoding="utf-8")
    assert files.digest() == before, "of another model"
    file.write_text(models.replace("dropout: float = 0.0", "dropout: float = 0.1", 1), encoding="utf-8")
    assert files.digest() != before


# ---- Code that cannot be followed ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "beside", "unclear"),
    [
        ("def net(s, o):\n    return eval('other')()\n", {}, {"nets.py": "`eval` may use any name"}),
        ("def net(s, o):\n    return globals()['other']()\n", {}, {"nets.py": "`globals` may use any name"}),
        (
            "import importlib as i\ndef net(s, o):\n    return i.import_module(s)\n",
            {},
            {"nets.py": "`import_module` of "},
        ),
        ("from more import *\ndef net(s, o):\n    return other()\n", {"more": "def other():\n    return 1\n"}, {}),
        ("import more\ndef net(s, o):\n    return getattr(more, o)\n", {"more": "def other():\n    return 1\n"}, {}),
    ],
)
def test_where_reach_cannot_be_told_the_whole_file_counts_and_is_named(files, text, beside, unclear):
    whole = text if beside else text + "def other():\n    return 1\n"
    before, said = files.digest(whole, **beside), files.unclear()
    assert all(said[name].startswith(why) for name, why in unclear.items())
    assert {*said} >= {f"{name}.py" for name in beside}
    changed = {name: content.replace("1", "2") for name, content in beside.items()}
    assert files.digest(whole if beside else whole.replace("1", "2"), **changed) != before


def test_where_reach_can_be_told_nothing_is_said(files, before):
    assert before
    assert files.unclear() == {}


def test_a_module_that_is_imported_by_a_written_name_is_followed(files):
    text = "import importlib\ndef net(s, o):\n    return importlib.import_module('more')\n"
    before = files.digest(text, more="print('loaded', file=None)\n")
    assert files.digest(text, more="print('twice', file=None)\n") != before


# ---- Tables and excluded modules -------------------------------------------------------------------------------------


def test_of_a_table_only_the_entries_that_are_used_count():
    module = "calotype.training.augmentation"
    flip, both = (
        {*reach(f"{module}:apply", NO_RESULT, {f"{module}:CHANGES": keys}).definitions}
        for keys in (["flip"], ["flip", "noise"])
    )
    assert f"{module}:flip" in flip
    assert both - flip == {f"{module}:noise", f"{module}:LEVELS"}


@pytest.mark.parametrize("without", ["calotype.no_module", "calotype.training.models:dense", "numpy"])
def test_what_is_left_out_has_to_exist(without):
    """Otherwise a renamed module would count again, and everything would train again."""
    with pytest.raises(CalotypeError, match=f"without: module {without} not found"):
        reach("calotype.training.models:dense", (without,))


@pytest.mark.parametrize(
    ("table", "key", "problem"),
    [
        ("calotype.training.models:NETS", "dense", "table calotype.training.models:NETS not found"),
        ("calotype.training.models:MODELS", "dense2", "MODELS holds no dense2"),
        ("calotype.training.models:LAST", "dense", "LAST is not a dict literal"),
    ],
)
def test_entries_that_are_picked_have_to_exist(table, key, problem):
    with pytest.raises(CalotypeError, match=problem):
        reach(table, NO_RESULT, {table: [key]})


def test_a_file_that_is_no_python_is_named(files):
    texts = {"def net(:": "line 1: ", "def net():\n    break": "line 2: ", "net = \0": ""}
    for text, line in texts.items():
        with pytest.raises(CalotypeError, match=f"{line}not valid Python"):
            files.digest(text)
    with pytest.raises(CalotypeError, match="`nets` not found"):
        files.digest("def net(): pass", name="nets")


# ---- Code of users ------------------------------------------------------------------------------------------------

REGISTERED = """
import keras
import numpy as np

@keras.saving.register_keras_serializable()
class Scaled(keras.layers.Layer):
    BY = 2

@my_decorator
def net(shape, outputs):
    return shape
"""


def test_a_model_with_any_decorator_is_found_and_what_is_registered_counts(files):
    before = files.digest(REGISTERED)
    assert files.digest(REGISTERED.replace("BY = 2", "BY = 3")) != before
    assert files.digest(REGISTERED.replace("return shape", "return outputs")) != before
    assert files.digest(REGISTERED + "\ndef unrelated():\n    return 1\n") == before


@pytest.mark.parametrize("line", ["vars()['x']", "locals()", "net.__globals__", "import elsewhere_not_installed"])
def test_a_name_that_cannot_be_followed_is_told(files, line):
    files.digest(f"def net(shape, outputs):\n    {line}\n    return shape\n")
    assert list(files.unclear()) == ["nets.py"]
