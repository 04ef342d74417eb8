"""A connection per thread that is kept, reopened after an error, and never used by a forked process."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Generic, Protocol, TypeVar


class Closable(Protocol):
    """A connection of a database."""

    def close(self) -> None:
        """Close it; what was not committed is undone."""
        ...


C = TypeVar("C", bound=Closable)
_INHERITED: list[Any] = []
"""The connections of the process that this one was forked from: to close one would disturb its owner."""


class _Kept(Generic[C]):
    """A connection that is closed when nobody holds it any longer, by the process that opened it."""

    def __init__(self, connection: C) -> None:
        self.connection = connection
        self.process = os.getpid()
        self.close = weakref.finalize(self, _close, connection, self.process)


def _close(connection: Closable, process: int) -> None:
    if process == os.getpid():
        connection.close()
    else:
        _INHERITED.append(connection)


class Connections(Generic[C]):
    """The connections of one log; each thread has its own, and opens another when it `is_gone`."""

    def __init__(self, connect: Callable[[], C], is_gone: Callable[[C], bool]) -> None:
        self._connect = connect
        self._is_gone = is_gone
        self._local = threading.local()

    @contextmanager
    def use(self) -> Iterator[C]:
        """This thread's connection; after an error it is closed, and the next call opens another."""
        kept: _Kept[C] | None = getattr(self._local, "kept", None)
        if kept is None or kept.process != os.getpid() or self._is_gone(kept.connection):
            kept = self._local.kept = _Kept(self._connect())
        with ExitStack() as failed:
            failed.callback(self._drop, kept)
            yield kept.connection
            failed.pop_all()

    def _drop(self, kept: _Kept[C]) -> None:
        self._local.kept = None
        kept.close()
