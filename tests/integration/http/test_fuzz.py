"""Whatever is sent, the server neither fails nor says something that is no JSON."""

from __future__ import annotations

import json
import logging
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surface import ROW, Served, serve, trained
from torneo.spec.settings import ServeSettings
from torneo.stores.prediction_log import open_prediction_log

ID = "01a1fe97-1044-7347-a066-9d91beb54e2d"
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**400, 1e308, -0.0, 1e39]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(
        ["", " ", "red", "2026-03-01", "9999-12-31", "0001-01-01T00:00:00+23:59", "\x00", "NaN", ID, "FP64"]
    ),
)
NAMES = st.one_of(
    st.sampled_from(
        [
            *(*ROW, "a/b", "~", "", "\x00", "prediction_id", "value", "id", "inputs", "outputs", "instances", "params"),
            *("dataframe_split", "dataframe_records", "columns", "data", "index", "name", "shape", "datatype"),
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
ANY = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6), max_leaves=12
)
CELLS = st.one_of(ANY, st.sampled_from(list(ROW.values())))
ROWS = st.builds(lambda changed: {**ROW, **changed}, st.dictionaries(NAMES, CELLS, max_size=3))
TENSORS = st.lists(
    st.fixed_dictionaries(
        {
            "name": NAMES,
            "shape": st.lists(st.integers(-1, 3), max_size=3) | ANY,
            "datatype": st.sampled_from(["FP64", "BYTES", "INT64", "BOOL", "X"]),
            "data": st.lists(CELLS, max_size=3) | ANY,
        }
    ),
    max_size=3,
)
TABLES = st.fixed_dictionaries(
    {"columns": st.lists(NAMES, max_size=3) | ANY, "data": st.lists(st.lists(CELLS, max_size=3), max_size=2) | ANY}
)
INFER = "/v2/models/small/infer"
BODIES = {
    "/predict": ROWS | st.lists(ROWS, max_size=3) | ANY,
    "/explain": ROWS | ANY,
    "/outcomes": st.lists(st.fixed_dictionaries({"prediction_id": SCALARS, "value": CELLS}), max_size=3) | ANY,
    "/invocations": st.one_of(
        ANY,
        st.fixed_dictionaries({"dataframe_split": TABLES}),
        st.builds(lambda rows, form: {form: rows}, st.lists(ROWS, max_size=2) | ANY,
                  st.sampled_from(["instances", "inputs", "dataframe_records"])),
    ),
    INFER: ANY | st.fixed_dictionaries({"inputs": TENSORS}, optional={"id": SCALARS, "outputs": ANY}),
}  # fmt: skip
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["v1", "v2", "small", "models", "history", "versions", "infer", "explain", "predict", ID, "..", ""]
)
PARAMETERS = ("since", "until", "version", "role", "request_id", "key", "labelled", "entity", "limit", "cursor", "x")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    log = open_prediction_log(tmp_path_factory.mktemp("log") / "predictions.db")
    logging.getLogger("torneo.http").setLevel(logging.CRITICAL)
    with serve(trained(), log=log, settings=ServeSettings(max_rows=50)) as found:
        yield found


def _holds(answer: Any, sent: object) -> None:
    assert answer.status_code < 500, f"{answer.status_code} for {sent!r}: {answer.text[:500]}"
    told = answer.json()
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert told["status"] == answer.status_code
        assert len(answer.content) < 100_000, "a problem is bounded"


@pytest.mark.parametrize("path", BODIES)
@settings(max_examples=75, deadline=None)
@given(data=st.data())
def test_no_body_makes_the_server_fail(served: Served, path: str, data: st.DataObject) -> None:
    sent = data.draw(BODIES[path])
    body = json.dumps(sent)
    _holds(served.client.post(path, content=body.encode(), headers={"content-type": "application/json"}), body)


@settings(max_examples=50, deadline=None)
@given(body=st.binary(max_size=200), kind=st.sampled_from(["application/json", "text/csv", "text/csv; charset=x"]))
@pytest.mark.parametrize("path", BODIES)
def test_no_bytes_make_the_server_fail(served: Served, path: str, body: bytes, kind: str) -> None:
    _holds(served.client.post(path, content=body, headers={"content-type": kind}), body)


@settings(max_examples=50, deadline=None)
@given(cells=st.lists(st.lists(SCALARS.map(str), max_size=6), max_size=3))
def test_no_csv_makes_the_server_fail(served: Served, cells: list[list[str]]) -> None:
    body = "\n".join([",".join(ROW), *(",".join(row) for row in cells)])
    _holds(served.client.post("/invocations", content=body.encode(), headers={"content-type": "text/csv"}), body)


@settings(max_examples=100, deadline=None)
@given(asked=st.lists(st.tuples(st.sampled_from(PARAMETERS), SCALARS.map(str)), max_size=4))
def test_no_question_makes_the_history_fail(served: Served, asked: list[tuple[str, str]]) -> None:
    _holds(served.client.get("/history", params=asked), asked)


@settings(max_examples=50, deadline=None)
@given(parts=st.lists(WORDS, max_size=6))
def test_no_path_makes_the_server_fail(served: Served, parts: list[str]) -> None:
    path = "/" + "/".join(urllib.parse.quote(part, safe="") for part in parts)
    for method in ("GET", "POST"):
        answer = served.client.request(method, path)
        assert answer.status_code < 500, path


@settings(max_examples=50, deadline=None)
@given(name=st.sampled_from(["x-api-key", "authorization", "content-length", "content-type", "x-request-id",
                             "idempotency-key", "torneo-subject", "inference-header-content-length", "origin"]),
       value=st.binary(max_size=40).filter(lambda value: not set(value) & set(b"\r\n\x00")))  # fmt: skip
def test_no_header_makes_the_server_fail(served: Served, name: str, value: bytes) -> None:
    for path in ("/predict", "/explain", "/invocations", "/v2/models/small/infer"):
        headers: Any = {"content-type": b"application/json", name: value}
        _holds(served.client.post(path, content=json.dumps(ROW).encode(), headers=headers), (name, value))
