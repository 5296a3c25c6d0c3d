"""Identify code by content: an entry point and the definitions that it reaches, in the library and in a user's files.

Other packages do not count; their versions are recorded instead.
"""

import ast
import atexit
import functools
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from calotype.util.errors import CalotypeError
from calotype.util.files import write_text
from calotype.util.python_source import ALL, REST, Source, read_source
from calotype.util.python_text import Chain, Definition, Imported
from calotype.util.user_code import is_beside, is_installed, module_file

LIBRARY = Path(__file__).parents[1]
CONFIG_TYPE = ("", "pydantic.BaseModel")
# They change no result: errors, logs, and code that runs around the work of a stage.
NO_RESULT = (
    "calotype.jobs",
    "calotype.preparation.dark_images",
    "calotype.util.code_digest",
    "calotype.util.entry_point",
    "calotype.util.errors",
    "calotype.util.user_code",
)
ENTRY = "<entry>"  # the module of a file that is an entry point
Picks = Mapping[str, Sequence[str]]
NO_PICKS: Picks = MappingProxyType({})
Place = tuple[str, str]  # a module and a name in it; for other packages "" and the full name


class Reach(NamedTuple):
    """The code that an entry point reaches."""

    digest: str  # SHA-256 in hexadecimal
    definitions: tuple[str, ...]  # the code that counts, as `module:name`; `module:` is the code that an import runs
    unclear: dict[str, str]  # by file, why the used definitions are not known, so that all of them count


