"""A digest is the same in every process, in every version of Python, and if it is kept for the next call."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from calotype.util import code_digest
from calotype.util.code_digest import NO_RESULT
from calotype.util.python_text import define

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _no_memory():
    code_digest.forget()
    yield
    code_digest.forget()


def test_a_digest_is_the_same_in_every_process():
    ask = "import sys; from calotype.util.code_digest import *; print(code_digest(sys.argv[1], NO_RESULT))"
    found = {
        subprocess.run(
            [sys.executable, "-c", ask, str(ROOT / "workflow/scripts/train.py")],
            env={**os.environ, "PYTHONPATH": str(ROOT / "workflow"), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_a_digest_does_not_depend_on_earlier_ones():
    entry, without = ROOT / "workflow/scripts/train.py", (*NO_RESULT, "calotype.config")
    alone = code_digest.code_digest(entry, without)
    code_digest.forget()
    assert code_digest.code_digest(entry, NO_RESULT) != alone == code_digest.code_digest(entry, without)


def test_kept_digests_belong_to_the_current_library(tmp_path, monkeypatch):
    """A call does not parse an unchanged library, and never misses an edit."""
    shutil.copytree(ROOT / "workflow/calotype", tmp_path / "calotype", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code_digest, "LIBRARY", tmp_path / "calotype")
    entry, file = "calotype.data.draw_dots:write_split", tmp_path / "calotype/data/draw_dots.py"
    kept = code_digest.KeptDigests(tmp_path / "code.json")
    before = kept.digest(entry, NO_RESULT)
    kept._save(0)
    assert [*code_digest.KeptDigests(tmp_path / "code.json").found.values()][1:] == [before]
    file.write_text(file.read_text(encoding="utf-8").replace("MARGIN = 0.04", "MARGIN = 0.05"), encoding="utf-8")
    code_digest.forget()
    assert code_digest.KeptDigests(tmp_path / "code.json").digest(entry, NO_RESULT) != before
    (tmp_path / "code.json").write_text("[3", encoding="utf-8")
    assert code_digest.KeptDigests(tmp_path / "code.json").found.keys() == {"state"}


def test_the_version_of_python_makes_no_difference():
    """The trees of an f-string in Python 3.11 to 3.13 differ in an empty text."""
    plain, ended = (ast.Expr(ast.JoinedStr([*map(ast.Constant, texts)])) for texts in (["<"], ["<", ""]))
    assert define([ast.fix_missing_locations(plain)]).text == define([ast.fix_missing_locations(ended)]).text
    tree = ast.parse("def f(x): return f'{x:<{x}} {x!r:>3}'")
    assert define(tree.body).text.count("conversion") == 3
