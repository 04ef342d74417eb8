"""Writing a table piece by piece: Parquet, zstd, row groups of one size, the same bytes for the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from torneo.errors import SourceError
from torneo.spec.records import LINE, REASONS

ROW_GROUP = 250_000


class Writer:
    """Takes tables of any size and cuts them into row groups of `ROW_GROUP` rows."""

    def __init__(self, file: pq.ParquetWriter) -> None:
        self._file = file
        self._waiting: list[pa.Table] = []
        self._count = 0
        self.rows = 0

    def write(self, table: pa.Table) -> None:
        """Add rows; they are written once a row group is full."""
        self._waiting.append(table)
        self._count += table.num_rows
        self.rows += table.num_rows
        if self._count >= ROW_GROUP:
            self._flush(self._count - self._count % ROW_GROUP)

    def _flush(self, rows: int) -> None:
        table = pa.concat_tables(self._waiting)
        for start in range(0, rows, ROW_GROUP):
            group = table.slice(start, min(ROW_GROUP, rows - start)).combine_chunks()  # pages follow chunks otherwise
            self._file.write_table(group, row_group_size=ROW_GROUP)
        self._waiting = [table.slice(rows)]
        self._count -= rows

    def finish(self) -> None:
        """Write what is left."""
        if self._count:
            self._flush(self._count)


@contextmanager
def writer(target: Path, schema: pa.Schema) -> Iterator[Writer]:
    """A writer of a Parquet file, which is there whole or not at all."""
    part = target.with_name(target.name + ".part")
    try:
        with pq.ParquetWriter(part, schema, compression="zstd") as file:
            tables = Writer(file)
            yield tables
            tables.finish()
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def with_line(schema: pa.Schema) -> pa.Schema:
    """The schema with `__line__` after its columns."""
    return schema.append(pa.field(LINE, pa.int64()))


def check_names(names: Sequence[str], where: str) -> None:
    """Refuse headers that occur twice, or that Torneo keeps for itself.

    Raises:
        SourceError: names them.
    """
    double = [name for name, count in Counter(names).items() if count > 1]
    if double:
        shown = ", ".join(map(repr, double[:5]))
        raise SourceError(f"{where}: {len(double)} header(s) occur more than once: {shown}", fix="rename them")
    taken = [name for name in names if name in (LINE, REASONS)]
    if taken:
        raise SourceError(f"{where}: the column name {taken[0]!r} is Torneo's own", fix="rename the column")
    if not names:
        raise SourceError(f"{where}: there are no columns")
