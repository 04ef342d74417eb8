"""The outermost layer: ids, headers and counts of every request."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from surface import ROW, Served, serve, trained
from torneo.spec.settings import ServeSettings


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(trained()) as made:
        yield made


@pytest.mark.parametrize("path", ["/livez", "/predict", "/nothing", "/v1/small/predict", "/v1/nobody/predict"])
def test_every_answer_has_an_id_and_headers_that_keep_browsers_safe(served: Served, path: str) -> None:
    reply = served.client.request("GET" if path == "/livez" else "POST", path, json=ROW)
    assert uuid.UUID(reply.headers["x-request-id"]).version == 7
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-frame-options"] == "DENY"
    assert "server" not in reply.headers


@pytest.mark.parametrize("given", ["abc-1.2_3:4", "x" * 100])
def test_an_id_of_the_client_s_is_kept(served: Served, given: str) -> None:
    reply = served.client.post("/predict", json=ROW, headers={"X-Request-ID": given})
    assert reply.headers["x-request-id"] == reply.json()["request_id"] == given
    assert served.service.log.get("small", reply.json()["prediction_id"]).request == given  # type: ignore[union-attr]


@pytest.mark.parametrize("given", ["", "x" * 101, "a b", 'a"b', "a\\b", "<script>"])
def test_an_id_that_could_do_harm_is_replaced(served: Served, given: str) -> None:
    reply = served.client.post("/predict", json=ROW, headers={"X-Request-ID": given})
    assert uuid.UUID(reply.headers["x-request-id"]).version == 7


def test_under_an_idempotency_key_the_id_is_the_server_s(served: Served) -> None:
    reply = served.client.post("/predict", json=ROW, headers={"X-Request-ID": "mine", "Idempotency-Key": "k"})
    assert uuid.UUID(reply.json()["request_id"]).version == 7


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/json ;x=y"])
def test_json_is_named_in_any_case_and_with_parameters(served: Served, kind: str) -> None:
    assert served.client.post("/predict", json=ROW, headers={"Content-Type": kind}).status_code == 200


@pytest.mark.parametrize("kind", ["", "text/plain", "application/jsonx", "application/x-www-form-urlencoded"])
def test_what_is_not_called_json_is_refused(served: Served, kind: str) -> None:
    assert served.client.post("/predict", json=ROW, headers={"Content-Type": kind}).status_code == 415


def test_requests_are_counted_by_project_route_and_status() -> None:
    with serve(trained()) as served:
        for path in ("/predict", "/v1/small/predict", "/v1/nobody/predict"):
            served.client.post(path, json=ROW)
        served.client.post("/predict", json={"a": "x"})
        text = served.client.get("/metrics").text
    assert 'torneo_http_requests_total{project="small",route="predict",status="200"} 2.0' in text
    assert 'torneo_http_requests_total{project="small",route="predict",status="422"} 1.0' in text
    assert 'torneo_http_requests_total{project="",route="predict",status="404"} 1.0' in text
    assert "nobody" not in text, "a client can make labels"


def test_what_is_of_no_project_is_counted_for_none() -> None:
    with serve(trained(), trained(classes=True)) as served:
        assert served.client.post("/predict", json=ROW).status_code == 404
        text = served.client.get("/metrics").text
    counts = [line for line in text.splitlines() if line.startswith("torneo_http_requests_total")]
    assert [line for line in counts if 'route="predict"' in line and 'project=""' in line], counts
    assert not [line for line in counts if 'project="small"' in line or 'project="buys"' in line], counts


def test_clients_of_the_protocol_find_the_error_of_what_is_refused_outside_too() -> None:
    with serve(trained(), auth=True, settings=ServeSettings(max_body=2000)) as served:
        for key, body, status in (({}, b"{}", 401), (served.keys["predict"], b" " * 2001, 413)):
            answer = served.client.post("/v2/models/small/infer", content=body, headers=key)
            assert answer.status_code == status
            assert answer.json()["error"] == answer.json()["detail"]
