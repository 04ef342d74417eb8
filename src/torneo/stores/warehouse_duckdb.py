"""DuckDB as a warehouse: a file, or memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from torneo.errors import ConflictError, NotFoundError, TorneoError, UnavailableError
from torneo.spec.chain import canonical
from torneo.stores.filelock import file_lock
from torneo.stores.sqlfile import bind, named_statements, quote, quote_table
from torneo.stores.warehouse_session import NONE, OWN_CONSTRAINT, SAME_KEY, Values
from torneo.stores.warehouse_sql import SqlWarehouse

SQL = {
    **named_statements(Path(__file__).with_name("warehouse.sql")),
    **named_statements(Path(__file__).with_name("warehouse_duckdb.sql")),
}
MEMORY = ":memory:"
WAIT_SECONDS = 600
"""How long a transaction waits for those of other processes."""
TYPES = {
    "text": "VARCHAR", "bigint": "BIGINT", "double": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE",
    "timestamp": "TIMESTAMP", "decimal": "DECIMAL({precision},{scale})", "moment": "TIMESTAMP WITH TIME ZONE",
    "json": "JSON",
}  # fmt: skip
_FULL = ("No space left on device", "Could not write", "not enough memory")


class DuckdbWarehouse(SqlWarehouse):
    """A DuckDB file, which is made when it is first used; `:memory:` is one that ends with this object.

    Processes that use Torneo wait for each other by a lock beside the file; the file is open only during a transaction.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._memory = duckdb.connect() if str(path) == MEMORY else None
        self._one_at_a_time = threading.Lock()
        super().__init__(self._begin)

    @contextmanager
    def _begin(self) -> Iterator[DuckdbSession]:
        with self._connection() as connection, _translated(str(self._path)):
            connection.execute("SET TimeZone = 'UTC'")
            connection.begin()
            whole = False
            try:
                yield DuckdbSession(connection, str(self._path))
                connection.commit()
                whole = True
            finally:
                if not whole:
                    _roll_back(connection)

    @contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._memory is not None:
            with self._one_at_a_time:
                yield self._memory
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with file_lock(self._path.with_name(f"{self._path.name}.lock"), seconds=WAIT_SECONDS):
                with _translated(str(self._path)):
                    connection = duckdb.connect(self._path)
                with connection:
                    yield connection
        except OSError as error:
            raise ConflictError(
                f"{self._path} cannot be used: {error.strerror}", fix="check that this user may write there"
            ) from error


class DuckdbSession:
    """One transaction."""

    temporary = "temp"
    types: Mapping[str, str] = TYPES
    cannot: tuple[type[Exception], ...] = (duckdb.BinderException, duckdb.CatalogException, duckdb.DependencyException)

    def __init__(self, connection: duckdb.DuckDBPyConnection, where: str) -> None:
        self._connection = connection
        self.where = where

    def rows(self, statement: str, fragments: Mapping[str, str] = NONE, values: Values = NONE) -> list[tuple[Any, ...]]:
        """Run a statement that gives rows."""
        text, parameters = bind(SQL[statement], fragments, values)
        return self._connection.execute(text, parameters).fetchall()

    def run(self, statement: str, fragments: Mapping[str, str] = NONE, values: Values = NONE) -> None:
        """Run a statement that gives none; locks and indices that DuckDB needs not are left out."""
        if statement in SQL:
            text, parameters = bind(SQL[statement], fragments, values)
            try:
                self._connection.execute(text, parameters)
            except duckdb.ConstraintException as error:
                raise _refusal(self.where, fragments.get("prod", ""), error) from error

    def load(self, table: str, batches: Generator[pl.DataFrame, None, None]) -> int:
        """Insert batches into a table, one at a time."""
        count = 0
        with closing(batches):
            for frame in batches:
                names = {"table": quote_table(table), "columns": ", ".join(map(quote, frame.columns))}
                self._connection.register("staged_batch", frame.to_arrow())
                self._connection.execute(bind(SQL["copy"], names, NONE)[0])
                self._connection.unregister("staged_batch")
                count += len(frame)
        return count

    def frame(self, statement: str, fragments: Mapping[str, str], values: Values) -> pl.DataFrame:
        """The rows of a statement with their types."""
        text, parameters = bind(SQL[statement], fragments, values)
        relation = self._connection.sql(text, params=parameters)
        documents = [name for name, kind in zip(relation.columns, relation.types, strict=True) if str(kind) == "JSON"]
        found = pl.DataFrame(relation.to_arrow_table())
        return found.with_columns(pl.col(documents).map_elements(_canonical, pl.String))


def _canonical(document: str) -> str:
    return canonical(json.loads(document))


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    with suppress(duckdb.Error):  # a commit that failed has ended the transaction by itself
        connection.rollback()


@contextmanager
def _translated(where: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise _translation(where, error) from error


def _refusal(where: str, table: str, error: duckdb.ConstraintException) -> ConflictError:
    """A constraint that refuses a row: which, of which table, and the row's values."""
    text, name = " ".join(str(error).split())[:500], table.replace('"', "")
    return ConflictError(
        f"{where}: {name}: {text} (nothing is half done)",
        fix=SAME_KEY if "violates primary key" in text else OWN_CONSTRAINT,  # staged keys are there once
    )


def _translation(where: str, error: duckdb.Error) -> TorneoError:
    text = " ".join(str(error).split())[:500]
    if "Conflicting lock" in text or "Could not set lock" in text:
        return UnavailableError(f"{where} is in use by another program: {text}", fix="close it there, and run again")
    if any(sign in text for sign in _FULL):
        return ConflictError(f"{where}: {text} (nothing is half done)", fix="free space on that disk, and run again")
    if isinstance(error, duckdb.CatalogException) and "does not exist" in text:
        return NotFoundError(f"{where}: {text}")
    return ConflictError(f"{where}: {text}")
