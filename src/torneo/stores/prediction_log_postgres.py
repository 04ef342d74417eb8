"""The prediction log in a PostgreSQL database, for servers on several machines.

A batch is one statement with one parameter, a JSON text: that costs this process the least time under Python's lock.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from pydantic_core import to_json

from torneo.errors import ConflictError, UnavailableError
from torneo.ports import Claim, Outcome, Prediction
from torneo.stores.database_postgres import Connection, connect, display, postgres_translated
from torneo.stores.prediction_log_connections import Connections
from torneo.stores.prediction_log_sql import Kind, Row, SqlPredictionLog
from torneo.stores.sqlfile import bind, named_statements

SQL = named_statements(Path(__file__).with_name("prediction_log_postgres.sql"))
SCHEMA = 2
FIELDS = {"predictions": Prediction._fields, "claims": Claim._fields, "outcomes": Outcome._fields}


class PostgresPredictionLog(SqlPredictionLog):
    """A prediction log in a database of a PostgreSQL server; its tables are made when it is first used."""

    of_entity = SQL["of_entity"]

    def __init__(self, url: str) -> None:
        self._where = display(url, "the prediction log's")
        self._connections = Connections(partial(_connect, url, self._where), operator.attrgetter("closed"))

    @contextmanager
    def _alone(self) -> Iterator[_PostgresSession]:
        with postgres_translated(self._where), self._connections.use() as connection:
            yield _PostgresSession(connection)

    @contextmanager
    def _begin(self) -> Iterator[_PostgresSession]:
        with self._alone() as session, session.connection.transaction():
            yield session


class _PostgresSession:
    """Statements on a connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, kind: Kind, rows: Sequence[Row]) -> int:
        """Write rows in one statement."""
        fields = FIELDS[kind]
        text = to_json([dict(zip(fields, row, strict=True)) for row in rows]).decode()
        return self.connection.execute(SQL[f"add_{kind}"].encode(), [text], prepare=True).rowcount

    def known(self, project: str, ids: Sequence[str]) -> set[str]:
        """Those of the ids that are in the log."""
        return {id_ for (id_,) in self.rows(SQL["known"], {"project": project, "ids": ids})}

    def rows(self, statement: str, values: Mapping[str, Any]) -> list[Row]:
        """The rows that a statement gives."""
        return self._execute(statement, values).fetchall()

    def run(self, statement: str, values: Mapping[str, Any]) -> int:
        """Run a statement; gives how many rows it changed."""
        return self._execute(statement, values).rowcount

    def _execute(self, statement: str, values: Mapping[str, Any]) -> psycopg.Cursor[Row]:
        text, parameters = bind(statement, {}, values)
        return self.connection.execute(text.encode(), parameters or None)


def _connect(url: str, where: str) -> Connection:
    try:
        connection = connect(url, where, autocommit=True, cursor_factory=psycopg.RawCursor)
    except ConflictError as error:
        raise UnavailableError(error.message, fix="see that TORNEO_STATE is right, and the server's log") from None
    with ExitStack() as failed:
        failed.callback(connection.close)
        session = _PostgresSession(connection)
        session.rows(SQL["durable"], {})
        session.rows(SQL["patience"], {})
        if _version(session) != SCHEMA:
            _migrate(session, where)
        failed.pop_all()
    return connection


def _migrate(session: _PostgresSession, where: str) -> None:
    with session.connection.transaction():
        session.rows(SQL["lock_migrations"], {})
        version = _version(session)
        if version > SCHEMA:
            raise ConflictError(
                f"the prediction log in {where} was written by a newer Torneo "
                f"(schema {version}, this one knows {SCHEMA})",
                fix="pip install --upgrade torneo",
            )
        for number in range(version + 1, SCHEMA + 1):
            session.connection.execute(SQL[f"migration_{number}"].encode())
        session.run(SQL["set_version"], {"version": SCHEMA})


def _version(session: _PostgresSession) -> int:
    return int(session.rows(SQL["version"], {})[0][0]) if session.rows(SQL["has_version"], {}) else 0
