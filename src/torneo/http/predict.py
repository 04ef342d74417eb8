"""`POST …/predict`: from the bytes of a request to the bytes of its answer, by the shortest way.

It is not a FastAPI route, because routing and dependencies there cost more than the prediction; its description is.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from torneo.errors import UnavailableError
from torneo.http.apart import LARGE, apart, few_parts
from torneo.http.problems import Problem, invalid_rows
from torneo.http.sent import parsed, rows_of
from torneo.http.service import AGAIN, Service
from torneo.ports import Claim, Prediction
from torneo.serving.endpoint import Call, Endpoint, InvalidRowsError, Predicted, Row
from torneo.serving.limits import headers as limit_headers

JSON = (b"content-type", b"application/json")
AT_ONCE = 100
"""So many rows are computed without a thread."""
LONGEST_NAME = 255


class Request(NamedTuple):
    """A request whose body has arrived."""

    id: str
    project: str | None
    headers: Mapping[bytes, bytes]
    body: bytes
    client: str
    """The address it came from."""
    started: int
    """`time.perf_counter_ns()` at its arrival."""


class Answer(NamedTuple):
    """A body with the headers that are its own."""

    body: bytes
    headers: Sequence[tuple[bytes, bytes]]


def presented_key(headers: Mapping[bytes, bytes]) -> str | None:
    """The key that a request presents: `X-API-Key`, or a bearer token."""
    key = headers.get(b"x-api-key")
    if key is None:
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        key = token.strip() if scheme.lower() == b"bearer" else None
    return None if key is None else key.decode("latin-1")


async def predict(service: Service, request: Request) -> Answer:
    """Answer one row (an object) or many (an array) in kind, when the log has it.

    Raises:
        Problem: for the client.
    """
    headers = request.headers
    key = await service.admitted(presented_key(headers), "predict", request.project or service.only)
    endpoint = service.endpoint(request.project)
    if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        raise Problem(415, "the body must be JSON, and Content-Type must say so: application/json")
    rows, single = await apart(len(request.body), lambda: _rows(service, endpoint, request.body))
    taken = await service.take(endpoint.name, key or request.client, len(rows))
    call = Call(request.id, key, request.started, headers.get(b"torneo-subject", b"").decode("latin-1"))
    given = headers.get(b"idempotency-key")
    name = None if given is None else given.decode("latin-1")
    known = None if name is None else await claimed(service, endpoint, call, name, request.body)
    body = known or await answered(
        service,
        endpoint,
        rows,
        call,
        lambda made: _body(endpoint.name, made.log, call.request, single=single),
        single=single,
        name=name,
        sent=request.body,
    )
    if taken is None:
        return Answer(body, (JSON,))
    return Answer(body, (JSON, *_encoded(limit_headers(taken, service.rates[endpoint.name]))))


def _rows(service: Service, endpoint: Endpoint, body: bytes) -> tuple[Sequence[Row], bool]:
    most = service.settings.max_rows
    few_parts(body, most, len(endpoint.project.contract.columns))
    return rows_of(parsed(body), most)


async def answered(
    service: Service,
    endpoint: Endpoint,
    rows: Sequence[Row],
    call: Call,
    write: Callable[[Predicted], bytes],
    *,
    name: str | None,
    sent: bytes,
    single: bool = False,
) -> bytes:
    """The body of the answer to new rows; the log has it, and the idempotency key if there is one.

    Args:
        write: makes the body.
        name: the idempotency key.
        sent: what another request under the key must have sent, too.

    Raises:
        Problem: for the client.
    """
    made = await computed(service, endpoint, rows, call, len(sent), single=single)
    body = await apart(len(sent), lambda: write(made))
    claims = () if name is None else [_claim(endpoint, call, name, sent, body, made)]
    standing = await logged(service, endpoint, made, rows, call, claims)
    return body if standing is None else _replayed(standing, sent)


async def computed(
    service: Service, endpoint: Endpoint, rows: Sequence[Row], call: Call, size: int, *, single: bool = False
) -> Predicted:
    """The answers to rows. Few are computed at once; many, and those that a project's code makes, in a thread.

    Args:
        size: how many bytes the rows came in; few rows may be large.

    Raises:
        Problem: rows break the contract, there is no champion yet, or the request's time is over.
    """
    lineup = endpoint.lineup
    own = lineup is not None and lineup.has_code
    few = len(rows) <= AT_ONCE and size <= LARGE
    try:
        if few and not own and service.endpoints[endpoint.name] is endpoint:  # not a pinned one
            return await service.batchers[endpoint.name].predict(rows, call)
        work = partial(endpoint.predict, rows, call)
        return await service.threads.run(endpoint.name if own else None, work, call.started)
    except InvalidRowsError as error:
        reasons = Counter(finding.reason for finding in error.findings)
        for reason, count in reasons.items():
            service.metrics.refused(endpoint.name, reason, count)
        service.refusals.add(endpoint.name, reasons)
        raise invalid_rows(error.findings, single=single) from None
    except UnavailableError as error:
        raise Problem(503, error.message, headers=AGAIN) from None


async def logged(
    service: Service,
    endpoint: Endpoint,
    made: Predicted,
    rows: Sequence[Row],
    call: Call,
    claims: Sequence[Claim] = (),
) -> Claim | None:
    """Wait until the log has it, and have the shadow look at it; gives another request's claim if there is one.

    Raises:
        Problem: the log cannot be written now.
    """
    lineup = endpoint.lineup
    try:
        standing = await service.writer.write(made.log, claims)
    except UnavailableError as error:
        raise Problem(503, error.message, headers=AGAIN) from None
    if standing is None:
        sides = [(line.version, line.role) for line in made.log]
        for version, role in set(sides):
            service.metrics.predicted(endpoint.name, version, role, sides.count((version, role)))
        if lineup is not None and lineup.shadow is not None:
            service.shadow(endpoint, lineup, made, rows, call)
    return standing


async def claimed(service: Service, endpoint: Endpoint, call: Call, name: str, sent: bytes) -> bytes | None:
    """What was answered under an idempotency key before; None if nothing was.

    Raises:
        Problem: it is no such key, it was used with another request, or the log cannot be read now.
    """
    if not 1 <= len(name) <= LONGEST_NAME or not name.isascii() or not name.isprintable():
        raise Problem(400, f"Idempotency-Key must have 1 to {LONGEST_NAME} printable ASCII characters")
    try:
        standing = await asyncio.to_thread(service.log.claim, endpoint.name, call.key, name)
    except UnavailableError as error:
        raise Problem(503, error.message, headers=AGAIN) from None
    return None if standing is None else _replayed(standing, sent)


def _body(name: str, log: Sequence[Prediction], request: str, *, single: bool) -> bytes:
    """The answer's JSON, made of the texts that are logged; names and ids have no character that JSON escapes."""
    answers = [
        f'{line.output[:-1]},"prediction_id":"{line.id}","version":{line.version},"role":"{line.role}"' for line in log
    ]
    shared = f'"model":"{name}","request_id":"{request}"}}'
    rows = f"{answers[0]}," if single else f'{{"predictions":[{"},".join(answers)}}}],'
    return f"{rows}{shared}".encode()


def _claim(endpoint: Endpoint, call: Call, name: str, sent: bytes, body: bytes, made: Predicted) -> Claim:
    digest = sha256(sent).hexdigest()
    return Claim(endpoint.name, call.key, name, call.request, digest, body.decode(), made.log[0].at)


def _replayed(standing: Claim, sent: bytes) -> bytes:
    if standing.digest != sha256(sent).hexdigest():
        raise Problem(422, "this Idempotency-Key was used with another body or path; a new request needs a new key")
    return standing.answer.encode()


def _encoded(headers: Mapping[str, str]) -> Sequence[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
