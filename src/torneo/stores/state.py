"""Streams, records and locks in SQLite or PostgreSQL. Imported lazily: SQLAlchemy is slow to import."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, RowMapping

from torneo.ports import INSTALLATION, Clock, Entry
from torneo.spec.chain import START, canonical, entry_digest, verify
from torneo.stores.database import Database
from torneo.stores.locks import SQL, Locks


class SqlState:
    """A state store for many processes at once: `sqlite:///path/state.db`, or for many machines `postgresql://…`.

    Writing to it while a lock that this process held has been taken by another raises LockedError.

    Raises:
        UnavailableError: the file cannot be opened, or the server does not answer.
        ConflictError: the database is damaged, was written by a newer Torneo, or does not let this user in.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self._clock = clock
        self._database = Database(url)
        self._locks = Locks(self._database, clock, {})

    def append(self, project: str, stream: str, id: str, body: Mapping[str, Any]) -> Entry:  # noqa: A002
        """Add a line to a stream; an id that is already there gives back its first entry."""
        place = {"project": project, "stream": stream}
        text = canonical(body)
        with self._write(f"{project}/{stream}") as connection:
            present = connection.execute(SQL["entry_by_id"], {**place, "id": id}).mappings().first()
            if present is not None:
                return _entry(present)
            count, previous = _head(connection, place)
            now, content = self._clock.now(), json.loads(text)
            digest = entry_digest(count + 1, now, id, content, previous)
            entry = Entry(sequence=count + 1, time=now, id=id, body=content, digest=digest)
            row = {"sequence": entry.sequence, "time": now.isoformat(), "id": id, "body": text, "digest": digest}
            connection.execute(SQL["add_entry"], place | row)
            connection.execute(SQL["move_head"], {**place, "count": entry.sequence, "digest": digest})
        return entry

    def read(self, project: str, stream: str, *, last: int | None = None) -> Sequence[Entry]:
        """The stream's entries in order, or only the last few; the chain is checked as far back as they reach.

        Raises:
            ConflictError: an entry was altered, removed or added without the store.
        """
        place = {"project": project, "stream": stream}
        with self._database.read() as connection:
            count, head = _head(connection, place)
            first = 1 if last is None else max(1, count - last)
            rows = connection.execute(SQL["entries_from"], {**place, "first": first}).mappings().all()
        entries = [_entry(row) for row in rows]
        verify(f"{project}/{stream}", entries, count=count, head=head, first=first)
        return entries if last is None else entries[max(0, len(entries) - last) :]

    def get(self, project: str, name: str) -> Mapping[str, Any] | None:
        """A record, or None."""
        with self._database.read() as connection:
            body = connection.execute(SQL["record"], {"project": project, "name": name}).scalar()
        return None if body is None else json.loads(body)

    def put(self, project: str, name: str, body: Mapping[str, Any] | None) -> None:
        """Write a record whole; None removes it."""
        key = {"project": project, "name": name}
        with self._write(f"{project}/{name}") as connection:
            if body is None:
                connection.execute(SQL["remove_record"], key)
            else:
                connection.execute(SQL["put_record"], {**key, "body": canonical(body)})

    def projects(self) -> Sequence[str]:
        """All projects that have records or streams, sorted; the installation's own are not among them."""
        with self._database.read() as connection:
            return sorted(connection.execute(SQL["projects"], {"installation": INSTALLATION}).scalars())

    @contextmanager
    def lock(self, name: str, owner: str, *, seconds: float = 60) -> Iterator[None]:
        """Hold a lock while the block runs; it is renewed meanwhile, and is free when the process is dead.

        Raises:
            LockedError: another owner has it; or, at the end, it was lost and the block's work cannot be trusted.
        """
        with self._locks.hold(name, owner, seconds):
            yield

    @contextmanager
    def _write(self, name: str) -> Iterator[Connection]:
        # the locks' names too: none is taken by another between the fence and the end
        with self._database.write(name, *tuple(self._locks.held.values())) as connection:
            self._locks.fence(connection)
            yield connection


def _head(connection: Connection, place: Mapping[str, str]) -> tuple[int, str]:
    row = connection.execute(SQL["head"], place).first()
    return (0, START) if row is None else (row[0], row[1])


def _entry(row: RowMapping) -> Entry:
    time = datetime.datetime.fromisoformat(row["time"])
    return Entry(sequence=row["sequence"], time=time, id=row["id"], body=json.loads(row["body"]), digest=row["digest"])
