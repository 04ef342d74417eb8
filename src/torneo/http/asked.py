"""What the application's routes ask before they answer: who is it, for which project, and what is in the body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends, Request, Response, Security
from fastapi.security import APIKeyHeader, HTTPBearer, SecurityScopes

from torneo.http.apart import apart
from torneo.http.predict import presented_key
from torneo.http.problems import Problem
from torneo.http.sent import parsed
from torneo.http.service import Service
from torneo.serving.endpoint import Call, Endpoint
from torneo.serving.keys import Key, Scope
from torneo.serving.limits import headers

HEADER = APIKeyHeader(name="X-API-Key", scheme_name="key", auto_error=False)
BEARER = HTTPBearer(scheme_name="bearer", auto_error=False)


@dataclass(frozen=True)
class Asked:
    """A request that may be answered."""

    service: Service
    endpoint: Endpoint
    key: str
    """The id of the API key; empty where none is needed."""
    client: str
    """The address it came from."""
    request: Request
    answer: Response
    """What will be said besides the body."""

    @property
    def call(self) -> Call:
        """Who asks, as an endpoint wants to know it."""
        state = self.request.state
        return Call(state.request_id, self.key, state.started, self.request.headers.get("torneo-subject", ""))

    async def take(self, rows: int) -> None:
        """Count rows against the project's limit.

        Raises:
            Problem: the limit is reached.
        """
        name = self.endpoint.name
        taken = await self.service.take(name, self.key or self.client, rows)
        if taken is not None:
            self.answer.headers.update(headers(taken, self.service.rates[name]))


def service_of(request: Request) -> Service:
    """The parts of this worker."""
    return cast("Service", request.app.state.service)


def presented(request: Request) -> str | None:
    """The key that a request presents."""
    return presented_key(dict(request.scope["headers"]))


async def _asked(
    request: Request,
    answer: Response,
    scopes: SecurityScopes,
    header: Annotated[Any, Security(HEADER)],  # noqa: ARG001 - described; `presented` reads it
    bearer: Annotated[Any, Security(BEARER)],  # noqa: ARG001
) -> Asked:
    """A key is looked at first, so that nobody without one learns which projects there are."""
    service = service_of(request)
    named = request.path_params.get("project")
    key = await service.admitted(presented(request), cast("Scope", scopes.scopes[0]), named or service.only)
    client = request.client.host if request.client else ""
    return Asked(service, service.endpoint(named), key, client, request, answer)


async def _installation(
    request: Request,
    scopes: SecurityScopes,
    header: Annotated[Any, Security(HEADER)],  # noqa: ARG001
    bearer: Annotated[Any, Security(BEARER)],  # noqa: ARG001
) -> Service:
    service = service_of(request)
    await service.admitted(presented(request), cast("Scope", scopes.scopes[0]), None)
    return service


async def _known(
    request: Request,
    header: Annotated[Any, Security(HEADER)],  # noqa: ARG001
    bearer: Annotated[Any, Security(BEARER)],  # noqa: ARG001
) -> Sequence[Endpoint]:
    """The projects that the key of a request, with whatever scope, is good for."""
    service = service_of(request)
    everything = list(service.endpoints.values())
    if service.keyring is None:
        return everything
    key: Key | None = service.keyring.find(presented(request) or "")
    if key is None:
        with suppress(Problem):  # it may be valid, and not for this
            await service.admitted(presented(request), "read", None)
        key = service.keyring.find(presented(request) or "")
    if key is None:
        service.admit(presented(request), "read", None)  # which says that there is no valid key
        return []
    return [endpoint for endpoint in everything if not key.projects or endpoint.name in key.projects]


Predicts = Annotated[Asked, Security(_asked, scopes=["predict"])]
Reads = Annotated[Asked, Security(_asked, scopes=["read"])]
Feeds = Annotated[Asked, Security(_asked, scopes=["feedback"])]
Observes = Annotated[Service, Security(_installation, scopes=["read"])]
Administers = Annotated[Service, Security(_installation, scopes=["admin"])]
Knows = Annotated[Sequence[Endpoint], Depends(_known)]


def media_type(request: Request) -> str:
    """What a request says its body is, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def must_be_json(request: Request) -> None:
    """Refuse what says it is something else; clients of the Open Inference Protocol do not say that they send JSON.

    Raises:
        Problem: it does.
    """
    tolerated = ("", "application/octet-stream") if request.url.path.startswith("/v2/") else ()
    if media_type(request) not in ("application/json", *tolerated):
        raise Problem(415, "the body must be JSON, and Content-Type must say so: application/json")


async def _json_body(request: Request) -> Any:
    must_be_json(request)
    sent = await request.body()
    return await apart(len(sent), lambda: parsed(sent))


Body = Annotated[Any, Depends(_json_body)]


def repointed(problem: Problem, place: Callable[[int, str], str]) -> Problem:
    """The problem with pointers into a body of another form than rows.

    Args:
        place: the pointer for a row's number and a column's name, escaped.
    """
    moved = []
    for error in problem.errors:
        row, _, column = error["pointer"][1:].partition("/")
        if column:
            moved.append({**error, "pointer": place(int(row), column)})
        else:  # a whole row's, which not every form of body has in one place
            moved.append({**error, "pointer": "", "detail": f"row {int(row) + 1}: {error['detail']}"})
    return Problem(problem.status, problem.detail, errors=moved, headers=problem.headers)
