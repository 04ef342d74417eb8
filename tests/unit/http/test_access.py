"""Who may ask for what: every route that is described, and those that are not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from surface import ROW, Served, serve, trained

ID = "01a1fe97-1044-7347-a066-9d91beb54e2d"
OPEN = {"/livez", "/readyz", "/health", "/ping", "/v2/health/live", "/v2/health/ready", "/docs", "/redoc"}
"""For probes, which have no keys, and the page, which has nothing of anybody."""
SCOPES = {
    "predict": ["/predict", "/predict/batch", "/explain", "/schema", "/invocations", "/v1/small/predict"],
    "read": ["/history", "/history/", "/historical-predictions", "/model/info", "/metrics", "/readyz?verbose"],
    "feedback": ["/outcomes", "/v1/small/outcomes"],
    "admin": ["/admin/reload"],
}
POSTED = {"/predict", "/batch", "/explain", "/outcomes", "/invocations", "/reload", "/infer"}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(trained(), auth=True) as found:
        yield found


def _ask(served: Served, path: str, **more: object) -> int:
    method = "POST" if path.rpartition("/")[1] + path.rpartition("/")[2] in POSTED and "{id}" not in path else "GET"
    json = ROW if method == "POST" else None
    return served.client.request(method, path.format(project="small", id=ID, version=1), json=json, **more).status_code


def _paths(served: Served) -> list[str]:
    """Every path of the application, and those of predictions."""
    described = served.client.get("/openapi.json", headers=served.keys["own"]).json()["paths"]
    return [*described, "/health", "/history/", "/openapi.json", "/v2"]


def test_without_a_key_only_probes_are_answered(served: Served) -> None:
    assert len(_paths(served)) > 35
    answers = {path: _ask(served, path) for path in _paths(served)}
    assert {path for path, status in answers.items() if status != 401} == OPEN & set(answers)
    assert {path: _ask(served, path) for path in OPEN} == dict.fromkeys(OPEN, 200)


@pytest.mark.parametrize("key", ["expired", "nonsense"])
def test_a_key_that_is_not_valid_is_none(served: Served, key: str) -> None:
    headers = served.keys.get(key, {"Authorization": "Bearer torneo_000000000000_0"})
    answers = {path: _ask(served, path, headers=headers) for path in _paths(served)}
    assert {path for path, status in answers.items() if status != 401} == OPEN & set(answers)


def test_the_key_of_another_project_opens_nothing(served: Served) -> None:
    answers = {path: _ask(served, path, headers=served.keys["other"]) for path in _paths(served)}
    told = {path for path, status in answers.items() if status != 403}
    assert told == (OPEN & set(answers)) | {"/openapi.json", "/v2"}
    described = served.client.get("/openapi.json", headers=served.keys["other"]).text
    assert "small" not in described
    assert "colour" not in described


@pytest.mark.parametrize("scope", SCOPES)
def test_each_scope_opens_its_own_routes_alone(served: Served, scope: str) -> None:
    for needed, paths in SCOPES.items():
        for path in paths:
            status = _ask(served, path, headers=served.keys[scope])
            allowed = scope in (needed, "admin")
            assert (status != 403) == allowed, f"{path} with {scope}: {status}"


def test_a_project_that_is_not_there_is_told_to_those_who_may_know_alone(served: Served) -> None:
    assert _ask(served, "/v1/nothing/model") == _ask(served, "/v1/nothing/predict") == 401
    assert _ask(served, "/v1/nothing/predict", headers=served.keys["predict"]) == 404
    assert _ask(served, "/v1/nothing/model", headers=served.keys["own"]) == 403
    assert _ask(served, "/v1/nothing/model", headers=served.keys["read"]) == 404


def test_nobody_without_a_key_learns_which_projects_there_are() -> None:
    with serve(trained(), trained(classes=True), auth=True) as both:
        for path in ("/predict", "/model", "/history", "/explain"):
            answer = both.client.request("GET" if path in ("/model", "/history") else "POST", path, json=ROW)
            assert (answer.status_code, "buys" in answer.text) == (401, False), answer.text


def test_a_key_may_come_as_a_bearer_token(served: Served) -> None:
    token = served.keys["read"]["X-API-Key"]
    assert _ask(served, "/model", headers={"Authorization": f"Bearer {token}"}) == 200


def test_several_projects_have_no_short_forms() -> None:
    with serve(trained(), trained(classes=True)) as both:
        assert both.client.get("/v1/buys/model").json()["project"] == "buys"
        assert both.client.get("/v1/small/model").json()["project"] == "small"
        answer = both.client.get("/model")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert "/v1/PROJECT/" in answer.json()["detail"]
        paths = both.client.get("/openapi.json").json()["paths"]
        assert {"/v1/buys/predict", "/v1/small/predict", "/livez"} <= set(paths)
        assert not {"/predict", "/model", "/history", "/invocations"} & set(paths)


@pytest.mark.parametrize("path", ["/predict", "/outcomes", "/v2/models/small/infer"])
def test_what_a_stranger_sends_is_not_even_read(served: Served, path: str) -> None:
    read: list[bytes] = []

    async def body() -> AsyncIterator[bytes]:
        read.append(b"x")
        yield b"x" * 1000

    answer = served.client.post(path, content=body(), headers={"content-type": "application/json"})
    assert (answer.status_code, read) == (401, [])
    assert served.client.post(path, content=body(), headers=served.keys["predict"]).status_code != 401
    assert read == [b"x"]