@dataclass
class _Walk:
    """The state of a search through the code."""

    without: frozenset[str]  # modules and packages that do not count
    picks: dict[str, tuple[str, ...]]  # by table `module:name`, the keys whose values count
    folder: Path | None = None  # of the entry point, if it is a user's file: its modules are in it and below
    path: Path | None = None  # the entry point, if it is a file
    texts: dict[Place, str] = field(default_factory=dict)  # the code that counts
    entered: set[str] = field(default_factory=set)  # imported modules
    waiting: list[Place] = field(default_factory=list)  # definitions to visit
    unclear: dict[str, str] = field(default_factory=dict)  # by file, why all of it counts

    # ---- Modules -----------------------------------------------------------------------------------------------------

    def file(self, module: str) -> Path | None:
        """Return the file of a module of the library or the user; None for other packages and for folders."""
        if module == ENTRY:
            return self.path
        first = module.partition(".")[0]
        if first == "calotype":
            return module_file(LIBRARY.parent, module)
        return module_file(self.folder, module) if self.folder is not None and is_beside(self.folder, first) else None

    def source(self, module: str) -> Source:
        """Read the file of a module."""
        path = self.file(module)
        assert path is not None, module
        return read_source(path)

    def name(self, module: str) -> str:
        """Return the file name of a module for messages."""
        path = self.file(module)
        return module if path is None else path.name

    def counts(self, module: str) -> bool:
        """Tell if neither a module nor a package that contains it is left out."""
        parts = module.split(".")
        return self.without.isdisjoint(".".join(parts[:length]) for length in range(1, len(parts) + 1))

    def imported(self, module: str, imported: Imported) -> str:
        """Return the full name of an imported module or object."""
        found = [imported.module, imported.name]
        if imported.level:
            ups = imported.level - self.name(module).startswith("__init__.")
            parts = module.split(".")
            found = [*parts[: len(parts) - ups], *found]
        return ".".join(filter(None, found))

    # ---- Names -------------------------------------------------------------------------------------------------------

    def resolve(self, module: str, chain: Chain, imports: dict[str, Imported]) -> Iterator[Place]:
        """Find the definitions, whole modules or objects of other packages that a name of a module refers to."""
        if chain[0] in self.source(module).statements:
            yield module, chain[0]
        if chain[0] not in imports:
            return
        target = self.imported(module, imports[chain[0]])
        full = (*target.split("."), *chain[1:])
        for length in range(len(full), 0, -1):
            found, rest = ".".join(full[:length]), full[length:]
            if self.file(found) is not None:
                if not rest:
                    yield found, ""
                elif not (found == module and rest[0] == chain[0]):  # a module that imports from itself
                    yield from self.resolve(found, rest, self.source(found).imports)
                return
        yield "", target

    def is_config(self, module: str, name: str) -> bool:
        """Tell if a name is a config type: a class that derives from pydantic's, also indirectly."""
        source = self.source(module)
        for base in (base for node in source.statements.get(name, []) for base in getattr(node, "bases", [])):
            for place in self.resolve(module, tuple(ast.unparse(base).split(".")), source.imports):
                if place == CONFIG_TYPE or (all(place) and place != (module, name) and self.is_config(*place)):
                    return True
        return False

    def definition(self, module: str, name: str) -> Definition:
        """Look up the code that a name refers to."""
        source = self.source(module)
        if (keys := self.picks.get(f"{module}:{name}")) is not None:
            return source.entries(name, keys)
        try:
            ours = self.folder is None or module.partition(".")[0] == "calotype"
            return source.definition(name, config=self.is_config(module, name), ours=ours)
        except SyntaxError as error:  # that only the compiler finds
            where = f"{self.file(module)}, line {error.lineno}"
            raise CalotypeError(f"{where}: not valid Python: {error.msg}.") from None

    # ---- Search ------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Visit all waiting definitions and all that they use."""
        while self.waiting:
            module, name = self.waiting.pop()
            if (module, name) in self.texts or not self.counts(module):
                continue
            definition = self.definition(module, name)
            self.texts[module, name] = definition.text
            self.enter_all(module, definition.imports.values())
            if definition.unclear:
                self.all_of(module, definition.unclear)
            imports = {**self.source(module).imports, **definition.imports}
            for chain in definition.uses:
                for where, used in self.resolve(module, chain, imports):
                    if not where:
                        self.texts[module, f"import {chain[0]}"] = used
                    elif used:
                        self.enter(where)
                        self.waiting.append((where, used))
                    else:
                        self.all_of(where, f"{self.name(module)} passes it on as a whole")

    def enter_all(self, module: str, imports: Iterable[Imported]) -> None:
        """Follow the imports of a module."""
        for imported in imports:
            target = self.imported(module, imported)
            self.enter(target)
            first = target.partition(".")[0]
            if self.folder is not None and not (is_beside(self.folder, first) or is_installed(first)):
                self.all_of(module, f"it imports {first}, which is neither beside it nor installed, and does not count")

    def enter(self, module: str) -> None:
        """Follow the import of a module: its packages, its statements, and its own imports."""
        while module and module not in self.entered:
            self.entered.add(module)
            if self.counts(module) and self.file(module) is not None:
                source = self.source(module)
                if source.effects:
                    self.waiting.append((module, REST))
                self.enter_all(module, source.imports.values())
                for each in source.stars:
                    star = self.imported(module, each._replace(name=None))
                    if self.file(star) is not None:
                        self.all_of(module, f"it imports all names of {star}")
                        self.all_of(star, f"{self.name(module)} imports all of its names")
            module = module.rpartition(".")[0]

    def all_of(self, module: str, why: str) -> None:
        """Count all definitions of a module."""
        if self.counts(module) and (path := self.file(module)) is not None and str(path) not in self.unclear:
            self.unclear[str(path)] = why
            self.enter(module)
            self.waiting += [(module, name) for name in self.source(module).statements]


def reach(entry: str | Path, without: Sequence[str] = (), picks: Picks = NO_PICKS) -> Reach:
    """Find the code that an entry point reaches.

    Args:
        entry: a script; or ``path/to/file.py:name`` or ``calotype.package.module:name``, a function or a class.
        without: modules and packages that change no result.
        picks: by table, ``module:name``, the keys that are used: other values do not count.

    Raises:
        CalotypeError: a file is missing or not valid Python, or a name in `entry`, `without` or `picks` is not found.
    """
    return _reach(str(entry), tuple(without), tuple((table, tuple(keys)) for table, keys in sorted(picks.items())))


