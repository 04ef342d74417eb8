r"""From the expression language of `checks` and `where` to narwhals.

Numbers are computed as 64-bit floats; `+`, `-`, `*`, `abs`, `round` and comparisons are exact where a decimal takes
part and no float column does. What is not a number has no part in arithmetic; every mismatch is refused when
the expression is compiled, not when a row meets it.

- Null is unknown: an operation on it gives null, `and`, `or` and `not` follow Kleene's logic, and `in` with it is null.
  `is_missing(x)` alone is never null, unless the value of `x` is there and cannot be read.
- `x / 0` and `x % 0` are unknown. `%` has the sign of the divisor, as in Python.
- `round(x, n)` rounds half away from zero **in decimal**, as SQL's NUMERIC and accountants do, not half to even on the
  binary value: `round(2.675, 2)` is 2.68, although the float nearest to 2.675 is smaller than it. A number within
  2⁻⁵⁰ (relative) below a half counts as the half, which is exact for results of up to 15 significant digits.
- `==` and `!=` with a `round(…)` on a side allow a relative error of 2⁻⁵⁰, which a product of two floats may have;
  neighbours on the grid of up to 15 digits stay different. All other comparisons are exact.
- A literal takes the type of the column it is compared with: `CHAS == 1` compares a category with the text `1`,
  `day >= "2024-01-31"` a date with a date.
"""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from torneo.checks import _exact
from torneo.checks._exact import Exact
from torneo.checks._terms import (
    KINDS,
    Mismatch,
    Term,
    arithmetic,
    compare,
    constant,
    decimals,
    floats,
    is_missing,
    negative,
    of,
    require,
    rounded,
)
from torneo.errors import GateError
from torneo.spec.columns import Column
from torneo.spec.expression import Expression, column_of


@dataclass(frozen=True)
class Value:
    """What an expression computes: floats, or exactly."""

    expression: Any
    exact: Exact | None


def compile_expression(expression: Expression, columns: Mapping[str, Column], label: str) -> nw.Expr:
    """Compile an expression over typed contract columns; the result is true, false or null (unknown).

    Raises:
        GateError: the expression names no column or one that is not there, or mixes types; it begins with `label`.

    >>> import polars as pl
    >>> columns = {"price": Column(type="float"), "units": Column(type="int")}
    >>> rule = compile_expression(Expression("1 <= round(price * units, 1) < 9"), columns, "checks.bill")
    >>> frame = nw.from_native(pl.DataFrame({"price": [0.5, 4.0, None], "units": [1, 2, 2]}))
    >>> frame.select(rule.alias("bill"))["bill"].to_list()
    [False, True, None]
    """
    if not expression.names:
        raise GateError(f"{label}: `{expression.text}` names no column")
    try:
        return _Compiler(columns).condition(expression.tree)
    except (Mismatch, _exact.Unfit) as mismatch:
        raise GateError(f"{label}: {mismatch} in `{expression.text}`") from None


def compile_value(expression: Expression, columns: Mapping[str, Column], label: str, *, exact: bool) -> Value:
    """Compile an expression that gives a number; with `exact`, no float has a part in it.

    Raises:
        GateError: the expression gives no number, mixes types, or cannot be exact; it begins with `label`.
    """
    if not expression.names:
        raise GateError(f"{label}: `{expression.text}` names no column")
    try:
        term = _Compiler(columns, exact=exact).number(expression.tree)
        exactly = term.exact() if exact and term.exact is not None else None
    except (Mismatch, _exact.Unfit) as mismatch:
        raise GateError(f"{label}: {mismatch} in `{expression.text}`") from None
    if exact and exactly is None:
        raise GateError(f"{label}: `{expression.text}` is not exact: it divides, or reads a column of floats")
    return Value(floats(term), exactly)


