"""A response leaves with one system call, and never waits for more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from torneo.http.protocol import _Gathering


class Wire:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed, "written after the end"
        self.sent.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def sent(*turns: Sequence[bytes | None]) -> Wire:
    """What leaves if this is written, turn by turn; None closes."""

    async def use() -> Wire:
        wire: Any = Wire()
        gathering = _Gathering(wire, asyncio.get_running_loop())
        for turn in turns:
            for data in turn:
                gathering.close() if data is None else gathering.write(data)
            await asyncio.sleep(0)
        assert gathering.is_closing() is wire.closed
        found: Wire = wire
        return found

    return asyncio.run(use())


HEAD, BODY = b"HTTP/1.1 200 OK\r\n\r\n", b"body"


def test_head_and_body_leave_together() -> None:
    assert sent([HEAD, BODY], [], [HEAD, BODY, HEAD, BODY]).sent == [HEAD + BODY] * 3


def test_a_head_does_not_wait_for_a_late_body() -> None:
    assert sent([HEAD], [], [BODY]).sent == [HEAD, BODY]


def test_parts_of_a_body_leave_as_they_come() -> None:
    assert sent([HEAD, BODY, BODY, BODY]).sent == [HEAD + BODY, BODY, BODY]


def test_the_end_comes_after_what_was_written() -> None:
    wire = sent([HEAD, None])
    assert (wire.sent, wire.closed) == ([HEAD], True)
