"""The library stays one that a stranger finds his way in, and that a call of Snakemake loads at once.

The floors of imports are a contract in pyproject.toml, which `lint-imports` checks.
"""

import subprocess
import sys
from pathlib import Path

WORKFLOW = Path(__file__).parents[2] / "workflow"
LONGEST = 350  # lines of a file
SHORT = 40  # more than the lines of an entry point
# Loaded by each call of Snakemake and each job; what computes is imported where it is used.
LIGHT = ("config", "fetch", "jobs", "metrics", "steps", "tasks")
HEAVY = ("cv2", "keras", "matplotlib", "numpy", "pandas", "scipy", "sklearn", "tensorflow")


def test_no_package_hides_code_in_its_init_file():
    """The digest of a stage follows imports: it would count for every stage that uses any module of the package."""
    assert [file for file in WORKFLOW.rglob("__init__.py") if file.read_text(encoding="utf-8")] == []


def test_no_file_is_too_long_to_be_read_in_one_go():
    files = [file for file in WORKFLOW.rglob("*") if file.suffix in (".py", ".smk")]
    lines = {str(file.relative_to(WORKFLOW)): len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    assert {name: number for name, number in lines.items() if number > LONGEST} == {}


def test_an_entry_point_is_short_enough_to_be_seen_at_once():
    lines = {file.name: len(file.read_text(encoding="utf-8").splitlines()) for file in WORKFLOW.glob("scripts/*.py")}
    assert {name: number for name, number in lines.items() if number >= SHORT} == {}


def test_a_call_that_has_nothing_to_do_loads_nothing_that_computes():
    files = [file for package in LIGHT for file in sorted((WORKFLOW / "calotype" / package).glob("*.py"))]
    names = [".".join(file.relative_to(WORKFLOW).with_suffix("").parts) for file in files]
    code = "import importlib, sys\nfor name in sys.argv[2:]:\n    importlib.import_module(name)\n"
    code += "print(*sorted(set(sys.argv[1].split()) & sys.modules.keys()))"
    call = [sys.executable, "-c", code, " ".join(HEAVY), *names]
    done = subprocess.run(call, cwd=WORKFLOW, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
