"""Python code as text, reduced to the code that can change a result, and the names that it uses.

Left out: comments, docstrings, layout, annotations, log calls, arguments of errors, and local texts only used there.
Fields and validators of config types are left out, too: resolved values stand for config.
"""

import ast
import builtins
import dis
from collections.abc import Iterable, Iterator, Sequence
from types import CodeType
from typing import Any, NamedTuple

Chain = tuple[str, ...]  # a name and its attributes in sequence: ("np", "random", "rng")
Function = ast.FunctionDef | ast.AsyncFunctionDef

LOGGERS = ("logger", "logging", "log", "_logger", "LOGGER", "warnings")
LOGS = ("debug", "info", "warning", "warn", "error", "exception", "critical", "log")
WORDS = ("CalotypeError", "about", "with_hint", "did_you_mean", "nearest_path")  # of util/errors: they take only texts
# Decorators that register nothing: a function with them counts only where it is used.
PLAIN = {
    "property", "setter", "staticmethod", "classmethod", "cache", "lru_cache", "cached_property", "wraps", "final",
    "contextmanager", "dataclass", "abstractmethod", "override", "overload", "total_ordering", "runtime_checkable",
    "function", "jit", "njit", "vectorize",
}  # fmt: skip
CHECK = "check"  # a method of a config type that may raise an error and returns nothing
VALIDATORS = {"field_validator", "model_validator", "validator", "root_validator"}
HARMLESS = {"len", "isinstance", "any", "all", "is_file", "is_dir", "exists", "get", "startswith", "endswith"}
# Other calls in a user's logs and texts that change nothing; the library's logs and texts call nothing else.
SHOWING = HARMLESS | {
    "abs", "float", "format", "int", "item", "join", "list", "max", "mean", "min", "repr", "round", "shape", "sorted",
    "str", "sum", "tolist", "tuple", "type",
}  # fmt: skip
UNCLEAR: tuple[Chain, ...] = (("exec",), ("eval",), ("globals",), ("__import__",), ("sys", "modules"))
UNCLEAR_OF_USERS = {"vars", "locals", "compile", "runpy", "spec_from_file_location", "__globals__", "__dict__"}
SILENT = ("ctx", "type_comment", "kind", "simple")  # fields of nodes that change nothing
PASS, NOTHING = ast.fix_missing_locations(ast.Pass()), ast.fix_missing_locations(ast.Constant(None))


class Imported(NamedTuple):
    """The origin of an imported name: number of leading dots, the module, a name in it."""

    level: int
    module: str
    name: str | None


class Definition(NamedTuple):
    """The code of one name."""

    text: str
    uses: frozenset[Chain]  # names that it uses, except its own variables
    imports: dict[str, Imported]  # its own imports
    unclear: str | None  # the reason, if the names that it uses are not known


def last_name(node: ast.AST) -> str:
    """Return the last name of an expression such as `functools.cache` or `cache(...)`."""
    while isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def base_name(node: ast.AST) -> str:
    """Return the first name of an expression such as `table["key"]` or `module.name`."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return getattr(node, "id", "")


def imported_names(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, Imported]]:
    """Yield the names that import statements bind; for `import a.b`, which binds `a`, also `a.b`."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for name in node.names:
                yield (name.asname or name.name), Imported(0, name.name, None)
                if not name.asname and "." in name.name:
                    yield name.name.partition(".")[0], Imported(0, name.name.partition(".")[0], None)
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                yield (name.asname or name.name), Imported(node.level, node.module or "", name.name)


def decorators_are_plain(node: Function | ast.ClassDef) -> bool:
    """Tell if no decorator registers a function or class."""
    return {*map(last_name, node.decorator_list)} <= PLAIN


def define(statements: Sequence[ast.stmt], *, config: bool = False, ours: bool = True) -> Definition:
    """Reduce statements of the top level of a file to text and used names; the statements are changed.

    Args:
        config: whether the classes are config types.
        ours: whether they are the library's, whose logs and errors call no code that changes a result.
    """
    strip = _Strip(ours)
    if config:
        for node in statements:
            if isinstance(node, ast.ClassDef):
                node.body = [each for each in node.body if not _is_config(each)] or [PASS]
    kept = [strip.visit(node) for node in statements]
    uses, unclear = names_used(kept), strip.unclear
    for chain in sorted(uses):
        if chain[:1] in UNCLEAR or chain[:2] in UNCLEAR or "__subclasses__" in chain:
            unclear = f"`{'.'.join(chain)}` may use any name"
    text = dump([*kept, *map(repr, sorted(strip.imports.items()))])
    return Definition(text, uses, strip.imports, unclear)


def dump(node: Any) -> str:
    """Return a node, a list of nodes or a field as text, the same in every version of Python."""
    if isinstance(node, list):
        return "".join([f"{dump(each)}," for each in node if not isinstance(each, ast.Pass)])
    if not isinstance(node, ast.AST):
        return repr(node)
    names = [name for name in node._fields if name not in SILENT and getattr(node, name, None) is not None]
    texts = {name: dump(getattr(node, name)) for name in names}
    return f"{type(node).__name__}({','.join([f'{name}=({text})' for name, text in texts.items() if text])})"


def names_used(statements: list[ast.stmt]) -> frozenset[Chain]:
    """Return the names that statements use, except their own variables, as the compiler distinguishes them."""
    uses: set[Chain] = set()
    waiting = [compile(ast.Module(statements, []), "<code>", "exec", dont_inherit=True, optimize=0)]
    while waiting:
        code = waiting.pop()
        waiting += [each for each in code.co_consts if isinstance(each, CodeType)]
        chain: Chain = ()
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_ATTR", "LOAD_METHOD") and chain:
                chain = (*chain, step.argval)
            elif step.opname != "EXTENDED_ARG":
                uses.add(chain)
                chain = (step.argval,) if step.opname.startswith(("LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT")) else ()
    return frozenset(uses - {()})


