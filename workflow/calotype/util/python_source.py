"""The top level of a Python file: the definition of each name, and the statements that an import runs."""

import ast
import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from calotype.util.errors import CalotypeError
from calotype.util.python_text import (
    Definition,
    Function,
    Imported,
    base_name,
    decorators_are_plain,
    define,
    imported_names,
    is_text,
    last_name,
)

REST, ALL = "", "*"  # statements that an import runs besides binding names; and all statements of a script


def parse(path: Path) -> ast.Module:
    """Parse a Python file; raise a CalotypeError if it cannot be read or is not valid Python."""
    try:
        return ast.parse(path.read_text(encoding="utf-8-sig"), str(path))
    except OSError as error:
        raise CalotypeError(f"{path}: cannot be read: {error.strerror}.") from None
    except (SyntaxError, ValueError) as error:  # ValueError: not UTF-8, or null bytes
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise CalotypeError(f"{path}{line}: not valid Python: {getattr(error, 'msg', error)}.") from None


@dataclass
class Source:
    """The top level of a file."""

    statements: dict[str, list[ast.stmt]] = field(default_factory=dict)  # by the name that they bind or change
    effects: list[ast.stmt] = field(default_factory=list)  # other statements that an import runs
    imports: dict[str, Imported] = field(default_factory=dict)  # also those in `try` and `if`
    stars: list[Imported] = field(default_factory=list)  # modules whose names are all imported
    known: dict[str, Definition] = field(default_factory=dict)

    def definition(self, name: str, *, config: bool = False, ours: bool = True) -> Definition:
        """Return the definition of a name, of a config type or not; also of `REST` and `ALL`."""
        if name not in self.known:  # once, as `define` changes statements
            found = self.effects if name in (REST, ALL) else self.statements[name]
            if name == ALL:
                every = {id(each): each for some in (found, *self.statements.values()) for each in some}
                found = sorted(every.values(), key=lambda each: each.lineno)
            self.known[name] = define(found, config=config, ours=ours)
        return self.known[name]

    def entries(self, table: str, keys: Sequence[str]) -> Definition:
        """Return some entries of a table; raise a CalotypeError if it is no dict literal or lacks a key."""
        value = getattr(self.statements[table][0], "value", None)
        if not isinstance(value, ast.Dict):
            raise CalotypeError(f"code digest: {table} is not a dict literal.")
        known = {getattr(key, "value", None): entry for key, entry in zip(value.keys, value.values, strict=True)}
        if unknown := {*keys} - known.keys():
            raise CalotypeError(f"code digest: {table} holds no {unknown.pop()}.")
        used = ast.Expr(ast.Dict([ast.Constant(key) for key in keys], [known[key] for key in keys]))
        return define([ast.fix_missing_locations(used)])


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that an import of a file runs, without unused texts and code for type checkers."""
    for node in body:
        asked = last_name(getattr(node.test, "left", node.test)) if isinstance(node, ast.If) else ""
        if isinstance(node, ast.If) and asked == "TYPE_CHECKING":
            yield from node.orelse
        elif asked != "__name__" and not is_text(node):  # == "__main__"
            yield node


@functools.cache
def read_source(path: Path) -> Source:
    """Read a file and sort its statements; raise a CalotypeError as `parse` does."""
    source, assigned = Source(), []
    for node in _statements(parse(path).body):
        if isinstance(node, Function | ast.ClassDef):
            source.statements.setdefault(node.name, []).append(node)
            if not decorators_are_plain(node):  # it may be registered somewhere, so it counts with the file
                used = ast.Expr(ast.Name(node.name, ast.Load()))
                source.effects.append(ast.fix_missing_locations(ast.copy_location(used, node)))
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            assigned.append(node)
        else:
            for name, imported in imported_names(ast.walk(node)):
                if name == "*":
                    source.stars.append(imported)
                else:
                    source.imports[name] = imported
            if not isinstance(node, ast.Import | ast.ImportFrom):
                source.effects.append(node)
    for node in assigned:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        flat = [each for target in targets for each in getattr(target, "elts", [target])]
        bound = {base_name(each) for each in flat if isinstance(each, ast.Name) or base_name(each) in source.statements}
        for name in bound:
            source.statements.setdefault(name, []).append(node)
        if len(bound) < len({base_name(each) for each in flat}):
            source.effects.append(node)
    return source
