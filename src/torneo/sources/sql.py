"""A SELECT on any database that SQLAlchemy reaches (SQLite and PostgreSQL are tested), read-only and in pieces.

A query has no cheap digest, so `fingerprint` runs it and adds up a digest of each row: the order in which the
database gives the rows does not matter, their values do. Values keep their types: numbers, booleans, dates;
`Decimal` becomes decimal text, exact; UUID and times of day become text.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from torneo.errors import MissingExtraError, SourceError, UnavailableError
from torneo.sources import _uri
from torneo.sources._local import check_pin
from torneo.sources._parquet import numbered
from torneo.sources._records import Extract
from torneo.sources._table import check_names, with_line, writer
from torneo.spec.records import digest_of
from torneo.spec.source import Input

BATCH = 20_000
"""How many rows are fetched at once."""
_READS = ("select", "with", "values", "table")
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_ARROW = {
    "bool": pa.bool_(),
    "int": pa.int64(),
    "float": pa.float64(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
    "zoned": pa.timestamp("us", "UTC"),
    "text": pa.string(),
}
_KINDS: dict[type, str] = {bool: "bool", float: "float", datetime.date: "date", str: "text", decimal.Decimal: "text"}
_REFUSED = (bytes, bytearray, memoryview, dict, list, tuple, set, datetime.timedelta)


def is_database(name: str) -> bool:
    """Whether SQLAlchemy knows a scheme such as `postgresql+psycopg`."""
    try:
        sa.dialects.registry.load(_DRIVERS.get(name, name).replace("+", "."))
    except sa.exc.NoSuchModuleError:
        return False
    except ImportError:
        return True  # its driver is missing, which is told when it is used
    return True


def fingerprint(input: Input, folders: Sequence[Path]) -> str:  # noqa: A002
    """The digest of the query's result, whatever the order of its rows.

    Raises:
        SourceError: the query cannot be run, or gives values that are no single values.
        UnavailableError: the database does not answer.
        MissingExtraError: the database's driver is not installed.
    """
    digest = _Digest()
    with _result(input, folders) as (names, batches):
        for rows in batches:
            digest.add(rows)
    return digest.value(names)


def extract(input: Input, folders: Sequence[Path], target: Path) -> Extract:  # noqa: A002
    """Write the query's result in its types, plus `__line__` as the number of the row.

    A column whose rows differ in type (SQLite allows it) becomes text, or float if all are numbers.

    Raises:
        SourceError: the query cannot be run, or gives values that are no single values.
        UnavailableError: the database does not answer.
        MissingExtraError: the database's driver is not installed.
    """
    digest = _Digest()
    parts: list[Path] = []
    where = _uri.display(input.uri)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="query-") as folder:
        with _result(input, folders) as (names, batches):
            check_names(names, where)
            for rows in batches:
                digest.add(rows)
                parts.append(Path(folder) / f"{len(parts)}.parquet")
                pq.write_table(_table(names, rows, where), parts[-1])
        check_pin(digest.value(names), input, f"the result of the query on {where}")
        schema = _common([pq.read_schema(part) for part in parts], names)
        with writer(target, with_line(schema)) as tables:
            for part in parts:
                tables.write(numbered(pq.read_table(part).cast(schema), tables.rows))
    return Extract(rows=tables.rows, columns=names, fingerprint=digest.value(names), file="query")


class _Digest:
    """A digest of rows that does not depend on their order: the sum of the rows' digests."""

    def __init__(self) -> None:
        self._sum = 0
        self._rows = 0

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._rows += len(rows)
        for row in rows:
            digest = hashlib.sha256(repr(row).encode("utf-8", "surrogatepass")).digest()
            self._sum = (self._sum + int.from_bytes(digest, "big")) % (1 << 256)

    def value(self, names: Sequence[str]) -> str:
        return digest_of([list(names), self._rows, f"{self._sum:064x}"])


@contextlib.contextmanager
def _result(
    input: Input,  # noqa: A002
    folders: Sequence[Path],
) -> Iterator[tuple[tuple[str, ...], Iterator[list[tuple[Any, ...]]]]]:
    """The names of the columns, and the rows in batches, of the input's query."""
    words = (input.query or "").split(None, 1)
    where = _uri.display(input.uri)
    if not words or words[0].lower().lstrip("(") not in _READS:
        raise SourceError(f"{where}: `query` must be a SELECT, not {(input.query or '')[:60]!r}", fix="set `query`")
    engine = _engine(input.uri, folders)
    try:
        with _connection(engine, input.uri) as connection:
            try:
                result = connection.exec_driver_sql(str(input.query))
                with contextlib.closing(result):
                    names = tuple(result.keys())
                    yield names, ([tuple(row) for row in rows] for rows in result.partitions(BATCH))
            except sa.exc.DBAPIError as error:
                again = error.connection_invalidated or "database is locked" in str(error.orig)
                kind = UnavailableError if again else SourceError
                raise kind(f"{where}: the query failed: {_uri.redact(error.orig, input.uri)}") from None
    finally:
        engine.dispose()


