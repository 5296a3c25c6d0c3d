"""Marks in the files that `new_study` writes: it replaces only its own text that nobody edited since."""

import hashlib
import re

MARK = "# Written by new_study; overwrite=true replaces it while it is unchanged: "
_MARKED = re.compile(rf"^\s*{re.escape(MARK)}([0-9a-f]+)$", re.MULTILINE)


def _digest(text: str) -> str:
    lines = [line.rstrip() for line in text.splitlines() if MARK not in line and not line.startswith("# yaml-language")]
    return hashlib.sha256("\n".join(lines).strip().encode()).hexdigest()[:12]


def marked(text: str, after: int, indent: str = "") -> str:
    """Return a text with its mark in a line of its own, after a number of lines."""
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:after], f"{indent}{MARK}{_digest(text)}\n", *lines[after:]])


def is_unchanged(text: str) -> bool:
    """Return True if a text has a mark, and is as it was when it got the mark."""
    found = _MARKED.findall(text)
    return found == [_digest(text)]


def entry_range(text: str, name: str) -> slice | None:
    """Return the place of an entry of datasets.yaml in its text, without comments before the next entry."""
    start = re.search(rf"^([\"']?){re.escape(name)}\1[ \t]*:", text, re.MULTILINE)
    if start is None:
        return None
    following = re.compile(r"^[^\s#]", re.MULTILINE).search(text, start.end())
    body = text[start.start() : following.start() if following else len(text)]
    lines = body.splitlines(keepends=True)
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].startswith("#")):
        lines.pop()
    return slice(start.start(), start.start() + len("".join(lines)))
