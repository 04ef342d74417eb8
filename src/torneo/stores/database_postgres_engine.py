"""PostgreSQL by SQLAlchemy: one connection per transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import psycopg
from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from torneo.stores.database_postgres import Connection as Driver
from torneo.stores.database_postgres import connect, display, postgres_translation

PATIENCE = "SET lock_timeout = '20s'; SET idle_in_transaction_session_timeout = '60s'; SET synchronous_commit = on"
EXCLUDE = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(name, 7223867)) "
    "FROM unnest(CAST(:names AS text[])) WITH ORDINALITY AS wanted (name, number) ORDER BY number"
)


class PostgresBackend:
    """A database; transactions that write are excluded by name."""

    version_table = "torneo_version"
    """Not Alembic's usual one: MLflow or Airflow may live in the same database."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.where = display(url, "the state's")
        engine = create_engine("postgresql+psycopg://", creator=self._connect, poolclass=NullPool)
        self.readers: Engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self.writers: Engine = engine

    def exclude(self, connection: Connection, names: Sequence[str]) -> None:
        """Wait for the transactions that have one of the names; in one order, so that none waits for each other."""
        if names:
            connection.execute(EXCLUDE, {"names": sorted(names)})

    def migrating(self) -> nullcontext[None]:
        """Nothing: the transaction's own lock is enough."""
        return nullcontext()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Errors as Torneo's.

        Raises:
            UnavailableError: the server cannot be reached now, or its disk is full.
            ConflictError: the server lets this user not in, or not do this.
        """
        try:
            yield
        except DBAPIError as error:
            if not isinstance(error.orig, psycopg.Error):
                raise
            raise postgres_translation(self.where, error.orig) from error.orig

    def _connect(self) -> Driver:
        connection = connect(self._url, self.where)
        connection.execute(PATIENCE.encode())
        connection.commit()
        return connection
