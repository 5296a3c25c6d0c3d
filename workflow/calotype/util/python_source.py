"""One Python file as a digest sees it: its definitions, what each computes as text, and the names that each uses.

Not part of the text: comments, docstrings, layout, annotations, calls that log, what errors are given, local texts that
only these use, and the fields and validators of config types, because resolved values stand for config.
"""

import ast
import builtins
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from calotype.util.errors import CalotypeError

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
SILENT = ("ctx", "type_comment", "kind")  # fields that say nothing of what is computed
LOGGERS = ("logger", "logging", "log", "_logger", "LOGGER", "warnings")
LOGS = ("debug", "info", "warning", "warn", "error", "exception", "critical", "log")
WORDS = ("CalotypeError", "about", "with_hint", "did_you_mean")  # of util/errors: they take texts alone
# Decorators that register nothing: what they decorate counts only where it is used.
PLAIN = frozenset(
    [
        "property",
        "setter",
        "staticmethod",
        "classmethod",
        "cache",
        "lru_cache",
        "cached_property",
        "wraps",
        "contextmanager",
        "dataclass",
        "abstractmethod",
        "override",
        "overload",
        "total_ordering",
        "final",
        "function",
        "njit",
        "jit",
        "vectorize",
        "runtime_checkable",
    ]
)
VALIDATORS = frozenset(["field_validator", "model_validator", "validator", "root_validator"])
ERRORS = frozenset(name for name, kind in vars(builtins).items() if isinstance(kind, type)) | {"CalotypeError"}
HARMLESS = frozenset(
    [
        "len",
        "isinstance",
        "any",
        "all",
        "is_file",
        "is_dir",
        "exists",
        "get",
        "startswith",
        "endswith",
        "list_physical_devices",
    ]
)
UNCLEAR: tuple[tuple[str, ...], ...] = (("exec",), ("eval",), ("globals",), ("__import__",), ("sys", "modules"))
CHANGING = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)

Chain = tuple[str, ...]  # a name and the attributes that are read of it, one of the other: ("np", "random", "rng")


class Imported(NamedTuple):
    """Where an imported name comes from: dots that a relative import begins with, the module, a name in it."""

    level: int
    module: str
    name: str | None


class Definition(NamedTuple):
    """What one name stands for.

    Attributes:
        text: what is computed.
        uses: the names that it uses, beside its own variables.
        imports: those that it imports itself.
        unclear: why it cannot be told what it uses; None where it can.
    """

    text: str
    uses: frozenset[Chain]
    imports: dict[str, Imported]
    unclear: str | None


