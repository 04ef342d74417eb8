"""From a contract to its checks."""

from __future__ import annotations

import datetime
import decimal
import functools
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from torneo import plugins
from torneo.checks._expressions import compile_expression
from torneo.checks._flags import computed, present
from torneo.checks._terms import RELATIVE
from torneo.errors import GateError, HookError, NotFoundError
from torneo.spec.columns import TEMPORAL, Column, Contract, Rule
from torneo.spec.expression import Expression

REPEATED_ROW = "repeated_row"
"""The reason given to a copy of an accepted row."""
DUPLICATE_KEY = "duplicate_key"
"""The reason given to rows that share a key and differ elsewhere."""
KEY_OUTSIDE_WINDOW = "key_outside_window"
"""The reason given to rows of a load whose key production has on a day outside the window."""

RULES: tuple[Rule, ...] = ("min", "max", "above", "below", "values", "pattern")
"""The rules that a column declares as fields of its own, in the order of their reasons."""

FAILURES = (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError, nw.exceptions.NarwhalsError)
"""What a function of a project may raise by mistake."""


@dataclass(frozen=True)
class Check:
    """A rule for one row, over typed columns and the `present` flags beside them."""

    name: str
    """The reason that a row gets which breaks it."""
    expression: nw.Expr
    """True: passes; false: is refused; null: unknown, refuses nothing."""
    place: str
    """Where the rule is declared, for messages."""


def plan(contract: Contract) -> tuple[Check, ...]:
    """The checks of a contract, in the order of their reasons; the key is not among them, as it needs all rows.

    Raises:
        GateError: a rule does not exist or does not fit its column, or an expression mixes types.

    >>> age = {"type": "int", "min": 0, "reasons": {"min": "unborn"}}
    >>> [check.name for check in plan(Contract.model_validate({"columns": {"age": age}}))]
    ['invalid_age', 'missing_age', 'unborn']
    """
    checks = [check for name, column in contract.columns.items() for check in _column_checks(name, column)]
    for reason, expression in contract.checks.items():
        place = f"contract.checks.{reason}"
        checks.append(Check(reason, compile_expression(expression, contract.columns, place), place))
    return tuple(checks)


def _column_checks(name: str, column: Column) -> Iterator[Check]:
    value, is_present, place = nw.col(name), nw.col(present(name)), f"contract.columns.{name}"
    yield Check(column.reason("type", name), ~(is_present & value.is_null()), f"{place}.type")
    if not column.nullable:
        yield Check(column.reason("missing", name), is_present, f"{place}.nullable")
    for rule in RULES:
        argument = getattr(column, rule)
        if argument is not None:
            expression = plugins.load("checks", rule).rule(value, _argument(argument, column), column)
            yield Check(column.reason(rule, name), expression, f"{place}.{rule}")
    if column.compute is not None:
        yield Check(column.reason("compute", name), _agrees(name, column), f"{place}.compute")
    yield from rule_checks(name, column)


def rule_checks(name: str, column: Column) -> Iterator[Check]:
    """The further `rules` of a column, in their order.

    Raises:
        GateError: a rule does not exist or does not fit the column.
    """
    for rule, argument in column.rules.items():
        place = f"contract.columns.{name}.rules.{rule}"
        reason = column.reasons.get(rule) or f"{rule}_{name}"
        yield Check(reason, _further(rule, nw.col(name), argument, column, place), place)


def _agrees(name: str, column: Column) -> nw.Expr:
    """Whether a value is what its `compute` gives; floats may differ by a relative 2⁻⁵⁰, as in `==`."""
    value, expected = nw.col(name), nw.col(computed(name))
    if column.type == "float":
        return (value - expected).abs() <= expected.abs() * RELATIVE
    return value == expected


def _further(rule: str, value: nw.Expr, argument: Any, column: Column, place: str) -> nw.Expr:
    try:
        expression: nw.Expr = plugins.load("checks", rule).rule(value, argument, column)
    except (NotFoundError, GateError) as error:
        raise GateError(f"{place}: {error.message}") from None
    return expression


def _argument(argument: Any, column: Column) -> Any:
    """A bound as the column's type has it: exact for a decimal, midnight for a moment's date, a moment in UTC."""
    if column.type == "decimal":
        return decimal.Decimal(repr(argument))
    if column.type not in TEMPORAL or not isinstance(argument, datetime.date):
        return argument
    if not isinstance(argument, datetime.datetime):
        midnight = datetime.datetime.combine(argument, datetime.time())
        return argument if column.type == "date" else midnight
    if argument.tzinfo is not None:
        argument = argument.astimezone(datetime.UTC).replace(tzinfo=None)
    return argument.date() if column.type == "date" else argument


def function_checks(functions: Mapping[str, Callable[[Any], Any]], frame: nw.DataFrame[Any]) -> tuple[Check, ...]:
    """The checks that a project defines itself: a function's name is the reason, its result the expression.

    `frame` has the typed columns and no rows: a check sees one row at a time, so it cannot depend on the batch.

    Raises:
        HookError: a function fails, or gives no expression.
    """
    checks = []
    for name, function in functions.items():
        try:
            expression = function(frame)
        except FAILURES as error:
            raise HookError(f"checks.py: {name} failed: {type(error).__name__}: {error}") from error
        if not isinstance(expression, nw.Expr):
            kind = type(expression).__name__
            raise HookError(f"checks.py: {name} gave a {kind}", fix='return an expression, as in nw.col("price") >= 0')
        checks.append(Check(name, expression, f"checks.py: {name}"))
    return tuple(checks)


def where_keeps(where: Expression, columns: Mapping[str, Column]) -> nw.Expr:
    """Whether a row takes part: `where` is true, or unknown because of a value that cannot be read (never null)."""
    value = compile_expression(where, columns, "source.where")
    unreadable = functools.reduce(
        operator.or_, (nw.col(present(name)).fill_null(True) & nw.col(name).is_null() for name in sorted(where.names))
    )
    return nw.when(value.is_null()).then(unreadable).otherwise(value)
