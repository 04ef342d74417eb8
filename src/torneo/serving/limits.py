"""Rate limits by a sliding window counter, in this process or in Redis.

Two counters per key, of the present window and the one before, whose weight falls from 1 to 0 while the present one
passes: a check takes the same time and memory however high the rate is. (A moving window that remembers each request is
exact, and keeps as many moments as the rate allows.) The promise: no more than the limit in each window, and, since
who spends one window at its end has most of the next one for its end, at most twice the limit in any other span of that
length.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from torneo.errors import MissingExtraError
from torneo.spec.rate import Rate

if TYPE_CHECKING:
    from limits.aio.storage import RedisStorage
    from redis.asyncio import Redis

PATIENCE = 1.0
"""Seconds after which Redis is taken for gone; less would mistake a busy event loop for it."""
AGAIN = 1.0
"""Seconds between two attempts to find it back."""
CONNECTIONS = 1024
"""Connections to Redis per worker, at most; as many are open as requests were under way at once."""
CROWDED = 10_000
"""At so many keys, those that weigh nothing any more are forgotten."""
ROUNDING = 0.001
"""Seconds by which counters and clocks may be coarse."""

Counts = tuple[int, float, int, float]
"""Units of the window before, seconds until they weigh nothing; units of the present one, seconds until they do."""


class Taken(NamedTuple):
    """What became of one request."""

    allowed: bool
    limit: int
    """Units per window, here: the rate's, or this worker's share of it."""
    remaining: int
    """Units that can be taken at once."""
    reset_seconds: int | None
    """Until this window ends; if refused, until the same units can be had; None if they never can, being too many."""


class Limiter:
    """Counts units by key: in Redis for all workers together, or in each worker for its share of the rate.

    If Redis does not answer, workers count their shares by themselves, from nothing, and `degraded` says so. No request
    fails for it: those under way wait for `PATIENCE`, later ones do not, and a task looks for Redis until it is back.

    Raises:
        MissingExtraError: there is a URL of a Redis server, and its client is not installed.
    """

    def __init__(self, workers: int = 1, redis: str | None = None) -> None:
        self._workers = workers
        self._memory = _Memory()
        self._redis = None if redis is None else _connect(redis)
        self._search: asyncio.Task[None] | None = None
        self.degraded: str | None = None
        """Why limits are counted otherwise than asked for, if they are."""

    async def take(self, key: str, rate: Rate, units: int = 1) -> Taken:
        """Take so many units of a key's rate, all or none. A refused request takes none."""
        name = f"{key}/{rate.seconds}"
        if self._redis is not None and self.degraded is None:
            taken = await self._take_together(self._redis[1], name, rate, units)
            if taken is not None:
                return taken
        limit = max(1, rate.amount // self._workers)
        allowed, counts = self._memory.take(name, limit, rate.seconds, units)
        return _taken(allowed, limit, units, rate.seconds, counts)

    async def check(self) -> None:
        """Ask Redis whether it is there, as a server does when it starts; `degraded` has the answer."""
        from redis.exceptions import RedisError

        if self._redis is not None and self.degraded is None:
            try:
                await _ping(self._redis[0])
            except (RedisError, OSError) as error:
                self._lost(error)

    async def close(self) -> None:
        """End what it holds; it cannot be used afterwards."""
        if self._search is not None:
            self._search.cancel()
        if self._redis is not None:
            await self._redis[0].aclose()

    async def _take_together(self, storage: RedisStorage, name: str, rate: Rate, units: int) -> Taken | None:
        from redis.exceptions import RedisError

        try:
            allowed = await storage.acquire_sliding_window_entry(name, rate.amount, rate.seconds, units)
            counts = await storage.get_sliding_window(name, rate.seconds)
        except (RedisError, OSError) as error:
            self._lost(error)
            return None
        return _taken(allowed, rate.amount, units, rate.seconds, counts)

    def _lost(self, error: Exception) -> None:
        if self.degraded is None:
            self.degraded = f"Redis does not answer, each worker limits by itself: {error}"
            self._search = asyncio.create_task(self._find())

    async def _find(self) -> None:
        from redis.exceptions import RedisError

        while self._redis is not None:
            await asyncio.sleep(AGAIN)
            try:
                await _ping(self._redis[0])
            except (RedisError, OSError):
                continue
            self.degraded = None
            return


class _Memory:
    """The counters of this process, by the algorithm that `limits` has for Redis.

    Its own ones in memory start a thread every 10 ms.
    """

    def __init__(self) -> None:
        self._held: dict[str, tuple[int, int, int, int]] = {}
        """By key: the window's number, the units of the one before and its own, and when they weigh nothing."""
        self._crowded = CROWDED

    def take(self, key: str, limit: int, window: int, units: int) -> tuple[bool, Counts]:
        """Take units if there are so many; gives whether, and the counts afterwards."""
        now = time.time()
        number = int(now // window)
        last, before, present, _ = self._held.get(key, (number, 0, 0, 0))
        if last != number:
            before, present = present if last == number - 1 else 0, 0
        left = window - now % window
        allowed = math.floor(before * left / window + present) + units <= limit
        if allowed:
            present += units
            self._held[key] = (number, before, present, (number + 2) * window)
            if len(self._held) > self._crowded:
                self._held = {name: held for name, held in self._held.items() if held[3] > now}
                self._crowded = max(CROWDED, 2 * len(self._held))
        return allowed, (before, left, present, left + window)


def _connect(url: str) -> tuple[Redis, RedisStorage]:
    try:
        from redis.asyncio import ConnectionPool, Redis
    except ImportError:
        raise MissingExtraError("redis", "redis", "TORNEO_REDIS") from None
    from limits.aio.storage import RedisStorage
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    pool = ConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )
    options: dict[str, Any] = {"connection_pool": pool}  # which alone knows the URL
    storage = RedisStorage("async+redis://", implementation="redispy", key_prefix="torneo", **options)
    return Redis.from_pool(pool), storage


async def _ping(client: Redis) -> None:
    answer: Any = client.ping()  # the client's stubs are of the blocking and the asynchronous one together
    await answer


def _taken(allowed: bool, limit: int, units: int, window: int, counts: Counts) -> Taken:
    before, before_left, present, present_left = counts
    remaining = max(0, limit - math.floor(before * before_left / window + present))
    if allowed:
        return Taken(True, limit, remaining, max(1, math.ceil(present_left - window)))
    if units > limit:
        return Taken(False, limit, remaining, None)
    room = limit - units + 1  # it is free as soon as the weighted count is below this
    if present < room:
        wait = before_left - (room - present) * window / before if before else 0
    else:
        wait = present_left - window * room / present
    return Taken(False, limit, remaining, max(0, math.floor(wait + ROUNDING)) + 1)


def headers(taken: Taken, rate: Rate) -> Mapping[str, str]:
    """The header fields that tell a client where it stands, and `Retry-After` if it was refused.

    Source: draft-ietf-httpapi-ratelimit-headers-10, RateLimit header fields for HTTP; RFC 9110, 10.2.3.

    >>> for name, value in headers(Taken(False, 100, 0, 12), Rate(100, 60)).items():
    ...     print(f"{name}: {value}")
    RateLimit-Policy: "default";q=100;w=60
    RateLimit: "default";r=0;t=12
    Retry-After: 12
    """
    reset = taken.reset_seconds
    fields = {
        "RateLimit-Policy": f'"default";q={taken.limit};w={rate.seconds}',
        "RateLimit": f'"default";r={taken.remaining}' + ("" if reset is None else f";t={reset}"),
    }
    if not taken.allowed and reset is not None:
        fields["Retry-After"] = str(reset)
    return fields
