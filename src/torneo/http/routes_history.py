"""What was answered before, and what came of it."""

from __future__ import annotations

import base64
import binascii
import datetime
import re
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field
from pydantic_core import to_json

from torneo.http.asked import Body, Feeds, Reads
from torneo.http.described import body
from torneo.http.problems import Problem
from torneo.http.sent import few_enough
from torneo.ports import LogFilter, Logged, Outcome, Role
from torneo.serving.endpoint import Endpoint
from torneo.serving.inputs import Decoder, Finding
from torneo.spec.columns import Column, canonical_text
from torneo.spec.frozen import Frozen

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PLAIN_ID = r"^[A-Za-z0-9._:-]{1,100}$"
LARGEST_VERSION = 2**31 - 1
PAGE = 100
LONGEST_PAGE = 1000

router = APIRouter()


def _with_zone(moment: Any) -> Any:
    """A moment without a zone is one in UTC."""
    parsed = datetime.datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return parsed if parsed is None or parsed.tzinfo else parsed.replace(tzinfo=datetime.UTC)


Moment = Annotated[datetime.datetime | None, BeforeValidator(_with_zone)]


class Wanted(Frozen):
    """Which predictions are wanted; without filters all, newest first."""

    since: Moment = None
    """From this moment on (ISO 8601, UTC without a zone)."""
    until: Moment = None
    """Before this moment."""
    version: int | None = Field(default=None, ge=1, le=LARGEST_VERSION)
    """Answered by this version."""
    role: Role | None = None
    """Answered by a version in this role."""
    request_id: str | None = Field(default=None, pattern=PLAIN_ID)
    """Answered in this request."""
    key: str | None = Field(default=None, pattern=PLAIN_ID)
    """Asked for with the API key of this id."""
    labelled: bool | None = None
    """With an outcome, or without one."""
    entity: list[str] = Field(default_factory=list, max_length=100)
    """About this row of the contract: its key columns' values in their order, one `entity=` for each."""
    limit: int = Field(default=PAGE, ge=1, le=LONGEST_PAGE)
    """So many at most."""
    cursor: str | None = Field(default=None, max_length=100)
    """`next` of the page before."""


class Page(Frozen):
    """Predictions, the newest first."""

    items: Sequence[Logged]
    next: str | None
    """Asks for those that follow, as `cursor`; null at the end."""


class Recorded(Frozen):
    """What became of reported outcomes."""

    recorded: int
    """So many were written."""
    unknown: Sequence[str]
    """Predictions that the log does not have: pruned, erased, or never made here. The others were written."""


@router.get("/v1/{project}/history", tags=["history"])
@router.get("/history", tags=["history"])
@router.get("/history/", include_in_schema=False)
@router.get("/historical-predictions", tags=["history"])
def history(asked: Reads, wanted: Annotated[Wanted, Query()]) -> Page:
    """Logged predictions with their outcomes, newest first, page by page."""
    found = asked.service.log.page(
        asked.endpoint.name, _filter(asked.endpoint, wanted), before=_before(wanted.cursor), limit=wanted.limit + 1
    )
    more = len(found) > wanted.limit
    items = [_as_contract(line, asked.endpoint) for line in found[: wanted.limit]]
    return Page(items=items, next=_cursor(items[-1].id) if more else None)


@router.get("/v1/{project}/history/{id}", tags=["history"])
@router.get("/history/{id}", tags=["history"])
def one(asked: Reads, id: str) -> Logged:  # noqa: A002 - the path's name
    """One logged prediction with its outcome."""
    return _as_contract(logged(asked.service.log, asked.endpoint, id), asked.endpoint)


def _as_contract(line: Logged, endpoint: Endpoint) -> Logged:
    """A line with its outcome as the contract writes it, as its prediction is: the log has classes as text."""
    if not isinstance(line.outcome, str):
        return line
    column = endpoint.project.contract.columns[endpoint.project.target]
    written: Mapping[str, Any] = {canonical_text(value): value for value in column.values or ()}
    if column.type == "bool":
        written = {"true": True, "false": False}
    return line.model_copy(update={"outcome": written.get(line.outcome, line.outcome)})


def logged(log: Any, endpoint: Endpoint, id: str) -> Logged:  # noqa: A002 - the field's name
    """A line of the log.

    Raises:
        Problem: there is none.
    """
    found: Logged | None = log.get(endpoint.name, id) if UUID.fullmatch(id) else None
    if found is None:
        raise Problem(404, f"{endpoint.name} has no prediction {id[:80]!r}")
    return found


