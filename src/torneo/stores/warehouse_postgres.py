"""PostgreSQL as a warehouse: bulk by COPY, one connection per transaction."""

from __future__ import annotations

import io
import itertools
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl
import psycopg
from polars import selectors

from torneo.errors import ConflictError, NotFoundError, TorneoError, UnavailableError
from torneo.frames import has_any
from torneo.spec.chain import canonical
from torneo.stores.database_postgres import AGAIN, Connection, connect, display, one_line
from torneo.stores.sqlfile import bind, named_statements, quote, quote_table
from torneo.stores.warehouse_session import NONE, OWN_CONSTRAINT, SAME_KEY, Values
from torneo.stores.warehouse_sql import SqlWarehouse

if TYPE_CHECKING:
    from psycopg import Column

Piece = TypeVar("Piece")
SQL = {
    **named_statements(Path(__file__).with_name("warehouse.sql")),
    **named_statements(Path(__file__).with_name("warehouse_postgres.sql")),
}
TYPES = {
    "text": "text", "bigint": "bigint", "double": "double precision", "boolean": "boolean", "date": "date",
    "timestamp": "timestamp without time zone", "decimal": "numeric({precision},{scale})",
    "moment": "timestamp with time zone", "json": "jsonb",
}  # fmt: skip
_READ = {
    "text": pl.String(), "int8": pl.Int64(), "int4": pl.Int64(), "float8": pl.Float64(), "bool": pl.Boolean(),
    "date": pl.Date(), "timestamp": pl.Datetime("us"), "timestamptz": pl.Datetime("us", "UTC"), "jsonb": pl.String(),
}  # fmt: skip
_SPECIAL = b"\\\t\n\r"
_FIXES = {
    "42501": "GRANT the right to this user, or let its owner create the tables (torneo migrates what is missing)",
    "53100": "free space on the server's disk, and run again",
    "22P05": "use a database with the encoding UTF8",
    "42P01": "run a load into it first, which creates the tables",
}
_DETAIL = 300
"""So many characters of a refused row an error shows."""


