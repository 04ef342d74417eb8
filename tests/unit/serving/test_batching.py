"""Requests of one turn of the event loop are answered together, and none pays for another's mistake."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from served import ROW, Trained, call, serve
from torneo.serving.batching import MOST_ROWS, MicroBatcher
from torneo.serving.endpoint import Call, Endpoint, InvalidRowsError, Predicted, Row


def counted(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each question to the model is about, as they come."""
    asked: list[int] = []
    predict_all = Endpoint.predict_all

    def count(self: Endpoint, requests: Sequence[tuple[Sequence[Row], Call]]) -> Sequence[Predicted]:
        asked.append(sum(len(rows) for rows, _ in requests))
        return predict_all(self, requests)

    monkeypatch.setattr(Endpoint, "predict_all", count)
    return asked


def answers(endpoint: Endpoint, requests: Sequence[Sequence[Row]]) -> list[Any]:
    """What comes of requests that arrive at once: answers, or the error."""

    async def ask() -> list[Any]:
        batcher = MicroBatcher(endpoint)
        asked = [batcher.predict(rows, call(f"r{number}")) for number, rows in enumerate(requests)]
        return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(ask())


def rows(*values: float) -> list[dict[str, Any]]:
    return [{**ROW, "a": value} for value in values]


def test_each_request_gets_its_own_rows(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = serve(trained, tmp_path).endpoint
    requests = [rows(0.1), rows(0.2, 0.3), rows(0.4), rows(0.5, 0.6, 0.7)]
    alone = [endpoint.predict(request, call()) for request in requests]
    asked = counted(endpoint, monkeypatch)
    together = answers(endpoint, requests)
    assert asked == [7], "they were not answered together"
    for number, (one, other) in enumerate(zip(alone, together, strict=True)):
        assert [line.output for line in one.log] == [line.output for line in other.log], "company changes an answer"
        assert [line.request for line in other.log] == [f"r{number}"] * len(one.log)
        assert [line.id for line in other.log] == [answer["prediction_id"] for answer in other.answers]


def test_a_mistake_is_told_to_who_made_it(trained: Trained, tmp_path: Path) -> None:
    endpoint = serve(trained, tmp_path).endpoint
    wrong = [*rows(0.1), {**ROW, "a": "much"}]
    first, second, third = answers(endpoint, [rows(0.1), wrong, rows(0.3)])
    assert isinstance(second, InvalidRowsError)
    assert [(finding.row, finding.column) for finding in second.findings] == [(1, "a")]
    assert len(first.answers) == len(third.answers) == 1


def test_a_question_has_a_bounded_number_of_rows(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = serve(trained, tmp_path).endpoint
    asked = counted(endpoint, monkeypatch)
    requests = [rows(0.5)] * MOST_ROWS + [rows(*[0.5] * (MOST_ROWS + 1))] + [rows(0.5)]
    assert [len(made.answers) for made in answers(endpoint, requests)] == [len(request) for request in requests]
    assert asked == [MOST_ROWS, MOST_ROWS + 1, 1]


def test_who_has_gone_is_not_answered(trained: Trained, tmp_path: Path) -> None:
    endpoint = serve(trained, tmp_path).endpoint

    async def ask() -> Predicted:
        batcher = MicroBatcher(endpoint)
        gone = asyncio.ensure_future(batcher.predict(rows(0.1), call()))
        stays = asyncio.ensure_future(batcher.predict(rows(0.2), call()))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert len(asyncio.run(ask()).answers) == 1


def test_what_nobody_foresaw_reaches_who_asked(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = serve(trained, tmp_path).endpoint
    monkeypatch.setattr("torneo.serving.model.Model.answers", lambda *_: 1 / 0)
    assert [type(error) for error in answers(endpoint, [rows(0.1), rows(0.2)])] == [ZeroDivisionError] * 2
    assert "ZeroDivisionError" in caplog.text
