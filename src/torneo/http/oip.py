"""The Open Inference Protocol, version 2, for clients that speak it: a project is a model, its columns are tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version as installed
from typing import Any, NamedTuple

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from torneo.http import oip_tensors
from torneo.http.apart import apart, few_parts
from torneo.http.asked import Asked, Knows, Predicts, must_be_json, repointed, service_of
from torneo.http.described import IDEMPOTENT, body
from torneo.http.predict import answered, claimed
from torneo.http.problems import Problem
from torneo.http.routes_health import ready
from torneo.http.routes_model import ready_lineup
from torneo.http.sent import parsed
from torneo.serving.endpoint import Endpoint, Lineup
from torneo.serving.model import Model
from torneo.spec.frozen import Frozen

router = APIRouter(prefix="/v2", tags=["open inference protocol"])
INFER = {**body("InferRequest"), **IDEMPOTENT}
NOT_READY: dict[int | str, dict[str, Any]] = {503: {"description": "Not ready."}}


class Server(Frozen):
    """Who answers."""

    name: str = "torneo"
    version: str = installed("torneo")
    extensions: Sequence[str] = ()


class Live(Frozen):
    """The process answers."""

    live: bool = True


class ServerReady(Frozen):
    """Whether all projects can be answered."""

    ready: bool


class ModelReady(Frozen):
    """Whether a project can be answered."""

    name: str
    ready: bool


class TensorType(Frozen):
    """A tensor as a model reads or answers it; a size of -1 is any number of rows."""

    name: str
    datatype: str
    shape: Sequence[int]


class Metadata(Frozen):
    """What a model reads and answers."""

    name: str
    versions: Sequence[str]
    platform: str = "onnx_onnxv1"
    inputs: Sequence[TensorType]
    outputs: Sequence[TensorType]


class Inferred(Frozen):
    """The answer to tensors: tensors."""

    model_name: str
    model_version: str | None = None
    """Absent if rows were answered by different versions; the tensor `version` has them all."""
    id: str
    """The request's, or one of ours."""
    outputs: Sequence[Mapping[str, Any]]


@router.get("")
async def server(known: Knows) -> Server:  # noqa: ARG001 - any key will do
    """Name and version of the server."""
    return Server()


@router.get("/health/live")
async def live() -> Live:
    """200 as long as the process answers."""
    return Live()


@router.get("/health/ready", responses=NOT_READY)
async def is_ready(request: Request) -> JSONResponse:
    """200 when each project can be answered."""
    told = ServerReady(ready=ready(service_of(request)))
    return JSONResponse(told.model_dump(), 200 if told.ready else 503)


@router.get("/models/{project}/ready", responses=NOT_READY)
@router.get("/models/{project}/versions/{version}/ready", responses=NOT_READY)
async def model_ready(asked: Predicts, version: str | None = None) -> JSONResponse:
    """200 when the model can be answered."""
    if version is not None:
        _pinned(asked.endpoint, version)
    told = ModelReady(name=asked.endpoint.name, ready=asked.endpoint.lineup is not None)
    return JSONResponse(told.model_dump(), 200 if told.ready else 503)


@router.get("/models/{project}")
@router.get("/models/{project}/versions/{version}")
async def metadata(asked: Predicts, version: str | None = None) -> Metadata:
    """What the model reads and answers, and the versions that can be asked."""
    _, model = _pinned(asked.endpoint, version)
    return Metadata(
        name=asked.endpoint.name,
        versions=[str(each.version) for each in _answering(ready_lineup(asked.endpoint))],
        inputs=[TensorType.model_validate(tensor) for tensor in oip_tensors.inputs(model)],
        outputs=[TensorType.model_validate(tensor) for tensor in oip_tensors.outputs(model)],
    )


