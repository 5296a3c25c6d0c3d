"""What the entry points print, and how they end."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from calotype.errors import CalotypeError


@contextmanager
def script(log: str) -> Iterator[None]:
    """Run the body of an entry point: log to a file and, from level INFO on, to the terminal.

    A `CalotypeError` ends the process with its message and no traceback; anything else is a bug and keeps its own.

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
    except CalotypeError as error:
        logger.error("error: %s", error)
        if error.__cause__ is not None:
            logger.debug("It came from:", exc_info=error.__cause__)
        sys.exit(1)
    except Exception:
        logger.exception("A bug, or something that calotype did not foresee:")
        sys.exit(1)
