"""Explanations over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from surface import ROW, Served, serve, trained, versions
from torneo.bundle.explain import UnexplainableError
from torneo.http import routes_explain
from torneo.serving.traffic import Traffic


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(trained()) as found:
        yield found


def _adds_up(found: Any) -> bool:
    return found["base"] + sum(found["values"].values()) == pytest.approx(found["output"], abs=1e-4)


def test_values_add_up_to_the_answer_and_the_method_is_said(served: Served) -> None:
    found = served.client.post("/explain", json=ROW).json()
    assert found["output"] == served.client.post("/predict", json=ROW).json()["prediction"]
    assert _adds_up(found)
    assert set(found["values"]) <= set(ROW)
    assert found["method"] in ("exact", "permutation")
    assert (found["model"], found["version"]) == ("small", 1)


def test_many_are_explained_in_their_order(served: Served) -> None:
    rows = [{**ROW, "a": number / 10} for number in range(3)]
    found = served.client.post("/explain", json=rows).json()["explanations"]
    assert [each["output"] for each in found] == sorted(each["output"] for each in found)
    assert found[1] == served.client.post("/explain", json=rows[1]).json()


def test_a_logged_prediction_is_explained_by_the_version_that_made_it(served: Served) -> None:
    made = served.client.post("/predict", json=ROW).json()
    found = served.client.get(f"/history/{made['prediction_id']}/explain").json()
    assert found["output"] == made["prediction"]
    assert _adds_up(found)


def test_a_version_that_serves_no_more_explains_nothing() -> None:
    other = versions(trained())[1]
    with serve(trained(), traffic=Traffic(challenger=other, share=1.0)) as served:
        made = served.client.post("/predict", json=ROW).json()
        assert (made["version"], made["role"]) == (other.number, "challenger")
        path = f"/history/{made['prediction_id']}/explain"
        assert served.client.get(path).json()["version"] == other.number
        [endpoint] = served.service.endpoints.values()
        endpoint.lineup = type(endpoint.ready)(champion=endpoint.ready.champion)
        answer = served.client.get(path)
        assert (answer.status_code, "serves no more" in answer.json()["detail"]) == (409, True)


def test_personal_data_that_the_log_does_not_have_cannot_be_explained() -> None:
    columns = trained().project.contract.model_dump(exclude_unset=True)
    columns["columns"]["a"]["pii"] = "hash"
    with serve(trained(), project={"contract": columns}) as served:
        made = served.client.post("/predict", json=ROW).json()
        answer = served.client.get(f"/history/{made['prediction_id']}/explain")
        assert (answer.status_code, answer.json()["detail"].endswith("reads: a")) == (409, True)


def test_wrong_rows_are_pointed_at(served: Served) -> None:
    answer = served.client.post("/explain", json=[ROW, {**ROW, "b": "x"}])
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/1/b")


def test_too_many_rows_are_refused(served: Served) -> None:
    assert served.client.post("/explain", json=[ROW] * (routes_explain.MOST + 1)).status_code == 413


def test_time_and_waiting_are_bounded(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes_explain, "WAITING", 0)
    answer = served.client.post("/explain", json=ROW)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    monkeypatch.undo()
    settings = served.service.settings
    served.service.settings = settings.model_copy(update={"timeout": 1e-9})
    try:
        answer = served.client.get("/history").json()["items"][0]["id"]
        slow = served.client.get(f"/history/{answer}/explain")
    finally:
        served.service.settings = settings
    assert (slow.status_code, "too long" in slow.json()["detail"]) == (503, True)


def test_only_what_is_meant_for_clients_is_told_them(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(error: Exception) -> Any:
        def explain(*_: Any) -> Any:
            raise error

        return explain

    monkeypatch.setattr(routes_explain, "explain", fails(UnexplainableError("no background rows")))
    answer = served.client.post("/explain", json=ROW)
    assert (answer.status_code, answer.json()["detail"]) == (422, "this cannot be explained: no background rows")
    monkeypatch.setattr(routes_explain, "explain", fails(ValueError("features.py: the salary 12345 is odd")))
    with pytest.raises(ValueError, match="12345"):  # a 500: the server's log has it
        served.client.post("/explain", json=ROW)
