"""What failed by itself is not tried again, what was killed is, and nobody loses a training or gets another one."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import SNAKEMAKE, Project

pytestmark = pytest.mark.slow

PACK = "results/dots/accurate/seeds-000-000"
TARGET = f"{PACK}/history.csv"
LOG = "results/logs/train/dots/accurate/000-000.log"
EPOCHS = 300  # long enough to be hit
# All that is random in a training, in a net that takes no time; before that what a test wants to happen, once the
# workflow has tried the model and trains it.
MODEL = """
import os
import signal
from pathlib import Path

import keras
from keras import layers


def trained():
    with open("tries", "a") as file:
        file.write(f"{{os.getpid()}}\\n")
{fault}


def net(shape, outputs):
    if Path("results/dots/accurate/rehearsal.json").exists():
        trained()
    net = [layers.AveragePooling2D(8), layers.Conv2D(4, 2), layers.BatchNormalization(), layers.Dropout(0.2)]
    return keras.Sequential([keras.Input(shape), *net, layers.Flatten(), layers.Dense(outputs)])
"""


def write_model(project: Project, fault: str = "") -> None:
    (project.folder / "own.py").write_text(MODEL.format(fault=fault), encoding="utf-8")


def tries(project: Project) -> int:
    """How many processes have built the model."""
    return len({*(project.folder / "tries").read_text().split()})


def result(project: Project) -> dict[str, bytes]:
    """All of a pack that must be the same each time."""
    files = [file for file in (project.folder / PACK).rglob("*") if file.is_file() and not file.name.startswith(".")]
    return {file.name: file.read_bytes() for file in files if file.name != "provenance.json"}


def copy_data(source: Project, project: Project) -> None:
    """Copy a project as it was before its first training, its data prepared."""
    shutil.copytree(source.folder, project.folder, ignore=shutil.ignore_patterns("tries"))
    for folder in ("results/dots", "results/logs/train", "results/checkpoints"):
        shutil.rmtree(project.folder / folder, ignore_errors=True)


@pytest.fixture(scope="module")
def whole(finished_once: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose only training ran to its end and was never stopped."""
    project = Project(tmp_path_factory.mktemp("retries") / "whole")
    copy_data(finished_once, project)
    study = project.study()
    kept = {key: study["variants"]["accurate"][key] for key in ("train", "loss", "optimizer", "augment", "seeds")}
    study["variants"]["accurate"] = kept | {"model": "own.py:net", "epochs": EPOCHS}
    project.write_study(study)
    write_model(project)
    project.run(TARGET)
    assert tries(project) == 1
    return project


@pytest.fixture
def project(whole: Project, tmp_path: Path) -> Project:
    """The same project before its training."""
    project = Project(tmp_path / "project")
    copy_data(whole, project)
    return project


# ---- Retries ---------------------------------------------------------------------------------------------------------


def test_a_training_that_would_fail_again_is_tried_once(project):
    """Else a mistake in one's model costs the queue four times."""
    write_model(project, '    raise ValueError("three filters are too few")')
    done = project.snakemake("--cores", "1", "--retries", "3", TARGET)
    assert done.returncode != 0
    assert tries(project) == 1
    assert "three filters are too few" in (project.folder / LOG).read_text(encoding="utf-8")


def test_a_training_that_may_pass_is_tried_as_often_as_asked_for(project):
    write_model(project, '    raise OSError(28, "No space left on device")')
    done = project.snakemake("--cores", "1", "--retries", "1", TARGET)
    assert done.returncode != 0
    assert tries(project) == 2


def test_a_training_that_was_killed_is_tried_again_and_finishes(project, whole):
    """By the system for its memory, by a scheduler, by a user."""
    first = '    if not Path("killed").exists():\n        Path("killed").touch()\n        '
    write_model(project, first + "os.kill(os.getpid(), signal.SIGKILL)")
    project.run("--retries", "3", TARGET)
    assert tries(project) == 2
    assert "The attempt before ended without a word: process" in (project.folder / LOG).read_text(encoding="utf-8")
    assert result(project) == result(whole)


# ---- Stopped from outside --------------------------------------------------------------------------------------------


def begin(project: Project, *arguments: str) -> subprocess.Popen:
    """Call Snakemake as from a terminal: what is typed there goes to all processes."""
    with open(project.folder / "printed", "a", encoding="utf-8") as printed:
        return subprocess.Popen(
            [str(SNAKEMAKE), "--cores", "1", TARGET, *arguments],
            cwd=project.folder,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )


def wait_for_epoch(project: Project, process: subprocess.Popen, epoch: int = 20) -> None:
    """Until the training is in the middle."""
    log = project.folder / LOG
    while not (log.exists() and re.search(rf"epoch {epoch} of {EPOCHS}", log.read_text(encoding="utf-8"))):
        assert process.poll() is None, (project.folder / "printed").read_text(encoding="utf-8")
        time.sleep(0.02)


@pytest.fixture
def ended():
    """Ends what is left of the calls that a test lists here."""
    calls: list[subprocess.Popen] = []
    yield calls
    for call in calls:
        try:
            os.killpg(call.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        call.wait()


def test_ctrl_c_loses_nothing_and_the_same_command_goes_on_to_the_same_bytes(project, whole, ended):
    for number in (signal.SIGINT, signal.SIGTERM):
        call = begin(project)
        ended.append(call)
        wait_for_epoch(project, call, 20 if number == signal.SIGINT else 60)
        os.killpg(call.pid, number)
        assert call.wait() != 0
    before = (project.folder / LOG).read_text(encoding="utf-8")
    assert "Stopped by SIGTERM. What is done is saved: the next attempt goes on from there." in before
    assert "Traceback" not in before
    project.run(TARGET)
    log = (project.folder / LOG).read_text(encoding="utf-8")
    epoch = int(re.search(r"goes on: seed 0, after epoch (\d+) of", log).group(1))
    assert 59 <= epoch < EPOCHS
    assert f"epoch {epoch} of" not in log.split("goes on")[1].split("\n", 1)[1], "a finished epoch was trained again"
    assert result(project) == result(whole)


def test_a_snakemake_that_was_killed_leaves_a_training_that_nobody_repeats(project, whole, ended):
    """The training runs on without it; the next call waits for it instead of training beside it."""
    call = begin(project, "--config", "checkpoint_minutes=0")
    ended.append(call)
    wait_for_epoch(project, call)
    call.kill()
    call.wait()
    project.run("--unlock")
    project.run(TARGET)
    assert result(project) == result(whole)
    assert not (project.folder / "results/checkpoints").exists() or not [
        *(project.folder / "results/checkpoints").rglob("lease")
    ]


def test_a_machine_that_lost_its_power_loses_what_was_not_saved_and_no_more(project, whole, ended):
    """All processes are killed at once; checkpoints are all that is left."""
    call = begin(project, "--config", "checkpoint_minutes=0")
    ended.append(call)
    wait_for_epoch(project, call)
    os.killpg(call.pid, signal.SIGKILL)
    call.wait()
    project.run("--unlock")
    project.run(TARGET)
    log = (project.folder / LOG).read_text(encoding="utf-8")
    assert int(re.search(r"goes on: seed 0, after epoch (\d+) of", log).group(1)) >= 1
    assert "The attempt before ended without a word: process" in log
    assert result(project) == result(whole)
