"""Failed jobs are not retried, killed jobs are, and no run is lost or changed.

And a model of the user's own that has been trained is trained again when, and only when, it is another one.
"""

import json
import operator
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import SNAKEMAKE, Project

pytestmark = pytest.mark.slow

PACK = "results/dots/accurate/seeds-000-000"
TARGET = f"{PACK}/history.csv"
SMOKE_TEST = "results/dots/accurate/smoke_test.json"
LOG = "results/logs/train/dots/accurate/000-000.log"
EPOCHS = 200  # long enough to be hit
# All that is random in a training, in a net that takes no time; before that what a test wants to happen, once the
# workflow has tried the model and trains it. It stands in a file beside this one: another line of code here and the
# workflow would try the model again, which takes as long as a training.
MODEL = """
import os
import signal
import time
from pathlib import Path

import keras
from keras import layers


def trained():
    with open("tries", "a") as file:
        file.write(f"{os.getpid()}\\n")
    if Path("fault").exists():
        exec(Path("fault").read_text())


def net(shape, outputs):
    if Path("results/dots/accurate/smoke_test.json").exists():
        trained()
    net = [layers.AveragePooling2D(8), layers.Conv2D(4, 2), layers.BatchNormalization(), layers.Dropout(0.2)]
    return keras.Sequential([keras.Input(shape), *net, layers.Flatten(), layers.Dense(outputs)])
"""


def will(project: Project, fault: str) -> None:
    """Have something happen to each training when it builds its model."""
    (project.folder / "fault").write_text(fault, encoding="utf-8")


def tries(project: Project) -> int:
    """Return the number of processes that have built the model."""
    return len({*(project.folder / "tries").read_text().split()})


def result(project: Project, pack: str = PACK) -> dict[str, bytes]:
    """All of a pack that must be the same each time."""
    files = [file for file in (project.folder / pack).rglob("*") if file.is_file() and not file.name.startswith(".")]
    return {file.name: file.read_bytes() for file in files if file.name != "provenance.json"}


def copy_data(source: Project, project: Project) -> None:
    """Copy a project as it was before its first training, its data prepared, and its model tried if it was."""
    shutil.copytree(source.folder, project.folder, ignore=shutil.ignore_patterns("tries"))
    for folder in ("results/dots", "results/logs", "results/checkpoints"):
        shutil.rmtree(project.folder / folder, ignore_errors=True)
    if (source.folder / SMOKE_TEST).exists():
        (project.folder / SMOKE_TEST).parent.mkdir(parents=True)
        shutil.copy2(source.folder / SMOKE_TEST, project.folder / SMOKE_TEST)


