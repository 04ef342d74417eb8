"""What a call sends and waits for, without a server: the generator is driven by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np
import pytest

from torneo.client.calls import Calls
from torneo.client.exchange import AnswerError, Reply, Send, Sleep, UnreachableError, ask

DATE = "Sat, 21 Nov 2026 10:00:00 GMT"
ANSWER = {"prediction_id": "a", "prediction": 1.5, "version": 3, "role": "champion", "new": "key"}


def drive(exchange: Any, replies: Sequence[Reply]) -> tuple[list[Send], list[float], Any]:
    """What was sent, how long it waited, and what came out."""
    sent, slept, left = [], [], list(replies)
    step = next(exchange)
    while True:
        try:
            if isinstance(step, Sleep):
                slept.append(step.seconds)
                step = next(exchange)
            else:
                sent.append(step)
                step = exchange.send(left.pop(0))
        except StopIteration as ended:
            return sent, slept, ended.value


def busy(status: int = 503, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"detail": "busy"}, headers={"Date": DATE, **headers})


def test_a_busy_server_is_asked_again_when_it_says_so() -> None:
    replies = [busy(**{"Retry-After": "2"}), busy(429, **{"Retry-After": "Sat, 21 Nov 2026 10:00:07 GMT"})]
    sent, slept, answer = drive(Calls("housing", 4).predict({"RM": 6}), [*replies, httpx.Response(200, json=ANSWER)])
    assert (slept, answer.prediction) == ([2.0, 7.0], 1.5)
    assert {send.path for send in sent} == {"/v1/housing/predict"}
    assert len({send.headers["Idempotency-Key"] for send in sent}) == 1


def test_two_calls_have_two_idempotency_keys() -> None:
    calls = Calls(None, 0)
    keys = [next(calls.predict({"RM": 6})).headers["Idempotency-Key"] for _ in range(2)]  # type: ignore[union-attr]
    assert keys[0] != keys[1]


def test_pauses_grow_where_the_server_names_none() -> None:
    lost = httpx.ConnectError("connection refused")
    sent, slept, _ = drive(Calls(None, 3).model(), [lost, lost, lost, httpx.Response(200, json={})])
    assert len(sent) == 4
    assert [0.05 * 2**attempt <= pause <= 0.15 * 2**attempt for attempt, pause in enumerate(slept)] == [True] * 3


@pytest.mark.parametrize(
    ("reply", "attempts", "says"),
    [
        (httpx.ConnectError("connection refused"), 3, "not answered in 3 attempts: ConnectError: connection refused"),
        (busy(), 3, "not answered in 3 attempts: 503 busy"),
        (busy(**{"Retry-After": "3600"}), 1, "not answered in 1 attempts: 503 busy"),
        (httpx.Response(502, text="<html>bad gateway"), 3, "502 <html>bad gateway"),
    ],
)
def test_it_gives_up(reply: Reply, attempts: int, says: str) -> None:
    sent: list[Send] = []
    with pytest.raises(UnreachableError, match=says):
        drive(_counted(ask(Send("GET", "/model"), 2), sent), [reply] * 3)
    assert len(sent) == attempts


def _counted(exchange: Any, sent: list[Send]) -> Any:
    step = next(exchange)
    while True:
        if isinstance(step, Send):
            sent.append(step)
        step = exchange.send((yield step))


def test_what_is_refused_is_not_asked_again() -> None:
    errors = [{"pointer": f"/{place}/RM", "detail": "must be a number"} for place in range(7)]
    exchange = Calls(None, 4).predict_many([{"RM": "x"}])
    next(exchange)
    with pytest.raises(AnswerError) as caught:
        exchange.send(httpx.Response(422, json={"detail": "7 values break the contract", "errors": errors}))
    assert str(caught.value).startswith("422 7 values break the contract (/0/RM: must be a number; /1/RM")
    assert str(caught.value).endswith("; and 2 more)")
    assert (caught.value.status, len(caught.value.problem["errors"])) == (422, 7)


def test_scalars_of_numpy_and_missing_numbers_can_be_sent() -> None:
    send = Send("POST", "/predict", {"a": np.float32(1.5), "b": np.int64(2), "c": math.nan, "d": "é"})
    assert send.arguments["content"].decode() == '{"a":1.5,"b":2,"c":null,"d":"é"}'
    with pytest.raises(Exception, match="object cannot be sent as JSON"):
        Send("POST", "/predict", {"a": object()}).arguments  # noqa: B018 - it is computed


def test_no_rows_need_no_request() -> None:
    exchange = Calls(None, 4).predict_many([])
    with pytest.raises(StopIteration) as ended:
        next(exchange)
    assert ended.value.value == ()
