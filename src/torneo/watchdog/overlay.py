"""A state store over another: what is written stays in memory, so that a pass can be tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torneo.ports import Clock, Entry, StateStore


class Overlay:
    """Reads through; writes to nothing that lasts. Locks are not taken: nothing is done that needs one."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._added: dict[tuple[str, str], list[Entry]] = {}
        self._records: dict[tuple[str, str], Mapping[str, Any] | None] = {}

    def append(self, project: str, stream: str, id: str, body: Mapping[str, Any]) -> Entry:  # noqa: A002
        """Add a line in memory; an id that is already there gives back its first entry."""
        entries = self.read(project, stream)
        for entry in entries:
            if entry.id == id:
                return entry
        number = entries[-1].sequence + 1 if entries else 1
        entry = Entry(sequence=number, time=self._clock.now(), id=id, body=body, digest="")
        self._added.setdefault((project, stream), []).append(entry)
        return entry

    def read(self, project: str, stream: str, *, last: int | None = None) -> Sequence[Entry]:
        """The entries that last, and then those in memory."""
        entries = [*self._state.read(project, stream, last=last), *self._added.get((project, stream), ())]
        return entries if last is None else entries[max(0, len(entries) - last) :]

    def get(self, project: str, name: str) -> Mapping[str, Any] | None:
        """A record, or None."""
        known = self._records
        return known[project, name] if (project, name) in known else self._state.get(project, name)

    def put(self, project: str, name: str, body: Mapping[str, Any] | None) -> None:
        """Write a record in memory."""
        self._records[project, name] = body

    def projects(self) -> Sequence[str]:
        """All projects that have something that lasts."""
        return self._state.projects()

    @contextmanager
    def lock(self, name: str, owner: str, *, seconds: float = 60) -> Iterator[None]:  # noqa: ARG002 - the port's
        """Nothing."""
        yield
