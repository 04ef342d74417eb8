"""What a call sends and waits for, without a server: the generator is driven by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import httpx
import numpy as np
import pytest

from torneo.client import AsyncClient, Client, UnsendableError
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


def test_decimals_are_sent_as_numbers() -> None:
    values = [Decimal("1.50"), Decimal(9007199254740993), Decimal("NaN"), Decimal("1E+20")]
    send = Send("POST", "/predict", [{"a": value} for value in values])
    assert send.arguments["content"] == b'[{"a":1.5},{"a":9007199254740993},{"a":null},{"a":100000000000000000000}]'


@pytest.mark.parametrize("value", [math.inf, -math.inf, np.float32(math.inf), Decimal("Infinity"), Decimal("1E999")])
def test_an_infinite_number_is_an_error_that_names_its_row_and_column(value: Any) -> None:
    with pytest.raises(UnsendableError, match=r"^row 2, column LSTAT is -?inf"):
        next(drive_once(Calls(None, 4).predict_many([{"LSTAT": 1.0}, {"LSTAT": value}])))
    with pytest.raises(UnsendableError, match=r"^column LSTAT is -?inf"):
        next(drive_once(Calls(None, 4).predict({"LSTAT": value})))


def drive_once(exchange: Any) -> Any:
    yield next(exchange).arguments


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize("key", ["torneo_secret\nX", "torneo_sécret", "torneo secret", "torneo_\x00secret", " \n"])
def test_a_key_that_no_header_can_carry_is_refused_and_never_shown(client: Any, key: str) -> None:
    with pytest.raises(UnsendableError, match="the API key") as caught:
        client("http://127.0.0.1:1", key=key)
    assert "torneo_" not in str(caught.value)


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_white_space_around_a_key_and_an_address_is_left_out(client: Any) -> None:
    made = client(" http://127.0.0.1:1/models\n", key=" torneo_secret\n")
    assert made._http.headers["X-API-Key"] == "torneo_secret"
    assert str(made._http.base_url) == "http://127.0.0.1:1/models/"


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize(
    "url", ["", "models.example", "localhost:8000", "ftp://models.example", "http://", "http://a:b"]
)
def test_an_address_of_no_server_is_refused(client: Any, url: str) -> None:
    with pytest.raises(UnsendableError, match="the address of the server"):
        client(url)


def test_one_report_is_sent_alone_so_that_an_unknown_prediction_is_an_error() -> None:
    exchange = Calls("housing", 4).report_one("a", 1.5)
    assert next(exchange).json == {"prediction_id": "a", "value": 1.5}  # type: ignore[union-attr]
    with pytest.raises(AnswerError, match="404 housing has no prediction a"):
        exchange.send(httpx.Response(404, json={"detail": "housing has no prediction a"}))
