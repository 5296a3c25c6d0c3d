"""What the entry points print, and how they end."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calotype.util.errors import CalotypeError

FINAL = "This would fail again, and is not tried a second time."  # the last line of a log
# TensorFlow's names for what may pass on another machine, or a moment later. It is not imported for this.
PASSING = ("AbortedError", "InternalError", "ResourceExhaustedError", "UnavailableError")


def _would_pass(error: BaseException) -> bool:
    """Whether what failed may pass when it is tried again: a full disk, a file server that was away, no memory left."""
    causes = (error, error.__cause__)
    return any(isinstance(each, OSError | MemoryError) or type(each).__name__ in PASSING for each in causes)


def would_fail_again(log: Path) -> bool:
    """Whether an entry point has ended by an error that a second try does not mend, by what it wrote into its log."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 200))
            return file.read().decode(errors="replace").rstrip().endswith(FINAL)
    except OSError:
        return False


def log_error(error: Exception, what: str = "") -> bool:
    """Log an error that ended a stage, or a part of it. A `CalotypeError` has no traceback; anything else is a bug.

    Args:
        error: the error.
        what: the part of the stage, before the message.

    Returns:
        Whether a second try may help.
    """
    logger = logging.getLogger("calotype")
    if not isinstance(error, CalotypeError):
        logger.error("%sA bug, or something that calotype did not foresee:", what, exc_info=error)
    else:
        logger.error("%serror: %s", what, error)
        if error.__cause__ is not None:
            logger.debug("It came from:", exc_info=error.__cause__)
    return _would_pass(error)


@contextmanager
def script(log: str) -> Iterator[None]:
    """Run the body of an entry point: log to a file and, from level INFO on, to the terminal.

    A `CalotypeError` ends the process with its message and no traceback; anything else is a bug and keeps its own. The
    log tells whether a second try makes sense (`would_fail_again`).

    Args:
        log: the log file; written anew.
    """
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.INFO)
    file = logging.FileHandler(log, mode="w", encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s  %(message)s"))
    terminal.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("calotype")
    logger.setLevel(logging.DEBUG)
    logger.handlers = [terminal, file]
    try:
        yield
    except Exception as error:
        if not log_error(error):
            logger.debug(FINAL)
        sys.exit(1)
