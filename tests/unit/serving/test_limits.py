"""Rate limits in one process, by a clock that is moved by hand: what is never exceeded, and what clients are told."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.errors import MissingExtraError
from torneo.serving import limits
from torneo.serving.limits import Limiter, Taken, headers
from torneo.spec.rate import Rate


class Time:
    """The time that the limiter sees."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0


@contextmanager
def by_hand() -> Iterator[Time]:
    time = Time()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "time", SimpleNamespace(time=lambda: time.now))
        yield time


def at_once(answer: Coroutine[Any, Any, Taken]) -> Taken:
    """The result of a coroutine that never waits."""
    try:
        answer.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("a limit in memory waited")


rates = st.builds(Rate, st.integers(1, 12), st.sampled_from([1, 60, 3600]))
requests = st.lists(st.tuples(st.floats(0, 1.2), st.integers(1, 4)), min_size=1, max_size=60)
"""Gaps before requests, in windows, and their units."""


def _spent(rate: Rate, asked: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """The moments and units that were allowed."""
    spent = []
    with by_hand() as time:
        limiter = Limiter()
        for gap, units in asked:
            time.now += gap * rate.seconds / 4
            if at_once(limiter.take("key", rate, units)).allowed:
                spent.append((time.now, units))
    return spent


@given(rates, requests)
def test_no_window_has_more_than_the_limit(rate: Rate, asked: list[tuple[float, int]]) -> None:
    spent = _spent(rate, asked)
    for _, window in itertools.groupby(spent, lambda one: int(one[0] / rate.seconds)):
        assert sum(units for _, units in window) <= rate.amount
    for start, _ in spent:
        span = sum(units for moment, units in spent if start <= moment < start + rate.seconds)
        assert span <= 2 * rate.amount


@given(rates, requests)
def test_a_client_that_waits_as_it_is_told_is_served(rate: Rate, asked: list[tuple[float, int]]) -> None:
    with by_hand() as time:
        limiter = Limiter()
        for gap, units in asked:
            time.now += gap * rate.seconds / 8
            taken = at_once(limiter.take("key", rate, units))
            if taken.allowed:
                continue
            if units > rate.amount:
                assert taken.reset_seconds is None
                continue
            assert taken.reset_seconds is not None
            assert 1 <= taken.reset_seconds <= 2 * rate.seconds + 1
            time.now += taken.reset_seconds
            assert at_once(limiter.take("key", rate, units)).allowed, f"refused {taken.reset_seconds} s later, again"


@given(rates, requests)
def test_what_remains_can_be_taken_and_no_more(rate: Rate, asked: list[tuple[float, int]]) -> None:
    with by_hand() as time:
        limiter = Limiter()
        for gap, units in asked:
            time.now += gap * rate.seconds
            taken = at_once(limiter.take("key", rate, units))
            assert 0 <= taken.remaining <= taken.limit == rate.amount
            assert not at_once(limiter.take("key", rate, taken.remaining + 1)).allowed
            if taken.remaining:
                assert at_once(limiter.take("key", rate, taken.remaining)).allowed


def test_a_minute_of_requests() -> None:
    rate = Rate(3, 60)
    with by_hand() as time:
        limiter = Limiter()
        time.now -= time.now % 60
        taken = [at_once(limiter.take("a", rate)) for _ in range(4)]
        assert [one.allowed for one in taken] == [True, True, True, False]
        assert [one.remaining for one in taken] == [2, 1, 0, 0]
        assert [one.reset_seconds for one in taken[:3]] == [60, 60, 60]
        assert at_once(limiter.take("b", rate)).allowed, "another key's requests count"
        time.now += 61
        again = at_once(limiter.take("a", rate))
        assert (again.allowed, again.remaining) == (True, 0), "of 3, floor(3 · 59/60) = 2 still weigh"


def test_refused_requests_take_nothing() -> None:
    rate = Rate(5, 60)
    with by_hand():
        limiter = Limiter()
        assert at_once(limiter.take("a", rate, 3)).remaining == 2
        assert at_once(limiter.take("a", rate, 3)) == (False, 5, 2, at_once(limiter.take("a", rate, 3)).reset_seconds)
        assert at_once(limiter.take("a", rate, 2)).allowed
        assert at_once(limiter.take("a", rate, 6)) == Taken(False, 5, 0, None)


@pytest.mark.parametrize(("workers", "share"), [(1, 100), (4, 25), (3, 33), (200, 1)])
def test_each_worker_has_its_share(workers: int, share: int) -> None:
    with by_hand():
        limiter = Limiter(workers)
        taken = [at_once(limiter.take("a", Rate(100, 60))) for _ in range(101)]
    assert sum(one.allowed for one in taken) == share
    assert {one.limit for one in taken} == {share}


def test_the_header_fields() -> None:
    rate = Rate(100, 60)
    assert headers(Taken(True, 100, 99, 42), rate) == {
        "RateLimit-Policy": '"default";q=100;w=60',
        "RateLimit": '"default";r=99;t=42',
    }
    refused = headers(Taken(False, 100, 0, 7), rate)
    assert (refused["RateLimit"], refused["Retry-After"]) == ('"default";r=0;t=7', "7")
    assert headers(Taken(False, 100, 3, None), rate) == {
        "RateLimit-Policy": '"default";q=100;w=60',
        "RateLimit": '"default";r=3',
    }


def test_redis_without_its_client_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(MissingExtraError, match="TORNEO_REDIS needs redis, which is not installed") as caught:
        Limiter(redis="redis://127.0.0.1:1")
    assert caught.value.fix == "pip install 'torneo[redis]'"


def test_what_is_not_in_redis_is_closed_all_the_same() -> None:
    async def use() -> None:
        limiter = Limiter()
        await limiter.check()
        assert (await limiter.take("a", Rate(1, 1))).allowed
        await limiter.close()
        assert limiter.degraded is None

    asyncio.run(use())
