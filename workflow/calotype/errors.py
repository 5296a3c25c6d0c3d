"""The one exception for everything that a user can put right."""

from collections.abc import Iterator
from contextlib import contextmanager


class CalotypeError(Exception):
    """Says what was wrong, where (file and key, or image), and, as a hint, what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\nHint: {hint}")


@contextmanager
def about(what: str) -> Iterator[None]:
    """Have errors of the block begin with what it works on."""
    try:
        yield
    except CalotypeError as error:
        raise CalotypeError(f"{what}: {error}") from error.__cause__
