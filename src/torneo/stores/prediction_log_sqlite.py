"""The prediction log of one machine: a SQLite file that many processes append to at once.

A batch is one statement, because each call of SQLite gives Python's lock away and must get it back.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any

from torneo.errors import ConflictError
from torneo.stores.database_errors import sqlite_translated
from torneo.stores.filelock import file_lock
from torneo.stores.prediction_log_connections import Connections
from torneo.stores.prediction_log_sql import Kind, Row, SqlPredictionLog
from torneo.stores.sqlfile import named_statements

SQL = named_statements(Path(__file__).with_name("prediction_log_sqlite.sql"))
SCHEMA = 3
BUSY_SECONDS = 20
"""How long a write waits for the writes of others."""
POLL_MILLISECONDS = 8
"""SQLite asks after 1, 3, 8 … and then each 100 ms whether it may write; who asks so seldom starves beside others."""
PAGE_BYTES = 8192
"""A row of the clustered table has up to a quarter of a page before it needs pages of its own."""
MOST = 2048
"""Rows per statement: 13 parameters each, of the 32,766 that SQLite takes."""
RUN = 256
"""Lines that the index of entities keeps together. If it kept all together, each line of a batch would change a page
of its own; if fewer, whoever asks for an entity would have more places to look in."""
CHECK_SECONDS = 1.0
"""How often it is seen whether the file is still the one that was opened."""


class SqlitePredictionLog(SqlPredictionLog):
    """A prediction log in a file; made, with its folder, when first used."""

    of_entity = SQL["of_entity"]

    def __init__(self, path: Path) -> None:
        self._path = path
        self._runs = _Runs()
        self._connections = Connections(partial(_connect, path), partial(_is_gone, path))

    def erase(self, project: str, entity: str) -> int:
        """Remove all lines of an entity, from the journal too if nobody is reading it; gives how many lines."""
        count = super().erase(project, entity)
        with self._alone() as session:
            session.rows("PRAGMA wal_checkpoint(TRUNCATE)", {})
        return count

    @contextmanager
    def _alone(self) -> Iterator[_SqliteSession]:
        with sqlite_translated(self._path), self._connections.use() as connection:
            yield _SqliteSession(connection, self._runs, whole=True)

    @contextmanager
    def _begin(self) -> Iterator[_SqliteSession]:
        with sqlite_translated(self._path), self._connections.use() as connection:
            connection.run("BEGIN IMMEDIATE")
            yield _SqliteSession(connection, self._runs, whole=False)
            connection.execute("COMMIT")


class _File(sqlite3.Connection):
    """A connection that knows which file it has open, and waits for the writes of others."""

    inode = 0
    checked = 0.0

    def run(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        """Run a statement, again until nobody else writes."""
        deadline = None
        while True:
            try:
                return self.execute(statement, values)
            except sqlite3.OperationalError as error:
                now = time.monotonic()
                deadline = deadline or now + BUSY_SECONDS
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or now > deadline:
                    raise


def _connect(path: Path) -> _File:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS, factory=_File
    )
    with ExitStack() as failed:
        failed.callback(connection.close)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        if _version(connection) != SCHEMA:
            with file_lock(path.with_name(f"{path.name}.lock")):
                _migrate(connection, path)
        connection.execute(f"PRAGMA busy_timeout = {POLL_MILLISECONDS}")
        connection.inode = path.stat().st_ino
        failed.pop_all()
    return connection


def _is_gone(path: Path, connection: _File) -> bool:
    """Whether the file was removed or replaced: SQLite would go on writing to the one that is gone."""
    now = time.monotonic()
    if now - connection.checked < CHECK_SECONDS:
        return False
    connection.checked = now
    try:
        return path.stat().st_ino != connection.inode
    except FileNotFoundError:
        return True


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection)
    if version > SCHEMA:
        raise ConflictError(
            f"{path} was written by a newer Torneo (schema {version}, this one knows {SCHEMA})",
            fix="pip install --upgrade torneo",
        )
    if version == 0:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
    for number in range(version + 1, SCHEMA + 1):
        statements = f"BEGIN IMMEDIATE; {SQL[f'migration_{number}']} PRAGMA user_version = {number}; COMMIT"
        connection.executescript(statements)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


class _Runs:
    """Which run of the index new lines belong to; one of another process may have the same, which does no harm."""

    def __init__(self) -> None:
        self._run = 0
        self._room = 0

    def take(self, lines: int) -> int:
        """The run of so many lines."""
        if self._room <= 0:
            self._run, self._room = time.time_ns() // 1000, RUN
        self._room -= lines
        return self._run


class _SqliteSession:
    """A transaction; `whole` if it is one statement, which needs no BEGIN."""

    def __init__(self, connection: _File, runs: _Runs, *, whole: bool) -> None:
        self._connection = connection
        self._runs = runs
        self._whole = whole

    def add(self, kind: Kind, rows: Sequence[Row]) -> int:
        """Write rows; one statement if there are no more than `MOST`."""
        pieces = [rows[start : start + MOST] for start in range(0, len(rows), MOST)]
        if self._whole and len(pieces) > 1:
            self._connection.run("BEGIN IMMEDIATE")
        added = sum(self._add(kind, piece) for piece in pieces)
        if self._whole and len(pieces) > 1:
            self._connection.execute("COMMIT")
        return added

    def _add(self, kind: Kind, rows: Sequence[Row]) -> int:
        if kind == "predictions":
            run = self._runs.take(len(rows))
            rows = [(*row, run) for row in rows]
        statement, capacity = _insert(kind, len(rows), len(rows[0]))
        values = list(chain.from_iterable(rows))
        values += rows[-1] * (capacity - len(rows))  # a row again changes nothing
        return self._connection.run(statement, values).rowcount

    def known(self, project: str, ids: Sequence[str]) -> set[str]:
        """Those of the ids that are in the log."""
        values = {"project": project, "ids": json.dumps(ids)}
        return {id_ for (id_,) in self.rows(SQL["known"], values)}

    def rows(self, statement: str, values: Mapping[str, Any]) -> list[Row]:
        """The rows that a statement gives."""
        return self._connection.run(statement, values).fetchall()

    def run(self, statement: str, values: Mapping[str, Any]) -> int:
        """Run a statement; gives how many rows it changed."""
        return self._connection.run(statement, values).rowcount


@cache
def _insert(kind: Kind, rows: int, columns: int) -> tuple[str, int]:
    """A statement for at least so many rows, of few sizes, so that SQLite keeps them compiled; and its size."""
    size = _size(rows)
    place = f"({', '.join('?' * columns)})"
    return SQL[f"add_{kind}"].format(rows=", ".join([place] * size)), size


def _size(rows: int) -> int:
    """The next of 1, 2, 3, 4, 6, 8, 12, 16, 24, …

    >>> [_size(rows) for rows in (1, 3, 5, 7, 9, 100, 2048)]
    [1, 3, 6, 8, 12, 128, 2048]
    """
    power = 1 << (rows - 1).bit_length()
    return power * 3 // 4 if rows <= power * 3 // 4 and power >= 4 else power
