"""Idempotency keys on their way into the log."""

from __future__ import annotations

import asyncio

from served import FailingLog
from torneo.ports import LogFilter
from torneo.serving.writer import LogWriter
from torneo.testing.small_log import claim, prediction


def written(log: FailingLog) -> list[int]:
    """The numbers of the lines in the log, in order."""
    return sorted(int(line.id[-12:], 16) for line in log.page("housing", LogFilter(), limit=100_000))


def test_a_claim_that_stands_is_given_and_nothing_is_written() -> None:
    log = FailingLog()

    async def work() -> None:
        writer = LogWriter(log)
        lines = [prediction(number, request=f"request-{number}") for number in (1, 2)]
        claims = [claim(line.request) for line in lines]
        given = await asyncio.gather(
            *(writer.write([line], [one]) for line, one in zip(lines, claims, strict=True)),
            writer.write([prediction(3)]),
        )
        assert given == [None, claims[0], None]
        assert await writer.write([prediction(4)], [claim("request-4")]) == claims[0]
        await writer.close()

    asyncio.run(work())
    assert written(log) == [1, 3]


def test_a_claim_waits_in_asynchronous_mode_too() -> None:
    log = FailingLog()

    async def work() -> None:
        writer = LogWriter(log, "async")
        assert await writer.write([prediction(1)], [claim("request-1")]) is None
        assert written(log) == [1]
        await writer.close()

    asyncio.run(work())
