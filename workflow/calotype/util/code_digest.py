"""Identify the code that a stage runs: its script and what it imports, without comments and docstrings."""

import ast
import functools
import hashlib
from pathlib import Path
from typing import Any

from calotype.util.errors import CalotypeError

LIBRARY = Path(__file__).parents[1]
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef  # what may have a docstring


def parse(path: Path) -> ast.Module:
    """Parse a Python file.

    Raises:
        CalotypeError: it cannot be read, or is not valid Python.
    """
    try:
        return ast.parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise CalotypeError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CalotypeError(f"{path}: not UTF-8 text.") from None
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise CalotypeError(f"{path}{line}: not valid Python: {error.msg}.") from None
    except ValueError as error:  # before Python 3.11.4 null bytes are no error of syntax
        raise CalotypeError(f"{path}: not valid Python: {error}.") from None


def _canonical(node: Any, imported: set[str]) -> str:
    """A parsed file as text, in one walk. Empty fields are left out: which there are depends on the version of Python.

    Args:
        node: of the file, or a field of one.
        imported: gets the calotype modules that it imports, wherever in the file the import stands, among other names.
    """
    if isinstance(node, list):
        return f"[{', '.join([_canonical(each, imported) for each in node])}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("calotype"):
        imported.add(node.module)
        imported.update(f"{node.module}.{name.name}" for name in node.names)
    elif isinstance(node, ast.Import):
        imported.update(name.name for name in node.names if name.name.startswith("calotype"))
    fields = [
        f"{name}={_canonical(value, imported)}"
        for name in node._fields
        if (value := _substantial(node, name)) not in (None, [])
    ]
    return f"{type(node).__name__}({', '.join(fields)})"


def _substantial(node: ast.AST, name: str) -> Any:
    """A field of a node, without what is documentation: docstrings, and the descriptions of config keys."""
    value = getattr(node, name, None)
    if name == "body" and value and isinstance(node, DOCUMENTED):
        first = value[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            return value[1:]
    if (
        name == "keywords"
        and isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Field"
    ):
        return [keyword for keyword in node.keywords if keyword.arg != "description"]
    return value


def _module(name: str) -> Path:
    path = LIBRARY.parent.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@functools.cache  # every stage asks for the same modules
def _substance(path: Path) -> tuple[str, frozenset[str]]:
    """What a file does, as text, and the calotype modules that it imports."""
    imported = {"calotype"}
    text = _canonical(parse(path), imported)
    return text, frozenset(name for name in imported if _module(name).is_file())


@functools.cache
def code_digest(script: Path, without: tuple[str, ...] = ()) -> str:
    """Identify the code that a stage runs: its script and every calotype module that it imports, however indirectly.

    Comments, docstrings, descriptions of config keys, blank lines and layout do not count.

    Args:
        script: the entry point.
        without: modules that it imports for what changes no result.

    Returns:
        A SHA-256 in hexadecimal.

    Raises:
        CalotypeError: a file is missing or not valid Python.
    """
    found = {"": _substance(script)}
    waiting = set(found[""][1]) - {*without}
    while waiting:
        name = waiting.pop()
        found[name] = _substance(_module(name))
        waiting |= found[name][1] - found.keys() - {*without}
    parts = [f"{name}\n{found[name][0]}" for name in sorted(found)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def own_code(name: str) -> str | None:
    """The digest of a user's model file, if the model of the config is one."""
    file, colon, _ = name.rpartition(":")
    return code_digest(Path(file)) if colon else None
