"""A database with its schema, in SQLite or PostgreSQL: safe to open, read and write by many processes at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, TextClause, inspect, text

from torneo.errors import ConflictError
from torneo.stores.sqlfile import named_statements

SCHEMA = "0001"
"""The newest migration: a database that has it is opened without Alembic, which is slow to import."""
MIGRATIONS = Path(__file__).with_name("migrations")


def statements(file: Path) -> Mapping[str, TextClause]:
    """The named statements of a file: each follows a line `-- name --`."""
    return {name: text(statement) for name, statement in named_statements(file).items()}


class Backend(Protocol):
    """What differs between SQLite and PostgreSQL."""

    where: str
    """The database, as messages name it."""
    version_table: str
    readers: Engine
    writers: Engine

    def exclude(self, connection: Connection, names: Sequence[str]) -> None:
        """Wait until no other transaction has one of the names, and have them to the transaction's end."""
        ...

    def migrating(self) -> AbstractContextManager[None]:
        """What has to be around migrations."""
        ...

    def translated(self) -> AbstractContextManager[None]:
        """Errors as Torneo's."""
        ...


class Database:
    """Transactions on one database, `sqlite:///path` or `postgresql://…`.

    No connection outlives its transaction, so a forked process inherits none.
    """

    def __init__(self, url: str) -> None:
        self._backend = _backend(url)
        with self._backend.translated():
            if self._version() != SCHEMA:
                with self._backend.migrating():
                    self._migrate()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view of the data.

        Raises:
            UnavailableError: the database cannot be reached now.
            ConflictError: the file is damaged, or no database; the server does not let this user in.
        """
        with self._backend.translated(), self._backend.readers.begin() as connection:
            yield connection

    @contextmanager
    def write(self, *names: str) -> Iterator[Connection]:
        """One transaction that no other of the same names overlaps; on disk at the block's end, undone if it fails.

        Raises:
            UnavailableError: the database cannot be reached now, or its disk is full.
            ConflictError: the file is damaged, or no database; the server does not let this user in.
        """
        with self._backend.translated(), self._backend.writers.begin() as connection:
            self._backend.exclude(connection, names)
            yield connection

    def _version(self) -> str | None:
        with self._backend.readers.begin() as connection:
            return self._version_in(connection)

    def _version_in(self, connection: Connection) -> str | None:
        table = self._backend.version_table
        if not inspect(connection).has_table(table):
            return None
        return connection.execute(text(f"SELECT version_num FROM {table}")).scalar()  # noqa: S608 - a constant

    def _migrate(self) -> None:
        with self._backend.writers.begin() as connection:
            self._backend.exclude(connection, ["migrations"])
            version = self._version_in(connection)
            if version == SCHEMA:
                return
            if version is not None and version > SCHEMA:
                raise ConflictError(
                    f"{self._backend.where} was written by a newer Torneo (schema {version}, this one knows {SCHEMA})",
                    fix="pip install --upgrade torneo",
                )
            from alembic import command
            from alembic.config import Config

            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
            config.attributes |= {"connection": connection, "version_table": self._backend.version_table}
            command.upgrade(config, "head")


def _backend(url: str) -> Backend:
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        from torneo.stores.database_sqlite_engine import SqliteBackend

        return SqliteBackend(Path(rest[1:]))
    if scheme in ("postgresql", "postgresql+psycopg", "postgres") and rest:
        from torneo.stores.database_postgres_engine import PostgresBackend

        return PostgresBackend(url)
    there = "postgresql://user:password@host:5432/name, sqlite:///path/state.db"
    raise ConflictError(f"there is no state store for {scheme.partition(':')[0]!r} (there is: {there})")
