"""Import a user's functions and the modules beside their files."""

import functools
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from calotype.util.errors import CalotypeError


@functools.cache
def is_beside(folder: Path, name: str) -> bool:
    """Tell if files in a folder that import a name get a module beside them; the standard library comes first."""
    return name not in sys.stdlib_module_names and ((folder / f"{name}.py").is_file() or (folder / name).is_dir())


@functools.cache
def is_installed(name: str) -> bool:
    """Tell if a module belongs to the standard library or to an installed package."""
    return name in sys.stdlib_module_names or find_spec(name) is not None


@functools.cache
def module_file(folder: Path, module: str) -> Path | None:
    """Return the file of a module below a folder; None if there is none."""
    path = os.path.join(folder, *module.split("."))
    return next((Path(file) for file in (f"{path}.py", f"{path}/__init__.py") if os.path.isfile(file)), None)


class _Loader(SourceFileLoader):
    """Compiles a file whenever it is loaded, and leaves no `__pycache__` beside it."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        return compile(self.get_data(self.path), self.path, "exec", dont_inherit=True)


class _Beside:
    """Finds the modules beside the current file of the user."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.names: set[str] = set()  # of the modules found there
        self.away: dict[Path | None, dict[str, ModuleType]] = {}  # the modules of other folders

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        """Find a module; `path` is the folders of its package, if it is in one."""
        del target
        first, _, rest = name.partition(".")
        if self.folder is None or not (first in self.names if rest else is_beside(self.folder, name)):
            return None
        folders = [str(self.folder)] if path is None else path
        found = (FileFinder(folder, (_Loader, [".py"])).find_spec(name) for folder in folders)
        spec = next(filter(None, found), None)
        if spec is not None:
            self.names.add(name)
        return spec

    def activate(self, folder: Path | None, *, reload: bool = False) -> None:
        """Make imports, also late ones, find the modules in this folder and in no other."""
        if folder != self.folder or reload:
            self.away[self.folder] = {name: sys.modules.pop(name) for name in self.names if name in sys.modules}
            modules = {} if reload else self.away.get(folder, {})
            self.folder, self.names = folder, {*modules}
            sys.modules.update(modules)

    def load(self, path: Path) -> ModuleType:
        """Run a file as a module of the current folder."""
        name, loader = path.stem, _Loader(path.stem, str(path))
        if name in self.names and name in sys.modules:
            return sys.modules[name]
        spec = spec_from_file_location(name, path, loader=loader)
        assert spec is not None
        module = module_from_spec(spec)
        if name not in sys.modules:
            sys.modules[name] = module
            self.names.add(name)
        try:
            loader.exec_module(module)
        except BaseException:
            if sys.modules[name] is module:
                del sys.modules[name]
            raise
        return module


BESIDE = _Beside()
sys.meta_path.insert(0, BESIDE)  # first, so that modules beside a file win, as for a script


def load_function(name: str, *, reload: bool = False) -> Callable[..., Any]:
    """Import a user's function, ``path/to/file.py:function``; its imports find modules beside the file.

    Args:
        reload: run the file and the modules beside it again, if they were loaded before.

    Raises:
        CalotypeError: the file or function is not found, or cannot be imported.
    """
    file, _, function = name.rpartition(":")
    path = Path(file).resolve()
    if not path.is_file():
        raise CalotypeError(f"{name}: file {file} not found.")
    BESIDE.activate(path.parent, reload=reload)
    try:
        found = getattr(BESIDE.load(path), function, None)
    except Exception as error:
        raise CalotypeError(f"{name}: {file} cannot be imported: {type(error).__name__}: {error}.") from error
    if not callable(found):
        raise CalotypeError(f"{name}: function not found.")

    @functools.wraps(found)
    def call(*arguments: Any, **named: Any) -> Any:
        BESIDE.activate(path.parent)
        return found(*arguments, **named)

    return call
