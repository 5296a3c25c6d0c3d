"""The one exception for everything that a user can put right."""

import difflib
from collections.abc import Iterable, Iterator
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


@contextmanager
def with_hint(hint: str) -> Iterator[None]:
    """Have errors of the block end with a hint, those that have none of their own."""
    try:
        yield
    except CalotypeError as error:
        if "\nHint: " in str(error):
            raise
        raise CalotypeError(str(error), hint) from error.__cause__


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint: the known name that is closest, or all of them."""
    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known: {', '.join(known)}." if known else None
