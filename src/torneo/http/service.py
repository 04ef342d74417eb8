"""What a worker holds while it serves, and who may use it."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from torneo.errors import TorneoError
from torneo.http.metrics import Metrics
from torneo.http.problems import Problem
from torneo.http.threads import Threads
from torneo.ports import PredictionLog, StateStore
from torneo.serving.batching import MicroBatcher
from torneo.serving.endpoint import Call, Endpoint, Lineup, Predicted, Row
from torneo.serving.follow import Follower
from torneo.serving.keys import Keyring, Scope
from torneo.serving.limits import Limiter, Taken
from torneo.serving.limits import headers as limit_headers
from torneo.serving.refusals import RefusalCounter
from torneo.serving.writer import LogWriter
from torneo.spec.columns import Column
from torneo.spec.rate import Rate, parse_rate
from torneo.spec.settings import ServeSettings
from torneo.watch.views import Asked, DriftView, Monitor

log = logging.getLogger("torneo.http")

Look = Callable[[str, Asked, float, threading.Event], DriftView]
"""Looks at the log of a project for drift, for so many seconds at most, or until the event."""
Texts = Callable[[Mapping[str, Column], Collection[str], Mapping[str, Sequence[str]]], Mapping[str, Sequence[Any]]]
"""Reads columns of text in a contract's types, given the texts that mean "no value"."""

KEYS_SECONDS = 0.25
"""How often unknown keys may have the state store asked."""
AGAIN = {"Retry-After": "1"}
SHADOWS = 64
"""So many requests may wait for their shadow; what comes on top is not shadowed."""


@dataclass
class Service:
    """The parts of one worker. Without a keyring nobody needs a key."""

    endpoints: Mapping[str, Endpoint]
    state: StateStore
    log: PredictionLog
    writer: LogWriter
    refusals: RefusalCounter
    limiter: Limiter
    follower: Follower
    keyring: Keyring | None
    settings: ServeSettings
    metrics: Metrics
    monitors: Mapping[str, Monitor]
    """What looks at each project's log, for those who ask."""
    look: Look
    """What looks at a project's log for `/metrics`, beside those who are answered."""
    texts: Texts
    """What reads CSV as a file is read."""
    rates: Mapping[str, Rate] = field(init=False)
    """The limit of each project that has one."""
    batchers: Mapping[str, MicroBatcher] = field(init=False)
    """What answers few rows, by project."""
    threads: Threads = field(init=False)
    """What answers the others."""
    _shadows: ThreadPoolExecutor = field(init=False)
    _room: threading.Semaphore = field(init=False)

    _keys_again: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        limits = {name: endpoint.project.serve.rate_limit for name, endpoint in self.endpoints.items()}
        self.rates = {name: parse_rate(limit) for name, limit in limits.items() if limit is not None}
        self.batchers = {name: MicroBatcher(endpoint) for name, endpoint in self.endpoints.items()}
        self.threads = Threads(self.settings.timeout)
        self._shadows = ThreadPoolExecutor(1, thread_name_prefix="shadow")
        self._room = threading.Semaphore(SHADOWS)

    @property
    def only(self) -> str | None:
        """The name of the project, where one is served."""
        return next(iter(self.endpoints)) if len(self.endpoints) == 1 else None

    def endpoint(self, name: str | None) -> Endpoint:
        """The project of a name; without one, the only one that is served.

        Raises:
            Problem: there is no such project, or there are several.
        """
        if name is None:
            if len(self.endpoints) == 1:
                return next(iter(self.endpoints.values()))
            raise Problem(404, f"several projects are served; ask /v1/PROJECT/… for {', '.join(self.endpoints)}")
        found = self.endpoints.get(name)
        if found is None:
            raise Problem(404, f"there is no project {name[:80]!r} here")
        return found

    def admit(self, presented: str | None, scope: Scope, project: str | None) -> str:
        """The id of the key that allows a request; empty where no key is needed.

        Raises:
            Problem: there is no valid key (401), it does not cover this (403), or no key has been read yet (503).
        """
        if self.keyring is None:
            return ""
        if not self.keyring.is_read:
            raise Problem(503, "the keys cannot be read now", headers=AGAIN)
        key = None if presented is None else self.keyring.find(presented)
        if key is None:
            why = "a key is needed: X-API-Key or Authorization: Bearer" if presented is None else "the key is not valid"
            raise Problem(401, why, headers={"WWW-Authenticate": "Bearer"})
        if not key.may(scope, project):
            raise Problem(403, f"the key {key.name!r} has no scope {scope!r} for {project or 'the server'}")
        return key.id

    async def admitted(self, presented: str | None, scope: Scope, project: str | None) -> str:
        """As `admit`, but a key that is not known yet is looked for in the state store: it may be a moment old.

        The store is asked at most once in `KEYS_SECONDS`, however many unknown keys are presented.
        """
        try:
            return self.admit(presented, scope, project)
        except Problem as problem:
            now = time.monotonic()
            if problem.status != 401 or presented is None or self.keyring is None or now < self._keys_again:
                raise
            self._keys_again = now + KEYS_SECONDS
        with suppress(TorneoError):  # /readyz tells what is wrong with the store; here the key is unknown
            await asyncio.to_thread(self.keyring.refresh, self.state)
        return self.admit(presented, scope, project)

    async def identified(self, presented: str | None) -> None:
        """Let nobody without a valid key go on: what a stranger sends is not even read.

        Raises:
            Problem: there is no valid key (401).
        """
        if self.keyring is None or (presented is not None and self.keyring.find(presented) is not None):
            return
        try:
            await self.admitted(presented, "predict", None)
        except Problem as problem:
            if problem.status != 403:
                raise

    async def take(self, project: str, client: str, rows: int) -> Taken | None:
        """Count rows against the project's limit; None where there is none.

        Raises:
            Problem: the limit is reached.
        """
        rate = self.rates.get(project)
        if rate is None:
            return None
        taken = await self.limiter.take(f"{project}/{client}", rate, rows)
        if not taken.allowed:
            if taken.reset_seconds is None:
                raise Problem(413, f"{rows} rows are more than the limit of {taken.limit} in {rate.seconds} seconds")
            raise Problem(429, "the rate limit is reached", headers=limit_headers(taken, rate))
        return taken

    def shadow(self, endpoint: Endpoint, lineup: Lineup, made: Predicted, rows: Sequence[Row], call: Call) -> None:
        """Have the shadow score what was answered, beside; where too many wait, it is left out and counted."""
        if not self._room.acquire(blocking=False):
            self.metrics.shadow_left_out(endpoint.name)
            return

        def work() -> None:
            try:
                if not self.writer.hand_over(endpoint.shadow(lineup, made, rows, call)):
                    self.metrics.shadow_left_out(endpoint.name)
            except Exception:
                log.exception("the shadow failed", extra={"request_id": call.request})
                self.metrics.shadow_left_out(endpoint.name)
            finally:
                self._room.release()

        self._shadows.submit(work)

    async def close(self) -> None:
        """Write what waits, and end."""
        self.follower.stop()
        self.threads.close()
        self._shadows.shutdown(wait=True)
        await self.writer.close()
        await asyncio.to_thread(self.refusals.close)
        await self.limiter.close()
