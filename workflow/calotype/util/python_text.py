"""Python code as text, without what changes no result, and the names that it uses.

Left out: comments, docstrings, layout, annotations, calls that log, what errors are given, local texts that only these
use, and the fields and validators of config types, because resolved values stand for config.
"""

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from calotype.util.python_names import Chain, Imported, base_name, chain_of, imported_names, last_name

Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
MARKS = {ast.Load, ast.Store, ast.Constant, *ast.operator.__subclasses__(), *ast.cmpop.__subclasses__()}

LOGGERS = ("logger", "logging", "log", "_logger", "LOGGER", "warnings")
LOGS = ("debug", "info", "warning", "warn", "error", "exception", "critical", "log")
WORDS = ("CalotypeError", "about", "with_hint", "did_you_mean")  # of util/errors: they take texts alone
ERRORS = {name for name, kind in vars(builtins).items() if isinstance(kind, type)} | {"CalotypeError"}
# Decorators that register nothing: what they decorate counts only where it is used.
PLAIN = {
    "property", "setter", "staticmethod", "classmethod", "cache", "lru_cache", "cached_property", "wraps", "final",
    "contextmanager", "dataclass", "abstractmethod", "override", "overload", "total_ordering", "runtime_checkable",
    "function", "jit", "njit", "vectorize",
}  # fmt: skip
VALIDATORS = {"field_validator", "model_validator", "validator", "root_validator"}
HARMLESS = {"len", "isinstance", "any", "all", "is_file", "is_dir", "exists", "get", "startswith", "endswith"}
UNCLEAR: tuple[Chain, ...] = (("exec",), ("eval",), ("globals",), ("__import__",), ("sys", "modules"))
CHANGING = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
SILENT = ("ctx", "type_comment", "kind", "simple")  # fields of nodes that say nothing of what is computed
FIELDS: dict[type, tuple[str, ...]] = {}


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


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes in a node that are no mere marks; `ast.iter_child_nodes` takes three times as long."""
    for value in node.__dict__.values():
        if type(value) is list:
            yield from (each for each in value if isinstance(each, ast.AST))
        elif isinstance(value, ast.AST) and type(value) not in MARKS:
            yield value


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
    return last_name(node) in LOGS and isinstance(node.func, ast.Attribute) and last_name(node.func.value) in LOGGERS


def _quiet(test: ast.AST) -> bool:
    """Whether to look at a condition changes nothing."""
    calls = (each for each in ast.walk(test) if isinstance(each, ast.Call))
    return not _changes(test) and all(last_name(each) in HARMLESS for each in calls)


def _refuses(node: ast.If) -> bool:
    """Whether a statement only ends a stage with our error: finished results have passed it, whatever its limit is."""
    ends = (
        not node.orelse
        and isinstance(end := node.body[-1], ast.Raise)
        and end.exc is not None
        and last_name(end.exc) == "CalotypeError"
    )
    return ends and all(isinstance(each, ast.Assign) and _text(each.value) for each in node.body[:-1])


def is_text(node: ast.AST) -> bool:
    """Whether a statement is a docstring, or another expression that is not used."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_config(node: ast.stmt) -> bool:
    """Whether a statement of a config type says which values it takes."""
    if isinstance(node, ast.AnnAssign):
        return not any(last_name(each) == "ClassVar" for each in ast.walk(node.annotation))
    if isinstance(node, ast.Assign):
        return base_name(node.targets[0]) == "model_config"
    return isinstance(node, Function) and bool({*map(last_name, node.decorator_list)} & VALIDATORS)


def _own_names(scope: Function | ast.Lambda | Comprehension) -> tuple[set[str], set[str]]:
    """The variables of a function or a comprehension, without those of the functions in it; and which hold texts."""
    names: set[str] = set()
    shared: set[str] = set()
    texts: set[str] = set()
    if isinstance(scope, COMPREHENSIONS):
        waiting: list[ast.AST] = [each.target for each in scope.generators]
    else:
        arguments = scope.args
        every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
        names |= {each.arg for each in every if each is not None}
        waiting = [scope.body] if isinstance(scope, ast.Lambda) else [*scope.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            if type(node.ctx) is not ast.Load:
                names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Global):
            shared |= {*node.names}
        elif isinstance(node, COMPREHENSIONS):  # `:=` in it binds outside of it
            names |= {each.target.id for each in ast.walk(node) if isinstance(each, ast.NamedExpr)}
        elif not isinstance(node, (ast.Lambda, ast.Import, ast.ImportFrom)):
            name = getattr(node, "name", None) or getattr(node, "rest", None)  # of except, and of match
            if isinstance(name, str):
                names.add(name)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _text(node.value):
                texts.add(node.targets[0].id)
            waiting.extend(_children(node))
    return names - shared, texts - shared


