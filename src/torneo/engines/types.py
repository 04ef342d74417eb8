"""The Polars types of a contract's columns."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from torneo.spec.columns import Column, ColumnType, Contract
from torneo.spec.records import LINE

TYPES: Mapping[ColumnType, pl.DataType] = {
    "float": pl.Float64(), "int": pl.Int64(), "bool": pl.Boolean(), "category": pl.String(), "text": pl.String(),
    "date": pl.Date(), "datetime": pl.Datetime("us"),
}  # fmt: skip


def type_of(column: Column) -> pl.DataType:
    """The Polars type of a column's values."""
    if column.type == "decimal":
        return pl.Decimal(column.precision, column.scale or 0)
    return TYPES[column.type]


def typed_schema(contract: Contract) -> dict[str, pl.DataType]:
    """The schema of accepted rows."""
    return {**{name: type_of(column) for name, column in contract.columns.items()}, LINE: pl.Int64()}
