"""Byte code that a full disk truncated does not end every later call."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[3] / "workflow"
HOOK = "from calotype.util import bytecode; bytecode.install(); "


@pytest.fixture
def python(tmp_path):
    """Run code in a process that finds the library and a module in this folder."""
    (tmp_path / "module.py").write_text("VALUE = [*range(100)]\nTEXT = 'text ' * 100\n", encoding="utf-8")
    kept = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    }

    def run(code):
        environment = kept | {"PYTHONPATH": f"{LIBRARY}{os.pathsep}{tmp_path}"}
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )

    assert run("import module").returncode == 0
    return run


def byte_code(tmp_path):
    return Path(importlib.util.cache_from_source(str(tmp_path / "module.py")))


@pytest.mark.parametrize("kept", [17, 40, 0.5, 0.99])
def test_a_truncated_pyc_does_not_end_every_later_call(python, tmp_path, kept):
    compiled = byte_code(tmp_path)
    size = compiled.stat().st_size
    os.truncate(compiled, kept if kept > 1 else int(size * kept))
    assert "EOFError" in python("import module").stderr, "Python itself does not recover"
    done = python(f"{HOOK}import module; print(len(module.VALUE))")
    assert (done.returncode, done.stdout) == (0, "100\n")
    assert f"{compiled}: truncated byte code, perhaps by a full disk; removed." in done.stderr
    assert python("import module").returncode == 0


def test_errors_of_the_module_itself_are_still_its_own(python, tmp_path):
    (tmp_path / "module.py").write_text("raise EOFError('mine')\n", encoding="utf-8")
    done = python(f"{HOOK}import module")
    assert "EOFError: mine" in done.stderr
    assert "byte code" not in done.stderr


def test_only_truncated_byte_code_is_removed(python, tmp_path):
    compiled = byte_code(tmp_path)
    old = compiled.with_name("old.cpython-38.pyc")  # of another Python
    old.write_bytes(b"\x55\r\r\n" + bytes(20))
    whole = compiled.with_name(compiled.name.replace("module", "whole"))
    whole.write_bytes(compiled.read_bytes())
    os.truncate(compiled, 100)
    done = python(f"from calotype.util import bytecode; bytecode.repair([{str(tmp_path)!r}])")
    assert done.stderr.count("truncated byte code") == 1
    assert sorted(path.name for path in compiled.parent.iterdir()) == sorted([old.name, whole.name])
