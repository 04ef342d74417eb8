"""Computed columns: what they should be, beside what the source gives."""

from __future__ import annotations

import functools
import operator

import narwhals as nw
import polars as pl

from torneo.checks import compile_value, computed, present
from torneo.engines.decimals import from_units
from torneo.errors import GateError
from torneo.spec.columns import Column, Contract


def add_computed(contract: Contract, typed: pl.DataFrame) -> pl.DataFrame:
    """The columns with `compute`, filled where the source gave nothing, and beside each what it should be.

    A value that cannot be computed because another one cannot be read, or is missing and must not be, is unknown: its
    flag is null, so that the row is refused for the other one alone. One that does not fit its type is unreadable.

    Raises:
        GateError: an expression does not give what its column needs.
    """
    for name, column in contract.columns.items():
        if column.compute is not None:
            expected = _expected(contract, name, column, typed)
            given = typed[present(name)]
            value = typed[name].zip_with(given, expected)
            flag = given | typed.select(_flag(contract, column, expected)).to_series()
            typed = typed.with_columns(value.alias(name), flag.alias(present(name)), expected.alias(computed(name)))
    return typed


def _flag(contract: Contract, column: Column, expected: pl.Series) -> pl.Expr:
    names = sorted(column.compute.names) if column.compute is not None else []
    empty = functools.reduce(operator.or_, (pl.col(name).is_null() for name in names))
    refused = functools.reduce(
        operator.or_,
        (pl.col(name).is_null() & (pl.col(present(name)) | (not contract.columns[name].nullable)) for name in names),
    )
    return pl.when(expected.is_not_null()).then(True).when(refused).then(None).otherwise(~empty)


def _expected(contract: Contract, name: str, column: Column, typed: pl.DataFrame) -> pl.Series:
    place = f"contract.columns.{name}.compute"
    if column.compute is None:
        raise GateError(f"{place}: it is not given")
    value = compile_value(column.compute, contract.columns, place, exact=column.type != "float")
    frame = nw.from_native(typed, eager_only=True)
    if value.exact is None:
        numbers = frame.select(value.expression.alias(name)).to_native().to_series()
        return numbers.set(~numbers.is_finite(), None)
    scale = column.scale or 0
    if value.exact.scale > scale:
        raise GateError(
            f"{place}: `{column.compute.text}` has {value.exact.scale} digits after the point, the column {scale}",
            fix=f"round({column.compute.text}, {scale})",
        )
    units = frame.select(value.exact.scaled(scale).units.alias(name)).to_native().to_series().cast(pl.Int128)
    if column.type == "int":
        return units.cast(pl.Int64, strict=False)
    return from_units(units, column.precision or 0, scale)
