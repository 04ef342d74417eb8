"""A request's body, whole, within bounds of size and time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from torneo.http.problems import Problem

LONGEST_LENGTH = 18
"""So many digits a Content-Length may have."""
CHARSETS = ("utf-8", "utf8", "us-ascii", "ascii")
"""Names of UTF-8 and of a part of it."""
LOOKS = 4
"""How often it is looked who is late while the time runs out once."""

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class BodyReader:
    """Reads the bodies of the requests of one event loop.

    One timer watches all of them: `asyncio.timeout` has one for each, which costs as much as checking the contract.
    """

    def __init__(self) -> None:
        self._until: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._watched = False

    async def read(self, receive: Receive, headers: Mapping[bytes, bytes], most: int, seconds: float) -> bytes:
        """A request's body, of at most so many bytes, if it arrives within so many seconds or a quarter more.

        Raises:
            Problem: it is too large, encoded, no UTF-8, comes too slowly, or its sender is gone.
        """
        if b"content-encoding" in headers or b"charset" in headers.get(b"content-type", b"").lower():
            _check_encoding(headers)
        said = headers.get(b"content-length", b"0")
        if not said.isdigit() or len(said) > LONGEST_LENGTH or int(said) > most:
            raise _too_large(most)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a server runs each request as a task
        self._until[task] = time.monotonic() + seconds
        if not self._watched:
            self._watch(seconds / LOOKS)
        try:
            return await _received(receive, most)
        except asyncio.CancelledError:
            if task not in self._late or task.uncancel():
                raise
            why = f"the body did not arrive within {seconds:g} seconds"
            raise Problem(408, why, headers={"Connection": "close"}) from None
        finally:
            del self._until[task]
            self._late.discard(task)

    def _watch(self, pause: float) -> None:
        now = time.monotonic()
        for task, until in self._until.items():
            if until <= now and task not in self._late:
                self._late.add(task)
                task.cancel()
        self._watched = bool(self._until)
        if self._watched:
            asyncio.get_running_loop().call_later(pause, self._watch, pause)


async def _received(receive: Receive, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem(400, "the connection ended before the body did")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise _too_large(most)
        if not message.get("more_body"):
            return b"".join(parts) if len(parts) > 1 else parts[0]


def _check_encoding(headers: Mapping[bytes, bytes]) -> None:
    """Refuse bodies that would have to be decoded first."""
    coding = headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
    if coding not in ("", "identity"):
        why = f"the body must be sent as it is, and Content-Encoding says {coding[:80]}"
        raise Problem(415, why, headers={"Accept-Encoding": "identity"})
    for part in headers.get(b"content-type", b"").decode("latin-1").lower().split(";")[1:]:
        name, _, charset = part.partition("=")
        charset = charset.strip().strip('"')
        if name.strip() == "charset" and charset not in CHARSETS:
            raise Problem(415, f"the body must be UTF-8, and Content-Type says {charset[:80]}")


def _too_large(most: int) -> Problem:
    return Problem(413, f"the body is too large: at most {most:,} bytes")
