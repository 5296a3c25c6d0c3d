"""Shared code of the benchmarks: options, the cost of a command, a copy of the project, a description of the machine.

Every benchmark is a module of this folder with

- ``TITLE``, its heading;
- ``measure(scratch, options)``, a generator of raw rows, each a dict: a benchmark that is killed loses one measurement;
- ``table(rows)``, which takes all rows as a frame and gives one of medians and spreads, its cells ready to print.
"""

import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = Path(sys.executable)
SNAKEMAKE = PYTHON.with_name("snakemake")
REAPER = Path(__file__).with_name("reaper.py")
STUDIES = ("dots", "digits", "mnist-dnn", "mnist-ablation", "fashion")

WORKFLOW = ("workflow", "envs", "config", "profiles", "slurm")  # all folders that a run reads
BETWEEN_SAMPLES = 0.2  # seconds, at least
SAMPLING = 0.05  # of a core: the most that sampling takes
SHOWN_LINES = 30  # of the log of a command that failed
# Without byte code every start of Python compiles TensorFlow again, unlike a user's; and a path of the caller's
# could bring other modules than those measured.
NOT_PASSED_ON = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
PACKAGES = ("tensorflow-cpu", "tensorflow", "keras", "numpy", "snakemake")


@dataclass(frozen=True)
class Options:
    """Options of the command line.

    Attributes:
        repeats: how often each thing is measured; the things compared take turns.
        first: the number of the first repeat; not 0 where rows are added to earlier ones.
        quick: tiny sizes, to see that everything works; the numbers mean nothing.
        frameworks: Python of an environment with PyTorch and JAX; None where there is none.
        studies: those that `paper` measures.
    """

    repeats: int = 3
    quick: bool = False
    frameworks: Path | None = None
    studies: tuple[str, ...] = STUDIES
    first: int = 0

    @property
    def numbers(self) -> range:
        """The numbers of the repeats; a single one in a quick run."""
        return range(self.first, self.first + (1 if self.quick else self.repeats))


def following(rows: Sequence[dict[str, Any]], studies: Sequence[str] = STUDIES) -> int:
    """Return the number of the first repeat after some rows; of rows about studies, only those of `studies` count."""
    found = pd.DataFrame(rows, columns=["repeat", "study"])
    numbers = found["repeat"][found["study"].isna() | found["study"].isin(studies)].dropna()
    return int(numbers.max()) + 1 if len(numbers) else 0


@dataclass(frozen=True)
class Cost:
    """Time and memory of a command.

    Attributes:
        wall: seconds from its start to its end.
        cpu: CPU seconds of it and all its descendants.
        peak_mib: the most memory that it and its descendants had at a time, in MiB, among the samples taken. Shared
            pages count once where the system tells (proportional set size), else for each process (resident set size).
    """

    wall: float
    cpu: float
    peak_mib: float


class CommandError(Exception):
    """A command of a benchmark failed; the message has the command and its last output."""


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a command: the caller's without `NOT_PASSED_ON`, with some changes."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}
    return kept | dict(changes or {})


def cost_of(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None, log: Path) -> Cost:
    """Run a command to its end and return its cost.

    Args:
        command: the program and its arguments.
        cwd: where it runs.
        env: variables to set besides those of `environment`.
        log: gets all that it prints; an older one is replaced.

    Raises:
        CommandError: the command failed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(PYTHON), str(REAPER), *command],
            cwd=cwd,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        sampler = _Sampler(process.pid)
        sampler.start()
        try:
            # Unlike getrusage(RUSAGE_CHILDREN), of this command alone; `reaper` waits for all its descendants.
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            _end(process)
            raise
        finally:
            sampler.ended.set()
        wall = time.perf_counter() - began
        sampler.join()
    process.returncode = os.waitstatus_to_exitcode(status)  # else Popen would wait for it again
    if process.returncode != 0:
        said = log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LINES:]
        raise CommandError(f"{' '.join(command)}: ended with {process.returncode}:\n" + "\n".join(said))
    return Cost(wall, used.ru_utime + used.ru_stime, sampler.peak / 2**20)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and its descendants: the benchmark was interrupted."""
    try:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.terminate()
        except psutil.NoSuchProcess:
            continue
    _, left = psutil.wait_procs(family, timeout=10)
    for member in left:
        member.kill()


