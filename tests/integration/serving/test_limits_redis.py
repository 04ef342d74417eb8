"""Rate limits in a real Redis server, which is shared, killed, frozen and started again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from redis_server import PASSWORD, RedisServer
from torneo.serving.limits import PATIENCE, Limiter
from torneo.spec.rate import Rate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SOON = 10.0
"""Seconds within which Redis has to be found again; one is the rule."""


@asynccontextmanager
async def limiter(url: str, workers: int = 1) -> AsyncIterator[Limiter]:
    made = Limiter(workers, url)
    try:
        yield made
    finally:
        await made.close()


async def _until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SOON):
        while not await true():
            await asyncio.sleep(0.05)


def test_workers_count_together(redis_server: RedisServer) -> None:
    async def use() -> None:
        rate = Rate(20, 3600)
        async with limiter(redis_server.url, 2) as one, limiter(redis_server.url, 2) as other:
            taken = await asyncio.gather(*(worker.take("key", rate) for worker in (one, other) for _ in range(30)))
            assert sum(answer.allowed for answer in taken) == 20
            assert {answer.limit for answer in taken} == {20}
            assert min(answer.remaining for answer in taken) == 0
            assert (await other.take("somebody else", rate, 5)).remaining == 15
            assert (one.degraded, other.degraded) == (None, None)

    asyncio.run(use())


def test_a_client_that_waits_as_it_is_told_is_served(redis_server: RedisServer) -> None:
    async def use() -> None:
        rate = Rate(3, 1)
        async with limiter(redis_server.url) as made:
            assert (await made.take("key", rate, 3)).allowed
            for units in (1, 3):
                refused = await made.take("key", rate, units)
                assert not refused.allowed
                assert refused.reset_seconds is not None
                await asyncio.sleep(refused.reset_seconds)
                assert (await made.take("key", rate, units)).allowed, f"refused after {refused.reset_seconds} s"
            too_many = await made.take("key", rate, 4)
            assert (too_many.allowed, too_many.reset_seconds) == (False, None)

    asyncio.run(use())


def test_a_crash_of_redis_fails_no_request(redis_server: RedisServer) -> None:
    async def use() -> None:
        rate = Rate(10, 3600)
        async with limiter(redis_server.url, 2) as made:
            for _ in range(10):
                assert (await made.take("key", rate)).allowed
            assert not (await made.take("key", rate)).allowed
            redis_server.kill()
            alone = [await made.take("key", rate) for _ in range(8)]
            assert [answer.allowed for answer in alone] == [True] * 5 + [False] * 3, "not the worker's share of 10"
            assert {answer.limit for answer in alone} == {5}
            assert made.degraded is not None
            assert "Redis does not answer, each worker limits by itself" in made.degraded
            assert PASSWORD not in made.degraded

            redis_server.start()
            await _until(lambda: _is_well(made))
            assert (await made.take("key", rate)).remaining == 9, "Redis came back empty, and does not count"

    asyncio.run(use())


async def _is_well(made: Limiter) -> bool:
    return made.degraded is None


def test_a_redis_that_hangs_delays_only_the_requests_under_way(redis_server: RedisServer) -> None:
    async def use() -> None:
        rate = Rate(1000, 3600)
        async with limiter(redis_server.url) as made:
            await asyncio.gather(*(made.take("key", rate) for _ in range(40)))
            redis_server.freeze()
            started = time.monotonic()
            taken = await asyncio.gather(*(made.take("key", rate) for _ in range(40)))
            assert all(answer.allowed for answer in taken)
            assert time.monotonic() - started < 3 * PATIENCE
            started = time.monotonic()
            for _ in range(100):
                assert (await made.take("key", rate)).allowed
            assert time.monotonic() - started < PATIENCE, "requests wait for a Redis that is known to hang"
            redis_server.thaw()
            await _until(lambda: _is_well(made))
            assert (await made.take("key", rate)).remaining < 1000 - 40, "the counts before were lost"

    asyncio.run(use())


@pytest.mark.parametrize("wrong", ["password", "port"])
def test_a_start_without_redis_is_told(redis_server: RedisServer, wrong: str) -> None:
    async def use() -> None:
        url = redis_server.url.replace(PASSWORD, "s3cret2") if wrong == "password" else "redis://127.0.0.1:1/0"
        async with limiter(url) as made:
            await made.check()
            assert made.degraded is not None
            assert "s3cret" not in made.degraded
            assert (await made.take("key", Rate(10, 60))).allowed

    asyncio.run(use())
