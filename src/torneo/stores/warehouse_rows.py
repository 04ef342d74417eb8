"""What a load writes, as batches of rows that both databases take: equal columns, types and texts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from torneo.errors import ConflictError
from torneo.frames import without_nul
from torneo.spec.records import LINE, REASONS
from torneo.spec.tables import LoadTables, TableColumn, Window
from torneo.stores.warehouse_sort import Batches, sorted_batches

BATCH_ROWS = 50_000
SHOWN = 3
"""So many values an error shows."""
_TYPES: Mapping[str, pl.DataType] = {
    "text": pl.String(), "bigint": pl.Int64(), "double": pl.Float64(), "boolean": pl.Boolean(), "date": pl.Date(),
    "timestamp": pl.Datetime("us"),
}  # fmt: skip


def raw_batches(tables: LoadTables, rows: Path, constants: Mapping[str, Any]) -> Batches:
    """Batches for raw: the constants, the line, the source's columns as text.

    Raises:
        ConflictError: the file lacks a column.
    """
    for frame in _batches(rows, [LINE, *tables.raw_columns]):
        line = pl.col(LINE).alias("source_line")
        yield _texts(frame, tables.raw_columns).select(*_literals(constants), line, *tables.raw_columns)


def reject_batches(tables: LoadTables, rows: Path, constants: Mapping[str, Any]) -> Batches:
    """Batches for rejects: as for raw, and the reasons as JSON.

    Raises:
        ConflictError: the file lacks a column.
    """
    reasons = pl.struct(pl.col(REASONS).alias("r")).struct.json_encode().str.slice(5).str.strip_suffix("}")
    for frame in _batches(rows, [LINE, REASONS, *tables.raw_columns]):
        line = pl.col(LINE).alias("source_line")
        texts = _texts(frame, tables.raw_columns)
        yield texts.select(*_literals(constants), line, *tables.raw_columns, reasons.alias("reasons"))


def staged_batches(tables: LoadTables, rows: Path, window: Window | None, constants: Mapping[str, Any]) -> Batches:
    """Batches for staging in the order of the key, each of whose rows may be merged.

    A B-tree takes rows in its order two to three times faster than in any other.

    Raises:
        ConflictError: the file lacks a column or has one of another type; a key is empty or there twice; a row lies
            outside the window.
    """
    names = [column.name for column in tables.columns]
    _check_columns(rows, names)
    _check_types(tables, rows)
    last = None
    for frame in sorted_batches(rows, names, tables.key, BATCH_ROWS):
        _check_keys(tables, frame)
        if window is not None:
            _check_window(tables, window, frame)
        keys = frame.select(tables.key)
        keys = keys if last is None else pl.concat([last, keys])
        if keys.select(pl.all_horizontal(pl.all() == pl.all().shift())).to_series().any():
            raise _twice(tables, rows)
        last = keys.tail(1)
        yield _without_nul(frame).select(*_literals(constants), *names)


def key_batches(tables: LoadTables, rows: Path) -> Batches:
    """Batches of keys, as staging has them.

    Raises:
        ConflictError: the file lacks a column, or has one of another type.
    """
    _check_types(tables, rows)
    for frame in _batches(rows, list(tables.key)):
        yield _without_nul(frame)


def sql_type(column: TableColumn) -> pl.DataType:
    """The Polars type of a typed column."""
    if column.type == "decimal":
        return pl.Decimal(column.precision, column.scale or 0)
    return _TYPES[column.type]


def _batches(rows: Path, columns: list[str]) -> Batches:
    _check_columns(rows, columns)
    with pq.ParquetFile(rows, pre_buffer=False) as file:  # else all that was read stays in memory
        for batch in file.iter_batches(BATCH_ROWS, columns=columns):
            yield pl.DataFrame(batch)


def _check_columns(rows: Path, columns: list[str]) -> None:
    there = pq.read_schema(rows).names
    lacking = [name for name in columns if name not in there]
    if lacking:
        raise ConflictError(f"{rows.name} has no column {lacking[0]!r}, which the load's table has")


def _literals(constants: Mapping[str, Any]) -> list[pl.Expr]:
    return [pl.lit(value).alias(name) for name, value in constants.items()]


def _texts(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    return _without_nul(frame.with_columns(pl.col(columns).cast(pl.String)))


def _without_nul(frame: pl.DataFrame) -> pl.DataFrame:
    """NUL in texts, which PostgreSQL cannot hold, becomes the replacement character."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    return frame.with_columns(*(without_nul(frame[name]) for name in texts))


def _check_types(tables: LoadTables, rows: Path) -> None:
    schema = pl.read_parquet_schema(rows)
    for column in tables.columns:
        wanted, there = sql_type(column), schema.get(column.name)
        if there is not None and there != wanted:
            raise ConflictError(f"{rows.name}: column {column.name!r} is {there}, and {tables.prod} takes {wanted}")


def _check_keys(tables: LoadTables, frame: pl.DataFrame) -> None:
    empty = frame.filter(pl.any_horizontal(pl.col(tables.key).is_null()))
    if len(empty):
        raise ConflictError(f"{tables.prod}: {len(empty):,} rows have an empty key: {shown(tables, empty)}")


def _check_window(tables: LoadTables, window: Window, frame: pl.DataFrame) -> None:
    inside = pl.col(window.column).cast(pl.Date).is_between(window.first, window.last).fill_null(False)
    outside = frame.filter(~inside)
    if len(outside):
        raise ConflictError(
            f"{tables.prod}: {len(outside):,} rows have a {window.column!r} outside the window "
            f"{window.first} to {window.last}: {shown(tables, outside)}"
        )


def _twice(tables: LoadTables, rows: Path) -> ConflictError:
    keys = pl.scan_parquet(rows).group_by(tables.key).len("times").filter(pl.col("times") > 1)
    twice = keys.sort(tables.key).collect(engine="streaming")
    return ConflictError(f"{tables.prod}: {len(twice):,} keys are there more than once: {shown(tables, twice)}")


def shown(tables: LoadTables, frame: pl.DataFrame) -> str:
    """The first keys, for people."""
    keys = frame.select(tables.key).head(SHOWN).rows()
    more = len(frame) - len(keys)
    return "; ".join(", ".join(str(value)[:60] for value in key) for key in keys) + (
        f" … and {more:,} more" if more else ""
    )