def is_text(node: ast.AST) -> bool:
    """Tell if a statement is a docstring or another unused constant."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _quiet(node: ast.AST, harmless: Iterable[str] = HARMLESS) -> bool:
    """Tell if evaluating an expression changes nothing."""
    found = [*ast.walk(node)]
    calls = {last_name(each) for each in found if isinstance(each, ast.Call)}
    return not any(isinstance(each, ast.NamedExpr | ast.Await) for each in found) and calls <= {*harmless}


def _text(node: ast.AST | None) -> bool:
    """Tell if an expression is a text, or one of two texts."""
    if isinstance(node, ast.IfExp):
        return _text(node.body) and _text(node.orelse)
    if isinstance(node, ast.BinOp):
        return _text(node.left) or _text(node.right)
    if isinstance(node, ast.Call):  # ", ".join(...)
        return isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Constant)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | None))


def _is_log(node: ast.AST) -> bool:
    """Tell if an expression is a call that only logs or prints to the terminal."""
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id == "print" and all(keyword.arg in ("sep", "end", "flush") for keyword in node.keywords)
    return last_name(node) in LOGS and isinstance(node.func, ast.Attribute) and last_name(node.func.value) in LOGGERS


def _is_config(node: ast.stmt) -> bool:
    """Tell if a statement of a config type only defines the allowed values, or only checks them."""
    if isinstance(node, ast.AnnAssign):
        return not any(last_name(each) == "ClassVar" for each in ast.walk(node.annotation))
    if isinstance(node, ast.Assign):
        return base_name(node.targets[0]) == "model_config"
    if not isinstance(node, Function):
        return False
    returns = any(isinstance(each, ast.Return | ast.Yield | ast.YieldFrom) for each in ast.walk(node))
    return (node.name == CHECK and not returns) or bool({*map(last_name, node.decorator_list)} & VALIDATORS)


class _Strip(ast.NodeTransformer):
    """Replace statements that change no result by `pass`, and remove annotations and texts of errors."""

    def __init__(self, ours: bool) -> None:
        self.ours = ours
        self.imports: dict[str, Imported] = {}
        self.unclear: str | None = None
        self.read: set[str] = set()
        self.texts: dict[str, list[ast.Assign]] = {}  # assignments of texts in the current function

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load):
            self.read.add(node.id)
            self._see(node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self._see(node.attr)
        return self.generic_visit(node)

    def _see(self, name: str) -> None:
        if name in UNCLEAR_OF_USERS and not self.ours:
            self.unclear = f"`{name}` may use any name"

    def _shows(self, node: ast.AST) -> bool:
        """Tell if the parts of an expression only make a text."""
        return self.ours or all(_quiet(each, SHOWING) for each in ast.iter_child_nodes(node))

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> ast.AST:
        self.read.update(node.names)
        return node

    visit_Nonlocal = visit_Global  # noqa: N815

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        if _text(node.value) and self._shows(node):
            self.texts.setdefault(getattr(node.targets[0], "id", ""), []).append(node)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: Any) -> ast.AST:
        around, self.texts = self.texts, {}
        self.generic_visit(node)
        self.texts = around
        return node

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> ast.AST:
        self.imports |= imported_names([node])
        return PASS  # so that the names do not become local variables

    visit_ImportFrom = visit_Import  # noqa: N815

    def visit_FunctionDef(self, node: Any) -> ast.AST:
        if decorators_are_plain(node):
            node.returns = None
            for each in ast.walk(node.args):
                if isinstance(each, ast.arg):
                    each.annotation = None
        around, self.texts = self.texts, {}
        self.generic_visit(node)
        for name in self.texts.keys() - self.read - {""}:
            for each in self.texts[name]:
                each.value = NOTHING  # only errors and logs use it
        self.texts = around
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        shown = _is_log(node.value) and self._shows(node.value)
        return PASS if is_text(node) or shown else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if not any(last_name(each) in ("ClassVar", "InitVar", "KW_ONLY") for each in ast.walk(node.annotation)):
            if node.value is not None:
                return self.visit(ast.copy_location(ast.Assign([node.target], node.value), node))
            node.annotation = NOTHING
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        node.cause = None
        if isinstance(node.exc, ast.Call):
            if self.ours and isinstance(getattr(builtins, last_name(node.exc), None), type):
                node.exc = node.exc.func
            else:
                given, named = node.exc.args, node.exc.keywords
                node.exc.args = [each for each in given if not (_text(each) and self._shows(each))]
                node.exc.keywords = [each for each in named if not (_text(each.value) and self._shows(each))]
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if last_name(node) in WORDS:
            return self.visit(node.func)
        if last_name(node) == "import_module":
            module = getattr(node.args[0], "value", None) if node.args else None
            if isinstance(module, str):
                self.imports[module] = Imported(0, module, None)
            else:
                self.unclear = "`import_module` of a name that is computed"
        return self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        node.msg = None
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST:
        """Drop branches that do nothing, or only raise our error: finished results did not take them."""
        self.generic_visit(node)
        body, other = ([each for each in block if not isinstance(each, ast.Pass)] for block in (node.body, node.orelse))
        if body and isinstance(end := body[-1], ast.Raise) and last_name(end.exc or end) == "CalotypeError":
            body = [each for each in body[:-1] if not (isinstance(each, ast.Assign) and _text(each.value))]
        return node if body or other or not _quiet(node.test) else PASS

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """Drop the empty text that Python 3.12 adds to some formats."""
        node.values = [each for each in node.values if getattr(each, "value", None) != ""]
        return self.generic_visit(node)
