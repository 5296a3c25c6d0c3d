"""Imports of the entry points; every job takes the time for them."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

WORKFLOW = Path(__file__).parents[2] / "workflow"
SCRIPTS = sorted((WORKFLOW / "scripts").glob("*.py"))


@cache
def imported(script: Path) -> set[str]:
    """Return the top-level modules that are loaded after the imports of a script."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    lines = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    code = "\n".join([*lines, "import sys", "print(*{name.partition('.')[0] for name in sys.modules})"])
    done = subprocess.run([sys.executable, "-c", code], cwd=WORKFLOW, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_no_stage_but_training_pays_for_tensorflow(script):
    # Not even the training, before it knows that no other job has done its work meanwhile.
    assert not imported(script) & {"tensorflow", "keras", "sklearn"}
