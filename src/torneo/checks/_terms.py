"""The parts of an expression, and what may be done with them."""

from __future__ import annotations

import ast
import datetime
import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import narwhals as nw

from torneo.checks import _exact
from torneo.checks._exact import Exact
from torneo.checks._flags import present
from torneo.spec.columns import ColumnType, canonical_text

Kind = Literal["number", "text", "bool", "date", "datetime"]
KINDS: Mapping[ColumnType, Kind] = {
    "float": "number", "int": "number", "decimal": "number", "bool": "bool", "category": "text", "text": "text",
    "date": "date", "datetime": "datetime",
}  # fmt: skip
ORDERED: frozenset[Kind] = frozenset({"number", "date", "datetime"})
RELATIVE = 2.0**-50
MOST_DECIMALS = 15

Compare = Callable[[Any, Any], Any]
COMPARE: Mapping[type[ast.cmpop], Compare] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip


@dataclass(frozen=True)
class Term:
    """A part of an expression: what computes it, what it is, and its value where that is written in the text."""

    expression: Any
    kind: Kind
    constant: Any = None
    rounded: bool = False
    column: str | None = None
    exact: Callable[[], Exact] | None = None
    """The same without floats, where there is such a way."""
    decimal: bool = False
    """Whether the exact way is to be taken."""


class Mismatch(Exception):  # noqa: N818 - never leaves this package
    """The parts of an expression do not fit."""


def of(exact: Exact) -> Term:
    """A number that is computed exactly."""
    return Term(exact.as_float, "number", exact=lambda: exact, decimal=True)


def floats(term: Term) -> Any:
    """The number as 64-bit floats."""
    return term.expression.cast(nw.Float64)


def require(term: Term, node: ast.expr, *kinds: Kind) -> None:
    """Refuse a part of another kind."""
    if term.kind not in kinds:
        raise Mismatch(f"`{ast.unparse(node)}` is a {term.kind}, not a {' or '.join(kinds)},")


def constant(value: object) -> Term:
    """A value written in the text."""
    if isinstance(value, bool):
        return Term(nw.lit(value), "bool", value)
    if isinstance(value, int | float):
        return Term(nw.lit(value), "number", value, exact=functools.partial(_exact.of_constant, value))
    if isinstance(value, str):
        return Term(nw.lit(value), "text", value)
    raise Mismatch(f"{value!r} has no place (to ask whether a value is there: is_missing(column))")


def negative(term: Term, node: ast.expr) -> Term:
    """With the other sign."""
    require(term, node, "number")
    if term.constant is not None:
        return constant(-term.constant)
    if term.decimal and term.exact is not None:
        return of(term.exact().negative())
    return Term(-floats(term), "number")


def arithmetic(op: ast.operator, one: Term, other: Term) -> Term:
    """An operation on two numbers."""
    if (one.decimal or other.decimal) and one.exact is not None and other.exact is not None:
        match op:
            case ast.Add():
                return of(one.exact().plus(other.exact()))
            case ast.Sub():
                return of(one.exact().plus(other.exact(), -1))
            case ast.Mult():
                return of(one.exact().times(other.exact()))
    left, right = floats(one), floats(other)
    match op:
        case ast.Add():
            return Term(left + right, "number")
        case ast.Sub():
            return Term(left - right, "number")
        case ast.Mult():
            return Term(left * right, "number")
    quotient = nw.when(right != 0).then(left / right)
    return Term(quotient if isinstance(op, ast.Div) else left - right * quotient.floor(), "number")


def compare(node: ast.expr, op: type[ast.cmpop], left: Term, right: Term) -> nw.Expr:
    """Whether a comparison holds."""
    left, right = fit(left, right), fit(right, left)
    equality = op in (ast.Eq, ast.NotEq)
    if left.kind != right.kind or not (equality or left.kind in ORDERED):
        raise Mismatch(f"`{ast.unparse(node)}` compares a {left.kind} with a {right.kind},")
    if (left.decimal or right.decimal) and left.exact is not None and right.exact is not None:
        first, second = _exact.aligned(left.exact(), right.exact())
        exactly: nw.Expr = COMPARE[op](first.units, second.units)
        return exactly
    if left.decimal or right.decimal:
        left, right = Term(floats(left), left.kind), Term(floats(right), right.kind)
    if equality and (left.rounded or right.rounded):
        a, b = left.expression.cast(nw.Float64), right.expression.cast(nw.Float64)
        close: nw.Expr = (a - b).abs() <= b.abs() * RELATIVE
        return close if op is ast.Eq else ~close
    result: nw.Expr = COMPARE[op](left.expression, right.expression)
    return result


def fit(term: Term, other: Term) -> Term:
    """The term as the other side's kind, where it is a literal that can be read so, or a date beside a moment."""
    if term.kind == "date" and other.kind == "datetime":
        return Term(term.expression.cast(nw.Datetime("us")), "datetime")
    if term.constant is None or term.kind == other.kind:
        return term
    value = term.constant
    if other.kind == "text" and other.column is not None:
        return constant(canonical_text(value))
    if other.kind == "bool" and value in (0, 1):
        return constant(bool(value))
    if other.kind in ("date", "datetime") and isinstance(value, str):
        read = datetime.date if other.kind == "date" else datetime.datetime
        try:
            return Term(nw.lit(read.fromisoformat(value)), other.kind, value)
        except ValueError:
            raise Mismatch(f"{value!r} is not a {other.kind} such as 2024-01-31") from None
    return term


def is_missing(term: Term) -> Term:
    """Whether a column has no value."""
    if term.column is None:
        raise Mismatch("is_missing takes a column,")
    unreadable = nw.col(present(term.column)) & term.expression.is_null()
    return Term(nw.when(~unreadable).then(term.expression.is_null()), "bool")


def decimals(node: ast.expr) -> int:
    """How many decimals a text asks for."""
    if isinstance(node, ast.Constant) and type(node.value) is int and 0 <= node.value <= MOST_DECIMALS:
        return node.value
    raise Mismatch(f"round takes 0 to {MOST_DECIMALS} decimals, not `{ast.unparse(node)}`,")


def rounded(value: Any, decimals: int) -> Any:
    """Half away from zero, in decimal."""
    scale = 10.0**decimals
    scaled = value.abs() * scale
    whole = (scaled + 0.5 + scaled * RELATIVE).floor() / scale
    return nw.when(value < 0).then(-whole).otherwise(whole)