class _Compiler:
    def __init__(self, columns: Mapping[str, Column], *, exact: bool = False) -> None:
        self.columns = columns
        self.exact = exact

    def term(self, node: ast.expr) -> Term:
        name = column_of(node)
        if name is not None:
            return self._column(name)
        match node:
            case ast.Constant(value=value):
                return constant(value)
            case ast.BoolOp(op=op, values=values):
                parts = [self.condition(value) for value in values]
                join = operator.and_ if isinstance(op, ast.And) else operator.or_
                return Term(functools.reduce(join, parts), "bool")
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Term(~self.condition(operand), "bool")
            case ast.UnaryOp(operand=operand):
                return negative(self.term(operand), node)
            case ast.BinOp(left=left, op=op, right=right):
                return arithmetic(op, self.number(left), self.number(right))
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                return self._comparison(node, [left, *comparators], ops)
            case ast.Call(func=ast.Name(id=function), args=arguments):
                return self._call(function, arguments)
            case _:
                raise Mismatch(f"`{ast.unparse(node)}` has no place")

    def _column(self, name: str) -> Term:
        if name not in self.columns:
            raise Mismatch(f"there is no column {name!r} (contract.columns has {', '.join(list(self.columns)[:20])})")
        column, value = self.columns[name], nw.col(name)
        exact = None
        if column.type == "decimal":
            exact = functools.partial(_exact.of_decimal, value, column.precision or 0, column.scale or 0)
        elif column.type == "int":
            exact = functools.partial(_exact.of_integer, value)
        decimal = exact is not None and (self.exact or column.type == "decimal")
        return Term(value, KINDS[column.type], column=name, exact=exact, decimal=decimal)

    def condition(self, node: ast.expr) -> nw.Expr:
        term = self.term(node)
        if term.kind != "bool":
            raise Mismatch(f"`{ast.unparse(node)}` is a {term.kind}, not true or false,")
        expression: nw.Expr = term.expression
        return expression

    def number(self, node: ast.expr) -> Term:
        term = self.term(node)
        if term.kind != "number":
            raise Mismatch(f"`{ast.unparse(node)}` is a {term.kind}, not a number,")
        return term

    def _comparison(self, node: ast.expr, sides: list[ast.expr], ops: list[ast.cmpop]) -> Term:
        parts = []
        for left, op, right in zip(sides, ops, sides[1:], strict=False):
            if isinstance(op, ast.In | ast.NotIn):
                inside = self._membership(left, right)
                parts.append(~inside if isinstance(op, ast.NotIn) else inside)
            else:
                parts.append(compare(node, type(op), self.term(left), self.term(right)))
        return Term(functools.reduce(operator.and_, parts), "bool")

    def _membership(self, left: ast.expr, right: ast.expr) -> nw.Expr:
        if not isinstance(right, ast.Tuple | ast.List) or not right.elts:
            raise Mismatch(f"`in` needs a list such as [1, 2], not `{ast.unparse(right)}`,")
        value = self.term(left)
        return functools.reduce(operator.or_, (compare(left, ast.Eq, value, self.term(one)) for one in right.elts))

    def _call(self, function: str, arguments: list[ast.expr]) -> Term:
        first = arguments[0]
        match function:
            case "is_missing":
                return is_missing(self.term(first))
            case "round":
                value, places = self.number(first), decimals(arguments[1])
                if value.decimal and value.exact is not None:
                    return of(value.exact().rounded(places))
                return Term(rounded(floats(value), places), "number", rounded=True)
            case "abs":
                value = self.number(first)
                if value.decimal and value.exact is not None:
                    return of(value.exact().absolute())
                return Term(floats(value).abs(), "number")
        term = self.term(first)
        if function in ("length", "lower"):
            require(term, first, "text")
            if function == "lower":
                return Term(term.expression.str.to_lowercase(), "text")
            return self._whole(term.expression.str.len_chars().cast(nw.Int64))
        require(term, first, "date", "datetime")
        return self._whole(getattr(term.expression.dt, function)().cast(nw.Int64))

    def _whole(self, value: Any) -> Term:
        return Term(value, "number", exact=functools.partial(_exact.of_integer, value), decimal=self.exact)
