"""The application: FastAPI for everything that is not the short way of predictions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from torneo.http.front import Front
from torneo.http.problems import Problem
from torneo.http.service import Service


def make_app(build: Callable[[], Service]) -> Front:
    """The ASGI application of one worker; `build` is called in its event loop at start-up."""
    held: dict[str, Service] = {}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        held["service"] = service = build()
        try:
            yield
        finally:
            await service.close()

    app = FastAPI(title="Torneo", lifespan=lifespan)

    @app.exception_handler(Problem)
    async def tell(request: Request, problem: Problem) -> Response:
        body = problem.body(request.state.request_id)
        return Response(body, problem.status, problem.headers, media_type="application/problem+json")

    @app.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        service = held["service"]
        found: dict[str, Any] = {}
        for name, endpoint in service.endpoints.items():
            found[name] = {"version": endpoint.lineup and endpoint.lineup.champion.version, "trouble": endpoint.trouble}
        ready = all(endpoint.lineup for endpoint in service.endpoints.values()) and service.writer.failure is None
        return JSONResponse({"ready": ready, "projects": found, "log": service.writer.failure}, 200 if ready else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(held["service"].metrics.text(), media_type="text/plain; version=0.0.4")

    return Front(app, lambda: held["service"])