def _engine(uri: str, folders: Sequence[Path]) -> sa.Engine:
    where = _uri.display(uri)
    try:
        url = sa.make_url(_uri.resolve(uri))
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        if url.get_backend_name() == "sqlite":
            url = _read_only(url, folders)
        return sa.create_engine(url, poolclass=sa.NullPool)
    except ModuleNotFoundError as error:
        if "psycopg" in str(error.name):
            raise MissingExtraError("psycopg", "postgres", "reading PostgreSQL") from None
        raise SourceError(
            f"{where}: the driver {error.name!r} is not installed", fix=f"pip install {error.name}"
        ) from None
    except (sa.exc.ArgumentError, ValueError) as error:
        raise SourceError(
            f"{where} is no database URL: {_uri.redact(error, uri, 200)}",
            fix="write it as postgresql://user:${PASSWORD}@host:5432/name",
        ) from None


def _read_only(url: sa.URL, folders: Sequence[Path]) -> sa.URL:
    """SQLite makes an empty database where there is none, so the file is looked up first."""
    if not url.database or url.database == ":memory:":
        raise SourceError("a SQLite database in memory has no data", fix="write sqlite:///PATH")
    path = _uri.locate(url.database, folders)
    return url.set(database=f"file:{quote(str(path))}", query={**url.query, "mode": "ro", "uri": "true"})


@contextlib.contextmanager
def _connection(engine: sa.Engine, uri: str) -> Iterator[sa.Connection]:
    options: dict[str, Any] = {"stream_results": True, "max_row_buffer": BATCH, "no_parameters": True}
    if engine.dialect.name == "postgresql":
        options["postgresql_readonly"] = True
    try:
        connection = engine.connect().execution_options(**options)
    except sa.exc.DBAPIError as error:
        text = _uri.redact(error.orig, uri)
        final = any(sign in text for sign in ("authentication", "does not exist", "no password", "not a database"))
        kind = SourceError if final else UnavailableError
        raise kind(f"{_uri.display(uri)}: cannot connect: {text}") from None
    try:
        if engine.dialect.name in ("mysql", "mariadb"):
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        yield connection
    finally:
        connection.close()  # rolls back


def _table(names: tuple[str, ...], rows: list[tuple[Any, ...]], where: str) -> pa.Table:
    columns = [_column(values, name, where) for name, values in zip(names, zip(*rows, strict=True), strict=True)]
    return pa.table(columns, names=list(names))


def _column(values: tuple[Any, ...], name: str, where: str) -> pa.Array:
    kinds = {_kind(value, name, where) for value in values if value is not None}
    if not kinds:
        return pa.nulls(len(values))
    kind = _joined(kinds)
    if kind == "text":
        return pa.array([None if value is None else _text(value) for value in values], pa.string())
    if kind == "float":
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array(values, _ARROW[kind])


def _joined(kinds: set[str]) -> str:
    if len(kinds) == 1:
        return next(iter(kinds))
    return "float" if kinds == {"int", "float"} else "text"


def _kind(value: Any, name: str, where: str) -> str:
    if isinstance(value, datetime.datetime):
        return "datetime" if value.tzinfo is None else "zoned"
    if isinstance(value, _REFUSED):
        raise SourceError(
            f"{where}: column {name!r} has values of type {type(value).__name__}, which no contract can judge",
            fix="cast it in the query, or leave it out",
        )
    if type(value) is int:
        return "int" if -(2**63) <= value < 2**63 else "text"
    return _KINDS.get(type(value), "text")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)


def _common(schemas: Sequence[pa.Schema], names: tuple[str, ...]) -> pa.Schema:
    """The types that hold the values of all batches."""
    by_type = {kind: name for name, kind in _ARROW.items()}
    fields = []
    for index, name in enumerate(names):
        kinds = {by_type[schema.field(index).type] for schema in schemas if schema.field(index).type != pa.null()}
        fields.append((name, _ARROW[_joined(kinds)] if kinds else pa.string()))
    return pa.schema(fields)
