"""The log's writer: what is acknowledged is written, what is not is told, and nothing makes it end."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from served import FailingLog
from torneo.errors import ConflictError, UnavailableError
from torneo.ports import Claim, LogFilter, Prediction
from torneo.serving.writer import LogWriter, Mode
from torneo.testing import MemoryPredictionLog
from torneo.testing.small_log import prediction

DOWN = UnavailableError("the disk is full")
MODES: Sequence[Mode] = ("group", "sync", "async")


def written(log: FailingLog) -> list[int]:
    """The numbers of the lines in the log, in order."""
    return sorted(int(line.id[-12:], 16) for line in log.page("housing", LogFilter(), limit=100_000))


class Slow(FailingLog):
    """A log that answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()

    def append(self, predictions: Sequence[Prediction], claims: Sequence[Claim] = ()) -> Mapping[str, Claim]:
        self.calls.append(predictions)
        assert self.let.wait(20), "the test forgot it"
        return MemoryPredictionLog.append(self, predictions, claims)


async def until(holds: object, seconds: float = 5) -> None:
    """Wait until a function is true."""
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("mode", MODES)
def test_all_is_written_when_it_ends(mode: Mode) -> None:
    log = FailingLog()

    async def work() -> None:
        writer = LogWriter(log, mode)
        assert await asyncio.gather(*(writer.write([prediction(number)]) for number in range(50))) == [None] * 50
        assert writer.hand_over([prediction(50)])
        await writer.close()

    asyncio.run(work())
    assert written(log) == list(range(51))


def test_many_that_wait_are_one_transaction_and_in_sync_mode_one_each() -> None:
    def calls(mode: Mode) -> int:
        log = Slow()

        async def work() -> None:
            writer = LogWriter(log, mode)
            waiting = [asyncio.create_task(writer.write([prediction(number)])) for number in range(20)]
            await asyncio.sleep(0.05)
            log.let.set()
            await asyncio.gather(*waiting)
            await writer.close()

        asyncio.run(work())
        assert written(log) == list(range(20))
        return len(log.calls)

    assert calls("group") <= 3
    assert calls("sync") == 20


def test_nobody_is_acknowledged_before_the_log_has_it() -> None:
    log = Slow()

    async def work() -> None:
        writer = LogWriter(log)
        waiting = asyncio.create_task(writer.write([prediction(1)]))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        log.let.set()
        assert await waiting is None
        assert written(log) == [1]
        await writer.close()

    asyncio.run(work())


def test_asynchronous_answers_do_not_wait_and_are_written_within_the_stated_time() -> None:
    log = FailingLog()

    async def work() -> None:
        writer = LogWriter(log, "async")
        for number in range(10):
            assert await writer.write([prediction(number)]) is None
        await until(lambda: written(log) == list(range(10)), 0.5)
        await writer.close()

    asyncio.run(work())


@pytest.mark.parametrize("failure", [DOWN, ConflictError("the file is damaged")])
def test_a_log_that_fails_for_a_while_loses_nothing(failure: Exception) -> None:
    log = FailingLog()
    log.failure = failure

    async def work() -> None:
        writer = LogWriter(log, patience=20)
        waiting = [asyncio.create_task(writer.write([prediction(number)])) for number in range(5)]
        await until(lambda: writer.failure is not None)
        assert writer.failure == str(failure)
        log.failure = None
        assert await asyncio.gather(*waiting) == [None] * 5
        assert writer.failure is None
        await writer.close()

    asyncio.run(work())
    assert written(log) == list(range(5))


def test_who_has_waited_too_long_is_told_and_is_not_written_later() -> None:
    log = FailingLog()
    log.failure = DOWN

    async def work() -> None:
        writer = LogWriter(log, patience=0.3)
        started = time.monotonic()
        with pytest.raises(UnavailableError, match="predictions cannot be logged now: the disk is full"):
            await writer.write([prediction(1)])
        assert 0.2 < time.monotonic() - started < 2
        log.failure = None
        assert await writer.write([prediction(2)]) is None
        await writer.close()

    asyncio.run(work())
    assert written(log) == [2]


