"""Problems: what a client reads of a mistake, and where it points."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.http.problems import MOST, Problem, invalid_rows
from torneo.serving.inputs import NO_ANSWER, Finding


def resolve(document: Any, pointer: str) -> Any:
    """What a JSON Pointer (RFC 6901) points at."""
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


@given(names=st.lists(st.text(), min_size=1, max_size=5, unique=True), single=st.booleans(), place=st.integers(0, 2))
def test_pointers_lead_to_the_value_whatever_the_column_is_called(names: list[str], single: bool, place: int) -> None:
    row = {name: f"the value of {name}" for name in names}
    body: Any = row if single else [{}] * place + [row]
    findings = [Finding(0 if single else place, name, "invalid", "wrong") for name in names]
    told = json.loads(invalid_rows(findings, single=single).body("r"))
    assert [resolve(body, error["pointer"]) for error in told["errors"]] == list(row.values())


@pytest.mark.parametrize(("single", "pointer"), [(True, ""), (False, "/3")])
def test_a_finding_of_a_whole_row_points_at_the_row(single: bool, pointer: str) -> None:
    [error] = invalid_rows([Finding(3, "", NO_ANSWER, "no answer")], single=single).errors
    assert error["pointer"] == pointer


def test_the_number_of_mistakes_is_told_and_the_first_are_listed() -> None:
    one = invalid_rows([Finding(0, "a", "invalid_a", "wrong")], single=True)
    assert (one.status, one.detail) == (422, "1 value of the request breaks the contract")
    findings = [Finding(row, "a", "invalid_a", "wrong") for row in range(MOST + 1)]
    many = invalid_rows(findings, single=False)
    assert many.detail == f"{MOST + 1} values of the request break the contract; the first {MOST} are listed"
    assert len(many.errors) == MOST


def test_a_problem_has_the_standard_s_members() -> None:
    told = json.loads(Problem(429, "too many").body("r1"))
    assert told == {
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "too many",
        "request_id": "r1",
    }
