"""The error for everything that a user can fix, and its hints."""

import difflib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


def redacted(text: str) -> str:
    """Replace user names and passwords in web addresses, also passwords with signs that should be escaped there."""
    return re.sub(r"://(?:.*:.*|[^/\s]*)@", "://***@", text)


class CalotypeError(Exception):
    """An error that a user can fix: file, key or image, the problem, and a hint."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        text = redacted(message if hint is None else f"{message}\nHint: {hint}")
        super().__init__(re.sub(r"(\S{60})\S{1000,}", r"\1...", text))


@contextmanager
def about(what: str) -> Iterator[None]:
    """Begin errors of the block with `what` it works on."""
    try:
        yield
    except CalotypeError as error:
        raise CalotypeError(f"{what}: {error}") from error.__cause__


@contextmanager
def with_hint(hint: str) -> Iterator[None]:
    """Add a hint to errors of the block that have none."""
    try:
        yield
    except CalotypeError as error:
        if "\nHint: " in str(error):
            raise
        raise CalotypeError(str(error), hint) from error.__cause__


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return a hint with the closest known name, or with all of them."""
    known = list(known)
    return closest(name, known) or (f"allowed values are {', '.join(known)}." if known else None)


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return a hint with the closest known name, for messages that list all of them."""
    close = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return f"did you mean `{close[0]}`?" if close else None


def nearest_path(path: str | os.PathLike[str], *, folder: bool = False) -> str:
    """Return a hint for a missing file or folder: the closest name there, or where the path leaves what exists."""
    above, name = os.path.split(os.path.normpath(path))
    while above and not os.path.isdir(above):
        above, name = os.path.split(above)
    try:
        names = sorted(os.listdir(above or "."))
    except OSError:
        names = []
    names = [each for each in names if not folder or os.path.isdir(os.path.join(above, each))]
    if close := difflib.get_close_matches(name, names, n=1):
        return f"did you mean `{os.path.join(above, close[0])}`?"
    if os.path.isabs(above):
        return f"correct the path: {above} has no `{name}`."
    return "paths start from the working directory."
