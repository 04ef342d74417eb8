"""A SQLite database with its schema: safe to open, read and write by many threads and processes at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, NullPool, TextClause, create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError

from torneo.errors import ConflictError
from torneo.stores.database_errors import sqlite_translated, sqlite_translation
from torneo.stores.filelock import file_lock
from torneo.stores.sqlfile import named_statements

SCHEMA = "0001"
"""The newest migration: a database that has it is opened without Alembic, which is slow to import."""
MIGRATIONS = Path(__file__).with_name("migrations")
BUSY_SECONDS = 20
"""How long a write waits for the writes of others."""


def statements(file: Path) -> Mapping[str, TextClause]:
    """The named statements of a file: each follows a line `-- name --`."""
    return {name: text(statement) for name, statement in named_statements(file).items()}


class Database:
    """Transactions on one SQLite file.

    No connection outlives its transaction, so a forked process inherits none.
    """

    def __init__(self, url: str) -> None:
        self.path = path = _file(url)
        with _translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._readers = _engine(path)
            self._writers = self._readers.execution_options(begin="BEGIN IMMEDIATE")
            if self._version() != SCHEMA:
                with file_lock(path.with_name(f"{path.name}.lock")):
                    self._migrate()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view of the data.

        Raises:
            UnavailableError: the database cannot be reached now.
            ConflictError: the file is damaged, or no database.
        """
        with _translated(self.path), self._readers.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that no other write overlaps; on disk when the block has ended, undone if it fails.

        Raises:
            UnavailableError: the database cannot be reached now, or its disk is full.
            ConflictError: the file is damaged, or no database.
        """
        with _translated(self.path), self._writers.begin() as connection:
            yield connection

    def _version(self) -> str | None:
        with self._readers.begin() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

    def _migrate(self) -> None:
        version = self._version()
        if version == SCHEMA:
            return
        if version is not None and version > SCHEMA:
            raise ConflictError(
                f"{self.path} was written by a newer Torneo (schema {version}, this one knows {SCHEMA})",
                fix="pip install --upgrade torneo",
            )
        from alembic import command
        from alembic.config import Config

        with self._readers.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[union-attr]
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with self._writers.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _file(url: str) -> Path:
    scheme, _, path = url.partition(":///")
    if scheme != "sqlite" or not path:
        scheme = url.partition(":")[0]
        raise ConflictError(f"there is no state store for {scheme!r} (there is: sqlite:///path/state.db)")
    return Path(path)


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


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        with sqlite_translated(path):
            yield
    except DatabaseError as error:
        translation = sqlite_translation(path, error.orig)
        if translation is None:
            raise
        raise translation from error
