"""The Open Inference Protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from surface import ROW, Served, serve, trained, versions
from torneo.serving.traffic import Traffic


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(trained()) as found:
        yield found


def _tensors(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = {"a": "FP64", "b": "FP64", "id": "INT64", "shop": "INT64"}
    return [
        {"name": name, "shape": [len(rows)], "datatype": kinds.get(name, "BYTES"), "data": [row[name] for row in rows]}
        for name in ROW
    ]


def _infer(served: Served, path: str = "/v2/models/small/infer", **parts: Any) -> Any:
    return served.client.post(path, json={"inputs": _tensors(ROW), **parts})


def _data(answer: Any, name: str) -> Any:
    return next(tensor["data"] for tensor in answer.json()["outputs"] if tensor["name"] == name)


def test_the_answer_is_that_of_predict_and_is_logged(served: Served) -> None:
    answer = _infer(served, id="mine")
    told = served.client.post("/predict", json=ROW).json()
    assert _data(answer, "prediction") == [told["prediction"]]
    assert _data(answer, "interval_low") == [told["interval"]["low"]]
    assert (answer.json()["id"], answer.json()["model_name"], answer.json()["model_version"]) == ("mine", "small", "1")
    [made] = _data(answer, "prediction_id")
    assert served.client.get(f"/history/{made}").json()["inputs"] == ROW


def test_tensors_may_have_a_second_dimension_of_one_and_other_numbers(served: Served) -> None:
    first = {"name": "a", "shape": [1, 1], "datatype": "FP32", "data": [[0.5]]}
    second = {"name": "shop", "shape": [1, 1], "datatype": "FP64", "data": [3.0]}
    rest = [tensor for tensor in _tensors(ROW) if tensor["name"] not in ("a", "shop")]
    assert _data(_infer(served, inputs=[first, second, *rest]), "prediction") == _data(_infer(served), "prediction")


def test_probabilities_are_a_tensor_of_classes() -> None:
    with serve(trained(classes=True)) as served:
        answer = _infer(served, "/v2/models/buys/infer", outputs=[{"name": "probabilities"}, {"name": "prediction"}])
        told = served.client.post("/predict", json=ROW).json()
        prediction, probabilities = answer.json()["outputs"]
        assert probabilities["data"] == list(told["probabilities"].values())
        assert (probabilities["shape"], probabilities["parameters"]) == ([1, 2], {"classes": "0,1"})
        assert prediction["data"] == [str(told["prediction"])]


def test_versions_that_take_part_can_be_asked_and_others_cannot() -> None:
    first, second = versions(trained())
    with serve(trained(), traffic=Traffic(challenger=second, share=0.0)) as served:
        for version, role in ((first, "champion"), (second, "challenger")):
            answer = _infer(served, f"/v2/models/small/versions/{version.number}/infer")
            assert answer.json()["model_version"] == str(version.number)
            [made] = _data(answer, "prediction_id")
            line = served.client.get(f"/history/{made}").json()
            assert (line["version"], line["role"]) == (version.number, role)
            assert served.client.get(f"/v2/models/small/versions/{version.number}/ready").json()["ready"] is True
        assert served.client.get("/v2/models/small").json()["versions"] == [str(first.number), str(second.number)]
        answer = _infer(served, "/v2/models/small/versions/9/infer")
        assert answer.status_code == 404
        assert f"answering: {first.number}, {second.number}" in answer.json()["error"]


def test_the_metadata_are_the_contract(served: Served) -> None:
    metadata = served.client.get("/v2/models/small").json()
    assert {tensor["name"]: tensor["datatype"] for tensor in metadata["inputs"]} == {
        "id": "INT64", "day": "BYTES", "shop": "INT64", "a": "FP64", "b": "FP64", "colour": "BYTES",
    }  # fmt: skip
    named = {tensor["name"] for tensor in metadata["outputs"]}
    assert named == {tensor["name"] for tensor in _infer(served).json()["outputs"]}


def test_values_that_break_the_contract_are_pointed_at(served: Served) -> None:
    tensors = _tensors(ROW, {**ROW, "colour": "blue"})
    answer = served.client.post("/v2/models/small/infer", json={"inputs": tensors})
    place = [tensor["name"] for tensor in tensors].index("colour")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/inputs/{place}/data/1")


@pytest.mark.parametrize(
    ("inputs", "pointer"),
    [
        (None, "/inputs"),
        ([], "/inputs"),
        ([7], "/inputs/0"),
        ([{"name": "a", "shape": [1], "datatype": "FP65", "data": [1]}], "/inputs/0/datatype"),
        ([{"name": "a", "shape": "x", "datatype": "FP64", "data": [1]}], "/inputs/0/shape"),
        ([{"name": "a", "shape": [-1], "datatype": "FP64", "data": [1]}], "/inputs/0/shape"),
        ([{"name": "a", "shape": [1, 2], "datatype": "FP64", "data": [1, 2]}], "/inputs/0/shape"),
        ([{"name": "a", "shape": [2], "datatype": "FP64", "data": [1]}], "/inputs/0/data"),
        ([{"name": "a", "shape": [1], "datatype": "FP64"}], "/inputs/0/data"),
        ([{"name": "a", "shape": [1], "datatype": "FP64", "data": ["x"]}], "/inputs/0/data/0"),
        ([{"name": "a", "shape": [1], "datatype": "INT8", "data": [1.5]}], "/inputs/0/data/0"),
        ([{"name": "a", "shape": [0], "datatype": "FP64", "data": []}], "/inputs"),
        ([{"name": "a", "shape": [1], "datatype": "FP64", "data": [1]}] * 2, "/inputs/1/name"),
    ],
)
def test_what_is_no_tensor_is_pointed_at(served: Served, inputs: object, pointer: str) -> None:
    answer = _infer(served, inputs=inputs)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer), answer.text
    assert answer.json()["error"] == answer.json()["detail"]


@pytest.mark.parametrize("parts", [{"outputs": [{"name": "x"}]}, {"outputs": 7}, {"id": 7}])
def test_what_else_is_wrong_is_a_400(served: Served, parts: dict[str, Any]) -> None:
    assert _infer(served, **parts).status_code == 400


def test_binary_tensors_are_refused(served: Served) -> None:
    headers = {"Inference-Header-Content-Length": "10"}
    assert served.client.post("/v2/models/small/infer", json={}, headers=headers).status_code == 415


def test_what_is_let_pass_is_an_output_of_its_own() -> None:
    with serve(trained(), project={"serve": {"out_of_range": "warn"}}) as served:
        answer = _infer(served, inputs=_tensors(ROW, {**ROW, "colour": "blue"}))
        first, second = map(json.loads, _data(answer, "warnings"))
        assert (first, second[0]["column"], second[0]["reason"]) == ([], "colour", "unknown_colour")
        assert "warnings" not in [tensor["name"] for tensor in _infer(served).json()["outputs"]]
        assert _data(_infer(served, outputs=[{"name": "warnings"}]), "warnings") == ["[]"]


def test_an_idempotency_key_has_one_answer(served: Served) -> None:
    def ask(path: str = "/v2/models/small/infer", **row: Any) -> Any:
        body = {"inputs": _tensors({**ROW, **row})}
        return served.client.post(path, json=body, headers={"Idempotency-Key": "a key"})

    first, again = ask(), ask()
    assert (first.status_code, again.content) == (200, first.content)
    assert [ask(a=0.0).status_code, ask("/v2/models/small/versions/1/infer").status_code] == [422, 422]
    found = served.client.get("/history").json()["items"]
    assert [line["id"] for line in found].count(_data(first, "prediction_id")[0]) == 1