@router.post("/models/{project}/infer", openapi_extra=INFER, response_model=Inferred)
@router.post("/models/{project}/versions/{version}/infer", openapi_extra=INFER, response_model=Inferred)
async def infer(asked: Predicts, request: Request, version: str | None = None) -> Response:
    """Predict rows given as one tensor per column; logged like any prediction, and once with an `Idempotency-Key`.

    Where values out of range are let pass, the output `warnings` says which: JSON by row. It is there if there are
    some, or if it is asked for.
    """
    if "inference-header-content-length" in request.headers:
        raise Problem(415, "tensors must be JSON: the binary extension is not spoken here (binary_data=False)")
    must_be_json(request)
    endpoint, model = _pinned(asked.endpoint, version)
    sent, most = await request.body(), asked.service.settings.max_rows
    id, wanted, rows, places = await apart(len(sent), lambda: _tensors(sent, model, most))  # noqa: A001

    def write(answers: Sequence[Mapping[str, Any]]) -> Inferred:
        versions = {answer["version"] for answer in answers}
        return Inferred(
            model_name=endpoint.name,
            model_version=str(versions.pop()) if len(versions) == 1 else None,
            id=id or asked.call.request,
            outputs=oip_tensors.answered(model, answers, wanted),
        )

    return await predicted(asked, endpoint, rows, lambda row, name: _pointer(places, row, name), write)


class _Asked(NamedTuple):
    """A request for inference."""

    id: str
    wanted: Sequence[str]
    """The outputs; none means all."""
    rows: Sequence[Mapping[str, Any]]
    places: Mapping[str, int]
    """Which tensor has which column."""


def _tensors(body: bytes, model: Model, most: int) -> _Asked:
    few_parts(body, most, len(model.contract))
    sent = parsed(body)
    if not isinstance(sent, dict) or not isinstance(sent.get("id", ""), str):
        raise Problem(400, "the body must be an object with inputs; its id, if there is one, a text")
    wanted = oip_tensors.wanted(sent.get("outputs"), model)
    return _Asked(sent.get("id", ""), wanted, *oip_tensors.rows(sent.get("inputs"), most))


async def predicted(
    asked: Asked,
    endpoint: Endpoint,
    rows: Sequence[Mapping[str, Any]],
    place: Callable[[int, str], str],
    write: Callable[[Sequence[Mapping[str, Any]]], Frozen],
) -> Response:
    """The answer to rows, when the log has it; under an idempotency key that was used, what was answered then.

    Args:
        place: where a row's value stands in the body, for pointers.
        write: makes the body of the answer.

    Raises:
        Problem: for the client.
    """
    await asked.take(len(rows))
    service, call, request = asked.service, asked.call, asked.request
    name = request.headers.get("idempotency-key")
    # the same body may be another question at another path
    sent = request.url.path.encode() + b" " + await request.body()
    body = None if name is None else await claimed(service, endpoint, call, name, sent)
    if body is None:
        try:
            body = await answered(service, endpoint, rows, call, lambda made: _json(write(made.answers)),
                                  name=name, sent=sent)  # fmt: skip
        except Problem as problem:
            raise repointed(problem, place) from None
    return Response(body, media_type="application/json", headers=dict(asked.answer.headers))


def _json(told: Frozen) -> bytes:
    return told.model_dump_json(exclude_none=True).encode()


def _answering(lineup: Lineup) -> Sequence[Model]:
    return [model for model in (lineup.champion, lineup.challenger) if model is not None]


def _pinned(endpoint: Endpoint, version: str | None) -> tuple[Endpoint, Model]:
    """The endpoint with the one version that was asked for, and a model that reads the request.

    Raises:
        Problem: the version does not answer here, or nobody does yet.
    """
    lineup = ready_lineup(endpoint)
    if version is None:
        return endpoint, lineup.champion
    if version == str(lineup.champion.version):
        return replace(endpoint, lineup=replace(lineup, challenger=None)), lineup.champion
    if lineup.challenger is not None and version == str(lineup.challenger.version):
        return replace(endpoint, lineup=replace(lineup, share=1.0)), lineup.challenger
    known = ", ".join(str(model.version) for model in _answering(lineup))
    raise Problem(404, f"version {version[:20]} of {endpoint.name} does not answer here (answering: {known})")


def _pointer(places: Mapping[str, int], row: int, name: str) -> str:
    plain = name.replace("~1", "/").replace("~0", "~")
    return f"/inputs/{places[plain]}/data/{row}" if plain in places else "/inputs"
