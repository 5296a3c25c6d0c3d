"""Log and exit of the entry points."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calotype.util import bytecode
from calotype.util.errors import CalotypeError, redacted

bytecode.install()
LIST = "long_list"  # an attribute of log records
LIST_SUFFIX = ".all.txt"
FINAL = "Not retried: the error is not transient."  # the last line of a log
# TensorFlow's names of errors that may not occur on another machine or later. TensorFlow is not imported for this.
PASSING = ("AbortedError", "InternalError", "ResourceExhaustedError", "UnavailableError")


def would_fail_again(log: Path) -> bool:
    """Tell from its log if an entry point ended with an error that a retry does not fix."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 200))
            return file.read().decode(errors="replace").rstrip().endswith(FINAL)
    except OSError:
        return False


def log_error(error: Exception, what: str = "") -> bool:
    """Log an error after the name `what` of a part of a stage; only a `CalotypeError` has no traceback.

    Returns:
        Whether a retry may help, from `may_pass`.
    """
    logger = logging.getLogger("calotype")
    if not isinstance(error, CalotypeError):
        logger.error("%sunexpected error (possibly a bug in calotype):", what, exc_info=error)
    else:
        logger.error("%serror: %s", what, error)
        if error.__cause__ is not None:
            logger.debug("Caused by:", exc_info=error.__cause__)
    return may_pass(error)


def may_pass(error: Exception) -> bool:
    """Tell if a retry may help: the disk was full, a file server was away, or memory ran out."""
    causes = (error, error.__cause__)
    return any(isinstance(each, OSError | MemoryError) or type(each).__name__ in PASSING for each in causes)


class _Redacting(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def log_list(lines: list[str]) -> str | None:
    """Write a list that is too long for the log to a file beside it; return its path, or None without a log."""
    logger = logging.getLogger("calotype")
    logger.debug("%s", "\n".join(lines), extra={LIST: True})
    files = [getattr(handler, "baseFilename", "") for handler in logger.handlers]
    return next((os.path.relpath(file) for file in files if file.endswith(LIST_SUFFIX)), None)


@contextmanager
def script(log: str) -> Iterator[None]:
    """Run the body of an entry point: log to a new file and, from level INFO on, to the terminal.

    An error is logged and ends the process; the log tells if a retry may help (`would_fail_again`). Snakemake shows the
    log of a failed job on the terminal, so long lists (`log_list`) get a file beside it.
    """
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.INFO)
    file = logging.FileHandler(log, mode="w", encoding="utf-8")
    file.addFilter(lambda record: not hasattr(record, LIST))
    lists = logging.FileHandler(f"{log}{LIST_SUFFIX}", mode="w", encoding="utf-8", delay=True)
    lists.addFilter(lambda record: hasattr(record, LIST))
    Path(lists.baseFilename).unlink(missing_ok=True)
    file.setFormatter(_Redacting("%(asctime)s  %(message)s"))
    terminal.setFormatter(_Redacting("%(message)s"))
    logger = logging.getLogger("calotype")
    logger.setLevel(logging.DEBUG)
    logger.handlers = [terminal, file, lists]
    try:
        yield
    except Exception as error:
        if not log_error(error):
            logger.debug(FINAL)
        sys.exit(1)
