"""The OpenAPI description: what FastAPI knows of the routes, for each served project with its contract's schemas."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version as installed
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic_core import to_json

from torneo.http.asked import BEARER, HEADER
from torneo.http.described import IDEMPOTENT, OWN, content, header, ref
from torneo.http.openapi_schemas import PROBLEM, own_schemas
from torneo.serving.endpoint import Endpoint

Json = dict[str, Any]
PARTS = "#/components/schemas/"
ABOUT = """Each answer is in a durable log before it leaves. Errors are problem details (RFC 9457) with a JSON Pointer
to each wrong value. A key goes into `X-API-Key`, or into `Authorization: Bearer`."""
PROBLEMS = {
    400: "The request cannot be read.",
    401: "There is no valid key.",
    403: "The key does not cover this.",
    404: "There is no such thing here.",
    408: "The body came too slowly.",
    409: "What is asked for is no longer there.",
    413: "The body, or the number of rows, is too large.",
    415: "The body is of another media type.",
    422: "Values break the contract; each is listed.",
    429: "The rate limit is reached; Retry-After says when to come again.",
    503: "Not now; Retry-After says when to come again.",
}
TAGS = ("predictions", "outcomes", "history", "model", "monitoring", "health", "open inference protocol", "scoring")
SHORT_PREDICT = ("/predict", "/predict/batch")


class Description:
    """The description, made again when another version serves."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._base: Json | None = None
        self._made: dict[tuple[Any, ...], bytes] = {}

    def text(self, endpoints: Sequence[Endpoint], *, alone: bool, locked: bool) -> bytes:
        """The description of these projects as JSON.

        Args:
            alone: whether one project is served, and the short forms are there.
            locked: whether keys are needed.
        """
        lineups = [(endpoint.name, endpoint.lineup.champion.digest) for endpoint in endpoints if endpoint.lineup]
        present = (alone, locked, tuple(lineups))
        made = self._made.get(present)
        if made is None:
            if len(self._made) > len(endpoints) + 16:
                self._made.clear()
            made = self._made[present] = to_json(self._describe(endpoints, alone=alone, locked=locked))
        return made

    def _describe(self, endpoints: Sequence[Endpoint], *, alone: bool, locked: bool) -> Json:
        if self._base is None:
            self._base = base_description(self._app)
        base = copy.deepcopy(self._base)
        schemas: Json = {**base["components"]["schemas"], "Problem": PROBLEM}
        described: Json = {}
        ready = [endpoint for endpoint in endpoints if endpoint.lineup is not None]
        for endpoint in ready:
            schemas |= {f"{endpoint.name}.{name}": schema for name, schema in own_schemas(endpoint).items()}
        for path, item in [*predict_operations(), *base["paths"].items()]:
            for place, project in _places(path, item, [endpoint.name for endpoint in ready], alone=alone):
                described[place] = _of_project(place, item, project) if project else item
        for item in described.values():
            for operation in item.values():
                _complete(operation, locked=locked)
        base["paths"] = dict(sorted(described.items(), key=lambda item: not item[0].startswith("/v1")))
        base["components"] = {"schemas": schemas, "responses": _responses()}
        if locked:
            base["components"]["securitySchemes"] = self._base["components"]["securitySchemes"]
        used = {operation["tags"][0] for item in described.values() for operation in item.values()}
        base["tags"] = [{"name": name} for name in TAGS if name in used]
        return base


def base_description(app: FastAPI) -> Json:
    """What FastAPI knows of the routes, with `{project}` and without schemas of a contract."""
    base = get_openapi(title="Torneo", version=installed("torneo"), description=ABOUT, routes=app.routes)
    for name in ("HTTPValidationError", "ValidationError"):
        base["components"]["schemas"].pop(name, None)
    return base


def _places(path: str, item: Json, names: Sequence[str], *, alone: bool) -> Iterator[tuple[str, str | None]]:
    """Where a path of the application is, and of which project: once for each, or a short form of the only one."""
    if "{project}" in path:
        for name in names:
            yield path.replace("{project}", name), name
    elif not any(_is_own(operation) for operation in item.values()):
        yield path, None
    elif alone and names:
        yield path, names[0]


def _is_own(operation: Json) -> bool:
    return operation["tags"][0] in ("predictions", "history", "outcomes", "model", "monitoring") or operation[
        "operationId"
    ].startswith("invocations")


def _of_project(path: str, item: Json, project: str) -> Json:
    """The item with the project's own schemas, and without the parameter that is in the path now."""
    made: Json = _renamed(item, project)
    for method, operation in made.items():
        kept = [each for each in operation.get("parameters", ()) if each["name"] != "project"]
        operation |= {"parameters": [each for each in kept if each["in"] != "path" or f"{{{each['name']}}}" in path]}
        operation["operationId"] = f"{method}{path}".replace("{", "").replace("}", "").replace("/", "_")
    return made


def _renamed(part: Any, project: str) -> Any:
    if isinstance(part, Mapping):
        made = {name: _renamed(value, project) for name, value in part.items()}
        target = str(made.get("$ref", "")).removeprefix(PARTS)
        return {"$ref": f"{PARTS}{project}.{target}"} if target in OWN else made
    return [_renamed(value, project) for value in part] if isinstance(part, list) else part


def _complete(operation: Json, *, locked: bool) -> None:
    """Say which problems there may be."""
    answers, body = operation["responses"], "requestBody" in operation
    operation["summary"] = operation["description"].partition(".")[0].partition(":")[0].replace("`", "")
    answers.pop("422", None)
    problems = {503} if operation["tags"][0] != "health" else set()
    problems |= {400, 408, 413, 415, 422} if body else set()
    problems |= {429} if body and operation["tags"][0] != "outcomes" else set()
    problems |= {422} if operation.get("parameters") else set()
    own = operation["tags"][0] != "health" and not operation["operationId"].startswith(("live", "is_ready", "ping"))
    problems |= {404, 409, 413, 422, 429} if own else set()
    problems |= {401, 403} if locked and "security" in operation else set()
    for status in sorted(problems - {int(answer) for answer in answers}):
        answers[str(status)] = {"$ref": f"#/components/responses/{status}"}
    if not locked:
        operation.pop("security", None)


def _responses() -> Json:
    problem = content(ref("Problem"), "application/problem+json")
    return {str(status): {"description": words, "content": problem} for status, words in PROBLEMS.items()}


def predict_operations() -> Iterator[tuple[str, Json]]:
    """The short way of predictions, which is no route of the application."""
    operation = {
        "tags": ["predictions"],
        "summary": "Predict",
        "description": "Answer one row (an object) or many (an array), in kind. With an `Idempotency-Key`, the same "
        "request sent again gets the same answer and is logged once.",
        "operationId": "predict",
        "security": [{HEADER.scheme_name: ["predict"]}, {BEARER.scheme_name: ["predict"]}],
        "parameters": [
            *IDEMPOTENT["parameters"],
            header("Torneo-Subject", "Keeps a caller on one side of an A/B test, where rows do not have the key."),
            header(
                "X-Request-ID", "Your id of the request; one is made without it.", pattern="^[A-Za-z0-9._:-]{1,100}$"
            ),
        ],
        "requestBody": {"required": True, "content": content(ref("Rows"))},
        "responses": {"200": {"description": "The answer is in the log.", "content": content(ref("Answers"))}},
    }
    for path in ("/v1/{project}/predict", *SHORT_PREDICT):
        yield path, {"post": operation}
