"""Rows of a Parquet file in the order of their key, in bounded memory."""

from __future__ import annotations

import glob
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from torneo.errors import ConflictError
from torneo.stores.sqlfile import bind, named_statements, quote

SQL = named_statements(Path(__file__).with_name("warehouse_duckdb.sql"))
Batches = Generator[pl.DataFrame, None, None]
MEMORY = "256MB"
"""So much of the rows is in memory; the others wait in a temporary folder."""
THREADS = 2
"""Each needs memory of its own."""


def sorted_batches(rows: Path, columns: Sequence[str], key: Sequence[str], batch_rows: int) -> Batches:
    """Batches of some columns, ordered by the key: texts by their bytes, nulls last.

    Raises:
        ConflictError: there is no room for them.
    """
    import duckdb

    names = {"columns": ", ".join(map(quote, columns)), "key": ", ".join(map(quote, key))}
    text, values = bind(SQL["sort"], names, {"file": glob.escape(str(rows))})
    with tempfile.TemporaryDirectory(prefix="torneo-sort-") as spill:
        settings: dict[str, Any] = {
            "memory_limit": MEMORY,
            "threads": THREADS,
            "temp_directory": spill,
            "preserve_insertion_order": False,
        }
        try:
            with duckdb.connect(config=settings) as connection:
                for batch in connection.sql(text, params=values).to_arrow_reader(batch_rows):
                    yield pl.DataFrame(batch)
        except duckdb.Error as error:
            reason = " ".join(str(error).split())[:300]
            raise ConflictError(
                f"the rows of {rows.name} cannot be sorted: {reason}",
                fix=f"free space in {tempfile.gettempdir()}, or set TMPDIR to a folder that has it",
            ) from None
