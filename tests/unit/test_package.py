"""`pip install .` gives the library to a notebook, and nothing else."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

SOURCES = ("pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, because a build leaves files behind."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        (folder / name).write_bytes((root / name).read_bytes())
    for path in (root / "workflow").rglob("*.*"):
        if "__pycache__" not in path.parts and path.is_file():
            copy = folder / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    call = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        "built",
    ]
    subprocess.run([*call, "."], cwd=folder, check=True)
    (built,) = (folder / "built").glob("calotype-*.whl")
    return built


def test_the_wheel_holds_the_library_alone(root, wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    library = root / "workflow/calotype"
    assert held == {f"calotype/{path.relative_to(library)}" for path in library.rglob("*.py")}


def test_a_notebook_can_import_what_it_installed(wheel, tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from calotype.util import statistics; print(statistics.__file__)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code, wheel], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(wheel))


def test_a_paper_cites_the_version_that_it_used(root):
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == project["version"]
