"""The names in pieces of parsed Python code."""

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

Chain = tuple[str, ...]  # a name and the attributes that are read of it, one of the other: ("np", "random", "rng")


class Imported(NamedTuple):
    """Where an imported name comes from: dots that a relative import begins with, the module, a name in it."""

    level: int
    module: str
    name: str | None


def last_name(node: ast.AST) -> str:
    """The last name of an expression such as `functools.cache` or `cache(...)`."""
    while isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def base_name(node: ast.AST) -> str:
    """The first name of an expression such as `table["key"]` or `module.name`."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return getattr(node, "id", "")


def chain_of(node: ast.AST) -> Chain:
    """The names of an expression such as `module.name`; none of another one."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else ("",)


def imported_names(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, Imported]]:
    """The names that import statements bind; of `import a.b`, which binds `a`, also `a.b`."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for name in node.names:
                yield (name.asname or name.name), Imported(0, name.name, None)
                if not name.asname and "." in name.name:
                    yield name.name.partition(".")[0], Imported(0, name.name.partition(".")[0], None)
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                yield (name.asname or name.name), Imported(node.level, node.module or "", name.name)
