"""`POST …/predict`: answers, idempotency keys, and what is counted."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from served import FailingLog
from surface import ROW, Served, serve, trained, versions
from torneo.errors import UnavailableError
from torneo.ports import LogFilter
from torneo.serving.traffic import Traffic
from torneo.spec.settings import ServeSettings


def lines(served: Served) -> list[Any]:
    return list(served.service.log.page("small", LogFilter(), limit=10_000))


def counted(served: Served, name: str) -> dict[str, float]:
    """The values of a metric by their labels."""
    text = served.client.get("/metrics").text
    return {labels: float(value) for labels, value in re.findall(rf"^{name}_total{{(.*)}} (\S+)$", text, re.M)}


def test_one_row_and_many_are_answered_in_kind() -> None:
    with serve(trained()) as served:
        one = served.client.post("/predict", json=ROW).json()
        many = served.client.post("/predict", json=[ROW, {**ROW, "a": -1}]).json()
    assert set(one) == {"prediction", "interval", "prediction_id", "version", "role", "model", "request_id"}
    assert many["predictions"][0]["prediction"] == pytest.approx(one["prediction"], rel=1e-6)
    assert many["predictions"][1]["prediction"] != one["prediction"]
    assert (many["model"], set(many)) == ("small", {"model", "request_id", "predictions"})


@pytest.mark.parametrize("count", [1, 2, 127, 128, 129, 1000])
def test_however_many_rows_there_are_each_is_answered_in_its_place_and_logged(count: int) -> None:
    rows = [{**ROW, "id": number, "a": number / 1000} for number in range(count)]
    with serve(trained()) as served:
        answers = served.client.post("/predict", json=rows).json()["predictions"]
        first = served.client.post("/predict", json=rows[-1]).json()
        found = {line.id: line for line in lines(served)}
    assert len(answers) == count
    assert answers[-1]["prediction"] == pytest.approx(first["prediction"], rel=1e-6)
    assert [found[answer["prediction_id"]].inputs["id"] for answer in answers] == list(range(count))


@pytest.mark.parametrize("mode", ["group", "sync", "async"])
def test_an_idempotency_key_has_one_answer(mode: Any) -> None:
    with serve(trained(), settings=ServeSettings(log=mode)) as served:
        first = served.client.post("/predict", json=ROW, headers={"Idempotency-Key": "k"})
        again = served.client.post("/predict", json=ROW, headers={"Idempotency-Key": "k"})
        other = served.client.post("/predict", json={**ROW, "a": 0}, headers={"Idempotency-Key": "k"})
        assert (first.status_code, again.status_code, other.status_code) == (200, 200, 422)
        assert again.content == first.content
        assert again.headers["x-request-id"] != first.headers["x-request-id"]
        assert len(lines(served)) == 1


def test_many_at_once_under_one_idempotency_key_get_one_answer() -> None:
    with serve(trained()) as served, ThreadPoolExecutor(8) as pool:
        headers = {"Idempotency-Key": "k", "X-Request-ID": "of-a-retry"}
        replies = list(pool.map(lambda _: served.client.post("/predict", json=ROW, headers=headers), range(24)))
        assert {reply.status_code for reply in replies} == {200}
        assert len({reply.content for reply in replies}) == 1
        assert [line.id for line in lines(served)] == [replies[0].json()["prediction_id"]]


def test_what_shares_an_id_with_a_replay_is_logged() -> None:
    with serve(trained()) as served, ThreadPoolExecutor(8) as pool:
        assert served.client.post("/predict", json=ROW, headers={"Idempotency-Key": "k"}).status_code == 200

        def ask(number: int) -> Any:
            key = {"Idempotency-Key": "k"} if number % 2 else {}
            return served.client.post("/predict", json=ROW, headers={"X-Request-ID": "mine", **key}).json()

        answered = [answer["prediction_id"] for answer in pool.map(ask, range(40)) if answer["request_id"] == "mine"]
        assert len(answered) == 20
        assert set(answered) <= {line.id for line in lines(served)}


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "ä".encode()])
def test_a_key_that_is_none_is_refused_and_not_ignored(key: Any) -> None:
    with serve(trained()) as served:
        reply = served.client.post("/predict", json=ROW, headers={"Idempotency-Key": key})
        assert reply.status_code == 400
        assert lines(served) == []


def test_an_idempotency_key_of_a_request_that_was_refused_is_free() -> None:
    with serve(trained()) as served:
        bad = served.client.post("/predict", json={**ROW, "a": "x"}, headers={"Idempotency-Key": "k"})
        good = served.client.post("/predict", json=ROW, headers={"Idempotency-Key": "k"})
    assert (bad.status_code, good.status_code) == (422, 200)


def test_a_log_that_is_down_is_told_and_nothing_is_answered() -> None:
    log = FailingLog()
    with serve(trained(), log=log) as served:
        log.failure = UnavailableError("the disk is full")
        for headers in ({}, {"Idempotency-Key": "k"}):
            reply = served.client.post("/predict", json=ROW, headers=headers)
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
            assert "prediction_id" not in reply.text
        log.failure = None
        assert served.client.post("/predict", json=ROW).status_code == 200
        assert len(lines(served)) == 1


def test_rows_are_counted_by_the_version_that_answered() -> None:
    context = trained()
    _, other = versions(context)
    with serve(context, traffic=Traffic(challenger=other, share=0.5)) as served:
        answers = served.client.post("/predict", json=[{**ROW, "id": n} for n in range(50)]).json()["predictions"]
        found = counted(served, "torneo_predictions")
    by = Counter((answer["version"], answer["role"]) for answer in answers)
    assert {role for _, role in by} == {"champion", "challenger"}
    for (version, role), count in by.items():
        assert found[f'project="small",role="{role}",version="{version}"'] == count


def test_a_value_that_breaks_the_contract_is_counted_by_its_reason() -> None:
    with serve(trained()) as served:
        served.client.post("/predict", json=[{**ROW, "a": "x"}] * 3 + [{**ROW, "more": 1}])
        found = counted(served, "torneo_refused_values")
    assert found == {'project="small",reason="invalid_a"': 3, 'project="small",reason="unknown_column"': 1}


def test_the_shadow_is_logged_and_one_that_fails_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    context = trained()
    _, other = versions(context)
    with serve(context, traffic=Traffic(shadow=other)) as served:
        first = served.client.post("/predict", json=ROW).json()
        served.service._shadows.submit(lambda: None).result(5)  # what was to be shadowed has been
        served.client.post("/predict", json=ROW)
        served.service._shadows.submit(lambda: None).result(5)
        [line] = [line for line in lines(served) if line.role == "shadow" and line.of == first["prediction_id"]]
        assert line.version == other.number
        lineup = served.service.endpoints["small"].lineup
        assert lineup is not None
        assert lineup.shadow is not None
        monkeypatch.setattr(type(lineup.shadow.scorer), "score", _fails(lineup.shadow.scorer))
        for _ in range(100):
            assert served.client.post("/predict", json=ROW).status_code == 200
        served.service._shadows.submit(lambda: None).result(5)
        assert counted(served, "torneo_shadow_left_out")['project="small"'] == 100
        assert served.service._room.acquire(blocking=False), "a failing shadow takes the room of others"


def _fails(scorer: Any) -> Any:
    score = type(scorer).score

    def fails(self: Any, columns: Any) -> Any:
        if self is scorer:
            raise ZeroDivisionError("a mistake")
        return score(self, columns)

    return fails
