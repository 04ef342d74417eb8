"""The description is exact: of the routes, of the contract, of who serves now."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from surface import ROW, Served, serve, trained
from torneo.http.row_schema import column_schema, typical
from torneo.serving.endpoint import Lineup
from torneo.serving.inputs import Decoder
from torneo.serving.model import Model
from torneo.spec.columns import Column


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(trained()) as found:
        yield found


@pytest.fixture(scope="module")
def described(served: Served) -> Any:
    return served.client.get("/openapi.json").json()


def _validator(described: Any, schema: Any) -> Any:
    return jsonschema_rs.validator_for({**schema, "components": described["components"]})


def _content(described: Any, path: str, method: str = "post") -> Any:
    return described["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]


def test_every_reference_leads_somewhere(described: Any) -> None:
    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            yield from [part["$ref"]] if isinstance(part.get("$ref"), str) else ()
            for value in part.values():
                yield from references(value)
        elif isinstance(part, list):
            for value in part:
                yield from references(value)

    found = set(references(described))
    assert len(found) > 20
    for reference in found:
        part = described
        for name in reference.removeprefix("#/").split("/"):
            assert name in part, reference
            part = part[name]


def test_every_described_path_is_answered_by_its_method_alone(served: Served, described: Any) -> None:
    for path, item in described["paths"].items():
        place = path.format(id="x", version="9")
        answer = served.client.request("OPTIONS", place)
        assert answer.status_code == 204, path
        assert set(answer.headers["allow"].split(", ")) - {"HEAD"} == {name.upper() for name in item}
        wrong = served.client.request("DELETE", place)
        assert (wrong.status_code, wrong.headers["allow"]) == (405, answer.headers["allow"])


def test_operations_have_names_of_their_own_and_words(described: Any) -> None:
    operations = [operation for item in described["paths"].values() for operation in item.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids) > 30
    assert [operation["operationId"] for operation in operations if not operation["description"]] == []
    assert {operation["tags"][0] for operation in operations} == {tag["name"] for tag in described["tags"]}


@pytest.mark.parametrize("classes", [False, True])
def test_requests_and_answers_are_as_described(classes: bool) -> None:
    with serve(trained(classes=classes)) as served:
        described = served.client.get("/openapi.json").json()
        body = described["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        name = "buys" if classes else "small"
        [example] = described["components"]["schemas"][f"{name}.Row"]["examples"]
        for sent in (ROW, [ROW, ROW], example):
            assert _validator(described, body).is_valid(sent), sent
            answer = served.client.post("/predict", json=sent)
            assert answer.status_code == 200, answer.text
            _validator(described, _content(described, "/predict")).validate(answer.json())
        for path, sent in (("/explain", ROW), ("/explain", [ROW])):
            _validator(described, _content(described, path)).validate(served.client.post(path, json=sent).json())
        for path in ("/model", "/history", "/v2", f"/v2/models/{name}", "/readyz", "/livez"):
            _validator(described, _content(described, path, "get")).validate(served.client.get(path).json())
        [infer] = described["components"]["schemas"][f"{name}.InferRequest"]["examples"]
        answer = served.client.post(f"/v2/models/{name}/infer", json=infer)
        assert answer.status_code == 200, answer.text
        [scored] = described["components"]["schemas"][f"{name}.Invocation"]["examples"]
        assert served.client.post("/invocations", json=scored).status_code == 200
        problem = _validator(described, described["components"]["schemas"]["Problem"])
        problem.validate(served.client.post("/predict", json=[]).json())


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        ({}, True), ({"a": None}, True), ({"b": None}, False), ({"b": "x"}, False), ({"colour": "blue"}, False),
        ({"more": 1}, False), ({"b": 1e39}, False), ({"b": 3e38}, True), ({"shop": 1.5}, False), ({"day": 7}, False),
        ({"colour": "green"}, True), ({"b": -1}, True), ({"b": True}, False),
    ],
)  # fmt: skip
def test_the_schema_and_the_server_agree(served: Served, change: dict[str, Any], accepted: bool) -> None:
    row = {**ROW, **change}
    schema = served.client.get("/schema").json()
    assert jsonschema_rs.is_valid(schema, row) is accepted
    assert (served.client.post("/predict", json=row).status_code == 200) is accepted


def test_the_description_follows_a_promotion() -> None:
    with serve(trained()) as served:
        [endpoint] = served.service.endpoints.values()
        before = served.client.get("/openapi.json").content
        assert served.client.get("/openapi.json").content == before
        scorer = copy.copy(endpoint.ready.champion.scorer)
        scorer.info = copy.deepcopy(scorer.info)
        scorer.info["contract"]["b"]["min"] = -0.125
        scorer.digest = "another"
        endpoint.lineup = Lineup(champion=Model(version=2, challenger="line", scorer=scorer))
        after = served.client.get("/openapi.json").json()
        assert after["components"]["schemas"]["small.Row"]["properties"]["b"]["minimum"] == -0.125
        assert served.client.post("/predict", json=ROW).json()["errors"][0]["reason"] == "below_min_b"
        endpoint.lineup = None
        assert {"/livez", "/predict"} & set(served.client.get("/openapi.json").json()["paths"]) == {"/livez"}


def test_further_rules_are_described_and_asked() -> None:
    with serve(trained()) as served:
        [endpoint] = served.service.endpoints.values()
        scorer = copy.copy(endpoint.ready.champion.scorer)
        scorer.info = copy.deepcopy(scorer.info)
        scorer.info["contract"]["b"]["rules"] = {"max": 10}
        scorer.digest = "another"
        endpoint.lineup = Lineup(champion=Model(version=2, challenger="line", scorer=scorer))
        described = served.client.get("/openapi.json").json()
        assert described["components"]["schemas"]["small.Row"]["properties"]["b"]["x-rules"] == {"max": 10}
        assert served.client.post("/predict", json=[ROW, {**ROW, "b": 10}]).status_code == 200
        [error] = served.client.post("/predict", json=[ROW, {**ROW, "b": 10.5}]).json()["errors"]
        assert error == {"pointer": "/1/b", "reason": "max_b", "detail": "10.5 does not keep the rule max: 10"}


def test_keys_are_described_where_they_are_needed() -> None:
    with serve(trained(), auth=True) as served:
        described = served.client.get("/openapi.json", headers=served.keys["predict"]).json()
        assert set(described["components"]["securitySchemes"]) == {"key", "bearer"}
        needed = {path: item.get("post", item.get("get"))["security"] for path, item in described["paths"].items()
                  if "security" in item.get("post", item.get("get"))}  # fmt: skip
        assert needed["/predict"] == [{"key": ["predict"]}, {"bearer": ["predict"]}]
        assert needed["/outcomes"] == [{"key": ["feedback"]}, {"bearer": ["feedback"]}]
        assert "/livez" not in needed


def test_where_ranges_are_warnings_they_are_described_and_do_not_bind() -> None:
    column = Column(type="float", min=0, unit="years", help="how old")
    assert column_schema(column)["minimum"] == 0
    loose = column_schema(column, strict=False)
    assert loose["minimum"] < 0
    assert loose["description"] == "how old (years); expected: at least 0"


@pytest.mark.parametrize(
    ("column", "seen", "expected"),
    [
        (Column(type="int", above=3), [], 4),
        (Column(type="int", below=3), [], 2),
        (Column(type="int"), [], 0),
        (Column(type="int"), [1.0, 5.0, 9.0], 5),
        (Column(type="float", min=1, max=2), [], 1.5),
        (Column(type="float", max=2), [], 1),
        (Column(type="float", above=2), [], 3),
        (Column(type="bool"), [], True),
        (Column(type="category", values=[0, 1]), ["1", "1", "0"], 1),
        (Column(type="category", values=["x"]), [], "x"),
        (Column(type="category"), ["p", "q", "q"], "q"),
        (Column(type="text", pattern="z+"), [], None),
        (Column(type="text", pattern="[^@]+@[^@]+"), [], "name@example.org"),
        (Column(type="date"), ["2023-01-01 00:00:00", "2023-01-02 00:00:00"], "2023-01-01"),
        (Column(type="date", format="%d/%m/%Y"), ["2026-01-02", "2026-01-03"], "02/01/2026"),
        (Column(type="datetime"), [], "2026-01-01T00:00:00Z"),
    ],
)
def test_examples_are_typical_and_fit(column: Column, seen: list[Any], expected: Any) -> None:
    assert typical(column, seen) == expected


EVERY = [
    {"type": "float"}, {"type": "float", "above": 0, "below": 1e-3}, {"type": "float", "max": -5},
    {"type": "float", "min": 2, "max": 2}, {"type": "int"}, {"type": "int", "min": 0.5}, {"type": "int", "above": 2.5},
    {"type": "int", "below": 2.5}, {"type": "int", "max": -7}, {"type": "int", "values": [3, 4]},
    {"type": "int", "min": 2**60}, {"type": "bool"}, {"type": "category"}, {"type": "category", "values": ["S", "M"]},
    {"type": "category", "values": [0, 2.5]}, {"type": "category", "values": [True, False]},
    {"type": "category", "pattern": "[A-Z]{2}[0-9]+"}, {"type": "text"}, {"type": "text", "pattern": ".+@.+"},
    {"type": "date"}, {"type": "date", "min": datetime.date(2023, 1, 1)},
    {"type": "date", "min": datetime.datetime(2023, 1, 1, 12)}, {"type": "date", "above": datetime.date(2023, 1, 1)},
    {"type": "date", "below": datetime.date(2023, 1, 1), "format": "%d.%m.%Y"},
    {"type": "date", "max": datetime.date(1999, 1, 1)}, {"type": "datetime"},
    {"type": "datetime", "above": datetime.datetime(2023, 1, 1, 12)},
    {"type": "datetime", "max": datetime.date(1999, 1, 1), "format": "%Y/%m/%d %H:%M"},
]  # fmt: skip


@pytest.mark.parametrize("declared", EVERY)
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("nullable", [True, False])
def test_examples_are_as_described_and_are_accepted(declared: dict[str, Any], strict: bool, nullable: bool) -> None:
    column = Column.model_validate(declared)
    example = typical(column, [])
    schema = column_schema(column, strict=strict, nullable=nullable)
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(example)
    decoder = Decoder({"x": column}, frozenset() if nullable else frozenset({"x"}))
    assert decoder.decode([{"x": example}]).findings == ()
    assert jsonschema_rs.is_valid(schema, None) is nullable is not bool(decoder.decode([{"x": None}]).findings)


@pytest.mark.parametrize("number", [2**53, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1])
def test_whole_numbers_are_described_as_far_as_they_are_accepted(number: int) -> None:
    column = Column(type="int")
    accepted = not Decoder({"x": column}, frozenset({"x"})).decode([{"x": number}]).findings
    assert jsonschema_rs.is_valid(column_schema(column), number) is accepted


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"type": "date", "min": datetime.date(2023, 1, 1)}, "at least 2023-01-01"),
        ({"type": "datetime", "below": datetime.datetime(2023, 1, 1, 12)}, "less than 2023-01-01T12:00:00"),
        ({"type": "category", "values": ["S", "M", True]}, "one of S, M, true"),
        ({"type": "text", "pattern": "a+", "rules": {"length": [0, 4]}}, "matching ^(?:a+)$, length 0, 4"),
    ],
)
def test_what_does_not_bind_is_described_in_words(declared: dict[str, Any], expected: str) -> None:
    assert column_schema(Column.model_validate(declared), strict=False)["description"] == f"expected: {expected}"
