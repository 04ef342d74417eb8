"""Small projects, trained in memory and served by the real application, for tests that ask it."""

from __future__ import annotations

import asyncio
import datetime
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx

import small
from torneo.engines.texts import read_texts
from torneo.http.app import make_app
from torneo.http.metrics import Metrics
from torneo.http.service import Service
from torneo.monitoring import LogMonitor
from torneo.orchestration.local import run
from torneo.ports import PredictionLog, StateStore, Version
from torneo.promotion import Champion, count
from torneo.serving.endpoint import Endpoint
from torneo.serving.follow import Follower
from torneo.serving.keys import Keyring, Scope, create_key
from torneo.serving.limits import Limiter
from torneo.serving.privacy import Privacy
from torneo.serving.refusals import RefusalCounter
from torneo.serving.traffic import STREAM, Traffic
from torneo.serving.writer import LogWriter
from torneo.spec.project import Project
from torneo.spec.settings import ServeSettings
from torneo.stages.context import Context
from torneo.stores.clock import SystemClock
from torneo.testing import FixedClock, MemoryPredictionLog

ROW = {"id": 7, "day": "2026-03-01", "shop": 3, "a": 0.5, "b": -0.25, "colour": "red"}
CHALLENGERS = {"line": {"model": "linear"}, "trees": {"model": "random_forest", "params": {"n_estimators": 5}}}


@cache
def trained(*, classes: bool = False, features: str | None = None) -> Context:
    """A project with a champion and another version; its stores are in memory. `features` is its features.py."""
    with tempfile.TemporaryDirectory() as folder:
        if features is not None:
            (Path(folder) / "features.py").write_text(features, encoding="utf-8")
        small.table(300, classes=classes).write_csv(Path(folder) / "data.csv")
        name = "buys" if classes else "small" if features is None else "coded"
        project = small.project(classes=classes, project=name, challengers=CHALLENGERS)
        context = small.context(project, Path(folder))
        run(context, "ada", lambda _: None)
    return context


def versions(context: Context) -> Sequence[Champion]:
    """The champion, and then the others, as traffic names them."""
    known: Sequence[Version] = context.registry.versions(context.project.project)
    return [Champion.of(each) for each in sorted(known, key=lambda version: "champion" not in version.aliases)]


class Client:
    """Asks an ASGI application from a test's own thread; the application has an event loop of its own."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Client:
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    async def _start(self) -> None:
        self._to_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._from_app: asyncio.Queue[Any] = asyncio.Queue()
        await self._to_app.put({"type": "lifespan.startup"})
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._life = asyncio.create_task(self._app(scope, self._to_app.get, self._from_app.put))
        told = await self._from_app.get()
        assert told["type"] == "lifespan.startup.complete", told
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://test")

    async def _end(self) -> None:
        await self._http.aclose()
        await self._to_app.put({"type": "lifespan.shutdown"})
        await self._life

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask."""
        answer: httpx.Response = self._run(self._http.request(method, path, **more))
        return answer

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Ask by GET."""
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        """Ask by POST."""
        return self.request("POST", path, **more)


@dataclass
class Served:
    """An application at work."""

    client: Client
    service: Service
    state: StateStore
    keys: dict[str, dict[str, str]] = field(default_factory=dict)
    """Headers by the scope of their key; `other` is good for another project, `expired` for nothing."""


@contextmanager
def serve(
    *contexts: Context,
    auth: bool = False,
    log: PredictionLog | None = None,
    settings: ServeSettings | None = None,
    project: dict[str, Any] | None = None,
    traffic: Traffic | None = None,
) -> Iterator[Served]:
    """Serve projects; `project` replaces parts of what they declare."""
    clock = FixedClock(datetime.datetime.now(datetime.UTC))
    state = contexts[0].state
    for context in contexts:
        _copy(context, contexts[0])
        name = context.project.project
        state.append(name, STREAM, f"test-{len(state.read(name, STREAM))}", _entry(state, name, traffic))
    found = settings or ServeSettings()
    holder: list[Service] = []
    with tempfile.TemporaryDirectory() as folder:

        def build() -> Service:
            specs = [Project.model_validate({**each.project.model_dump(exclude_unset=True), **(project or {})})
                     for each in contexts]  # fmt: skip
            keyring = Keyring(state, clock) if auth else None
            holder.append(_service(specs, contexts[0], Path(folder), log or MemoryPredictionLog(), keyring, found))
            return holder[0]

        headers = _keys(state, clock, contexts[0].project.project) if auth else {}
        with Client(make_app(build, found.cors)) as client:
            yield Served(client, holder[0], state, headers)


def _service(
    specs: Sequence[Project],
    context: Context,
    folder: Path,
    log: PredictionLog,
    keyring: Keyring | None,
    settings: ServeSettings,
) -> Service:
    """The parts of a worker, on a context's stores."""
    state, objects = context.state, context.objects
    endpoints = {each.project: Endpoint(each, Privacy.of(each.project, each.contract, b"key")) for each in specs}
    follower = Follower(list(endpoints.values()), state, objects, folder)
    follower.look()
    counted = log if isinstance(log, MemoryPredictionLog) else MemoryPredictionLog()
    monitors = {each.project: LogMonitor(each, log, counted, state, objects, SystemClock(), folder) for each in specs}
    return Service(
        endpoints=endpoints,
        state=state,
        log=log,
        writer=LogWriter(log, settings.log, patience=1.0),
        refusals=RefusalCounter(counted, seconds=0.05),
        limiter=Limiter(1, None),
        follower=follower,
        keyring=keyring,
        settings=settings,
        metrics=Metrics(),
        monitors=monitors,
        look=lambda name, asked, seconds, _: monitors[name].drift(asked, seconds),
        texts=read_texts,
    )


def _entry(state: StateStore, project: str, traffic: Traffic | None) -> dict[str, Any]:
    return {"traffic": (traffic or Traffic()).model_dump(mode="json"), "decisions": count(state, project)}


def _copy(source: Context, target: Context) -> None:
    """Put a project's decisions and bundles beside another's."""
    name = source.project.project
    if source.state is target.state or target.state.read(name, "decisions"):
        return
    for entry in source.state.read(name, "decisions"):
        target.state.append(name, "decisions", entry.id, entry.body)
    for key in source.objects.list(f"{name}/bundles"):
        target.objects.put(key, source.objects.get(key))


def _keys(state: StateStore, clock: FixedClock, project: str) -> dict[str, dict[str, str]]:
    scopes: tuple[Scope, ...] = ("predict", "read", "feedback", "admin")
    keys = {scope: create_key(state, scope, [scope], by="ada")[1] for scope in scopes}
    keys["own"] = create_key(state, "own", scopes[:3], by="ada", projects=[project])[1]
    keys["other"] = create_key(state, "other", scopes, by="ada", projects=["another"])[1]
    past = clock.now() - datetime.timedelta(days=1)
    keys["expired"] = create_key(state, "expired", scopes, by="ada", expires=past)[1]
    return {name: {"X-API-Key": text} for name, text in keys.items()}