class PostgresWarehouse(SqlWarehouse):
    """A database of a PostgreSQL server, `postgresql://user:password@host:port/name`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._where = display(url, "the warehouse's")
        super().__init__(self._begin)

    @contextmanager
    def _begin(self) -> Iterator[PostgresSession]:
        with _translated(self._where):
            connection = connect(self._url, self._where, cursor_factory=psycopg.RawCursor)
            with connection:
                session = PostgresSession(connection, self._where)
                session.run("begin")
                try:
                    yield session
                except psycopg.IntegrityError as error:
                    connection.rollback()
                    raise _refusal(session, error) from error


class PostgresSession:
    """One transaction."""

    temporary = "pg_temp"
    types: Mapping[str, str] = TYPES
    cannot: tuple[type[Exception], ...] = (
        psycopg.errors.FeatureNotSupported, psycopg.errors.InvalidTableDefinition, psycopg.errors.DatatypeMismatch,
    )  # fmt: skip

    def __init__(self, connection: Connection, where: str) -> None:
        self._connection = connection
        self.where = where

    def rows(self, statement: str, fragments: Mapping[str, str] = NONE, values: Values = NONE) -> list[tuple[Any, ...]]:
        """Run a statement that gives rows."""
        text, parameters = bind(SQL[statement], fragments, values)
        return self._connection.execute(text.encode(), parameters or None).fetchall()

    def run(self, statement: str, fragments: Mapping[str, str] = NONE, values: Values = NONE) -> None:
        """Run a statement that gives none."""
        text, parameters = bind(SQL[statement], fragments, values)
        self._connection.execute(text.encode(), parameters or None)

    def load(self, table: str, batches: Generator[pl.DataFrame, None, None]) -> int:
        """Copy batches into a table, one at a time."""
        count = 0
        with closing(batches):
            first = next(batches, None)
            if first is None:
                return count
            names = {"table": quote_table(table), "columns": ", ".join(map(quote, first.columns))}
            text, _ = bind(SQL["copy"], names, NONE)
            with closing(_ahead(itertools.chain([first], batches))) as frames, self._connection.cursor() as cursor:
                pieces = _ahead((len(frame), _encoded(frame)) for frame in frames)
                with cursor.copy(text.encode()) as copy, closing(pieces):
                    for rows, piece in pieces:
                        copy.write(piece)
                        count += rows
        return count

    def frame(self, statement: str, fragments: Mapping[str, str], values: Values) -> pl.DataFrame:
        """The rows of a statement with their types."""
        text, parameters = bind(SQL[statement], fragments, values)
        cursor = self._connection.execute(text.encode(), parameters or None)
        columns = cursor.description or []
        schema = {column.name: _polars_type(column) for column in columns}
        json = [place for place, column in enumerate(columns) if column.type_display == "jsonb"]
        rows = cursor.fetchall()
        if json:
            rows = [
                tuple(
                    canonical(value) if place in json and value is not None else value
                    for place, value in enumerate(row)
                )
                for row in rows
            ]
        return pl.DataFrame(rows, schema=schema, orient="row")


def _ahead(pieces: Iterator[Piece]) -> Generator[Piece, None, None]:
    """The same pieces; each is made, in a thread, while the one before is used.

    >>> list(_ahead(iter([(1, b"a"), (2, b"b")])))
    [(1, b'a'), (2, b'b')]
    """
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, pieces, None)
        while (piece := coming.result()) is not None:
            coming = pool.submit(next, pieces, None)
            yield piece


def _encoded(frame: pl.DataFrame) -> bytes:
    r"""Rows in COPY's text format.

    >>> _encoded(pl.DataFrame({"a": ["x\ty", None, ""], "b": [True, False, None]}))
    b'x\\ty\ttrue\n\\N\tfalse\n\t\\N\n'
    """
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    escaped = [_escape(frame[name]) for name in texts if has_any(frame[name], _SPECIAL)]
    moments = selectors.datetime(time_zone="UTC").dt.replace_time_zone(None)  # the session's zone is UTC, too
    text = io.BytesIO()
    frame.with_columns(*escaped, moments).write_csv(
        text, include_header=False, separator="\t", quote_style="never", null_value="\\N"
    )
    return text.getvalue()


def _escape(text: pl.Series) -> pl.Series:
    for plain, code in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.str.replace_all(plain, code, literal=True)
    return text


_NOT_THERE = ("42P01", "3F000")
"""SQLSTATEs of a table or a schema that is not there."""


def _polars_type(column: Column) -> pl.DataType:
    if column.type_display.startswith("numeric"):
        return pl.Decimal(column.precision or 38, column.scale or 0)
    return _READ.get(column.type_display, pl.String())


@contextmanager
def _translated(where: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise _translation(where, error) from error


def _refusal(session: PostgresSession, error: psycopg.IntegrityError) -> ConflictError:
    """A constraint that refuses a row: which, of which table, and the row's values."""
    diagnosis = error.diag
    place = {"schema": diagnosis.schema_name, "name": diagnosis.constraint_name}
    primary = any(is_primary for (is_primary,) in session.rows("primary", values=place))
    table = f"{diagnosis.schema_name}.{diagnosis.table_name}: " if diagnosis.table_name else ""
    detail = " ".join((diagnosis.message_detail or "").split())
    shown = detail if len(detail) <= _DETAIL else f"{detail[:_DETAIL]}…"
    return ConflictError(
        f"{session.where}: {table}{one_line(error)}: {shown} (nothing is half done)",
        fix=SAME_KEY if primary else OWN_CONSTRAINT,
    )


def _translation(where: str, error: psycopg.Error) -> TorneoError:
    state = error.sqlstate
    text = f"{where}: {one_line(error)}"
    if state is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return UnavailableError(f"{text} (the connection was lost; nothing is half done)")
    if state is not None and state.startswith(AGAIN):
        return UnavailableError(f"{text} (nothing is half done)")
    if state in _NOT_THERE:
        return NotFoundError(text, fix=_FIXES.get(state))
    return ConflictError(text, fix=_FIXES.get(state or ""))