def test_a_log_that_hangs_keeps_nobody_longer_than_patience() -> None:
    log = Slow()

    async def work() -> None:
        writer = LogWriter(log, patience=0.4)
        first = asyncio.create_task(writer.write([prediction(1)]))
        await until(lambda: log.calls)
        second = asyncio.create_task(writer.write([prediction(2)]))
        started = time.monotonic()
        for waiting in (first, second):
            with pytest.raises(UnavailableError, match=r"the log has not answered for 0\.4 seconds"):
                await waiting
        assert time.monotonic() - started < 2
        assert writer.failure is not None
        log.let.set()
        await until(lambda: writer.failure is None)
        assert await writer.write([prediction(3)]) is None
        await writer.close()

    asyncio.run(work())
    assert 2 not in written(log), "what was given up before it was begun is written"
    assert 3 in written(log)


def test_recovery_shows_without_a_request() -> None:
    log = FailingLog()
    log.failure = DOWN

    async def work() -> None:
        writer = LogWriter(log, patience=0.1)
        with pytest.raises(UnavailableError):
            await writer.write([prediction(1)])
        await asyncio.sleep(1.5)
        assert writer.failure == "the disk is full"
        log.failure = None
        await until(lambda: writer.failure is None)
        await writer.close()

    asyncio.run(work())


def test_a_failure_that_nobody_has_foreseen_is_told_logged_and_survived(caplog: pytest.LogCaptureFixture) -> None:
    log = FailingLog()
    log.failure = ZeroDivisionError("a mistake")

    async def work() -> None:
        writer = LogWriter(log, patience=0.2)
        with caplog.at_level(logging.ERROR), pytest.raises(UnavailableError, match="the log failed"):
            await writer.write([prediction(1)])
        log.failure = None
        assert await writer.write([prediction(2)]) is None
        await writer.close()

    asyncio.run(work())
    assert "a mistake" in caplog.text


def test_too_much_that_waits_is_refused_at_once() -> None:
    log = FailingLog()
    log.failure = DOWN

    async def work() -> None:
        writer = LogWriter(log, most=10, patience=20)
        waiting = asyncio.create_task(writer.write([prediction(number) for number in range(10)]))
        await until(lambda: writer.failure is not None)
        started = time.monotonic()
        refused = 0
        while not refused:  # the batch may be in the hands of the log for a moment
            try:
                await asyncio.wait_for(writer.write([prediction(99)]), 0.01)
            except UnavailableError:
                refused += 1
            except TimeoutError:
                continue
        assert time.monotonic() - started < 5
        log.failure = None
        assert await waiting is None
        await writer.close()

    asyncio.run(work())
    assert set(range(10)) <= set(written(log))


def test_it_ends_while_the_log_is_down() -> None:
    log = FailingLog()
    log.failure = DOWN

    async def work() -> None:
        writer = LogWriter(log, patience=0.3)
        waiting = asyncio.create_task(writer.write([prediction(1)]))
        writer.hand_over([prediction(2)])
        await asyncio.sleep(0)
        await asyncio.wait_for(writer.close(), 3)
        with pytest.raises(UnavailableError):
            await waiting
        with pytest.raises(UnavailableError):
            await writer.write([prediction(3)])
        assert not writer.hand_over([prediction(4)])

    asyncio.run(work())


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), mode=st.sampled_from(["group", "sync"]))
def test_whatever_fails_what_was_acknowledged_is_written_once(seed: int, mode: Mode) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's own
    acknowledged: list[int] = []

    class Flaky(FailingLog):
        def append(self, predictions: Sequence[Prediction], claims: Sequence[Claim] = ()) -> Mapping[str, Claim]:
            place = chance.random()
            if place < 0.2:
                raise DOWN
            given = super().append(predictions, claims)
            if place > 0.8:
                raise DOWN  # it is written, and the answer was lost
            return given

    log = Flaky()

    async def ask(writer: LogWriter, number: int) -> None:
        await asyncio.sleep(chance.random() / 20)
        try:
            await writer.write([prediction(number)])
        except UnavailableError:
            return
        acknowledged.append(number)

    async def work() -> None:
        writer = LogWriter(log, mode, patience=chance.choice([0.05, 5]))
        asked = asyncio.gather(*(ask(writer, number) for number in range(30)))
        await asyncio.sleep(chance.random() / 10)
        await asyncio.gather(asked, writer.close())

    from torneo.serving import writer as module

    pause, module.PAUSE = module.PAUSE, 0.002
    try:
        asyncio.run(work())
    finally:
        module.PAUSE = pause
    found = written(log)
    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found))