class _Sampler(threading.Thread):
    """Watches the memory of a process and its descendants."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.ended = pid, 0, threading.Event()

    def run(self) -> None:
        while True:
            began = time.thread_time()
            self.peak = max(self.peak, memory_of_tree(self.pid))
            pause = max(BETWEEN_SAMPLES, (time.thread_time() - began) / SAMPLING)
            if self.ended.wait(pause):
                return


def memory_of_tree(pid: int) -> int:
    """Bytes of memory of a process and its descendants; 0 once it is gone."""
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0
    return sum(map(_memory, family))


def _memory(process: psutil.Process) -> int:
    try:
        found = process.memory_full_info()
        return int(getattr(found, "pss", 0) or found.rss)
    except psutil.AccessDenied:
        try:
            return int(process.memory_info().rss)
        except psutil.Error:
            return 0
    except psutil.Error:
        return 0


def copy_project(folder: Path) -> Path:
    """Copy the workflow as it stands in the working tree; gives the folder, in which `snakemake` can be called."""
    for name in WORKFLOW:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(REPOSITORY / "Snakefile", folder)
    return folder


# ---- The machine -----------------------------------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    """Return the machine, the versions of packages and the state of the code, because a benchmark depends on them."""
    found: dict[str, Any] = {
        "processor": _processor(),
        "avx512": _has_avx512(),
        "cores": len(usable_cores()) or os.cpu_count(),
        "python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found | {"revision": _revision(), "load": round(os.getloadavg()[1], 1)}


def usable_cores() -> list[int]:
    """Return the cores that this process may use; an empty list if the system does not report them."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def machine_line(found: Mapping[str, Any]) -> str:
    """Describe the machine in a sentence."""
    avx512 = {True: ", with AVX-512", False: ", without AVX-512"}.get(found["avx512"], "")
    versions = ", ".join(f"{name} {found[name]}" for name in ("python", *PACKAGES) if name in found)
    return (
        f"{found['processor']}{avx512}, {found['cores']} cores; {versions}; revision {found['revision']}; "
        f"load average before: {found['load']}."
    )


def _cpuinfo(key: str) -> str | None:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), None)
    except OSError:
        return None


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _has_avx512() -> bool | None:
    """Check for AVX-512, with which TensorFlow uses oneDNN by default; None if the system does not report it."""
    flags = _cpuinfo("flags")
    return None if flags is None else "avx512f" in flags.split()


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(REPOSITORY), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


def _revision() -> str | None:
    """Return the last commit of the measured code, with ``-dirty`` after later changes; None outside git.

    Other commits, such as the results of another benchmark, do not count.
    """
    try:
        commit = _git("log", "-1", "--format=%h", "--", *WORKFLOW, "Snakefile")
        changed = _git("status", "--porcelain", "--", *WORKFLOW, "Snakefile")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}-dirty" if changed else commit


# ---- Numbers and tables ----------------------------------------------------------------------------------------------


def spread(values: Iterable[float], digits: int = 0) -> str:
    """Format the median, with the range in brackets if there are several values: ``12.3 [12.1, 13.0]``."""
    found = pd.Series([*values], dtype=float).dropna()
    if found.empty:
        return "–"
    median = f"{found.median():,.{digits}f}"
    return median if len(found) == 1 else f"{median} [{found.min():,.{digits}f}, {found.max():,.{digits}f}]"


def markdown(table: pd.DataFrame) -> str:
    """Format a frame as a Markdown table; the first column holds headings, the others are right-aligned."""
    lines = [[*map(str, table.columns)], ["---"] + ["---:"] * (len(table.columns) - 1)]
    lines += [["–" if pd.isna(cell) else str(cell) for cell in row] for row in table.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
