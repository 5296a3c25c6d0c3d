"""Recover from byte code (.pyc) that a full disk truncated: Python reads it at each call, and fails each time.

The rules run this file before they can import the library, so it imports nothing of it.
"""

import logging
import marshal
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from types import CodeType

HEADER = 16  # bytes before the code
DAMAGED = (EOFError, ValueError, TypeError)  # of `marshal`

logger = logging.getLogger("calotype")


def _is_truncated(file: Path) -> bool:
    try:
        content = file.read_bytes()
        if content[:4] == MAGIC_NUMBER and len(content) >= HEADER:
            marshal.loads(memoryview(content)[HEADER:])
    except DAMAGED:
        return True
    except OSError:
        pass
    return False


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink()
    done = "delete it" if file.exists() else "removed"
    logger.warning("%s: truncated byte code, perhaps by a full disk; %s.", file, done)


def repair(folders: Iterable[str]) -> None:
    """Remove all truncated byte code in folders."""
    for folder in folders:
        for file in Path(folder).rglob(f"__pycache__/*.{sys.implementation.cache_tag}*.pyc"):
            if _is_truncated(file):
                _remove(file)


def install() -> None:
    """Make imports of this process read the source of a module if its byte code is truncated."""
    original = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        try:
            return original(self, fullname)
        except DAMAGED:
            file = Path(cache_from_source(self.path))
            if not _is_truncated(file):
                raise
            _remove(file)
            return self.source_to_code(self.get_data(self.path), self.path)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]
