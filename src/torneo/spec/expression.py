"""The small expression language of `checks` and `where`: Python syntax, a closed set of operations.

It is parsed here, without a data library, so that a mistake is found when the project is loaded;
`torneo.checks` turns the tree into a narwhals expression.
"""

from __future__ import annotations

import ast
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from torneo.spec.frozen import shortened

FUNCTIONS: dict[str, int] = {
    "abs": 1,
    "round": 2,
    "length": 1,
    "lower": 1,
    "is_missing": 1,
    "year": 1,
    "month": 1,
    "day": 1,
    "weekday": 1,
}
"""The functions an expression may call, and how many arguments each takes (weekday: Monday is 1)."""

_ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Add, ast.Sub,
    ast.Mult, ast.Div, ast.Mod, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn,
    ast.Name, ast.Load, ast.Constant, ast.Call, ast.Tuple, ast.List, ast.Subscript,
)  # fmt: skip


class Expression:
    """A checked expression over columns: `value == round(price * units, 8) and col["Net price"] > 0`.

    A name that is not a Python identifier is written `col["…"]`.

    >>> sorted(Expression("round(price * units, 2) <= total").names)
    ['price', 'total', 'units']
    >>> Expression("__import__('os')")
    Traceback (most recent call last):
    ValueError: there is no function '__import__' (there are: abs, day, is_missing, ...)
    """

    __slots__ = ("names", "text", "tree")

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self.tree = ast.parse(text.strip(), mode="eval").body
            self.names = frozenset(_names(self.tree))
        except SyntaxError as error:
            place = f"character {error.offset}" if error.offset else "its end"
            raise ValueError(f"cannot be read at {place}: {error.msg}") from None
        except (RecursionError, MemoryError):
            raise ValueError("it is nested too deeply to be read") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value.text),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "description": "an expression over columns"}

    @classmethod
    def _validate(cls, value: object) -> Expression:
        if isinstance(value, Expression):
            return value
        if not isinstance(value, str):
            raise ValueError(f"expected an expression in quotes, not {shortened(value)}")  # noqa: TRY004 - pydantic reads it
        return cls(value)


def column_of(node: ast.expr) -> str | None:
    """The column that a node names: `age` or `col["Net price"]`; None where it names none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "col":
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            return node.slice.value
        raise ValueError('a column is written col["name"]')
    return None


def _names(node: ast.AST) -> list[str]:
    if not isinstance(node, _ALLOWED):
        raise ValueError(f"{type(node).__name__} is not part of the expression language")  # noqa: TRY004
    if isinstance(node, ast.Constant) and not isinstance(node.value, bool | int | float | str):
        raise ValueError(f"{ast.unparse(node)} is not a number, a text, True or False; is_missing(x) finds no value")  # noqa: TRY004
    if isinstance(node, ast.Call):
        return _call_names(node)
    if isinstance(node, ast.expr) and (name := column_of(node)) is not None:
        return [name]
    if isinstance(node, ast.Subscript):
        raise ValueError('only col["name"] may have brackets')  # noqa: TRY004
    return [name for child in ast.iter_child_nodes(node) for name in _names(child)]


def _call_names(node: ast.Call) -> list[str]:
    function = node.func.id if isinstance(node.func, ast.Name) else None
    if function not in FUNCTIONS:
        raise ValueError(f"there is no function {function!r} (there are: {', '.join(sorted(FUNCTIONS))})")
    if len(node.args) != FUNCTIONS[function] or node.keywords:
        raise ValueError(f"{function} takes {FUNCTIONS[function]} argument(s)")
    return [name for argument in node.args for name in _names(argument)]
