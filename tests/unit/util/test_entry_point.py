"""An entry point ends with a message for an error of the user, and with a traceback for a bug."""

import logging

import pytest

from calotype.util.entry_point import FINAL, log_list, script, would_fail_again
from calotype.util.errors import CalotypeError


@pytest.fixture(autouse=True)
def quiet():
    """Restore the handlers of the logger."""
    logger = logging.getLogger("calotype")
    handlers, level = logger.handlers, logger.level
    yield
    for handler in logger.handlers:
        handler.close()
    logger.handlers, logger.level = handlers, level


def test_a_users_mistake_ends_with_its_message_and_no_traceback(tmp_path, capsys):
    with pytest.raises(SystemExit) as end, script(str(tmp_path / "log")):
        raise CalotypeError("config: seeds: -1.", "write 1.")
    assert end.value.code == 1
    for text in (capsys.readouterr().err, (tmp_path / "log").read_text()):
        assert "error: config: seeds: -1.\nHint: write 1." in text
        assert "Traceback" not in text


def test_a_bug_leaves_its_traceback_in_the_log(tmp_path):
    with pytest.raises(SystemExit) as end, script(str(tmp_path / "log")):
        raise RuntimeError("unforeseen")
    assert end.value.code == 1
    text = (tmp_path / "log").read_text()
    assert "Traceback" in text
    assert "RuntimeError: unforeseen" in text


def test_each_epoch_is_logged_to_the_file_and_not_to_the_terminal(tmp_path, capsys):
    with script(str(tmp_path / "log")):
        logging.getLogger("calotype.training.keras_trainer").debug("seed 0, epoch 1")
        logging.getLogger("calotype.training.keras_trainer").info("seed 0 done")
    assert capsys.readouterr().err == "seed 0 done\n"
    assert "seed 0, epoch 1" in (tmp_path / "log").read_text()


def test_a_long_list_is_in_a_file_of_its_own_and_not_on_the_terminal(tmp_path, capsys):
    """Snakemake shows the log of a failed job on the terminal."""
    for lines in (["a/1.png", "a/2.png"], []):
        with script(str(tmp_path / "log")):
            if lines:
                assert (tmp_path / "log.all.txt").samefile(str(log_list(lines)))
                assert (tmp_path / "log.all.txt").read_text() == "a/1.png\na/2.png\n"
    assert not (tmp_path / "log.all.txt").exists(), "the list of an earlier call"
    assert "a/1.png" not in (tmp_path / "log").read_text()
    assert capsys.readouterr().err == ""


def test_an_interrupt_is_not_reported_as_a_bug(tmp_path):
    with pytest.raises(KeyboardInterrupt), script(str(tmp_path / "log")):
        raise KeyboardInterrupt


# ---- Retries ---------------------------------------------------------------------------------------------------------


def ended_by(folder, error, cause=None):
    """Return the log of an entry point that fails with an error."""
    log = folder / "log"
    with pytest.raises(SystemExit) as end, script(str(log)):
        raise error from cause
    assert end.value.code == 1
    return log


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RuntimeError("unforeseen"), None),
        (KeyError("a bug"), None),
        (AssertionError(), None),
        (CalotypeError("config: seeds: -1.", "write 1."), None),
        (CalotypeError("model: it fails."), ValueError("in a user's file")),
    ],
)
def test_an_error_that_would_occur_again_is_not_retried(tmp_path, error, cause, capsys):
    """A retry would cost hours of a queue and a GPU, and end with the same message."""
    log = ended_by(tmp_path, error, cause)
    assert log.read_text().rstrip().endswith(FINAL)
    assert would_fail_again(log)
    assert FINAL not in capsys.readouterr().err, "the terminal shows what is wrong, and no more"


class ResourceExhaustedError(Exception):
    """TensorFlow's error if another job uses the memory of the GPU."""


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError(28, "No space left on device"), None),
        (ConnectionResetError("a file server that went away"), None),
        (TimeoutError(), None),
        (MemoryError(), None),
        (ResourceExhaustedError("OOM when allocating tensor"), None),
        (CalotypeError("results: cannot be written."), OSError(28, "No space left on device")),
        (CalotypeError("model: mine: MemoryError"), MemoryError()),
        (CalotypeError("model: mine: OOM"), ResourceExhaustedError()),
    ],
)
def test_a_transient_error_is_retried(tmp_path, error, cause):
    """A full disk, a file server that is down, a node with too little memory: a retry may succeed."""
    assert not would_fail_again(ended_by(tmp_path, error, cause))


def test_a_log_without_an_error_allows_a_retry(tmp_path):
    """A killed process logs no error."""
    assert not would_fail_again(tmp_path / "none")
    (tmp_path / "empty").touch()
    assert not would_fail_again(tmp_path / "empty")
    (tmp_path / "torn").write_bytes(b"2026-11-22  seed 0, epoch 1 of 3: loss 0.1\n\xe2\x80")
    assert not would_fail_again(tmp_path / "torn")
    with script(str(tmp_path / "log")):
        logging.getLogger("calotype").info("done")
    assert not would_fail_again(tmp_path / "log")


def test_a_log_of_any_length_is_judged_by_its_end(tmp_path):
    log = ended_by(tmp_path, RuntimeError("ä" * 5000))
    assert would_fail_again(log)
    with log.open("a", encoding="utf-8") as file:
        file.write("and more, of a process that went on\n")
    assert not would_fail_again(log)


def test_a_killed_retry_is_not_judged_by_the_log_of_the_first_attempt(tmp_path):
    log = ended_by(tmp_path, RuntimeError("a bug"))
    with script(str(log)):
        assert not would_fail_again(log), "an entry point writes a new log"


def test_a_stopped_process_may_be_retried(tmp_path):
    with pytest.raises(SystemExit), script(str(tmp_path / "log")):
        raise SystemExit(1)
    assert not would_fail_again(tmp_path / "log")