@functools.cache  # many runs share an entry point
def _reach(entry: str, without: tuple[str, ...], picks: tuple[tuple[str, tuple[str, ...]], ...]) -> Reach:
    for module in without:
        if not LIBRARY.parent.joinpath(*module.split(".")).is_dir() and module_file(LIBRARY.parent, module) is None:
            raise CalotypeError(f"code digest: without: module {module} not found.")
    for table, _ in picks:
        module, _, name = table.partition(":")
        if (file := module_file(LIBRARY.parent, module)) is None or name not in read_source(file).statements:
            raise CalotypeError(f"code digest: picks: table {table} not found.")
    where, _, name = entry.rpartition(":") if ":" in entry else (entry, "", "")
    walk = _Walk(frozenset(without), dict(picks))
    module = where
    if not where.startswith("calotype."):
        module, walk.path = ENTRY, Path(where)
        walk.folder = walk.path.parent if name else None
    if name and (walk.file(module) is None or name not in walk.source(module).statements):
        raise CalotypeError(f"{where}: `{name}` not found.")
    walk.enter(module)
    walk.waiting.append((module, name or ALL))
    walk.run()
    found = [place for place in sorted(walk.texts) if walk.texts[place]]
    text = "\0".join(f"{module}:{name}\0{walk.texts[module, name]}" for module, name in found)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Reach(digest, tuple(f"{module}:{name}" for module, name in found), walk.unclear)


def code_digest(entry: str | Path, without: Sequence[str] = (), picks: Picks = NO_PICKS) -> str:
    """Return the digest of the code that an entry point reaches; see `reach`."""
    return reach(entry, without, picks).digest


class KeptDigests:
    """Digests of the library's code, kept in a file, so that later calls do not parse unchanged code."""

    def __init__(self, file: Path) -> None:
        """Read the file if library and Python are the same; it is written when the process ends."""
        self.file, state = file, hashlib.sha256(sys.version.encode())
        for path in sorted([*LIBRARY.rglob("*.py"), *LIBRARY.parent.joinpath("scripts").glob("*.py")]):
            state.update(f"\0{path.relative_to(LIBRARY.parent)}\0".encode() + path.read_bytes())
        self.found: dict[str, str] = {"state": state.hexdigest()}
        with suppress(OSError, TypeError, ValueError):
            kept = dict(json.loads(file.read_text(encoding="utf-8")))
            if kept.get("state") == self.found["state"]:
                self.found = kept
        atexit.register(self._save, len(self.found))

    def digest(self, entry: str | Path, without: Sequence[str] = (), picks: Picks = NO_PICKS) -> str:
        """Return the digest of the code that an entry point in the library reaches; see `reach`."""
        key = json.dumps([str(entry), without, dict(picks)], sort_keys=True)
        if key not in self.found:
            self.found[key] = code_digest(entry, without, picks)
        return self.found[key]

    def _save(self, known: int) -> None:
        if len(self.found) > known:
            with suppress(CalotypeError):  # only speeds up the next call
                write_text(json.dumps(self.found), self.file)


def custom_code(name: str, files: Iterable[str] = ()) -> str | None:
    """Return a digest of a user's function, ``path/to/file.py:function``, and of digests of the files that it reads.

    Return None for a name without a file.
    """
    return with_values(code_digest(name, NO_RESULT), [*files]) if ":" in name else None


def with_values(digest: str, values: Any) -> str:
    """Return a digest of code and of the values, as plain data, that its results also depend on."""
    return hashlib.sha256(json.dumps([digest, values], sort_keys=True).encode()).hexdigest()


def forget() -> None:
    """Clear the caches, so that changed files are read again."""
    for cached in (_reach, read_source, module_file, is_beside):
        cached.cache_clear()
