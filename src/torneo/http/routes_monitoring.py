"""What came of predictions: drift, performance, traffic; read from the log beside predictions, and kept for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from torneo.errors import ConflictError, NotFoundError, UnavailableError
from torneo.http.asked import Asked, Reads
from torneo.http.problems import Problem
from torneo.http.routes_history import Moment
from torneo.spec.frozen import Frozen
from torneo.spec.watchdog import WindowText
from torneo.watch.views import Asked as Wanted
from torneo.watch.views import DriftView, Monitor, PerformanceView, StatsView

SECONDS = 20.0
"""A look at the log may take so long."""
KEPT_SECONDS = 30.0
"""An answer is given again so long, as long as nothing new is in the log: outcomes come without new lines."""
KEPT = 64
WAITING = 8
"""So many looks may wait for theirs; they are done one after another, beside predictions."""
AGAIN = {"Retry-After": "1"}

router = APIRouter()


class Looked(Frozen):
    """Which predictions are looked at; those of the last seven days without anything."""

    since: Moment = None
    """From this moment on (ISO 8601, UTC without a zone)."""
    until: Moment = None
    """Before this moment; now without it."""
    window: WindowText | None = None
    """How they are cut, as `6h`, `1d` or `1000 rows`; as the project's `watch.window` without it."""


Parameters = Annotated[Looked, Query()]
Look = Callable[[Monitor, Wanted, float], Frozen]


class Observatory:
    """One thread that looks at logs, and what it has seen."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="monitoring")
        self._waiting = 0
        self._seen: dict[tuple[str, str, Wanted], tuple[str | None, float, bytes]] = {}

    async def look(self, name: str, what: str, monitor: Monitor, wanted: Wanted, look: Look) -> bytes:
        """What is seen, as JSON.

        Raises:
            Problem: too many wait.
            TorneoError: as the look raises.
        """
        if self._waiting >= WAITING:
            raise Problem(503, "too many looks at the log are asked for at once", headers=AGAIN)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, self._look, (name, what, wanted), monitor, look
            )
        finally:
            self._waiting -= 1

    def _look(self, place: tuple[str, str, Wanted], monitor: Monitor, look: Look) -> bytes:
        last, now = monitor.last(), time.monotonic()
        seen = self._seen.get(place)
        if seen is not None and seen[0] == last and now - seen[1] < KEPT_SECONDS:
            return seen[2]
        made = look(monitor, place[2], SECONDS).model_dump_json().encode()
        self._seen.pop(place, None)
        while len(self._seen) >= KEPT:
            del self._seen[next(iter(self._seen))]
        self._seen[place] = (last, now, made)
        return made

    def close(self) -> None:
        """End the thread, when it has done what it is at."""
        self._thread.shutdown(wait=True, cancel_futures=True)


@router.get("/v1/{project}/drift", tags=["monitoring"], response_model=DriftView)
@router.get("/drift", tags=["monitoring"], response_model=DriftView)
@router.get("/monitoring/drift", tags=["monitoring"], response_model=DriftView)
async def drift(asked: Reads, parameters: Parameters, request: Request) -> Response:
    """Inputs and answers against the champion's training rows, by window and together."""
    return await _answer(asked, parameters, request, "drift", _drift)


@router.get("/v1/{project}/performance", tags=["monitoring"], response_model=PerformanceView)
@router.get("/performance", tags=["monitoring"], response_model=PerformanceView)
async def performance(asked: Reads, parameters: Parameters, request: Request) -> Response:
    """The metric by the outcomes known now, by window, version, role and slice; an estimate before outcomes come."""
    return await _answer(asked, parameters, request, "performance", _performance)


@router.get("/v1/{project}/stats", tags=["monitoring"], response_model=StatsView)
@router.get("/monitoring/stats", tags=["monitoring"], response_model=StatsView)
async def stats(asked: Reads, parameters: Parameters, request: Request) -> Response:
    """Requests, rows, what was refused or warned and why, latencies, versions and roles."""
    return await _answer(asked, parameters, request, "stats", _stats)


def _drift(monitor: Monitor, wanted: Wanted, seconds: float) -> Frozen:
    return monitor.drift(wanted, seconds)


def _performance(monitor: Monitor, wanted: Wanted, seconds: float) -> Frozen:
    return monitor.performance(wanted, seconds)


def _stats(monitor: Monitor, wanted: Wanted, seconds: float) -> Frozen:
    return monitor.stats(wanted, seconds)


async def _answer(asked: Asked, parameters: Looked, request: Request, what: str, look: Look) -> Response:
    observatory: Observatory = request.app.state.observatory
    name = asked.endpoint.name
    wanted = Wanted(since=parameters.since, until=parameters.until, window=parameters.window)
    try:
        made = await observatory.look(name, what, asked.service.monitors[name], wanted, look)
    except ConflictError as error:
        raise Problem(422, f"{error.message}: {error.fix}") from None
    except (NotFoundError, UnavailableError) as error:
        more = f"; {error.fix}" if error.fix else ""
        raise Problem(503, f"{error.message}{more}", headers=AGAIN) from None
    return Response(made, media_type="application/json")
