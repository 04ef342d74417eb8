"""A response leaves with one system call, a large one as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from torneo.http.protocol import LARGE, _Gathering


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


def test_what_one_turn_writes_leaves_together() -> None:
    assert sent([b"head", b"body"], [], [b"head", b"body"]).sent == [b"headbody"] * 2


def test_what_is_large_does_not_wait() -> None:
    large = b"x" * LARGE
    assert sent([b"head", large, large, b"tail"]).sent == [b"head" + large, large, b"tail"]


def test_the_end_comes_after_what_was_written() -> None:
    wire = sent([b"head", b"body", None])
    assert (wire.sent, wire.closed) == ([b"headbody"], True)
