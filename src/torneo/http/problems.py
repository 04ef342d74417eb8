"""Errors as clients see them: problem details (RFC 9457), with a JSON Pointer (RFC 6901) to each wrong value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic_core import to_json

from torneo.serving.inputs import NO_ANSWER, Finding

MOST = 100
"""So many wrong values of one request are told."""
TYPE = (b"content-type", b"application/problem+json")


class Problem(Exception):  # noqa: N818 - the standard's word
    """What a client is told instead of an answer."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})

    def body(self, request: str, **more: str) -> bytes:
        """The problem as JSON.

        >>> Problem(409, "it exists").body("r1").decode()
        '{"type":"about:blank","title":"Conflict","status":409,"detail":"it exists","request_id":"r1"}'
        """
        told: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "request_id": request,
            **more,
        }
        return to_json(told | ({"errors": list(self.errors)} if self.errors else {}))


def also_as_error(path: str, problem: Problem) -> dict[str, str]:
    """What a problem also says at a path: clients of the Open Inference Protocol look for it under `error`.

    >>> also_as_error("/v2/models/a/infer", Problem(409, "it exists"))
    {'error': 'it exists'}
    """
    return {"error": problem.detail} if path.startswith("/v2") else {}


def invalid_rows(findings: Sequence[Finding], *, single: bool) -> Problem:
    """The problem that rows break the contract, each value with its place in the body."""
    errors = [
        {
            "pointer": _pointer(finding, single=single),
            "reason": finding.reason,
            "detail": finding.message,
        }
        for finding in findings[:MOST]
    ]
    count = len(findings)
    told = f"{count} value{'s' * (count > 1)} of the request break{'s' * (count == 1)} the contract"
    return Problem(422, told + (f"; the first {MOST} are listed" if count > MOST else ""), errors=errors)


def _pointer(finding: Finding, *, single: bool) -> str:
    """Where a value stands in the body; the whole row if the finding is of no one column."""
    row = "" if single else f"/{finding.row}"
    return row if finding.reason == NO_ANSWER else f"{row}/{escaped(finding.column)}"


def escaped(name: str) -> str:
    """A name as a part of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")
