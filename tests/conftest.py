"""A small copy of the project that ran once, fresh copies to edit, and the order of tests on several workers."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[1]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")

WORKERS = 4  # processes for the whole suite on two cores: the tests on a private Slurm mostly wait, others sometimes
ON_SLURM = ("tests/cluster/", "tests/faults/")  # one after the other, on one worker
# The longest, and those that load TensorFlow; small files fill up at the end.
TRAINING = tuple(
    f"tests/unit/training/test_{name}.py"
    for name in (
        *("loop", "keras_trainer", "held_out", "input_pipeline", "weights", "smoke_test"),
        *("classes", "optimizer", "resuming", "training_steps", "arguments", "optimizer_arguments"),
    )
)
FIRST = (*ON_SLURM, *TRAINING, "tests/workflow/", *(f"tests/unit/figures/test_{name}.py" for name in ("base", "print")))
NOTES = pytest.StashKey[list[str]]()

# Reads calls, a line each, and prints their exit statuses. Each runs in a process of its own, which has imported
# Snakemake already, and with it what it imports later: more than half of what a dry run costs.
FORKING = """
import json, os, sys
import jinja2, pydantic, requests, smart_open, snakemake.report, snakemake_logger_plugin_rich
from snakemake.cli import main

for line in sys.stdin:
    folder, out, err, environment, arguments = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(out, os.O_WRONLY), 1)
        os.dup2(os.open(err, os.O_WRONLY), 2)
        sys.argv[1:] = arguments  # the rules of figures read them
        main(arguments)
        sys.exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Project:
    """A folder that holds the workflow, a config and perhaps results."""

    folder: Path

    def snakemake(self, *arguments: str, variables: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
        """Call Snakemake as a user would, from the project's folder; its imports are done already."""
        given = environment() | variables
        process = forking()
        assert process.stdin is not None
        assert process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            printed = [Path(folder, name) for name in ("out", "err")]
            for file in printed:
                file.touch()
            call = [str(self.folder), *map(str, printed), given, arguments]
            print(json.dumps(call), file=process.stdin, flush=True)
            status = int(process.stdout.readline())
            out, err = (file.read_text(encoding="utf-8") for file in printed)
        return subprocess.CompletedProcess(arguments, status, out, err)

    def run(self, *arguments: str) -> str:
        """Run to the end and return the output."""
        done = self.snakemake("--cores", "2", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def plan(self, *arguments: str) -> dict[str, int]:
        """Return the number of planned jobs of each rule; empty if nothing is to be done."""
        printed = self._dry_run(*arguments)
        if "Nothing to be done" in printed:
            return {}
        table = re.search(r"^ rule +count(.*?)^ total ", printed, re.MULTILINE | re.DOTALL)
        assert table is not None, printed
        rows = re.findall(r"^ ([a-z][a-z ]*?) +(\d+) *$", table.group(1), re.MULTILINE)
        return {rule.replace(" ", "_"): int(count) for rule, count in rows}

    def trainings(self, *arguments: str) -> list[str]:
        """Return the packs that a dry run would train, as ``study/variant first-last``."""
        # Snakemake's plain logger lists every job; the triggers are those of profiles/default.
        plain = ["--workflow-profile", "none", "--rerun-triggers", "mtime", "params", "input", "software-env"]
        found = re.findall(r"Training (\S+), seeds (\d+) to (\d+)", self._dry_run(*arguments, *plain))
        return sorted(f"{name} {int(first)}-{int(last)}" for name, first, last in set(found))

    def _dry_run(self, *arguments: str) -> str:
        """Return the output of a dry run, which must succeed."""
        done = self.snakemake("--dry-run", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def digests(self) -> dict[str, str]:
        """SHA-256 of every file of data and results that must be the same each time, by path."""
        found = {}
        for file in sorted((*self.folder.glob("data/**/*"), *self.folder.glob("results/**/*"))):
            path = file.relative_to(self.folder)
            varies = file.name == "provenance.json" or file.suffix == ".html" or {"logs", "benchmarks"} & {*path.parts}
            if file.is_file() and not varies and not any(part.startswith(".") for part in path.parts):
                with suppress(FileNotFoundError):  # a job writes it again
                    found[str(path)] = hashlib.sha256(file.read_bytes()).hexdigest()
        return found

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that stands in a file."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} does not hold {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def study(self) -> dict:
        """Return the dots study of this project."""
        return yaml.safe_load((self.folder / "config/studies/dots.yaml").read_text(encoding="utf-8"))

    def write_study(self, study: dict) -> None:
        """Replace the dots study."""
        text = yaml.safe_dump(study, sort_keys=False)
        (self.folder / "config/studies/dots.yaml").write_text(text, encoding="utf-8")


def figure_names(task: str, variants: Sequence[str], conditions: Sequence[str] = ()) -> list[str]:
    """Return the names of the figures of a study in the folder of its figures, sorted."""
    from calotype.tasks.figures import figures_of

    found = figures_of(task, conditions)
    each = [f"{figure.stem}/{variant}" for figure in found if figure.per_variant for variant in variants]
    return sorted([*each, *(figure.stem for figure in found if not figure.per_variant)])


def environment() -> dict[str, str]:
    """Return the environment of a user who calls Snakemake."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


@cache
def forking() -> subprocess.Popen[str]:
    """Start a process that has imported Snakemake; it runs all calls and ends with this process."""
    # -P: or the folder of a project would be one to import from.
    command = [sys.executable, "-P", "-c", FORKING]
    return subprocess.Popen(command, env=environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def copy_workflow(folder: Path) -> None:
    """Copy all that a run reads."""
    for name in ("workflow", "envs", "config", "profiles", "slurm"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(REPOSITORY / "Snakefile", folder)


def copy_project(folder: Path) -> Project:
    """Copy the workflow and a shrunken config: seconds instead of minutes, every stage the same."""
    copy_workflow(folder)
    project = Project(folder)
    datasets = yaml.safe_load((folder / "config/datasets.yaml").read_text(encoding="utf-8"))
    for split, images in {"train": 64, "test": 60, "test-large": 120, "train-large": 96}.items():
        datasets["dots"]["splits"][split]["images"] = images
    (folder / "config/datasets.yaml").write_text(yaml.safe_dump(datasets), encoding="utf-8")
    study = project.study()
    study["variants"]["source"] |= {"epochs": 2, "label": "The source's net"}
    study["variants"]["accurate"] |= {"epochs": 1}
    project.write_study(study)
    project.edit("config/config.yaml", "seeds: 5 ", "seeds: 2 ")
    project.edit("config/config.yaml", "studies: [dots, digits]", "studies: [dots]")
    return project


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project that ran to the report, once for all workers; tests must not change it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "finished"
    with (shared / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "printed.txt").exists():
            shutil.rmtree(folder, ignore_errors=True)  # what a worker left that failed
            copy_project(folder)
            # In a process that imports what it needs, as that of a user.
            done = subprocess.run(
                [str(SNAKEMAKE), "--cores", "2"],
                cwd=folder,
                env=environment(),
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            (folder / "printed.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    return Project(folder)


@pytest.fixture
def finished(finished_once: Project, tmp_path: Path) -> Project:
    """Return a copy of the finished project that a test may edit."""
    shutil.copytree(finished_once.folder, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    """Return a project that has not run."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def note(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Print a line at the end, also from a worker."""
    output = getattr(pytestconfig, "workeroutput", None)
    notes = pytestconfig.stash.setdefault(NOTES, []) if output is None else output.setdefault("notes", [])
    return notes.append


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Collect the notes of a worker."""
    node.config.stash.setdefault(NOTES, []).extend(getattr(node, "workeroutput", {}).get("notes", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say it."""
    for line in config.stash.get(NOTES, []):
        terminalreporter.write_line(line)


def is_soak(config: pytest.Config) -> bool:
    """Check that the long tests (`soak`) are selected."""
    return "soak" in config.getoption("-m")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register options here, because pytest reads options before it reads the folders of tests."""
    group = parser.getgroup("faults", "tests/faults")
    group.addoption("--rounds", type=int, default=3, help="rounds of the soak (default: 3)")
    group.addoption("--fault-seed", type=int, default=1, help="draws the faults and their moments (default: 1)")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Use several workers for the whole suite, and none for selected tests, a debugger or a soak, without -n."""
    option = config.option
    if hasattr(config, "workerinput") or not hasattr(option, "numprocesses"):
        return  # this is a worker, or pytest-xdist is not there
    whole = config.args_source == pytest.Config.ArgsSource.TESTPATHS and not option.usepdb and not is_soak(config)
    if option.numprocesses is None and whole:
        option.numprocesses = WORKERS
    if option.numprocesses and option.dist == "no":
        option.dist, option.loadscopereorder = "loadfile", False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep each file on one worker, with its fixtures, and all files that start a Slurm on the same one."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return ON_SLURM[0] if nodeid.startswith(ON_SLURM) else super()._split_scope(nodeid)

    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the longest files first with several workers, and a soak only on request."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: [not item.nodeid.startswith(start) for start in FIRST])
    if not is_soak(config):
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(pytest.mark.skip(reason="ask for it: pytest -m soak"))