@pytest.fixture(scope="module")
def whole(finished_once: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project whose only run was never stopped."""
    project = Project(tmp_path_factory.mktemp("retries") / "whole")
    copy_data(finished_once, project)
    study = project.study()
    kept = {key: study["variants"]["accurate"][key] for key in ("train", "loss", "optimizer", "augment", "seeds")}
    study["variants"]["accurate"] = kept | {"model": "own.py:net", "epochs": EPOCHS}
    project.write_study(study)
    (project.folder / "own.py").write_text(MODEL, encoding="utf-8")
    project.run(TARGET)
    assert tries(project) == 1
    return project


@pytest.fixture
def project(whole: Project, tmp_path: Path) -> Iterator[Project]:
    """Return the same project before its run; nothing else is to be done."""
    project = Project(tmp_path / "project")
    copy_data(whole, project)
    yield project
    assert [log.name for log in (project.folder / "results/logs").iterdir()] == ["train"]


# ---- Again -----------------------------------------------------------------------------------------------------------


def test_an_edited_model_file_of_the_user_trains_again(whole, tmp_path):
    shutil.copytree(whole.folder, tmp_path / "project")
    project = Project(tmp_path / "project")
    model = project.folder / "own.py"
    model.write_text("# mine\n" + MODEL, encoding="utf-8")
    assert project.plan(TARGET) == {}
    project.edit("own.py", "layers.Conv2D(4, 2)", "layers.Conv2D(3, 2)")
    assert project.trainings(TARGET) == ["dots/accurate 0-0"]


# ---- Retries ---------------------------------------------------------------------------------------------------------


def test_a_training_run_that_would_fail_again_is_tried_once(project):
    """Else a mistake in one's model costs the queue four times."""
    will(project, 'raise ValueError("three filters are too few")')
    done = project.snakemake("--cores", "1", "--retries", "3", TARGET)
    assert done.returncode != 0
    assert tries(project) == 1
    assert "three filters are too few" in (project.folder / LOG).read_text(encoding="utf-8")


def test_a_training_run_that_may_pass_is_tried_as_often_as_asked_for(project):
    will(project, 'raise OSError(28, "No space left on device")')
    done = project.snakemake("--cores", "1", "--retries", "1", TARGET)
    assert done.returncode != 0
    assert tries(project) == 2


def test_a_training_run_that_was_killed_is_tried_again_and_finishes(project, whole):
    """By the system for its memory, by a scheduler, by a user."""
    first = 'if not Path("killed").exists():\n    Path("killed").touch()\n    '
    will(project, first + "os.kill(os.getpid(), signal.SIGKILL)")
    printed = project.run("--retries", "3", TARGET)
    assert tries(project) == 2
    assert re.search(r"Failed: train dots/accurate, seed 0\n  killed after \d+ s; memory: used \d+ MiB\n", printed)
    assert "  Submitted again: attempt 2 of 4.\n" in printed
    assert "The previous attempt was killed: process" in (project.folder / LOG).read_text(encoding="utf-8")
    assert result(project) == result(whole)


# ---- One import of TensorFlow for all packs of a call ----------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no server")
def test_a_training_run_gives_the_same_bytes_in_a_process_of_its_own(project, whole):
    will(project, 'Path("parent").write_bytes(Path(f"/proc/{os.getppid()}/cmdline").read_bytes())')
    project.run("--skip-script-cleanup", TARGET)
    assert b"calotype.jobs.warm_process" in (project.folder / "parent").read_bytes()
    (script,) = (project.folder / ".snakemake/scripts").glob("*.train.py")
    shutil.rmtree(project.folder / PACK)
    (project.folder / PACK).mkdir()
    environment = os.environ | {"PYTHONPATH": str(project.folder / "workflow")}
    subprocess.run([sys.executable, str(script)], cwd=project.folder, env=environment, check=True)
    assert b"calotype.jobs.warm_process" not in (project.folder / "parent").read_bytes()
    assert result(project) == result(whole)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no server")
def test_a_training_run_finishes_when_the_process_that_it_was_forked_from_is_killed(project, whole):
    will(project, "os.kill(os.getppid(), signal.SIGKILL)")
    project.run(TARGET)
    assert tries(project) == 1
    assert result(project) == result(whole)


# ---- Stopped from outside --------------------------------------------------------------------------------------------


def begin(project: Project, *arguments: str, target: str = TARGET) -> subprocess.Popen:
    """Call Snakemake as from a terminal, whose signals go to all processes."""
    with open(project.folder / "printed", "a", encoding="utf-8") as printed:
        return subprocess.Popen(
            [str(SNAKEMAKE), "--cores", "1", target, *arguments],
            cwd=project.folder,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )


def logged(project: Project, log: str = LOG) -> str:
    """Return the log of the training job; empty if Snakemake has just removed an older one."""
    try:
        return (project.folder / log).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def wait_for(project: Project, process: subprocess.Popen, words: str, log: str = LOG) -> None:
    """Until they stand in the log of the training."""
    while not re.search(words, logged(project, log)):
        assert process.poll() is None, (project.folder / "printed").read_text(encoding="utf-8")
        time.sleep(0.02)


@pytest.fixture
def ended():
    """Return a list for the calls of a test; those that still run are ended after the test."""
    calls: list[subprocess.Popen] = []
    yield calls
    for call in calls:
        try:
            os.killpg(call.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        call.wait()


def gone_on(project: Project) -> int:
    """Return the last epoch that the previous attempt had saved; this attempt must not train it again."""
    _, told, after = (project.folder / LOG).read_text(encoding="utf-8").partition("resuming seed 0 at epoch ")
    assert told
    epoch = int(after.partition("/")[0])
    assert f"epoch {epoch}/" not in after.split("\n", 1)[1], "a finished epoch was trained again"
    return epoch


def test_a_stopped_training_run_loses_nothing_and_resumes_to_the_same_bytes(project, whole, ended):
    """A machine that loses its power, which leaves checkpoints alone; then Ctrl-C; then the end of a session."""
    log, epochs = project.folder / LOG, []
    for number, epoch, *options in ((signal.SIGKILL, 10, "--config", "checkpoint_minutes=0"),
                                    (signal.SIGINT, 40), (signal.SIGTERM, 70)):  # fmt: skip
        call = begin(project, *options)
        ended.append(call)
        wait_for(project, call, f"epoch {epoch}/{EPOCHS}")
        if number == signal.SIGKILL:  # the training has a session of its own, and would save
            os.kill(int((project.folder / "tries").read_text().split()[-1]), number)
        os.killpg(call.pid, number)
        assert call.wait() != 0
        text = log.read_text(encoding="utf-8")
        if number == signal.SIGKILL:
            project.run("--unlock")
            continue
        if number == signal.SIGINT:
            assert "The previous attempt was killed: process" in text
        epochs.append(gone_on(project))
        assert f"Stopped by {number.name}. Progress is saved; the next attempt resumes from it." in text
        assert "Traceback" not in text
    project.run(TARGET)
    epochs.append(gone_on(project))
    assert all(map(operator.le, (1, 39, 69), epochs))
    assert epochs[-1] < EPOCHS
    assert result(project) == result(whole)


def test_a_snakemake_that_was_killed_leaves_a_training_run_that_nobody_repeats(project, whole, ended):
    """The training runs on without it; the next call waits for it instead of training beside it."""
    will(project, 'while not Path("awaited").exists():\n    time.sleep(0.02)')
    call = begin(project)
    ended.append(call)
    while not (project.folder / "tries").exists():
        assert call.poll() is None, (project.folder / "printed").read_text(encoding="utf-8")
        time.sleep(0.02)
    call.kill()
    call.wait()
    project.run("--unlock")
    second = begin(project)
    ended.append(second)
    wait_for(project, second, "is being trained by process .*; waiting for it")
    (project.folder / "awaited").touch()
    assert second.wait() == 0
    assert "another job has finished it" in (project.folder / LOG).read_text(encoding="utf-8")
    assert tries(project) == 1
    assert result(project) == result(whole)
    assert not (project.folder / "results/checkpoints").exists() or not [
        *(project.folder / "results/checkpoints").rglob("lease")
    ]


# ---- Side by side ----------------------------------------------------------------------------------------------------

BOTH = "results/dots/accurate/seeds-000-002"
# One of the processes, when it begins its first run: it has built the model twice before.
KILL_ONE = """
if Path("tries").read_text().split().count(str(os.getpid())) == 3:
    try:
        open("killed", "x").close()
    except FileExistsError:
        pass
    else:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def side_by_side(project: Project, number: int) -> None:
    """Train three seeds in a job, so many of them at a time."""
    study = project.study()
    study["variants"]["accurate"] |= {"seeds": 3, "side_by_side": number}
    project.write_study(study)


def test_runs_side_by_side_survive_a_stop_and_the_kill_of_one(project, whole, tmp_path, ended):
    """A signal to their job stops all of them; a killed one costs no other, and only what is missing is trained."""
    alone, log = Project(tmp_path / "alone"), LOG.replace("000-000", "000-002")
    copy_data(whole, alone)
    side_by_side(alone, 1)
    alone.run(f"{BOTH}/history.csv")
    side_by_side(project, 2)
    call = begin(project, "--cores", "2", target=f"{BOTH}/history.csv")
    ended.append(call)
    for seed in (0, 1):
        wait_for(project, call, f"seed {seed}, epoch 10/{EPOCHS}", log)
    (heartbeat,) = (project.folder / "results/checkpoints/dots/accurate").glob("heartbeat-*.json")
    os.kill(json.loads(heartbeat.read_text(encoding="utf-8"))["process"], signal.SIGTERM)
    assert call.wait() != 0
    text = logged(project, log)
    assert text.count("training on cpu, 2 runs of 1 thread(s)") == text.count("Stopped by SIGTERM.") == 1
    assert "Traceback" not in text
    will(project, KILL_ONE)
    printed = project.run("--retries", "1", f"{BOTH}/history.csv")
    (seed,) = set(re.findall(r"seed (\d): its process was killed by SIGKILL", printed))
    assert "  Submitted again: attempt 2 of 2.\n" in printed
    text = logged(project, log)
    finished = [each for each in "012" if f"loading seed {each}, finished" in text]
    assert finished == [each for each in "012" if each != seed]
    assert result(project, BOTH) == result(alone, BOTH)
