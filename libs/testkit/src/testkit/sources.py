"""What the source of the platform says of itself: its functions, whom they call, and the crash points they reach."""

import ast
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from local_stack.stack import workspace


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """`module` as imported, `name` with its class. Functions written inside another are parts of it."""

    module: str
    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef

    @property
    def path(self) -> str:
        """`module:Class.name`."""
        return f"{self.module}:{self.name}"

    @property
    def own_name(self) -> str:
        """Without its class."""
        return self.node.name

    def calls(self) -> Iterator[tuple[str, str]]:
        """(receiver, called name) of every call in it, in the order of the source.

        The receiver is the last name before the dot, of `some[one]` and `some(one)` too, or empty; of what `with` names
        it is what that was opened with.
        """
        found, opened = [], dict[str, str]()
        for node in ast.walk(self.node):
            if isinstance(node, ast.Call):
                found.append(node)
            elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
                opened[node.optional_vars.id] = _last_name(node.context_expr)
        for call in sorted(found, key=lambda each: (each.lineno, each.col_offset, -(each.end_col_offset or 0))):
            receiver, called = _called(call.func)
            yield opened.get(receiver, receiver), called

    @property
    def crash_points(self) -> frozenset[str]:
        """Names of the crash points that stand in it."""
        return frozenset(_points(self.node))


def functions_of(source: str, module: str) -> list[Function]:
    """The functions and methods of one module."""
    found: list[Function] = []

    def look(node: ast.AST, inside: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                look(child, f"{inside}{child.name}.")
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append(Function(module, inside + child.name, child))

    look(ast.parse(source), "")
    return found


@functools.cache
def platform_functions() -> Sequence[Function]:
    """All of libs/*/src and services/*/src but for what is generated and the kit of the tests."""
    found: list[Function] = []
    for folder in sorted([*workspace().glob("libs/*/src"), *workspace().glob("services/*/src")]):
        if folder.parent.name not in ("protos", "testkit"):
            for file in sorted(folder.rglob("*.py")):
                module = ".".join(file.relative_to(folder).with_suffix("").parts)
                found += functions_of(file.read_text("utf-8"), module)
    return found


def crash_points() -> frozenset[str]:
    """The names of all there are."""
    return frozenset(name for function in platform_functions() for name in function.crash_points)


def _points(node: ast.AST) -> Iterator[str]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and _called(call.func)[1] == "crash_point":
            name = call.args[0] if call.args else None
            if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
                raise ValueError("the name of a crash point is a literal")
            yield name.value


def _called(function: ast.expr) -> tuple[str, str]:
    if isinstance(function, ast.Attribute):
        return _last_name(function.value), function.attr
    return "", function.id if isinstance(function, ast.Name) else ""


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case ast.Subscript(value=inner) | ast.Call(func=inner) | ast.Await(value=inner):
            return _last_name(inner)
    return ""
