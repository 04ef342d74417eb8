"""What goes wrong is told as a problem, whatever was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from surface import ROW, Served, serve, trained
from torneo.errors import UnavailableError
from torneo.spec.settings import ServeSettings

POSTED = ["/predict", "/explain", "/outcomes", "/invocations", "/v2/models/small/infer"]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(trained(), settings=ServeSettings(max_body=2000, max_rows=5)) as found:
        yield found


def _is_problem(answer: Any, status: int) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    told = answer.json()
    assert (told["status"], told["request_id"]) == (status, answer.headers["x-request-id"])
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/nothing", "/v1/small", "/v1/small/nothing", "/predict/", "/v3", "/v1//model"])
def test_an_unknown_path_is_a_404(served: Served, path: str) -> None:
    _is_problem(served.client.get(path), 404)


@pytest.mark.parametrize("path", POSTED)
def test_a_body_is_json(served: Served, path: str) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        _is_problem(served.client.post(path, content=b"{}", headers={"content-type": kind}), 415)
    for body in (b"", b"{", b"NaN", b"\xff", b"[" * 1000, b'{"a": 1e999}', b'"\\ud800"'):
        answer = served.client.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422), f"{body!r}: {answer.text}"


@pytest.mark.parametrize("path", POSTED)
def test_a_body_that_is_too_large_is_refused(served: Served, path: str) -> None:
    _is_problem(served.client.post(path, content=b" " * 2001, headers={"content-type": "application/json"}), 413)

    async def many() -> Any:
        for _ in range(5):
            yield b" " * 500

    _is_problem(served.client.post(path, content=many(), headers={"content-type": "application/json"}), 413)


def test_a_body_that_comes_too_slowly_is_refused() -> None:
    async def slow() -> Any:
        yield b"["
        await asyncio.sleep(30)

    with serve(trained(), settings=ServeSettings(timeout=0.05)) as served:
        for path in POSTED:
            _is_problem(served.client.post(path, content=slow(), headers={"content-type": "application/json"}), 408)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", [{}] * 6),
        ("/outcomes", [{}] * 6),
        ("/invocations", {"instances": [{}] * 6}),
        ("/v2/models/small/infer", {"inputs": [{"name": "a", "shape": [6], "datatype": "FP64", "data": [1] * 6}]}),
    ],
)
def test_too_many_rows_are_refused(served: Served, path: str, body: Any) -> None:
    _is_problem(served.client.post(path, json=body), 413)


def test_rates_count_rows_on_every_route_that_computes() -> None:
    with serve(trained(), project={"serve": {"rate_limit": "3/hour"}}) as served:
        for left in (2, 1, 0):
            answer = served.client.post("/explain", json=ROW)
            assert (answer.status_code, f";r={left};" in answer.headers["ratelimit"]) == (200, True), answer.headers
        tensors = [{"name": name, "shape": [1], "datatype": "BYTES", "data": [None]} for name in ROW]
        for path, body in (
            ("/predict", ROW),
            ("/explain", ROW),
            ("/invocations", {"instances": [ROW]}),
            ("/v2/models/small/infer", {"inputs": tensors}),
        ):
            answer = served.client.post(path, json=body)
            _is_problem(answer, 429)
            assert int(answer.headers["retry-after"]) > 0


class _Broken:
    def __getattr__(self, name: str) -> Any:
        def fail(*_: object, **__: object) -> Any:
            raise UnavailableError("the disk is full")

        return fail


def test_a_log_that_does_not_answer_is_a_503(served: Served) -> None:
    log: Any = _Broken()
    with serve(trained(), log=log) as broken:
        id = "01a1fe97-1044-7347-a066-9d91beb54e2d"  # noqa: A001 - the field's name
        for path in ("/history", f"/history/{id}", f"/history/{id}/explain"):
            answer = broken.client.get(path)
            _is_problem(answer, 503)
            assert answer.headers["retry-after"] == "1"
        _is_problem(broken.client.post("/outcomes", json={"prediction_id": id, "value": 1}), 503)
        _is_problem(broken.client.post("/invocations", json={"instances": [ROW]}), 503)


def test_without_a_champion_everything_waits() -> None:
    with serve(trained()) as served:
        [endpoint] = served.service.endpoints.values()
        endpoint.lineup = None
        assert served.client.get("/readyz").status_code == 503
        assert served.client.get("/v2/models/small/ready").status_code == 503
        for path in ("/model", "/schema", "/v2/models/small"):
            _is_problem(served.client.get(path), 503)
        for path, body in (("/predict", ROW), ("/explain", ROW), ("/invocations", {"instances": [ROW]})):
            _is_problem(served.client.post(path, json=body), 503)
        assert served.client.post("/admin/reload").json()["parts"]["projects"]["small"]["trouble"] is None


def test_head_is_get_without_the_body(served: Served) -> None:
    for path in ("/livez", "/docs", "/openapi.json", "/history"):
        head, get = served.client.request("HEAD", path), served.client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == get.headers["content-type"]
    assert served.client.request("HEAD", "/predict").status_code == 405


def test_what_nobody_foresaw_is_a_500_without_its_reason(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> bytes:
        raise ZeroDivisionError("secret of the house")

    monkeypatch.setattr(served.service.metrics, "text", broken)
    with pytest.raises(ZeroDivisionError):  # the server's log has it
        served.client.get("/metrics")


def test_other_origins_may_not_ask(served: Served) -> None:
    for path in ("/predict", "/history"):
        answer = served.client.request("OPTIONS", path, headers={"Origin": "https://a.example",
                                       "Access-Control-Request-Method": "POST"})  # fmt: skip
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_origins_that_are_named_may_ask_on_every_route() -> None:
    with serve(trained(), settings=ServeSettings(cors=("https://a.example",))) as served:
        for origin, allowed in (("https://a.example", "https://a.example"), ("https://b.example", None)):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST",
                     "Access-Control-Request-Headers": "x-api-key, content-type, idempotency-key"}  # fmt: skip
            preflight = served.client.request("OPTIONS", "/predict", headers=asked)
            assert (preflight.status_code == 200) == (allowed is not None)
            assert preflight.headers.get("access-control-allow-origin") == allowed
            for answer in (
                served.client.post("/predict", json=ROW, headers={"Origin": origin}),
                served.client.get("/history", headers={"Origin": origin}),
            ):
                assert answer.status_code == 200
                assert answer.headers.get("access-control-allow-origin") == allowed


def test_the_page_may_run_its_own_script_alone(served: Served) -> None:
    for path in ("/docs", "/redoc"):
        answer = served.client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'sha256-" in policy
        assert "unsafe" not in policy
        for elsewhere in ("src=", "@import", "https://"):
            assert elsewhere not in answer.text


def test_who_comes_without_a_path_is_shown_what_there_is(served: Served) -> None:
    answer = served.client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "docs")
