"""Scripts that run in forks of one process: as if each had a process of its own, and without it, too."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

WORKFLOW = Path(__file__).parents[3] / "workflow"
PREPARED = """
import os, pathlib, signal, sys, time
with open("imports", "a") as file:
    file.write("x")
def end():
    os._exit(3)
"""
SCRIPT = """
from calotype.jobs.warm_process import take_over
take_over(%r)
import os, pathlib, signal, sys, time
from pathlib import Path
Path("pid").write_text(f"{os.getpid()} {os.getppid()}")
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no server")


def until(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds, and return its value."""
    for _ in range(600):
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


class Call:
    """A call of Snakemake that starts scripts."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.scripts = folder, 0
        self.process = subprocess.Popen(["sleep", "600"])
        (folder / "prepared.py").write_text(PREPARED)
        self.environment = os.environ | {"CALOTYPE_CALL": str(self.process.pid), "PYTHONPATH": f"{WORKFLOW}:{folder}"}

    def start(self, body: str, prepared: tuple[str, ...] = ("prepared",), **environment: str) -> subprocess.Popen[str]:
        """Start a script."""
        self.scripts += 1
        script = self.folder / f"scripts/{self.scripts}.py"
        script.parent.mkdir(exist_ok=True)
        script.write_text(SCRIPT % (prepared,) + body)
        pipe: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [sys.executable, str(script), "an argument"]
        return subprocess.Popen(command, cwd=self.folder, env=self.environment | environment, **pipe)

    def run(self, body: str, **given: Any) -> tuple[int, str, str]:
        """Run a script to its end; return its status, output and errors."""
        process = self.start(body, **given)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def started(self) -> tuple[int, int]:
        """Wait until a script has begun; return the numbers of its process and of the parent of that."""
        first, second = until(lambda: self.read("pid")).split()
        return int(first), int(second)

    def read(self, name: str) -> str:
        """Return the content of a file, empty if there is none."""
        file = self.folder / name
        return file.read_text() if file.exists() else ""

    def servers(self) -> list[psutil.Process]:
        """Return the servers of this call, and their children."""
        own = ["calotype.jobs.warm_process", str(self.process.pid)]
        return [process for process in psutil.process_iter() if {*own} <= {*arguments(process)}]


@pytest.fixture
def call(tmp_path: Path) -> Iterator[Call]:
    """Pretend to be a call of Snakemake."""
    made = Call(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()
    for server in made.servers():
        with suppress(psutil.NoSuchProcess):
            server.kill()


def arguments(process: psutil.Process) -> list[str]:
    """Return the command line of a process."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_scripts_share_one_import_and_each_has_its_own_process(call):
    parents = set()
    for number in (1, 2):
        status, output, errors = call.run(f"print({number}, sys.argv[1]); print('error', file=sys.stderr)")
        assert (status, output, errors) == (0, f"{number} an argument\n", "error\n")
        parents.add(call.started()[1])
    assert len(parents) == 1
    assert call.read("imports") == "x"


def test_a_script_has_the_environment_folder_and_mask_of_the_process_that_snakemake_started(call, tmp_path):
    body = "mask = os.umask(0); print(os.environ.get('CUDA_VISIBLE_DEVICES'), os.getcwd(), mask)"
    mask = os.umask(0o27)
    try:
        first = call.run(body, CUDA_VISIBLE_DEVICES="1")
    finally:
        os.umask(mask)
    assert first[1] == f"1 {tmp_path} {0o27}\n"
    assert call.run(body)[1] == f"None {tmp_path} {mask}\n"
    assert call.read("imports") == "x"


def test_threads_that_libraries_choose_when_imported_are_those_of_the_job(call):
    for number in ("1", "2"):
        call.run("", OMP_NUM_THREADS=number)
    assert call.read("imports") == "xx"


@pytest.mark.parametrize(
    ("end", "status"),
    [("", 0), ("sys.exit(3)", 3), ("raise KeyError(1)", 1), ("sys.exit('text')", 1), ("os._exit(0)", 1)],
)
def test_a_script_that_fails_fails_for_snakemake(call, end, status):
    assert call.run(f"\n{end}")[0] == status


def test_two_scripts_draw_different_numbers_without_a_seed(call):
    draw = 'import numpy\nwith open("drawn", "a") as file: print(numpy.random.rand(), file=file)'
    for _ in range(2):
        call.run(draw, prepared=("numpy.random",))
    first, second = call.read("drawn").split()
    assert first != second


def test_a_killed_script_fails(call):
    assert call.run("os.kill(os.getpid(), signal.SIGKILL)")[0] == 128 + signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_script(call, number):
    body = f"""
signal.signal({int(number)}, lambda *_: sys.exit(7))
Path("ready").touch()
time.sleep(60)"""
    process = call.start(body)
    until((call.folder / "ready").exists)
    process.send_signal(number)
    assert process.wait(30) == 7


def test_a_signal_that_nohup_ignores_stays_ignored(call):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert call.run("print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)")[1] == "True\n"
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_script_is_told_to_stop_when_the_process_of_snakemake_is_killed(call):
    process = call.start("""
signal.signal(signal.SIGTERM, lambda *_: (Path("saved").touch(), sys.exit(1)))
Path("ready").touch()
time.sleep(60)""")
    until((call.folder / "ready").exists)
    process.kill()
    process.communicate()
    until((call.folder / "saved").exists)


def test_a_script_finishes_when_the_server_is_killed(call):
    process = call.start("\nwhile not Path('continue').exists(): time.sleep(0.05)\nsys.exit(5)")
    _, server = call.started()
    os.kill(server, signal.SIGKILL)
    (call.folder / "continue").touch()
    assert process.wait(30) == 5
    assert call.run("print('next')")[1] == "next\n"
    assert call.read("imports") == "xx"


def test_a_killed_script_fails_also_without_a_server(call):
    process = call.start("\ntime.sleep(60)")
    child, server = call.started()
    for each in (server, child):
        os.kill(each, signal.SIGKILL)
    assert process.wait(30) == 1


def test_a_server_that_does_not_start_costs_no_result(call):
    process = call.start("print('trained')", prepared=("prepared:end",))
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "trained\n")
    assert call.started()[0] == process.pid


def test_a_script_without_a_call_of_snakemake_runs_in_its_own_process(call):
    process = call.start("print('trained')", CALOTYPE_CALL="")
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "trained\n")
    assert call.started()[0] == process.pid


def test_a_server_ends_with_its_call_of_snakemake(call):
    call.run("")
    assert call.servers()
    call.process.kill()
    call.process.wait()
    until(lambda: not call.servers())


def test_a_library_that_only_the_script_finds_is_imported_by_the_script(call):
    assert call.run("print('trained')", prepared=("no_such_library",))[1] == "trained\n"


def test_files_of_the_project_hide_no_library(call):
    (call.folder / "json.py").write_text("raise SystemExit('the wrong file')")
    call.environment["PYTHONPATH"] = str(WORKFLOW)
    assert call.run("", prepared=("json", "csv"))[2] == ""
    assert call.started()[1] != os.getpid()
