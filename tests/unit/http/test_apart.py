"""Large bodies are counted before anything is made of them, and read in a thread."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest

from surface import ROW, serve, trained
from torneo.http.apart import LARGE, SLACK, apart, few_parts
from torneo.http.oip_tensors import rows
from torneo.http.problems import Problem
from torneo.http.tables import csv_table, json_table
from torneo.serving.endpoint import Endpoint, Predicted

MANY = [5] * 4
"""Four rows that are none: whoever looks at them before they are counted says so."""


def test_a_large_body_is_read_in_a_thread_and_a_small_one_at_once() -> None:
    async def names() -> list[str]:
        return [await apart(size, lambda: threading.current_thread().name) for size in (LARGE, LARGE + 1)]

    at_once, in_a_thread = asyncio.run(names())
    assert at_once == threading.current_thread().name
    assert in_a_thread != at_once


def test_few_rows_in_a_large_body_are_answered_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []
    predict = Endpoint.predict_all

    def seen(endpoint: Endpoint, requests: Any) -> list[Predicted]:
        threads.append(threading.current_thread().name)
        return list(predict(endpoint, requests))

    monkeypatch.setattr(Endpoint, "predict_all", seen)
    with serve(trained()) as served:
        for spaces in (0, LARGE):
            body = json.dumps(ROW) + " " * spaces
            answer = served.client.post("/predict", content=body, headers={"content-type": "application/json"})
            assert answer.status_code == 200
    assert len(set(threads)) == 2


@pytest.mark.parametrize(
    "sent",
    [
        {"dataframe_split": {"columns": ["a"], "data": MANY}},
        {"dataframe_records": MANY},
        {"instances": MANY},
        {"inputs": MANY},
        {"inputs": {"a": MANY, "b": 1}},
    ],
)
def test_too_many_rows_are_refused_before_they_are_looked_at(sent: Any) -> None:
    with pytest.raises(Problem, match="4 rows are too many for one request: at most 3") as refused:
        json_table(sent, ("a",), 3)
    assert refused.value.status == 413


def test_csv_is_read_no_further_than_it_may_go() -> None:
    with pytest.raises(Problem, match="more than 3 rows are too many") as refused:
        csv_table(b"a,b\n" + b"1,2\n" * 4 + b'"', {}, 3, dict)
    assert refused.value.status == 413
    assert len(csv_table(b"a,b\n" + b"\n1,2\n" * 3, {}, 3, dict).rows) == 3


def test_a_tensor_is_counted_before_it_is_looked_at() -> None:
    tensor = {"name": "a", "datatype": "FP64", "shape": [4], "data": ["no number"] * 4}
    with pytest.raises(Problem, match="4 rows are too many") as refused:
        rows([tensor], 3)
    assert refused.value.status == 413


@pytest.mark.parametrize("part", [b"[1],", b"1.0,", b'{"a":[[[1]]]},'])
def test_a_body_with_more_values_than_the_rows_have_is_not_even_parsed(part: bytes) -> None:
    body = b"[" + part * 600_000 + b"1]"
    started = time.process_time()
    with pytest.raises(Problem, match="more values than 10,000 rows") as refused:
        few_parts(body, 10_000, 10)
    assert refused.value.status == 413
    assert time.process_time() - started < 1


def test_what_stands_in_texts_is_not_counted() -> None:
    few_parts(json.dumps([{"a": ',[{"\\' * LARGE}]).encode(), 10, 1)
    few_parts(b"[" + b"[1,2,3]," * (10_000 + SLACK // 8) + b"1]", 10_000, 3)
    few_parts(b"[" * LARGE, 1, 1)
