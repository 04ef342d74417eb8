"""The budgets that keep the code readable: lines, methods, inheritance, and no error swallowed whole."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from repo.repository import modules, package, tracked_texts

MODULE_LINES = 300
FUNCTION_LINES = 50
PORT_METHODS = 8
INHERITANCE = 2


def test_modules_are_short() -> None:
    long = {name: tracked_texts()[name].count("\n") for name in modules()}
    assert {name: lines for name, lines in long.items() if lines > MODULE_LINES} == {}


def test_functions_are_short() -> None:
    assert [place for place, lines in _functions() if lines > FUNCTION_LINES] == []


def _functions() -> Iterator[tuple[str, int]]:
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                yield f"{name}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_ports_are_small() -> None:
    ports = {
        node.name: [method.name for method in node.body if isinstance(method, ast.FunctionDef)]
        for name, tree in modules().items()
        if name.startswith("src/torneo/ports/")
        for node in tree.body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases)
    }
    assert len(ports) >= 9
    assert {name: methods for name, methods in ports.items() if len(methods) > PORT_METHODS} == {}


def test_inheritance_is_shallow() -> None:
    bases = {
        node.name: [ast.unparse(base).rsplit(".", 1)[-1] for base in node.bases]
        for tree in package().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }

    def ancestors(name: str) -> int:
        return max((1 + ancestors(base) for base in bases[name] if base in bases and base != name), default=0)

    assert {name: ancestors(name) for name in bases if ancestors(name) > INHERITANCE} == {}


def test_no_error_is_swallowed_whole() -> None:
    whole = {"Exception", "BaseException"}
    found = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and (node.type is None or whole & set(_named(node.type)))
        if not _is_told(node)
    ]
    assert found == []


def _is_told(handler: ast.ExceptHandler) -> bool:
    """Whether somebody learns of what was caught: it is raised again, logged with its trace, or looked at by name."""
    return any(
        isinstance(node, ast.Raise)
        or (isinstance(node, ast.Call) and ast.unparse(node.func) == "log.exception")
        or (isinstance(node, ast.Name) and node.id == handler.name)
        for statement in handler.body
        for node in ast.walk(statement)
    )


def _named(node: ast.expr) -> list[str]:
    return [ast.unparse(child) for child in (node.elts if isinstance(node, ast.Tuple) else [node])]
