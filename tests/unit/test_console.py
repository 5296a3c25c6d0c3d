"""An entry point ends with a message for what a user can put right, and with a traceback for a bug."""

import logging

import pytest

from calotype.console import script
from calotype.errors import CalotypeError


@pytest.fixture(autouse=True)
def quiet():
    """The handlers of the logger as they were."""
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


def test_each_epoch_stands_in_the_log_and_not_on_the_terminal(tmp_path, capsys):
    with script(str(tmp_path / "log")):
        logging.getLogger("calotype.training").debug("seed 0, epoch 1")
        logging.getLogger("calotype.training").info("seed 0 done")
    assert capsys.readouterr().err == "seed 0 done\n"
    assert "seed 0, epoch 1" in (tmp_path / "log").read_text()


def test_an_interrupt_is_not_taken_for_a_bug(tmp_path):
    with pytest.raises(KeyboardInterrupt), script(str(tmp_path / "log")):
        raise KeyboardInterrupt
