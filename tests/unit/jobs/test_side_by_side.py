"""Tasks that share a job: none is lost or done twice, and what happens to one process is told and stops no other."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from calotype.jobs.side_by_side import share
from calotype.jobs.signals import StoppedError
from calotype.util.entry_point import may_pass
from calotype.util.errors import CalotypeError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def done(tmp_path, monkeypatch):
    """Return a function that lists the finished tasks; `note` adds one."""
    monkeypatch.chdir(tmp_path)
    return lambda: sorted(int(name.name) for name in tmp_path.iterdir() if name.name.isdigit())


def note(number):
    Path(str(number)).write_text(str(os.getpid()))


def until(seen):
    while not seen():
        time.sleep(0.005)


def both_begun():
    """Wait until two processes have begun a task."""
    Path(f"begun-{os.getpid()}").touch()
    until(lambda: len([*Path().glob("begun-*")]) == 2)


def nothing():
    """Ask for no stop."""


def test_each_task_is_done_once_by_as_many_processes_as_asked(done):
    def work(numbers, _):
        for number in numbers:
            both_begun()
            note(number)

    share(range(3, 60), 2, work, nothing, "seed")
    assert done() == [*range(3, 60)]
    assert len({Path(str(number)).read_text() for number in done()}) == 2


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="other systems have no files in memory")
def test_the_reason_of_an_error_does_not_need_a_folder_for_temporary_files(monkeypatch):
    def work(numbers, _):
        raise CalotypeError(f"seed {next(numbers)} is wrong")

    monkeypatch.setattr(tempfile, "tempdir", "/does/not/exist")
    with pytest.raises(CalotypeError, match="seed 0 is wrong"):
        share(range(1), 1, work, nothing, "seed")


def test_a_killed_process_loses_its_task_only_and_the_error_names_it(done, caplog):
    """Memory runs out for one of the runs of a pack: hours of the others must not go with it."""

    def work(numbers, _):
        for number in numbers:
            both_begun()
            if number == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            note(number)

    with pytest.raises(CalotypeError, match=r"^seed 1: its process was killed by SIGKILL\.\nHint: .*memory") as caught:
        share(range(6), 2, work, nothing, "seed")
    assert done() == [0, 2, 3, 4, 5]
    assert may_pass(caught.value), "Snakemake submits the job again"
    assert "seed 1: its process was killed by SIGKILL." in caplog.text, "at once, not hours later"


def test_a_process_that_is_killed_before_its_first_task_loses_none(done):
    def work(numbers, _):
        both_begun()
        if min(Path().glob("begun-*")).name == f"begun-{os.getpid()}":
            os.kill(os.getpid(), signal.SIGKILL)
        for number in numbers:
            note(number)

    with pytest.raises(CalotypeError, match=r"^A process was killed by SIGKILL"):
        share(range(4), 2, work, nothing, "seed")
    assert done() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (CalotypeError("model: fails.", "try another."), False),
        (ValueError("no such layer"), False),
        (OSError(28, "No space left on device"), True),
        (MemoryError("too many images"), True),
    ],
)
def test_an_error_has_its_own_words_and_the_others_finish_what_they_have_begun(done, error, passes):
    def work(numbers, _):
        for number in numbers:
            both_begun()
            if number == 1:
                raise error
            until(lambda: not psutil.pid_exists(other()))
            note(number)

    def other():
        (process,) = {int(file.name[6:]) for file in Path().glob("begun-*")} - {os.getpid()}
        return process

    with pytest.raises(CalotypeError if isinstance(error, CalotypeError) else RuntimeError) as caught:
        share(range(6), 2, work, nothing, "seed")
    assert str(error) in str(caught.value)
    assert ("test_side_by_side.py" in str(caught.value)) is not isinstance(error, CalotypeError), (
        "for a report of a bug"
    )
    assert may_pass(caught.value) is passes
    assert done() == [0]


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("lost", [True, False])
def test_a_stop_of_the_job_stops_all_its_processes(lost):
    """They save what they have, unless another job has taken the runs over."""
    parent = os.getpid()

    def check():
        if os.getpid() == parent and len([*Path().glob("begun-*")]) == 2:
            raise StoppedError("SIGTERM", saves=not lost)

    def work(numbers, _):
        heard = []
        signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
        for _ in numbers:
            both_begun()
            until(lambda: heard)
            Path(f"saved-{os.getpid()}").touch()
            stopped = StoppedError("SIGTERM")
            stopped.idle = True
            raise stopped

    with pytest.raises(StoppedError) as caught:
        share(range(4), 2, work, check, "seed")
    assert (caught.value.by, caught.value.saved) == ("SIGTERM", not lost)
    assert len([*Path().glob("saved-*")]) == (0 if lost else 2)
    assert lost or caught.value.idle, "a job of the same length would get no further"


@pytest.mark.usefixtures("done")
def test_a_process_that_could_not_save_is_told_to_the_scheduler():
    def work(numbers, _):
        for number in numbers:
            both_begun()
            stopped = StoppedError("SIGTERM")
            stopped.saved = number != 1
            raise stopped

    with pytest.raises(StoppedError) as caught:
        share(range(4), 2, work, nothing, "seed")
    assert not caught.value.saved


ORPHANS = """
import os, signal, sys, time
from pathlib import Path
from calotype.jobs.side_by_side import share
from calotype.jobs.signals import StoppedError

def work(numbers, check):
    for number in numbers:
        Path(f"begun-{os.getpid()}").touch()
        try:
            while True:
                check()
                time.sleep(0.01)
        except StoppedError as stopped:
            Path(f"stopped-{os.getpid()}").write_text(str(stopped.saves))
            raise

share(range(4), 2, work, lambda: None, "seed")
"""


@pytest.mark.usefixtures("done")
def test_processes_without_their_job_end_and_save_nothing():
    """The next attempt has taken their runs over, and both would write the same checkpoints."""
    job = subprocess.Popen([sys.executable, "-c", ORPHANS], env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")})
    until(lambda: len([*Path().glob("begun-*")]) == 2)
    job.kill()
    job.wait()
    until(lambda: [file.read_text() for file in Path().glob("stopped-*")] == ["False", "False"])
