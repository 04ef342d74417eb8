"""Bodies arrive whole, or it is told why not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from torneo.http.body import BodyReader, Receive
from torneo.http.problems import Problem

MOST = 100


def sender(*parts: bytes, pause: float = 0.0, gone: bool = False) -> Receive:
    """Parts of a body, each after a pause."""
    left = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    left[-1]["more_body"] = gone

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        return left.pop(0) if left else {"type": "http.disconnect"}

    return receive


def read(receive: Receive, *, length: bytes | None = None, seconds: float = 5.0) -> bytes:
    headers = {} if length is None else {b"content-length": length}
    return asyncio.run(BodyReader().read(receive, headers, MOST, seconds))


@pytest.mark.parametrize("parts", [(b"",), (b"one",), (b"a", b"b", b"", b"c"), (b"x" * MOST,)])
def test_a_body_is_put_together(parts: tuple[bytes, ...]) -> None:
    assert read(sender(*parts)) == b"".join(parts)


@pytest.mark.parametrize("length", [b"101", b"-1", b"1e1", b"", b"9" * 5000])
def test_a_length_says_too_much(length: bytes) -> None:
    with pytest.raises(Problem, match="too large: at most 100 bytes"):
        read(sender(b"x"), length=length)


def test_a_body_that_grows_too_large_is_not_read_to_its_end() -> None:
    with pytest.raises(Problem, match="too large"):
        read(sender(*[b"x" * 40] * 1000))


def test_a_sender_that_leaves_is_noticed() -> None:
    with pytest.raises(Problem, match="ended before the body did"):
        read(sender(b"x", gone=True))


def test_one_who_is_slow_is_told_and_the_others_are_not() -> None:
    async def use() -> tuple[Any, ...]:
        bodies = BodyReader()
        found = await asyncio.gather(
            bodies.read(sender(b"a", b"b", pause=0.02), {}, MOST, 0.5),
            bodies.read(sender(b"a", b"b", pause=60), {}, MOST, 0.1),
            bodies.read(sender(b"a", b"b", pause=0.1), {}, MOST, 0.5),
            return_exceptions=True,
        )
        again = await bodies.read(sender(b"c"), {}, MOST, 0.1)
        return *found, again

    first, slow, third, again = asyncio.run(use())
    assert (first, third, again) == (b"ab", b"ab", b"c")
    assert isinstance(slow, Problem)
    assert (slow.status, slow.headers) == (408, {"Connection": "close"})


def test_another_cancellation_is_not_taken_for_slowness() -> None:
    async def use() -> None:
        task = asyncio.create_task(BodyReader().read(sender(b"a", pause=60), {}, MOST, 30))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(use())


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({b"content-encoding": b"gzip"}, "the body must be sent as it is, and Content-Encoding says gzip"),
        ({b"content-encoding": b"deflate, br"}, "Content-Encoding says deflate, br"),
        ({b"content-type": b"application/json; charset=iso-8859-1"}, "must be UTF-8, and Content-Type says iso-8859-1"),
        ({b"content-type": b'text/csv; header=present; Charset="UTF-16"'}, "Content-Type says utf-16"),
    ],
)
def test_a_body_that_would_have_to_be_decoded_is_refused(headers: dict[bytes, bytes], says: str) -> None:
    with pytest.raises(Problem, match=says) as caught:
        asyncio.run(BodyReader().read(sender(b"x"), headers, MOST, 5))
    assert caught.value.status == 415


@pytest.mark.parametrize(
    "headers",
    [
        {b"content-encoding": b"identity"}, {b"content-encoding": b""}, {b"content-type": b"application/json"},
        {b"content-type": b"application/json; charset=UTF-8"}, {b"content-type": b'application/json;charset="utf-8"'},
    ],
)  # fmt: skip
def test_a_body_in_plain_utf_8_is_read(headers: dict[bytes, bytes]) -> None:
    assert asyncio.run(BodyReader().read(sender(b"x"), headers, MOST, 5)) == b"x"
