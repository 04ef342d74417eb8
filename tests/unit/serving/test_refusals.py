"""Refusals are counted by a thread, kept while the log does not answer, and written at the end."""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence

from torneo.errors import UnavailableError
from torneo.ports.refusals import REQUESTS, Refused
from torneo.serving.refusals import RefusalCounter
from torneo.testing import MemoryPredictionLog

LONG = datetime.timedelta(days=1)


class Failing(MemoryPredictionLog):
    """A log that does not answer for a while."""

    failures = 0

    def count_refused(self, counts: Sequence[Refused]) -> None:
        if self.failures:
            self.failures -= 1
            raise UnavailableError("the disk is full")
        super().count_refused(counts)


def counted(log: MemoryPredictionLog) -> dict[str, int]:
    now, found = datetime.datetime.now(datetime.UTC), dict[str, int]()
    for each in log.refused("shop", now - LONG, now + LONG):
        found[each.reason] = found.get(each.reason, 0) + each.number
    return found


def wait(log: MemoryPredictionLog, expected: dict[str, int]) -> None:
    deadline = time.monotonic() + 20
    while counted(log) != expected:
        assert time.monotonic() < deadline, f"{counted(log)} is not {expected}"
        time.sleep(0.01)


def test_requests_and_reasons_add_up() -> None:
    log = MemoryPredictionLog()
    counter = RefusalCounter(log, seconds=0.01)
    for _ in range(3):
        counter.add("shop", {"missing_a": 2})
    counter.add("shop", {"too_large_b": 1})
    wait(log, {REQUESTS: 4, "missing_a": 6, "too_large_b": 1})
    counter.close()


def test_what_waits_is_written_at_the_end() -> None:
    log = MemoryPredictionLog()
    counter = RefusalCounter(log, seconds=60)
    counter.add("shop", {"missing_a": 1})
    counter.close()
    assert counted(log) == {REQUESTS: 1, "missing_a": 1}


def test_counts_are_kept_while_the_log_does_not_answer() -> None:
    log = Failing()
    log.failures = 3
    counter = RefusalCounter(log, seconds=0.01)
    counter.add("shop", {"missing_a": 1})
    wait(log, {REQUESTS: 1, "missing_a": 1})
    counter.close()


def test_nobody_who_refuses_nothing_pays() -> None:
    counter = RefusalCounter(MemoryPredictionLog(), seconds=60)
    began = time.monotonic()
    counter.close()
    assert time.monotonic() - began < 5