@functools.cache
def parse(path: Path) -> ast.Module:
    """Parse a Python file; a process reads each but once.

    Raises:
        CalotypeError: it cannot be read, or is not valid Python.
    """
    try:
        return ast.parse(path.read_text(encoding="utf-8-sig"), str(path))
    except OSError as error:
        raise CalotypeError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CalotypeError(f"{path}: not UTF-8 text.") from None
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise CalotypeError(f"{path}{line}: not valid Python: {error.msg}.") from None
    except ValueError as error:  # before Python 3.11.4 null bytes are no error of syntax
        raise CalotypeError(f"{path}: not valid Python: {error}.") from None


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes in a node; `ast.iter_child_nodes` takes three times as long."""
    for value in node.__dict__.values():
        if isinstance(value, ast.AST):
            yield value
        elif isinstance(value, list):
            yield from (each for each in value if isinstance(each, ast.AST))


def _last(node: ast.AST) -> str:
    """The last name of an expression such as `functools.cache` or `cache(...)`."""
    while isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _base(node: ast.AST) -> str:
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


def _imports(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, Imported]]:
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


def _text(node: ast.AST | None) -> bool:
    """Whether an expression is a text, or one of two texts."""
    if isinstance(node, ast.IfExp):
        return _text(node.body) and _text(node.orelse)
    if isinstance(node, ast.BinOp):
        return _text(node.left) or _text(node.right)
    if isinstance(node, ast.Call):  # ", ".join(...)
        return isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Constant)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | None))


def _changes(node: ast.AST) -> bool:
    return any(isinstance(each, CHANGING) for each in ast.walk(node))


def _is_log(node: ast.AST) -> bool:
    """Whether an expression says something to whoever reads along, and does nothing else."""
    if not isinstance(node, ast.Call) or _changes(node):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id == "print" and all(keyword.arg in ("sep", "end", "flush") for keyword in node.keywords)
    return _last(node) in LOGS and isinstance(node.func, ast.Attribute) and _last(node.func.value) in LOGGERS


def _quiet(test: ast.AST) -> bool:
    """Whether to look at a condition changes nothing."""
    calls = (each for each in ast.walk(test) if isinstance(each, ast.Call))
    return not _changes(test) and all(_last(each) in HARMLESS for each in calls)


def _only_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and _last(node.test) == "TYPE_CHECKING"


def _is_text(node: ast.AST) -> bool:
    """Whether a statement is a docstring, or another expression that is not used."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _run_alone(node: ast.AST) -> bool:
    """Whether a statement is `if __name__ == "__main__"`: an import does not run it."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and _last(node.test.left) == "__name__"


@dataclass
class Source:
    """A file, with what its top level binds and does.

    Attributes:
        statements: by the name that they bind or change.
        effects: what else runs when the file is imported.
        imports: the names that its top level imports, wherever in it the import stands.
        stars: the modules of which it imports all.
    """

    statements: dict[str, list[ast.stmt]] = field(default_factory=dict)
    effects: list[ast.stmt] = field(default_factory=list)
    imports: dict[str, Imported] = field(default_factory=dict)
    stars: list[Imported] = field(default_factory=list)
    known: dict[str, Definition] = field(default_factory=dict)

    def definition(self, name: str, *, config: bool = False) -> Definition:
        """What a name stands for, which may be a config type; `""` is all else that an import of the file does."""
        if name not in self.known:
            writer = _Writer(config=config)
            text = writer.lines(self.statements[name] if name else self.effects)
            self.known[name] = Definition(text, frozenset(writer.uses), writer.imports, writer.unclear)
        return self.known[name]

    def entries(self, table: str, keys: Sequence[str]) -> Definition:
        """Some entries of a table, a dict that is written out.

        Raises:
            CalotypeError: it is none, or holds no such key.
        """
        value = getattr(self.statements[table][0], "value", None)
        if not isinstance(value, ast.Dict):
            raise CalotypeError(f"code digest: {table} is not a dict that is written out.")
        writer = _Writer()
        known = {getattr(key, "value", None): entry for key, entry in zip(value.keys, value.values, strict=True)}
        if unknown := {*keys} - known.keys():
            raise CalotypeError(f"code digest: {table} holds no {unknown.pop()}.")
        text = ",".join(f"{key!r}:{writer.text(known[key])}" for key in keys)
        return Definition(text, frozenset(writer.uses), writer.imports, writer.unclear)

    def whole(self) -> Definition:
        """The file as a script, which runs all of it."""
        writer = _Writer()
        statements = [*self.effects, *(each for some in self.statements.values() for each in some)]
        statements = sorted({id(each): each for each in statements}.values(), key=lambda each: each.lineno)
        return Definition(writer.lines(statements), frozenset(writer.uses), writer.imports, writer.unclear)


@functools.cache
def read_source(path: Path) -> Source:
    """Read a file, and sort out its statements.

    Raises:
        CalotypeError: it cannot be read, or is not valid Python.
    """
    source = Source()
    body = [node for node in parse(path).body if not (_only_types(node) or _run_alone(node) or _is_text(node))]
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            _take_imports(source, [node])
        elif isinstance(node, Function | ast.ClassDef) and {*map(_last, node.decorator_list)} <= PLAIN:
            source.statements.setdefault(node.name, []).append(node)
        elif not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            source.effects.append(node)
            _take_imports(source, ast.walk(node) if not isinstance(node, Function | ast.ClassDef) else [])
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            flat = [each for target in targets for each in getattr(target, "elts", [target])]
            bound = {_base(each) for each in flat if isinstance(each, ast.Name) or _base(each) in source.statements}
            for name in bound:
                source.statements.setdefault(name, []).append(node)
            if len(bound) < len({_base(each) for each in flat}):
                source.effects.append(node)
    return source


def _take_imports(source: Source, nodes: Iterable[ast.AST]) -> None:
    for name, imported in _imports(nodes):
        if name == "*":
            source.stars.append(imported)
        else:
            source.imports[name] = imported


def _is_config(node: ast.stmt) -> bool:
    """Whether a statement of a config type says which values it takes."""
    if isinstance(node, ast.AnnAssign):
        return not any(_last(each) == "ClassVar" for each in ast.walk(node.annotation))
    if isinstance(node, ast.Assign):
        return _base(node.targets[0]) == "model_config"
    return isinstance(node, Function) and bool({*map(_last, node.decorator_list)} & VALIDATORS)


def _own_names(scope: Scope | Comprehension) -> tuple[set[str], set[str]]:
    """The variables of a function or a comprehension, without those of the functions in it; and which hold texts."""
    names: set[str] = set()
    shared: set[str] = set()
    texts: set[str] = set()
    if isinstance(scope, Comprehension):
        waiting: list[ast.AST] = [each.target for each in scope.generators]
    else:
        arguments = scope.args
        every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
        names |= {each.arg for each in every if each is not None}
        waiting = [scope.body] if isinstance(scope, ast.Lambda) else [*scope.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                names.add(node.id)
        elif isinstance(node, Function | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Global):
            shared |= {*node.names}
        elif isinstance(node, Comprehension):  # `:=` in it binds outside of it
            names |= {each.target.id for each in ast.walk(node) if isinstance(each, ast.NamedExpr)}
        elif not isinstance(node, ast.Lambda | ast.Import | ast.ImportFrom | ast.Constant):
            name = getattr(node, "name", None) or getattr(node, "rest", None)  # of except, and of match
            if isinstance(name, str):
                names.add(name)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _text(node.value):
                texts.add(node.targets[0].id)
            waiting.extend(_children(node))
    return names - shared, texts - shared


class _Writer:
    """Write statements as text, and collect the names that they use."""

    def __init__(self, *, config: bool = False) -> None:
        self.config = config  # whether the classes are config types
        self.uses: set[Chain] = set()
        self.imports: dict[str, Imported] = {}
        self.unclear: str | None = None
        self.depth = 0  # functions around
        self.hidden: frozenset[str] | set[str] = frozenset()  # their variables
        self.read: set[str] = set()  # of these, those that are read
        self.unread: set[str] = set()  # those whose texts only errors and logs show
        self.typed = False  # whether annotations count

    def lines(self, statements: Iterable[ast.stmt]) -> str:
        """Several statements."""
        return "\n".join(filter(None, map(self.text, statements)))

    def text(self, node: Any) -> str:
        """A node as text; empty where it is documentation."""
        if isinstance(node, list):
            return f"[{','.join(filter(None, map(self.text, node)))}]" if node else ""
        if not isinstance(node, ast.AST):
            return repr(node)
        write = SPECIAL.get(type(node))
        return self.plain(node) if write is None else write(self, node)

    def plain(self, node: ast.AST, without: tuple[str, ...] = ()) -> str:
        """A node with its fields. Empty ones are left out: which there are depends on the version of Python."""
        parts = []
        for name in node._fields:
            value = getattr(node, name, None)
            if value is not None and value != [] and name not in SILENT and name not in without:
                parts.append(f"{name}={self.text(value)}")
        return f"{type(node).__name__}({','.join(parts)})"

    # ---- Names --------------------------------------------------------------------------------------------------

    def name(self, node: ast.Name) -> str:
        if isinstance(node.ctx, ast.Load):
            self._use((node.id,))
        return node.id

    def attribute(self, node: ast.Attribute) -> str:
        chain = chain_of(node)
        if not chain[0]:
            return self.plain(node)
        self._use(chain)
        return ".".join(chain)

    def _use(self, chain: Chain) -> None:
        if chain[0] in self.hidden:
            self.read.add(chain[0])
        else:
            self.uses.add(chain)
            if chain[:2] in UNCLEAR or chain[-1] == "__subclasses__":
                self.unclear = f"`{'.'.join(chain)}` may use any name"

    def imported(self, node: ast.Import | ast.ImportFrom) -> str:
        for name, imported in _imports([node]):
            self.imports[name] = imported
        return self.plain(node)

    # ---- Scopes -------------------------------------------------------------------------------------------------

    def function(self, node: Any) -> str:
        decorators = getattr(node, "decorator_list", [])
        annotated = bool({*map(_last, decorators)} - PLAIN)
        outer, around, self.typed = self.hidden, self.typed, annotated
        head = [getattr(node, "name", ""), self.text(decorators), self.text(node.args)]
        head.append(self.text(node.returns) if annotated and node.returns else "")
        names, texts = _own_names(node)
        self.depth, self.hidden = self.depth + 1, outer | names
        if isinstance(node, ast.Lambda):
            body = self.text(node.body)
        else:
            body = self.body(node, texts) if self.depth == 1 else self.lines(node.body)
        self.depth, self.hidden, self.typed = self.depth - 1, outer, around
        return f"{type(node).__name__}({','.join([*head, body])})"

    def body(self, node: Function, texts: set[str]) -> str:
        """The body of a function, without the variables that hold texts for errors and logs alone."""
        self.unread = texts
        while True:
            self.read = set()
            body = self.lines(node.body)
            if not self.unread & self.read:
                self.unread = set()
                return body
            self.unread = self.unread - self.read

    def comprehension(self, node: Any) -> str:
        outer, first = self.hidden, self.text(node.generators[0].iter)
        self.hidden = outer | _own_names(node)[0]
        text = self.plain(node)
        self.hidden = outer
        return f"{first}:{text}"

    def argument(self, node: ast.arg) -> str:
        return self.plain(node, () if self.typed else ("annotation",))

    def type_(self, node: ast.ClassDef) -> str:
        if self.config:
            kept = [each for each in node.body if not _is_config(each)]
            node = ast.ClassDef(node.name, node.bases, node.keywords, kept, node.decorator_list)
        return self.plain(node)

    # ---- What is documentation ----------------------------------------------------------------------------------

    def expression(self, node: ast.Expr) -> str:
        return "" if _is_text(node) or _is_log(node.value) else self.plain(node)

    def annotated(self, node: ast.AnnAssign) -> str:
        if self.depth and node.value is None:
            return ""
        if any(_last(each) in ("ClassVar", "InitVar", "KW_ONLY") for each in ast.walk(node.annotation)):
            return self.plain(node)
        value = "" if node.value is None else f",value={self.text(node.value)}"
        return f"Assign(targets=[{self.text(node.target)}]{value})"

    def assignment(self, node: ast.Assign) -> str:
        target = node.targets[0]
        unread = isinstance(target, ast.Name) and target.id in self.unread and _text(node.value)
        return "" if unread and not _changes(node.value) else self.plain(node)

    def raised(self, node: ast.Raise) -> str:
        return f"Raise({self.error(node.exc) if node.exc is not None else ''})"

    def error(self, node: ast.expr) -> str:
        """An error that is raised: of one of ours and of Python's its type alone, of a user's all but texts."""
        if not isinstance(node, ast.Call):
            return self.text(node)
        if _last(node) in ERRORS:
            return self.text(node.func)
        given = [each for each in (*node.args, *(key.value for key in node.keywords)) if not _text(each)]
        return f"{self.text(node.func)}({self.text(given)})"

    def call(self, node: ast.Call) -> str:
        if _last(node) in WORDS:
            return self.text(node.func)
        if _last(node) == "import_module":
            module = getattr(node.args[0], "value", None) if node.args else None
            if isinstance(module, str):
                self.imports[module] = Imported(0, module, None)
            else:
                self.unclear = "`import_module` of a name that is computed"
        return self.plain(node)

    def asserted(self, node: ast.Assert) -> str:
        return self.plain(node, ("msg",))

    def branch(self, node: ast.If) -> str:
        body, other = self.lines(node.body), self.lines(node.orelse)
        if not body and not other and _quiet(node.test):
            return ""
        return f"If({self.text(node.test)},{body},{other})"


SPECIAL: dict[type, Callable[[Any, Any], str]] = {
    ast.Name: _Writer.name,
    ast.Attribute: _Writer.attribute,
    ast.Import: _Writer.imported,
    ast.ImportFrom: _Writer.imported,
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda), _Writer.function),
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), _Writer.comprehension),
    ast.ClassDef: _Writer.type_,
    ast.arg: _Writer.argument,
    ast.Expr: _Writer.expression,
    ast.AnnAssign: _Writer.annotated,
    ast.Assign: _Writer.assignment,
    ast.Raise: _Writer.raised,
    ast.Call: _Writer.call,
    ast.Assert: _Writer.asserted,
    ast.If: _Writer.branch,
}
