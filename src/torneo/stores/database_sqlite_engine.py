"""SQLite by SQLAlchemy: safe to open, read and write by many threads and processes at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DatabaseError

from torneo.stores.database_errors import sqlite_translated, sqlite_translation
from torneo.stores.filelock import file_lock

BUSY_SECONDS = 20
"""How long a write waits for the writes of others."""


class SqliteBackend:
    """A file; a transaction that writes has all of it."""

    version_table = "alembic_version"

    def __init__(self, path: Path) -> None:
        self._path = path
        self.where = str(path)
        with self.translated():
            path.parent.mkdir(parents=True, exist_ok=True)
        self.readers: Engine = _engine(path)
        self.writers: Engine = self.readers.execution_options(begin="BEGIN IMMEDIATE")

    def exclude(self, connection: Connection, names: Sequence[str]) -> None:
        """Nothing: no two transactions write at once."""

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """One process at a time; the journal is set before the first migration."""
        with file_lock(self._path.with_name(f"{self._path.name}.lock")):
            with self.readers.connect() as connection:
                connection.connection.driver_connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[union-attr]
            yield

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Errors as Torneo's.

        Raises:
            UnavailableError: the file cannot be reached now, or its disk is full.
            ConflictError: the file is damaged, or no database.
        """
        try:
            with sqlite_translated(self._path):
                yield
        except DatabaseError as error:
            translation = sqlite_translation(self._path, error.orig)
            if translation is None:
                raise
            raise translation from error


def _engine(path: Path) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)

    def connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where `begin` says, not where the driver guesses
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)
    return engine
