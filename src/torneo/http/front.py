"""The outermost layer: every request gets an id, a time, headers and a count here, and predictions their short way."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from torneo.http.body import BodyReader, Receive
from torneo.http.predict import Request, predict, presented_key
from torneo.http.problems import TYPE, Problem, also_as_error
from torneo.http.service import Service
from torneo.serving.ids import new_ids

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("torneo.http")

SECURE = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
PREDICT = re.compile(r"/v1/([^/]+)/predict|/predict(?:/batch)?")
WITH_BODY = ("POST", "PUT", "PATCH")
_ID = re.compile(rb"[A-Za-z0-9._:-]{1,100}")


class Front:
    """Wraps the application; `service` is there from the application's start-up on."""

    def __init__(self, app: App, service: Callable[[], Service]) -> None:
        self._app = app
        self._service = service
        self._bodies = BodyReader()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter_ns()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id")
        # under an idempotency key requests are told apart by their ids, so that these cannot be the client's choice
        usable = given is not None and b"idempotency-key" not in headers and _ID.fullmatch(given)
        id = given.decode() if given is not None and usable else new_ids()[0]  # noqa: A001
        service = self._service()
        path = scope["path"]
        short = PREDICT.fullmatch(path) if scope["method"] == "POST" else None
        if short is None:
            await self._other(scope, receive, send, id, started)
            return
        project = short[1]
        try:
            await service.identified(presented_key(headers))
            body = await self._bodies.read(receive, headers, service.settings.max_body, service.settings.timeout)
            client = scope["client"][0] if scope.get("client") else ""
            answer = await predict(service, Request(id, project, headers, body, client, started))
            status, content, own = 200, answer.body, answer.headers
        except Problem as problem:
            status, content = problem.status, problem.body(id)
            own = (TYPE, *((name.lower().encode(), text.encode()) for name, text in problem.headers.items()))
        except Exception:
            log.exception("a request failed", extra={"request_id": id})
            status, content, own = 500, Problem(500, "the server failed; its log has the reason").body(id), (TYPE,)
        told = [*own, (b"content-length", b"%d" % len(content)), (b"x-request-id", id.encode()), *SECURE]
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": content})
        name = (project if project in service.endpoints else "") if project else service.only or ""
        _count(service, id, name, "predict", status, started)

    async def _other(self, scope: Scope, receive: Receive, send: Send, id: str, started: int) -> None:  # noqa: A002
        """All other routes: the application's, with the same headers and counts."""
        service = self._service()
        head, path = scope["method"] == "HEAD", scope["path"]
        scope = {**scope, "state": {**scope.get("state", {}), "request_id": id, "started": started}}
        scope |= {"method": "GET"} if head else {}
        answered = 500

        async def tell(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = message["status"]
                present = {name.lower() for name, _ in message["headers"]}
                added = [(name, value) for name, value in SECURE if name not in present]
                message["headers"] = [*message["headers"], *added, (b"x-request-id", id.encode())]
            elif head:
                message = {**message, "body": b""}
            await send(message)

        try:
            if scope["method"] in WITH_BODY:
                found, headers = service.settings, dict(scope["headers"])
                await service.identified(presented_key(headers))
                body = await self._bodies.read(receive, headers, found.max_body, found.timeout)
                receive = _again(body, receive)
            await self._app(scope, receive, tell)
        except Problem as problem:  # the body's: those of routes are told by the application
            own = (TYPE, *((name.lower().encode(), text.encode()) for name, text in problem.headers.items()))
            await tell({"type": "http.response.start", "status": problem.status, "headers": own})
            body = problem.body(id, **also_as_error(path, problem))
            await tell({"type": "http.response.body", "body": body})
        finally:
            route = getattr(scope.get("route"), "path", "other")
            project = scope.get("path_params", {}).get("project", "")
            name = project if project in service.endpoints else ""
            _count(service, id, name, route, answered, started)


def _count(service: Service, id: str, project: str, route: str, status: int, started: int) -> None:  # noqa: A002
    """A request has been answered: count it, and log it where every request is logged."""
    seconds = (time.perf_counter_ns() - started) / 1e9
    service.metrics.answered(project, route, status, seconds)
    if log.isEnabledFor(logging.INFO):
        told = {"request_id": id, "project": project, "route": route, "status": status}
        log.info("answered", extra={**told, "milliseconds": round(seconds * 1000, 3)})


def _again(body: bytes, receive: Receive) -> Receive:
    """What gives a body that has been read, and after it what follows."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