class Writer:
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

    def definition(self, text: str) -> Definition:
        """A text that was written, with all that was seen on the way."""
        return Definition(text, frozenset(self.uses), self.imports, self.unclear)

    def lines(self, statements: Iterable[ast.stmt]) -> str:
        """Several statements."""
        return "\n".join(filter(None, map(self.text, statements)))

    def text(self, node: Any) -> str:
        """A node, a list of nodes or a field as text; empty where it is documentation."""
        if isinstance(node, ast.AST):
            write = SPECIAL.get(type(node))
            return self.plain(node) if write is None else write(self, node)
        return f"[{','.join(filter(None, map(self.text, node)))}]" if isinstance(node, list) else repr(node)

    def plain(self, node: ast.AST, without: tuple[str, ...] = ()) -> str:
        """A node with its fields. Empty ones are left out: which there are depends on the version of Python."""
        kind, parts = type(node), []
        if kind not in FIELDS:
            FIELDS[kind] = tuple(name for name in kind._fields if name not in SILENT)
        for name in FIELDS[kind]:
            value = getattr(node, name, None)
            if value is not None and value != [] and name not in without:
                parts.append(f"{name}={self.text(value)}")
        return f"{kind.__name__}({','.join(parts)})"

    def _name(self, node: ast.Name) -> str:
        if isinstance(node.ctx, ast.Load):
            self._use((node.id,))
        return node.id

    def _attribute(self, node: ast.Attribute) -> str:
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

    def _imported(self, node: ast.Import | ast.ImportFrom) -> str:
        for name, imported in imported_names([node]):
            self.imports[name] = imported
        return self.plain(node)

    def _function(self, node: Any) -> str:
        decorators = getattr(node, "decorator_list", [])
        annotated = bool({*map(last_name, decorators)} - PLAIN)
        outer, around, self.typed = self.hidden, self.typed, annotated
        head = [getattr(node, "name", ""), self.text(decorators), self.text(node.args)]
        head.append(self.text(node.returns) if annotated and node.returns else "")
        names, texts = _own_names(node)
        self.depth, self.hidden = self.depth + 1, outer | names
        if isinstance(node, ast.Lambda):
            body = self.text(node.body)
        else:
            body = self._body(node, texts) if self.depth == 1 else self.lines(node.body)
        self.depth, self.hidden, self.typed = self.depth - 1, outer, around
        return f"{type(node).__name__}({','.join([*head, body])})"

    def _body(self, node: Function, texts: set[str]) -> str:
        """The body of a function, without the variables that hold texts for errors and logs alone."""
        self.unread = texts
        while True:
            self.read = set()
            body = self.lines(node.body)
            if not self.unread & self.read:
                self.unread = set()
                return body
            self.unread = self.unread - self.read

    def _comprehension(self, node: Any) -> str:
        outer, first = self.hidden, self.text(node.generators[0].iter)
        self.hidden = outer | _own_names(node)[0]
        text = self.plain(node)
        self.hidden = outer
        return f"{first}:{text}"

    def _argument(self, node: ast.arg) -> str:
        return self.plain(node, () if self.typed else ("annotation",))

    def _type(self, node: ast.ClassDef) -> str:
        if self.config:
            kept = [each for each in node.body if not _is_config(each)]
            node = ast.ClassDef(node.name, node.bases, node.keywords, kept, node.decorator_list)
        return self.plain(node)

    def _expression(self, node: ast.Expr) -> str:
        return "" if is_text(node) or _is_log(node.value) else self.plain(node)

    def _annotated(self, node: ast.AnnAssign) -> str:
        if self.depth and node.value is None:
            return ""
        if any(last_name(each) in ("ClassVar", "InitVar", "KW_ONLY") for each in ast.walk(node.annotation)):
            return self.plain(node)
        value = "" if node.value is None else f",value={self.text(node.value)}"
        return f"Assign(targets=[{self.text(node.target)}]{value})"

    def _assignment(self, node: ast.Assign) -> str:
        target = node.targets[0]
        unread = isinstance(target, ast.Name) and target.id in self.unread and _text(node.value)
        return "" if unread and not _changes(node.value) else self.plain(node)

    def _raised(self, node: ast.Raise) -> str:
        return f"Raise({self._error(node.exc) if node.exc is not None else ''})"

    def _error(self, node: ast.expr) -> str:
        """An error that is raised: of one of ours and of Python's its type alone, of a user's all but texts."""
        if not isinstance(node, ast.Call):
            return self.text(node)
        if last_name(node) in ERRORS:
            return self.text(node.func)
        given = [each for each in (*node.args, *(key.value for key in node.keywords)) if not _text(each)]
        return f"{self.text(node.func)}({self.text(given)})"

    def _call(self, node: ast.Call) -> str:
        if last_name(node) in WORDS:
            return self.text(node.func)
        if last_name(node) == "import_module":
            module = getattr(node.args[0], "value", None) if node.args else None
            if isinstance(module, str):
                self.imports[module] = Imported(0, module, None)
            else:
                self.unclear = "`import_module` of a name that is computed"
        return self.plain(node)

    def _asserted(self, node: ast.Assert) -> str:
        return self.plain(node, ("msg",))

    def _branch(self, node: ast.If) -> str:
        if _quiet(node.test) and _refuses(node):
            return ""
        body, other = self.lines(node.body), self.lines(node.orelse)
        if not body and not other and _quiet(node.test):
            return ""
        return f"If({self.text(node.test)},{body},{other})"


SPECIAL: dict[type, Callable[[Any, Any], str]] = {
    ast.Name: Writer._name,
    ast.Attribute: Writer._attribute,
    ast.Import: Writer._imported,
    ast.ImportFrom: Writer._imported,
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda), Writer._function),
    **dict.fromkeys(COMPREHENSIONS, Writer._comprehension),
    ast.ClassDef: Writer._type,
    ast.arg: Writer._argument,
    ast.Expr: Writer._expression,
    ast.Pass: lambda *_: "",
    ast.Constant: lambda _, node: repr(node.value),
    # Python 3.12 ends some formats with an empty text.
    ast.JoinedStr: lambda writer, node: writer.text([each for each in node.values if getattr(each, "value", 0) != ""]),
    ast.AnnAssign: Writer._annotated,
    ast.Assign: Writer._assignment,
    ast.Raise: Writer._raised,
    ast.Call: Writer._call,
    ast.Assert: Writer._asserted,
    ast.If: Writer._branch,
}
