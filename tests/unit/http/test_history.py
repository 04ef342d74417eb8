"""Logged predictions, and what is reported of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from surface import ROW, Served, serve, trained

UNKNOWN = "01a1fe97-1044-7347-a066-9d91beb54e2d"


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(trained()) as found:
        yield found


def _predict(served: Served, rows: int = 1, **parts: object) -> list[str]:
    sent = [{**ROW, "id": number, **parts} for number in range(rows)]
    answer = served.client.post("/predict", json=sent)
    assert answer.status_code == 200, answer.text
    return [each["prediction_id"] for each in answer.json()["predictions"]]


def test_what_was_answered_is_found_newest_first_page_by_page(served: Served) -> None:
    made = [id_ for _ in range(7) for id_ in _predict(served)]
    found: list[str] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        page = served.client.get("/history/", params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        found += [item["id"] for item in page["items"]]
        cursor, pages = page["next"], pages + 1
    assert found == made[::-1]
    assert pages == 3


def test_a_page_that_ends_with_the_log_has_no_next(served: Served) -> None:
    _predict(served, 2)
    assert served.client.get("/history?limit=2").json()["next"] is None


def test_one_line_says_all_of_it(served: Served) -> None:
    [made] = _predict(served)
    line = served.client.get(f"/history/{made}").json()
    assert line["inputs"] == {**ROW, "id": 0}
    assert line["output"]["prediction"] == pytest.approx(served.client.post("/predict", json=ROW).json()["prediction"])
    assert (line["version"], line["role"], line["outcome"]) == (1, "champion", None)
    assert line == served.client.get(f"/v1/small/history/{made}").json()


@pytest.mark.parametrize("name", [UNKNOWN, "nonsense", "%00", UNKNOWN.upper()])
def test_a_prediction_that_is_not_there_is_a_404(served: Served, name: str) -> None:
    assert served.client.get(f"/history/{name}").status_code == 404


def test_filters_find_what_they_say(served: Served) -> None:
    first, second = _predict(served, 2)
    line = served.client.get(f"/history/{first}").json()
    served.client.post("/outcomes", json={"prediction_id": first, "value": 1.5})

    def ids(**parameters: object) -> set[str]:
        answer = served.client.get("/history", params=parameters)
        assert answer.status_code == 200, answer.text
        return {item["id"] for item in answer.json()["items"]}

    assert ids(labelled=True) == {first}
    assert ids(labelled=False) == {second}
    assert ids(request_id=line["request"]) == {first, second}
    assert ids(request_id="another") == set()
    assert ids(version=1, role="champion") == {first, second}
    assert ids(version=2) == ids(role="shadow") == set()
    assert ids(entity="1") == {second}
    assert ids(since=line["time"]) == {first, second}
    assert ids(until="2020-01-01") == ids(since="2100-01-01T00:00:00+02:00") == set()


@pytest.mark.parametrize(
    "asked",
    [
        "limit=0", "limit=1001", "version=0", "version=99999999999999999999", "role=king", "cursor=%00", "cursor=YWJj",
        "entity=1&entity=2", "since=yesterday", "until=0001-01-01T00:00:00%2B23:59x", "request_id=%00", "labelled=7",
        "limit=ten", "colour=red",
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_a_problem_that_names_the_parameter(served: Served, asked: str) -> None:
    answer = served.client.get(f"/history?{asked}")
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["parameter"] == asked.partition("=")[0]


def test_an_outcome_is_recorded_and_corrected(served: Served) -> None:
    [made] = _predict(served)
    for value in (1.5, 2, -3.25):
        answer = served.client.post("/outcomes", json={"prediction_id": made, "value": value})
        assert answer.json() == {"recorded": 1, "unknown": []}
        assert served.client.get(f"/history/{made}").json()["outcome"] == value


def test_of_the_same_prediction_in_one_report_the_last_outcome_stands(served: Served) -> None:
    [made] = _predict(served)
    sent = [{"prediction_id": made, "value": value} for value in (3, 1, 2)]
    assert served.client.post("/outcomes", json=sent).json()["recorded"] == 3
    assert served.client.get(f"/history/{made}").json()["outcome"] == 2


def test_unknown_predictions_are_a_404_alone_and_listed_among_others(served: Served) -> None:
    [made] = _predict(served)
    assert served.client.post("/outcomes", json={"prediction_id": UNKNOWN, "value": 1}).status_code == 404
    answer = served.client.post("/outcomes", json=[{"prediction_id": each, "value": 1} for each in (UNKNOWN, made)])
    assert (answer.status_code, answer.json()) == (200, {"recorded": 1, "unknown": [UNKNOWN]})


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"prediction_id": UNKNOWN, "value": "much"}, "/value"),
        ({"prediction_id": UNKNOWN, "value": None}, "/value"),
        ({"prediction_id": UNKNOWN}, "/value"),
        ({"prediction_id": 7, "value": 1}, "/prediction_id"),
        ({"prediction_id": UNKNOWN, "value": 1, "more": 2}, ""),
        ([{"prediction_id": UNKNOWN, "value": 1}, {"prediction_id": UNKNOWN, "value": [1]}], "/1/value"),
        ([{"prediction_id": UNKNOWN, "value": 1}, 7], "/1"),
        ([{"prediction_id": UNKNOWN, "value": 1}, {"prediction_id": "x", "value": 1}], "/1/prediction_id"),
    ],
)
def test_what_is_no_outcome_is_pointed_at(served: Served, sent: object, pointer: str) -> None:
    answer = served.client.post("/outcomes", json=sent)
    assert answer.status_code == 422, answer.text
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}


@pytest.mark.parametrize("sent", [[], 7, None, "text"])
def test_a_report_is_an_object_or_an_array(served: Served, sent: object) -> None:
    assert served.client.post("/outcomes", content=b"null" if sent is None else None, json=sent,
                              headers={"content-type": "application/json"}).status_code == 422  # fmt: skip


def test_classes_are_checked_against_the_contract() -> None:
    with serve(trained(classes=True)) as served:
        [made] = _predict(served)
        assert served.client.post("/outcomes", json={"prediction_id": made, "value": 1}).status_code == 200
        line = served.client.get(f"/history/{made}").json()
        assert line["outcome"] == 1, "it is written as the prediction is"
        assert type(line["outcome"]) is type(line["output"]["prediction"])
        assert served.client.get("/history").json()["items"][0] == line
        answer = served.client.post("/outcomes", json={"prediction_id": made, "value": 2})
        assert (answer.status_code, answer.json()["errors"][0]["reason"]) == (422, "unknown_y")