@router.post("/v1/{project}/outcomes", tags=["outcomes"], openapi_extra=body("Outcomes"))
@router.post("/outcomes", tags=["outcomes"], openapi_extra=body("Outcomes"))
def outcomes(asked: Feeds, sent: Body) -> Recorded:
    """Report what really happened: one object, or an array of many. A later report corrects an earlier one.

    A single unknown prediction is a 404; of many, those that are unknown are listed, and the others are written.
    """
    endpoint = asked.endpoint
    single = isinstance(sent, dict)
    many = [sent] if single else sent
    if not isinstance(many, list) or not many:
        raise Problem(422, "the body must be an object (one outcome) or a non-empty array of objects (many)")
    few_enough(len(many), asked.service.settings.max_rows)
    values = _values(endpoint, many, single=single)
    at = time.time_ns() // 1000
    unknown = asked.service.log.add_outcomes(
        [
            Outcome(endpoint.name, item["prediction_id"], to_json(value).decode(), at + place, asked.key)
            for place, (item, value) in enumerate(zip(many, values, strict=True))
        ]
    )
    if single and unknown:
        raise Problem(404, f"{endpoint.name} has no prediction {unknown[0]}")
    gone = set(unknown)
    return Recorded(recorded=sum(item["prediction_id"] not in gone for item in many), unknown=unknown)


def _values(endpoint: Endpoint, many: Sequence[Any], *, single: bool) -> Sequence[Any]:
    """The outcomes in the target's type, classes as text.

    Raises:
        Problem: a report is not one, or a value breaks the contract.
    """
    target = endpoint.project.target
    column = endpoint.project.contract.columns[target]
    errors = [error for place, item in enumerate(many) for error in _malformed(item, "" if single else f"/{place}")]
    if errors:
        raise Problem(422, f"{len(errors)} parts of the request are no outcomes", errors=errors[:100])
    read = Decoder({target: column}, frozenset({target})).decode([{target: item["value"]} for item in many])
    told = [finding for finding in read.findings if not _let_through(endpoint, finding)]
    if told:
        places = [{"pointer": f"{'' if single else f'/{f.row}'}/value", "reason": f.reason, "detail": f.message}
                  for f in told[:100]]  # fmt: skip
        raise Problem(422, f"{len(told)} outcomes break the contract of {target}", errors=places)
    return [_written(value, column) for value in read.columns[target]]


def _written(value: Any, column: Column) -> Any:
    return canonical_text(value) if column.type in ("category", "bool") else value


def _let_through(endpoint: Endpoint, finding: Finding) -> bool:
    return finding.is_range and endpoint.project.serve.out_of_range == "warn" and endpoint.project.task == "regression"


def _malformed(item: Any, at: str) -> Sequence[dict[str, str]]:
    if not isinstance(item, dict):
        return [{"pointer": at, "reason": "type", "detail": "must be an object with prediction_id and value"}]
    found = [
        {"pointer": f"{at}/{name}", "reason": "missing", "detail": "is needed"}
        for name in ("prediction_id", "value")
        if name not in item
    ]
    if len(item) > 2 - len(found):
        found.append({"pointer": at, "reason": "unknown", "detail": "only prediction_id and value are known"})
    id = item.get("prediction_id", "")  # noqa: A001 - the field's name
    if "prediction_id" in item and not (isinstance(id, str) and UUID.fullmatch(id)):
        found.append({"pointer": f"{at}/prediction_id", "reason": "type", "detail": "is not the id of a prediction"})
    return found


def _filter(endpoint: Endpoint, wanted: Wanted) -> LogFilter:
    entity = None
    if wanted.entity:
        key = endpoint.privacy.key
        if len(key) != len(wanted.entity):
            say = f"the contract's key has {len(key)} columns ({', '.join(key) or 'none'})"
            error = {"parameter": "entity", "reason": "count", "detail": f"{say}, not {len(wanted.entity)}"}
            raise Problem(422, f"{say}: give one entity= for each", errors=[error])
        entity = endpoint.privacy.entity(dict(zip(key, wanted.entity, strict=True)))
    return LogFilter(
        since=wanted.since,
        until=wanted.until,
        version=wanted.version,
        role=wanted.role,
        key=wanted.key,
        request=wanted.request_id,
        entity=entity,
        labelled=wanted.labelled,
    )


def _cursor(id: str) -> str:  # noqa: A002 - the field's name
    return base64.urlsafe_b64encode(id.encode()).decode().rstrip("=")


def _before(cursor: str | None) -> str | None:
    """The id that a cursor stands for.

    Raises:
        Problem: it stands for none.
    """
    if cursor is None:
        return None
    try:
        id = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")  # noqa: A001
    except (binascii.Error, ValueError):
        id = ""  # noqa: A001 - the field's name
    if not UUID.fullmatch(id):
        error = {"parameter": "cursor", "reason": "unknown", "detail": "must be `next` of a page before"}
        raise Problem(422, "the cursor is none of ours", errors=[error])
    return id
