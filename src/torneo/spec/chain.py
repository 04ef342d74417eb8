"""The hash chain of an append-only stream: each entry's digest covers the entry and the digest before it.

It shows that entries were altered, removed, reordered or inserted after they were written; it cannot show that
somebody with write access rewrote the whole stream together with its head.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from torneo.errors import ConflictError
from torneo.spec.records import digest_of

START = ""
"""What stands for the digest before the first entry."""


class Link(Protocol):
    """What a chained entry has."""

    @property
    def sequence(self) -> int:
        """The place in the stream, from 1."""
        ...

    @property
    def time(self) -> datetime.datetime:
        """When it was written."""
        ...

    @property
    def id(self) -> str:
        """What makes writing it twice harmless."""
        ...

    @property
    def body(self) -> Mapping[str, Any]:
        """The content."""
        ...

    @property
    def digest(self) -> str:
        """The digest of the content and of the entry before."""
        ...


def canonical(body: Mapping[str, Any]) -> str:
    """The one JSON text of a body.

    >>> canonical({"b": (1, 2), "a": "é"})
    '{"a":"é","b":[1,2]}'
    """
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def entry_digest(sequence: int, time: datetime.datetime, id: str, body: Mapping[str, Any], previous: str) -> str:  # noqa: A002
    """The digest of an entry that follows the digest `previous`; `time` is aware of its zone."""
    moment = time.astimezone(datetime.UTC).isoformat(timespec="microseconds")
    return digest_of({"sequence": sequence, "time": moment, "id": id, "body": body, "previous": previous})


def verify(stream: str, entries: Iterable[Link], *, count: int, head: str, first: int = 1) -> None:
    """Check that the entries from number `first` on are a chain that ends in `head`, `count` being the stream's length.

    Where `first` is not 1, the first entry only anchors the others: what came before it is not known.

    Raises:
        ConflictError: an entry was altered, removed or inserted; the message names the first one.
    """
    expected = first
    previous = START if first == 1 else None
    for entry in entries:
        if entry.sequence != expected:
            raise _broken(stream, expected, "is missing")
        if previous is not None and entry.digest != entry_digest(
            entry.sequence, entry.time, entry.id, entry.body, previous
        ):
            raise _broken(stream, expected, "was altered after it was written")
        expected, previous = expected + 1, entry.digest
    if expected <= count:
        raise _broken(stream, expected, "is missing")
    if expected > count + 1:
        raise _broken(stream, count + 1, "was added without the store")
    if previous is not None and previous != head:
        raise _broken(stream, expected - 1, "is not the one that was written last")


def _broken(stream: str, sequence: int, what: str) -> ConflictError:
    return ConflictError(
        f"the history {stream!r} was tampered with: entry {sequence} {what}",
        fix="restore the state store from a backup, and find out who had write access to it",
    )
