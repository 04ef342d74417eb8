"""The application: FastAPI for everything that is not the short way of predictions."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Match, Route

from torneo.errors import UnavailableError
from torneo.http import (
    oip,
    pages,
    routes_explain,
    routes_health,
    routes_history,
    routes_model,
    routes_monitoring,
    scoring,
)
from torneo.http.front import PREDICT, App, Front
from torneo.http.observer import Observer, folder_of_metrics
from torneo.http.openapi import Description
from torneo.http.problems import Problem, also_as_error
from torneo.http.routes_explain import Explainer
from torneo.http.routes_monitoring import Observatory
from torneo.http.service import Service

log = logging.getLogger("torneo.http")
ROUTES = (routes_health, routes_model, routes_history, routes_monitoring, routes_explain, oip, scoring, pages)
ASKED = ("Authorization", "Idempotency-Key", "Torneo-Subject", "X-API-Key", "X-Request-ID")
TOLD = ("RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID")
"""Headers of requests and of answers that pages of other origins may use."""


def make_app(build: Callable[[], Service], cors: Collection[str] = ()) -> App:
    """The ASGI application of one worker; `build` is called in its event loop at start-up.

    Args:
        cors: the origins whose pages may call it.
    """
    app = routed(build)
    front = Front(app, lambda: app.state.service)
    if not cors:
        return front
    return CORSMiddleware(
        front, allow_origins=cors, allow_methods=("GET", "POST"), allow_headers=ASKED, expose_headers=TOLD
    )


def routed(build: Callable[[], Service]) -> FastAPI:
    """All routes but that of predictions."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.service = service = build()
        app.state.explainer = Explainer()
        app.state.observatory = Observatory()
        observer = Observer(service, folder_of_metrics())
        observer.start()
        try:
            yield
        finally:
            observer.stop()
            app.state.explainer.close()
            app.state.observatory.close()
            await service.close()

    app = FastAPI(title="Torneo", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None,
                  redirect_slashes=False)  # fmt: skip
    for module in ROUTES:
        app.router.routes += module.router.routes
    app.state.description = Description(app)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(UnavailableError, _unavailable)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _failed)
    return app


async def _problem(request: Request, problem: Any) -> Response:
    body = problem.body(request.state.request_id, **also_as_error(request.url.path, problem))
    return Response(body, problem.status, problem.headers, media_type="application/problem+json")


async def _invalid(request: Request, error: Any) -> Response:
    """Parameters that FastAPI refuses."""
    errors = [
        {"parameter": str(each["loc"][-1]), "reason": each["type"], "detail": each["msg"][:300]}
        for each in error.errors()[:100]
    ]
    names = ", ".join(dict.fromkeys(each["parameter"][:80] for each in errors))
    return await _problem(request, Problem(422, f"parameters cannot be taken: {names}"[:500], errors=errors))


async def _unavailable(request: Request, error: Any) -> Response:
    return await _problem(request, Problem(503, error.message, headers={"Retry-After": "1"}))


async def _failed(request: Request, _: Exception) -> Response:
    """What nobody foresaw: the server's log has it, the client does not."""
    log.error("a request failed", extra={"request_id": request.state.request_id})
    return await _problem(request, Problem(500, "the server failed; its log has the reason"))


async def _no_route(request: Request, _: Any) -> Response:
    """A path that is not there, or is there for other methods; OPTIONS is told which."""
    allowed = _methods(request)
    if not allowed:
        return await _problem(
            request, Problem(404, f"there is nothing at {request.url.path[:200]}; /docs says what is")
        )
    headers = {"Allow": ", ".join(sorted(allowed))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=headers)
    return await _problem(request, Problem(405, f"use {headers['Allow']} here", headers=headers))


def _methods(request: Request) -> set[str]:
    allowed = {"POST"} if PREDICT.fullmatch(request.url.path) else set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            allowed |= route.methods or set()
    return allowed | ({"HEAD"} if "GET" in allowed else set())
