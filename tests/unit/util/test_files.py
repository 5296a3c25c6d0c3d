"""Files and folders appear completely or not at all."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from calotype.util.errors import CalotypeError
from calotype.util.files import check_writable, new_file, new_folder, remove_partials, sha256, write_text


def write(new, target, error=None):
    """Write a file, or a folder with a file, and raise the error, if given, before the end."""
    with new(target) as aside:
        (aside if new is new_file else aside / "file").write_text("half of the n")
        if error is not None:
            raise error


def test_failed_write_keeps_the_old_file_and_leaves_nothing_beside_it(tmp_path):
    target = tmp_path / "runs.csv"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError):
        write(new_file, target, ZeroDivisionError)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["runs.csv"]


def test_failed_first_write_leaves_no_file_that_looks_like_a_result(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write(new_file, tmp_path / "runs.csv", KeyboardInterrupt)
    assert list(tmp_path.iterdir()) == []


def test_nobody_sees_a_file_before_it_is_complete(tmp_path):
    target = tmp_path / "new" / "folder" / "runs.csv"
    with new_file(target) as aside:
        aside.write_text("content")
        assert not target.exists()
        assert aside.parent == target.parent, "a rename within a folder is atomic, one across file systems is not"
        assert aside.suffix == ".csv", "numpy, Keras and matplotlib choose the format by the suffix"
        assert aside.name.startswith("."), "a glob for results must not find it"
    assert target.read_text() == "content"
    assert list(target.parent.iterdir()) == [target]


def test_failed_folder_keeps_the_old_one_and_leaves_nothing_beside_it(tmp_path):
    target = tmp_path / "models"
    target.mkdir()
    (target / "file").write_text("old")
    with pytest.raises(ZeroDivisionError):
        write(new_folder, target, ZeroDivisionError)
    assert (target / "file").read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_new_folder_holds_nothing_of_the_old_one(tmp_path):
    target = tmp_path / "new" / "split"
    for name in ("img1.jpg", "img2.jpg"):
        with new_folder(target) as aside:
            assert list(aside.iterdir()) == []
            (aside / name).write_text(name)
    assert [path.name for path in target.iterdir()] == ["img2.jpg"]
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("new", [new_file, new_folder])
def test_files_of_a_killed_process_do_not_stop_the_next_one(tmp_path, new):
    """Process ids are reused, in containers nearly always."""
    target = tmp_path / "result"
    with new(target) as aside:
        if new is new_file:
            aside.write_text("first")
        left_over = aside
    if new is new_file:
        left_over.write_text("half")
    else:
        left_over.mkdir()
        (left_over / "half").write_text("half")
    with new(target) as aside:
        (aside if new is new_file else aside / "file").write_text("second")
    assert (target if new is new_file else target / "file").read_text() == "second"
    assert new is new_file or [path.name for path in target.iterdir()] == ["file"]


@pytest.mark.parametrize("new", [new_file, new_folder])
def test_a_file_in_place_of_a_folder_gives_an_error_with_a_hint(tmp_path, new):
    (tmp_path / "results").write_text("a file, not a folder")
    with pytest.raises(CalotypeError, match=r"results/study/table: cannot be written") as problem:
        write(new, tmp_path / "results" / "study" / "table")
    assert "\nHint: " in str(problem.value)
    assert "config/config.yaml" in str(problem.value)


def test_a_full_disk_gives_an_error_and_keeps_the_old_file(tmp_path, files_no_longer_than):
    target = tmp_path / "train.npy"
    target.write_text("old")
    with files_no_longer_than(1), pytest.raises(CalotypeError, match="cannot be written: File too large") as problem:
        write(new_file, target)
    assert str(problem.value).startswith(f"{target}: ")
    assert "disk" in str(problem.value)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_checksum_is_the_sha_256_of_the_content(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_folder_that_can_be_made_is_accepted_and_not_made_yet(tmp_path):
    check_writable(tmp_path / "data" / "deep", "data")
    check_writable(tmp_path, "data")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["", "deeper"])
def test_results_folder_that_is_a_file_is_refused_before_anything_runs(tmp_path, below):
    (tmp_path / "results").write_text("")
    with pytest.raises(CalotypeError, match=r"^config: results: .*/results.*: .*/results is not a folder\.") as problem:
        check_writable(tmp_path / "results" / below, "results")
    assert "--config results=/path/to/folder" in str(problem.value)


def test_results_folder_of_somebody_else_is_refused_before_anything_runs():
    """Run in a child process without root's rights, as root may write everywhere."""
    child = os.fork()
    if child == 0:
        code = 3
        try:
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            check_writable(Path("/usr/results"), "results")
        except CalotypeError as error:
            code = 0 if "config: results: /usr/results: you may not write to /usr." in str(error) else 4
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_text_is_written_completely_or_not_at_all(tmp_path, files_no_longer_than):
    target = tmp_path / "new" / "report.html"
    write_text("Zählen – 1\n", target)
    assert target.read_bytes() == "Zählen – 1\n".encode()
    with files_no_longer_than(100), pytest.raises(CalotypeError, match=r"report\.html: cannot be written"):
        write_text("x" * 1000, target)
    assert target.read_bytes() == "Zählen – 1\n".encode()
    assert list(target.parent.iterdir()) == [target]


# ---- Leavings of killed jobs -----------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from calotype.util.files import new_file, new_folder

with new_folder(Path("results/study/variant/seeds-000-002/models")) as models, new_file(Path("data/dots.npz")) as file:
    (models / "seed-000.weights.h5").write_bytes(b"half")
    file.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL if sys.argv[1] == "kill" else signal.SIGSTOP)
"""


@pytest.fixture
def writing(tmp_path):
    """Start a process that writes a file and a folder, and is killed or stopped meanwhile."""
    library = Path(__file__).parents[3] / "workflow"
    started = []

    def start(how):
        command = [sys.executable, "-c", KILLED, how]
        started.append(subprocess.Popen(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(library)}))
        while started[-1].poll() is None and len([*tmp_path.rglob("*.partial*")]) < 2:
            time.sleep(0.01)
        if how == "kill":
            started[-1].wait()
        return lambda: sorted(path.name.split(".")[1] for path in tmp_path.rglob("*.partial*"))

    yield start
    for process in started:
        process.kill()
        process.wait()


def cleaned(folder):
    remove_partials(folder / "results", levels=4)
    remove_partials(folder / "data", levels=1)


def test_what_a_killed_job_left_does_not_fill_the_disk_for_ever(writing, tmp_path):
    left = writing("kill")
    assert left() == ["dots", "models"]
    mine = tmp_path / "results/study/variant/.notes.partial.txt"
    mine.write_text("mine", encoding="utf-8")
    os.utime(mine, (1, 1))
    cleaned(tmp_path)
    assert left() == ["notes"]
    assert mine.exists()


def test_what_a_job_still_writes_is_not_taken_away_from_it(writing, tmp_path):
    left = writing("stop")
    cleaned(tmp_path)
    assert left() == ["dots", "models"]


def test_what_a_job_on_another_machine_writes_is_left_alone_for_an_hour(tmp_path):
    """The time stamp of a folder does not change while a file in it grows."""
    partial = tmp_path / "data/.dots.1-0123abcd-elsewhere.partial"
    partial.mkdir(parents=True)
    (partial / "train.npy").write_text("half")
    os.utime(partial, (time.time() - 4000,) * 2)
    cleaned(tmp_path)
    assert partial.exists()
    os.utime(partial / "train.npy", (time.time() - 4000,) * 2)
    cleaned(tmp_path)
    assert not partial.exists()
