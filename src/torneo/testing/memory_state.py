"""State in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torneo.errors import LockedError
from torneo.ports import INSTALLATION, Clock, Entry
from torneo.spec.chain import START, canonical, entry_digest


class MemoryState:
    """A state store that lasts as long as the process; its locks hold between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._streams: dict[tuple[str, str], list[Entry]] = {}
        self._records: dict[tuple[str, str], str] = {}
        self._holders: dict[str, str] = {}

    def append(self, project: str, stream: str, id: str, body: Mapping[str, Any]) -> Entry:  # noqa: A002
        """Add a line to a stream; an id that is already there gives back its first entry."""
        content = json.loads(canonical(body))
        with self._guard:
            entries = self._streams.setdefault((project, stream), [])
            for present in entries:
                if present.id == id:
                    return present
            now, number = self._clock.now(), len(entries) + 1
            digest = entry_digest(number, now, id, content, entries[-1].digest if entries else START)
            entries.append(Entry(sequence=number, time=now, id=id, body=content, digest=digest))
            return entries[-1]

    def read(self, project: str, stream: str, *, last: int | None = None) -> Sequence[Entry]:
        """The stream's entries in order, or only the last few."""
        with self._guard:
            entries = self._streams.get((project, stream), [])
            return entries[0 if last is None else max(0, len(entries) - last) :]

    def get(self, project: str, name: str) -> Mapping[str, Any] | None:
        """A record, or None."""
        text = self._records.get((project, name))
        return None if text is None else json.loads(text)

    def put(self, project: str, name: str, body: Mapping[str, Any] | None) -> None:
        """Write a record whole; None removes it."""
        if body is None:
            self._records.pop((project, name), None)
        else:
            self._records[project, name] = canonical(body)

    def projects(self) -> Sequence[str]:
        """All projects that have records or streams, sorted; the installation's own are not among them."""
        return sorted({project for project, _ in (*self._streams, *self._records)} - {INSTALLATION})

    @contextmanager
    def lock(self, name: str, owner: str, *, seconds: float = 60) -> Iterator[None]:  # noqa: ARG002 - the port's
        """Hold a lock while the block runs; it cannot expire, since it ends with the process."""
        with self._guard:
            if name in self._holders:
                raise LockedError(f"{name!r} is locked by {self._holders[name]}", fix="wait until it has ended")
            self._holders[name] = f"{owner} since {self._clock.now().isoformat(timespec='seconds')}"
        try:
            yield
        finally:
            with self._guard:
                del self._holders[name]
