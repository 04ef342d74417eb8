"""Whether the server lives and is ready, its metrics, and looking at the stores now."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from torneo.http.asked import BEARER, HEADER, Administers, Observes, presented, service_of
from torneo.http.service import Service
from torneo.spec.frozen import Frozen

router = APIRouter()
OPTIONAL_KEY: list[dict[str, list[str]]] = [{}, {HEADER.scheme_name: ["read"]}, {BEARER.scheme_name: ["read"]}]


class Alive(Frozen):
    """The process answers."""

    status: str = "alive"


class Ready(Frozen):
    """Whether every project can be answered and logged; `parts` if they were asked for."""

    ready: bool
    parts: dict[str, Any] | None = None
    """Each part with its trouble, null where there is none."""


def ready(service: Service) -> bool:
    """Whether each project has a champion and the log can be written."""
    return service.writer.failure is None and all(endpoint.lineup for endpoint in service.endpoints.values())


def parts(service: Service) -> dict[str, Any]:
    """Every part with its trouble."""
    return {
        "projects": {
            name: {"version": endpoint.lineup and endpoint.lineup.champion.version, "trouble": endpoint.trouble}
            for name, endpoint in service.endpoints.items()
        },
        "log": service.writer.failure,
        "limits": service.limiter.degraded,
        "keys": service.follower.troubles.get("keys"),
    }


@router.get("/livez", tags=["health"])
async def livez() -> Alive:
    """200 as long as the process answers."""
    return Alive()


@router.get(
    "/readyz",
    tags=["health"],
    response_model=Ready,
    response_model_exclude_none=True,
    responses={503: {"model": Ready, "description": "Not ready."}},
    openapi_extra={"security": OPTIONAL_KEY},
)
@router.get(
    "/health", tags=["health"], response_model=Ready, responses={503: {"model": Ready}}, include_in_schema=False
)
async def readyz(
    request: Request, verbose: Annotated[str | None, Query(description="Tell every part (scope read).")] = None
) -> JSONResponse:
    """200 when each project has a champion and the log can be written, 503 until then."""
    service = service_of(request)
    told: dict[str, Any] = {"ready": ready(service)}
    if verbose is not None:
        await service.admitted(presented(request), "read", None)
        told["parts"] = parts(service)
    return JSONResponse(told, 200 if told["ready"] else 503)


@router.get("/ping", tags=["scoring"], response_class=Response, responses={503: {"description": "Not ready."}})
async def ping(request: Request) -> Response:
    """Whether the server is ready, as MLflow and SageMaker ask."""
    return Response(b"\n", 200 if ready(service_of(request)) else 503, media_type="application/json")


@router.get("/metrics", tags=["health"], response_class=Response)
async def metrics(service: Observes) -> Response:
    """What all workers have counted, in Prometheus' text format."""
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")


@router.post("/admin/reload", tags=["health"])
async def reload(service: Administers) -> Ready:
    """Look at the state store now rather than within a second: champions, traffic, keys. This worker alone."""
    await run_in_threadpool(service.follower.look)
    return Ready(ready=ready(service), parts=parts(service))
