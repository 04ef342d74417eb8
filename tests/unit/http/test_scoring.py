"""`/ping` and `/invocations`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from surface import ROW, Served, serve, trained
from torneo.http.tables import csv_table
from torneo.spec.columns import Column

COLUMNS = list(ROW)
VALUES = list(ROW.values())
SPLIT = "/dataframe_split"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(trained()) as found:
        yield found


def _post(served: Served, body: str, kind: str = "application/json") -> Any:
    return served.client.post("/invocations", content=body.encode(), headers={"content-type": kind})


def _csv(*rows: list[Any], columns: list[str] = COLUMNS) -> str:
    return "\r\n".join(",".join(map(str, row)) for row in (columns, *rows)) + "\r\n"


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": COLUMNS, "data": [VALUES], "index": [0]}},
        {"dataframe_split": {"columns": COLUMNS, "data": [VALUES]}, "params": {}},
        {"dataframe_records": [ROW]},
        {"instances": [ROW]},
        {"inputs": [ROW]},
        {"inputs": {name: [value] for name, value in ROW.items()}},
        {"inputs": {name: [[value]] for name, value in ROW.items()}},
        {"inputs": ROW},
    ],
)
def test_every_form_gets_the_answer_of_predict(served: Served, body: dict[str, Any]) -> None:
    answer = _post(served, json.dumps(body))
    assert answer.status_code == 200, answer.text
    told = served.client.post("/predict", json=ROW).json()["prediction"]
    assert answer.json()["predictions"] == [{"prediction": told}]
    [made] = answer.json()["prediction_ids"]
    assert served.client.get(f"/history/{made}").json()["output"]["prediction"] == told


def test_rows_without_names_are_what_the_model_reads_in_its_order(served: Served) -> None:
    [endpoint] = served.service.endpoints.values()
    names = endpoint.ready.champion.scorer.columns
    answer = _post(served, json.dumps({"instances": [[ROW[name] for name in names]]}))
    told = served.client.post("/predict", json=ROW).json()["prediction"]
    assert answer.json()["predictions"] == [{"prediction": told}]
    assert _post(served, json.dumps({"instances": [[1.0]]})).status_code == 400


def test_csv_is_read_in_the_contracts_types(served: Served) -> None:
    answer = _post(served, _csv(VALUES, VALUES), "text/csv; charset=utf-8")
    told = served.client.post("/predict", json=ROW).json()["prediction"]
    assert answer.json()["predictions"] == [{"prediction": told}] * 2


@pytest.mark.parametrize("text", ["NA", "", " null "])
def test_csv_says_that_a_value_is_missing_as_a_file_does(served: Served, text: str) -> None:
    missing = served.client.post("/predict", json={**ROW, "a": None}).json()["prediction"]
    answer = _post(served, _csv([*VALUES[:3], text, *VALUES[4:]]), "text/csv")
    assert answer.json()["predictions"] == [{"prediction": missing}]


def test_csv_is_read_as_the_projects_source_is() -> None:
    with serve(trained(), project={"source": {"uri": "data.csv", "nulls": ["?", "-7"]}}) as served:
        missing = served.client.post("/predict", json={**ROW, "a": None}).json()["prediction"]
        for text in ("?", "-7"):
            answer = _post(served, _csv([*VALUES[:3], text, *VALUES[4:]]), "text/csv")
            assert answer.json()["predictions"] == [{"prediction": missing}]
        assert _post(served, _csv([*VALUES[:3], "NA", *VALUES[4:]]), "text/csv").status_code == 422


def test_csv_may_have_the_headers_of_the_source() -> None:
    known = {"a": Column(type="float", header="The A"), "b": Column(type="float")}
    table = csv_table(b"The A,b,c\n1,2,x\n", known, 3, dict)
    assert list(table.rows) == [{"a": "1", "b": "2", "c": "x"}]


def test_classes_are_answered_as_the_registered_model_does() -> None:
    with serve(trained(classes=True)) as served:
        [prediction] = _post(served, _csv(VALUES), "text/csv").json()["predictions"]
        assert prediction["prediction"] in ("0", "1")
        assert prediction["probability_0"] + prediction["probability_1"] == pytest.approx(1)


def test_nan_is_a_missing_value(served: Served) -> None:
    body = json.dumps({"dataframe_records": [{**ROW, "a": float("nan")}]})
    assert "NaN" in body
    missing = served.client.post("/predict", json={**ROW, "a": None}).json()["prediction"]
    assert _post(served, body).json()["predictions"] == [{"prediction": missing}]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"dataframe_split": {"columns": COLUMNS, "data": [VALUES, [*VALUES[:-1], "blue"]]}}, SPLIT + "/data/1/5"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1]]}}, SPLIT + "/columns"),
        ({"dataframe_records": [{**ROW, "b": "x"}]}, "/dataframe_records/0/b"),
        ({"inputs": {**{name: [value] for name, value in ROW.items()}, "b": ["x"]}}, "/inputs/b/0"),
        ({"instances": [7]}, "/instances"),
        ({"inputs": {"a": [1], "b": [1, 2]}}, "/inputs"),
        ({"inputs": {"a": [1], "b": 1}}, "/inputs"),
        ({"dataframe_records": [[1]]}, "/dataframe_records"),
        ({"dataframe_split": {"columns": ["a", "a"], "data": []}}, "/dataframe_split"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, "/dataframe_split"),
        ({"dataframe_split": 7}, "/dataframe_split"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_pointed_at(served: Served, body: dict[str, Any], pointer: str) -> None:
    answer = _post(served, json.dumps(body))
    assert answer.status_code in (400, 422)
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}, answer.text


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{}", "application/json", 400),
        ("[]", "application/json", 400),
        ('{"instances": [], "inputs": []}', "application/json", 400),
        ('{"instances": [], "params": {"a": 1}}', "application/json", 400),
        ('{"instances": []}', "application/json", 422),
        ("", "text/csv", 422),
        (_csv(), "text/csv", 422),
        (_csv(VALUES, [1]), "text/csv", 400),
        (_csv(VALUES, columns=["a"] * 6), "text/csv", 400),
        ('a\n"x', "text/csv", 400),
        (_csv([*VALUES[:3], "1_0", *VALUES[4:]]), "text/csv", 422),
        (_csv([*VALUES[:3], "inf", *VALUES[4:]]), "text/csv", 422),
        (_csv([*VALUES[:3], "\u0661", *VALUES[4:]]), "text/csv", 422),
        ("<a/>", "application/xml", 415),
    ],
)
def test_what_is_no_table_is_refused(served: Served, body: str, kind: str, status: int) -> None:
    answer = _post(served, body, kind)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text


def test_a_row_without_an_answer_is_named(served: Served) -> None:
    [endpoint] = served.service.endpoints.values()
    names = endpoint.ready.champion.scorer.columns
    huge = {**ROW, "a": 3e38, "b": -3e38}
    for body in ({"instances": [[row[name] for name in names] for row in (ROW, huge)]}, {"inputs": [ROW, huge]}):
        answer = _post(served, json.dumps(body))
        assert answer.status_code == 422, answer.text
        [error] = answer.json()["errors"]
        assert (error["pointer"], error["detail"][:6]) == ("", "row 2:")


def test_ping_says_whether_the_server_is_ready(served: Served) -> None:
    assert served.client.get("/ping").status_code == 200
    served.service.writer.failure = "the disk is full"
    try:
        assert served.client.get("/ping").status_code == 503
        assert served.client.get("/readyz").json() == {"ready": False}
        assert served.client.get("/v2/health/ready").status_code == 503
        assert served.client.get("/readyz?verbose").json()["parts"]["log"] == "the disk is full"
        assert served.client.get("/livez").status_code == 200
    finally:
        served.service.writer.failure = None


def test_what_is_let_pass_is_told_by_row() -> None:
    with serve(trained(), project={"serve": {"out_of_range": "warn"}}) as served:
        told = _post(served, json.dumps({"instances": [ROW, {**ROW, "colour": "blue"}]})).json()
        first, second = told["warnings"]
        assert (first, second[0]["column"], second[0]["reason"]) == ([], "colour", "unknown_colour")
        assert "warnings" not in _post(served, json.dumps({"instances": [ROW]})).json()


def test_an_idempotency_key_has_one_answer(served: Served) -> None:
    def ask(path: str = "/invocations", **row: Any) -> Any:
        headers = {"Idempotency-Key": "a key", "X-Request-ID": "of-a-retry"}
        return served.client.post(path, json={"instances": [{**ROW, **row}]}, headers=headers)

    first, again = ask(), ask()
    assert (first.status_code, again.content) == (200, first.content)
    assert [ask(a=0).status_code, ask("/v1/small/invocations").status_code] == [422, 422]
    [made] = first.json()["prediction_ids"]
    assert served.client.get(f"/history/{made}").status_code == 200
    assert first.headers["x-request-id"] != again.headers["x-request-id"] != "of-a-retry"
    wrong = served.client.post("/invocations", json={"instances": [ROW]}, headers={"Idempotency-Key": "é".encode()})
    assert wrong.status_code == 400
