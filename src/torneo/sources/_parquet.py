"""Parquet files in their own types."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from torneo.errors import SourceError
from torneo.sources._table import ROW_GROUP, check_names, with_line, writer


def write_parquet(path: Path, name: str, target: Path) -> tuple[tuple[str, ...], int]:
    """Write a Parquet file anew, with `__line__` counting its rows.

    Args:
        path: the file.
        name: its name, for errors.
        target: the Parquet file to write.

    Returns:
        The headers and the number of rows.

    Raises:
        SourceError: the file is damaged, or has columns that are no single values.
    """
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:  # else all that was read stays in memory
            names = tuple(file.schema_arrow.names)
            check_names(names, name)
            schema = pa.schema([(field.name, flat_type(field.type, field.name, name)) for field in file.schema_arrow])
            with writer(target, with_line(schema)) as tables:
                for batch in file.iter_batches(ROW_GROUP):
                    table = pa.Table.from_batches([batch]).cast(schema)
                    tables.write(numbered(table, tables.rows))
            return names, tables.rows
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{name} cannot be read as Parquet: {str(error)[:200]}") from None


def numbered(table: pa.Table, before: int) -> pa.Table:
    """The table with `__line__` as the number of each row, where `before` rows came before."""
    lines = pl.int_range(before + 1, before + 1 + table.num_rows, eager=True)  # pa.array would load pandas
    return table.append_column("__line__", lines.to_arrow())


def flat_type(kind: pa.DataType, column: str, where: str) -> pa.DataType:
    """The type in which a column is kept.

    Raises:
        SourceError: its values are not single values.
    """
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_null(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_float16(kind):
        return pa.float32()
    single = (
        pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_string(kind)
        or pa.types.is_date(kind)
        or pa.types.is_timestamp(kind)
        or pa.types.is_time(kind)
    )
    if not single:
        raise SourceError(
            f"{where}: column {column!r} has type {str(kind)[:80]}, whose values no rule of a contract can judge",
            fix="leave the column out of the file, or write it as text or as columns of its own",
        )
    return kind
