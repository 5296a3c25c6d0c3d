"""A signal stops a training at the next safe point, and the log says how to resume."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from calotype.jobs.signals import SIGNALS, StoppedError, on_signals
from calotype.util.entry_point import would_fail_again

ROOT = Path(__file__).parents[3]
# A small entry point; the work is appended.
BEGIN = """
import signal, sys, time
from calotype.util.entry_point import script, would_fail_again
from calotype.jobs.signals import on_signals, StoppedError

with script(sys.argv[1]), on_signals() as stop:
    print("ready", flush=True)
"""
WORK = """
    while True:
        stop.check()
        time.sleep(0.01)
"""
TRAIN = """
    from pathlib import Path
    import numpy as np
    from calotype.training import loop
    from calotype.training import sklearn_model
    from calotype.config.recipe import Recipe
    from calotype.data.prepared_split import Split

    loop.AT_ONCE = 0
    folder = Path(sys.argv[2])
    made = Recipe.model_validate({
        "model": "sklearn.neural_network.MLPClassifier", "model_arguments": {"hidden_layer_sizes": [4]},
        "loss": "categorical_crossentropy", "optimizer": "adam", "batch_size": 8, "epochs": EPOCHS,
    })
    split = Split(np.random.default_rng(1).random((40, 3, 3, 1), np.float32), np.arange(40) % 3, np.arange(40))
    (folder / "models").mkdir(exist_ok=True)
    store = loop.Store({0: folder / "checkpoints"}, "identity", 60.0)
    seen = []

    def check():
        seen.append(1)
        if len(seen) == 20:
            print("training", flush=True)
            while stop.by is None and WAIT:
                time.sleep(0.01)
        stop.check()

    trainer = sklearn_model.Trainer(made, split, classes=3)
    pack = loop.train_pack("pack", made, range(1), trainer, folder / "models", store=store, check=check)
    (folder / "history").write_text(pack.history.to_csv())
"""


def start(tmp_path, code):
    return subprocess.Popen(
        [sys.executable, "-c", BEGIN + code, str(tmp_path / "log"), str(tmp_path)],
        env={
            **{key: value for key, value in os.environ.items() if "SLURM" not in key},
            "PYTHONPATH": str(ROOT / "workflow"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heard,
    )


def heard():
    """Reset the signals that nohup or a background shell may have set to be ignored."""
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def end_of(process, numbers, after="ready"):
    """Send signals once the process has printed a word; return its output and exit status."""
    while (line := process.stdout.readline().strip()) != after:
        assert line, process.stderr.read()
    for number in numbers:
        process.send_signal(number)
    printed = process.communicate(timeout=300)[1]
    return printed, process.returncode


@pytest.mark.parametrize("number", SIGNALS, ids=[number.name for number in SIGNALS])
def test_every_signal_of_a_scheduler_or_a_terminal_stops_cleanly(tmp_path, number):
    printed, status = end_of(start(tmp_path, WORK), [number])
    log = (tmp_path / "log").read_text()
    assert status == 1, "Snakemake and Slurm must see that it did not finish"
    for text in (printed, log):
        assert f"Stopped by {number.name}. Progress is saved; the next attempt resumes from it." in text
        assert "queue" not in text, "there is no queue without Slurm"
        assert "Traceback" not in text
        assert "bug" not in text


def test_the_first_of_several_signals_is_the_reason_and_the_others_do_no_harm(tmp_path):
    """Slurm sends SIGTERM to a step and all its children, and a user may press Ctrl-C repeatedly."""
    signals = [signal.SIGUSR1, signal.SIGINT, signal.SIGINT, signal.SIGTERM]
    printed, status = end_of(start(tmp_path, "    time.sleep(0.5)\n" + WORK), signals)
    assert status == 1
    assert printed.count("Stopped by SIG") == 1
    assert "Traceback" not in printed


def test_a_training_run_under_nohup_ignores_sighup_and_obeys_other_signals(tmp_path):
    """A signal that was ignored before stays ignored."""
    assert shutil.which("nohup")
    code = BEGIN + WORK.replace("stop.check()", "stop.check(); print('working', flush=True)")
    process = subprocess.Popen(
        ["nohup", sys.executable, "-c", code, str(tmp_path / "log")],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heard,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGHUP)
    for _ in range(20):
        assert process.stdout.readline() == "working\n"
    printed, status = end_of(process, [signal.SIGTERM], after="working")
    assert (status, "Stopped by SIGTERM" in printed) == (1, True)


def test_a_stopped_process_is_retried(tmp_path):
    end_of(start(tmp_path, WORK), [signal.SIGTERM])
    assert not would_fail_again(tmp_path / "log")


@pytest.mark.slow
def test_a_training_run_stopped_by_several_signals_resumes_to_the_same_bytes(tmp_path):
    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    for folder in (stopped, whole):
        folder.mkdir()
    code = TRAIN.replace("EPOCHS", "60")
    for times, number in enumerate((signal.SIGTERM, signal.SIGINT), start=1):
        printed, status = end_of(start(stopped, code.replace("WAIT", "True")), [number], after="training")
        assert status == 1, printed
        assert f"Stopped by {number.name}" in printed
        assert "Traceback" not in printed
        assert len(list((stopped / "checkpoints").iterdir())) == times
    for folder in (stopped, whole):
        process = start(folder, code.replace("WAIT", "False"))
        printed = process.communicate(timeout=300)[1]
        assert process.returncode == 0, printed
        assert ("resuming seed 0 at epoch 38/60" in printed) == (folder == stopped)
    assert (stopped / "history").read_bytes() == (whole / "history").read_bytes()
    assert (stopped / "models/seed-000.npz").read_bytes() == (whole / "models/seed-000.npz").read_bytes()


def test_outside_of_the_block_signals_do_what_they_did(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    got = []
    before = {number: signal.getsignal(number) for number in SIGNALS}
    mine = signal.signal(signal.SIGUSR1, lambda *_: got.append("mine"))
    try:
        for error, ends in ((None, None), (StoppedError("SIGTERM"), SystemExit), (ValueError("a bug"), ValueError)):
            expected = nullcontext() if error is None else pytest.raises(ends)
            with expected, on_signals() as stop:
                os.kill(os.getpid(), signal.SIGUSR1)
                assert (stop.by, got) == ("SIGUSR1", [])
                if error is not None:
                    raise error
            os.kill(os.getpid(), signal.SIGUSR1)
            assert got.pop() == "mine"
    finally:
        signal.signal(signal.SIGUSR1, mine)
    assert {number: signal.getsignal(number) for number in SIGNALS} == before
