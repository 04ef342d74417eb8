"""Locks as rows: held by one process, renewed while it lives, free when it is dead or its time is over."""

from __future__ import annotations

import datetime
import secrets
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, RowMapping

from torneo.errors import LockedError, UnavailableError
from torneo.ports import Clock
from torneo.stores.database import Database, statements
from torneo.stores.process import Process, this_process

SQL = statements(Path(__file__).with_name("state.sql"))


@dataclass(frozen=True)
class Locks:
    """The locks in a database; `held` are those of this process, by token."""

    database: Database
    clock: Clock
    held: MutableMapping[str, str]

    @contextmanager
    def hold(self, name: str, owner: str, seconds: float) -> Iterator[None]:
        """Hold a lock while the block runs.

        Raises:
            LockedError: another has it; or, at the block's end, it was lost meanwhile.
        """
        token = self._take(name, owner, seconds)
        self.held[token] = name
        ended = threading.Event()
        renewal = threading.Thread(target=self._renew, args=(name, token, seconds, ended), daemon=True)
        renewal.start()
        try:
            yield
        finally:
            ended.set()
            renewal.join()
            del self.held[token]
            with self.database.write(name) as connection:
                freed = connection.execute(SQL["free_lock"], {"name": name, "token": token}).rowcount
        if not freed:
            raise _lost(name)

    def fence(self, connection: Connection) -> None:
        """Refuse the transaction if this process has lost a lock that it believes to hold.

        Raises:
            LockedError: a lock has expired and was taken by another.
        """
        for token, name in tuple(self.held.items()):
            if connection.execute(SQL["check_lock"], {"name": name, "token": token}).first() is None:
                raise _lost(name)

    def _take(self, name: str, owner: str, seconds: float) -> str:
        token = secrets.token_hex(16)
        with self.database.write(name) as connection:
            now = self.clock.now()
            holder = connection.execute(SQL["lock_holder"], {"name": name}).mappings().first()
            if holder is not None and holder["expires"] > now.timestamp() and not _process(holder).is_dead():
                raise _locked(name, holder)
            values = {"name": name, "token": token, "owner": owner, **asdict(this_process())}
            times = {"since": now.isoformat(timespec="seconds"), "expires": now.timestamp() + seconds}
            connection.execute(SQL["take_lock"], values | times)
        return token

    def _renew(self, name: str, token: str, seconds: float, ended: threading.Event) -> None:
        while not ended.wait(seconds / 3):
            expires = self.clock.now().timestamp() + seconds
            try:
                with self.database.write(name) as connection:
                    values = {"name": name, "token": token, "expires": expires}
                    renewed = connection.execute(SQL["renew_lock"], values).rowcount
            except UnavailableError:
                continue  # the row stays ours until another takes it
            if not renewed:
                return  # the next write and the block's end report it


def _process(holder: RowMapping) -> Process:
    return Process(holder["host"], holder["machine"], holder["pid"], holder["started"])


def _locked(name: str, holder: Mapping[str, object] | RowMapping) -> LockedError:
    until = datetime.datetime.fromtimestamp(float(str(holder["expires"])), datetime.UTC).isoformat(timespec="seconds")
    return LockedError(
        f"{name!r} is locked by {holder['owner']} (process {holder['pid']} on {holder['host']}) "
        f"since {holder['since']}, until {until} or longer",
        fix=f"wait until it has ended, or stop process {holder['pid']} on {holder['host']}: the lock is free then",
    )


def _lost(name: str) -> LockedError:
    return LockedError(
        f"the lock {name!r} was lost: this process was stopped for longer than the lock lasts, and another took it",
        fix="run it again; nothing was written after the lock was lost",
    )
