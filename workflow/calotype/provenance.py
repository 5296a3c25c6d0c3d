"""What produced a result: code, config, data, packages, machine, job."""

import ast
import functools
import hashlib
import json
import os
import platform
import resource
import subprocess
import time
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from calotype.errors import CalotypeError
from calotype.pack import Pack

LIBRARY = Path(__file__).parent
PACKAGES = ("keras", "matplotlib", "numpy", "opencv-python-headless", "pandas", "scikit-learn", "scipy", "snakemake")
TENSORFLOW = ("tensorflow", "tensorflow-cpu")
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


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in (*PACKAGES, *TENSORFLOW):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """The processor's name."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def git_revision(folder: Path = LIBRARY) -> str | None:
    """The commit that the workflow is at, with ``-dirty`` where files differ from it; None outside a repository."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def process_cost() -> dict[str, float]:
    """What this process has cost until now: wall time and CPU time in s, and the most resident memory in MiB."""
    started = psutil.Process().create_time()
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "wall_seconds": time.time() - started,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_memory_mib": used.ru_maxrss // 1024,
    }


def identity(
    *,
    code: str,
    own_model: str | None,
    config: Mapping[str, Any],
    data: Iterable[Mapping[str, Any]],
    packages: Mapping[str, str] | None = None,
) -> str:
    """Identify all that the result of a pack depends on, its seeds aside.

    Args:
        code: the digest of the code (`code_digest`).
        own_model: the digest of a user's model file (`own_code`).
        config: the recipe.
        data: the manifests of the splits that go in.
        packages: the versions of the packages; left out: of those that are installed.

    Returns:
        A SHA-256 in hexadecimal.
    """
    versions = _versions() if packages is None else dict(packages)
    parts = {"code": code, "own_model": own_model, "config": config, "data": [*data], "packages": versions}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def record(
    *,
    code: str,
    config: Mapping[str, Any],
    data: Iterable[Mapping[str, Any]],
    identity: str,
    device: str,
    pack: Pack,
) -> dict[str, Any]:
    """What a result came from, as plain data.

    Only what is named here is kept: never the environment, which may hold secrets.

    Args:
        code: the digest of the code (`code_digest`).
        config: the recipe.
        data: the manifests of the splits that went in.
        identity: of all that the result depends on (`identity`).
        device: what it was computed on.
        pack: the training: its size, its time, and what it chose.
    """
    return {
        "identity": identity,
        "code": {"digest": code, "git": git_revision()},
        "config": dict(config),
        "data": list(data),
        "packages": _versions(),
        "machine": {
            "system": platform.platform(),
            "processor": processor(),
            "cores": os.cpu_count(),
            "device": device,
            "host": platform.node(),
        },
        "job": {"slurm": os.environ.get("SLURM_JOB_ID"), "partition": os.environ.get("SLURM_JOB_PARTITION")},
        "parameters": pack.parameters,
        "seconds": pack.seconds,
        "best_epochs": pack.best_epochs,
        "diverged": pack.diverged,
        "machines": pack.machines,
        **process_cost(),
    }
