"""Tensors of the Open Inference Protocol: from JSON to rows, and from answers to JSON.

Source: Open Inference Protocol (KServe predict v2), REST.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from torneo.http.problems import Problem
from torneo.http.sent import few_enough
from torneo.serving.model import Model
from torneo.spec.columns import Column, canonical_text

WHOLE = frozenset({"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"})
NUMBERS = WHOLE | {"FP16", "FP32", "FP64"}
DATATYPES = NUMBERS | {"BOOL", "BYTES"}
WARNINGS = "warnings"
"""The output with the values out of range that were let pass, as JSON by row."""

Tensor = Mapping[str, Any]


def datatype(column: Column) -> str:
    """The datatype that a column is described with; others that fit are taken, too."""
    return {"float": "FP64", "int": "INT64", "bool": "BOOL"}.get(column.type, "BYTES")


def inputs(model: Model) -> Sequence[dict[str, Any]]:
    """The tensors that a model reads: one per column, one value per row."""
    return [{"name": name, "datatype": datatype(column), "shape": [-1]} for name, column in model.contract.items()]


def outputs(model: Model) -> Sequence[dict[str, Any]]:
    """The tensors that a model answers."""
    classes = model.scorer.info["classes"]
    told: list[tuple[str, str, list[int]]] = [("prediction", "BYTES" if classes else "FP64", [-1])]
    if classes:
        told.append(("probabilities", "FP64", [-1, len(classes)]))
    elif model.scorer.info["interval"].get("half_width") is not None:
        told += [("interval_low", "FP64", [-1]), ("interval_high", "FP64", [-1])]
    told += [("prediction_id", "BYTES", [-1]), ("version", "INT64", [-1])]
    return [{"name": name, "datatype": kind, "shape": shape} for name, kind, shape in told]


def rows(tensors: Any, most: int) -> tuple[Sequence[dict[str, Any]], Mapping[str, int]]:
    """The rows that tensors stand for, and the place of each tensor by its name.

    Raises:
        Problem: they are not tensors of one value per row, their lengths differ, or there are more than `most` rows.
    """
    if not isinstance(tensors, list) or not tensors:
        raise _wrong("/inputs", "must be a non-empty array of tensors")
    columns: dict[str, Sequence[Any]] = {}
    places: dict[str, int] = {}
    for place, tensor in enumerate(tensors):
        name = tensor.get("name") if isinstance(tensor, dict) else None
        if not isinstance(name, str):
            raise _wrong(f"/inputs/{place}", "must be a tensor with name, shape, datatype and data")
        if name in columns:
            raise _wrong(f"/inputs/{place}/name", f"{name[:80]!r} is there twice")
        columns[name], places[name] = _values(tensor, f"/inputs/{place}", most), place
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        raise _wrong("/inputs", f"tensors have different lengths: {sorted(lengths)[:5]}")
    count = lengths.pop()
    if count == 0:
        raise _wrong("/inputs", "tensors have no rows")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)], places


def _values(tensor: Tensor, at: str, most: int) -> Sequence[Any]:
    """A tensor's values, one per row; null is missing."""
    kind, shape, data = tensor.get("datatype"), tensor.get("shape"), tensor.get("data")
    if kind not in DATATYPES:
        raise _wrong(f"{at}/datatype", f"must be one of {', '.join(sorted(DATATYPES))}")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise _wrong(f"{at}/shape", "must be an array of sizes")
    if not isinstance(data, list):
        raise _wrong(f"{at}/data", "must be an array; the binary extension is not spoken here: binary_data=False")
    few_enough(len(data), most)
    if len(shape) not in (1, 2) or shape[1:] not in ([], [1]):
        raise _wrong(f"{at}/shape", "must be [rows] or [rows, 1]: a tensor is a column")
    flat = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in data]
    if len(flat) != shape[0]:
        raise _wrong(f"{at}/data", f"has {len(flat)} values, and its shape says {shape[0]}")
    for row, value in enumerate(flat):
        if not _fits(kind, value):
            raise _wrong(f"{at}/data/{row}", f"is no {kind}")
    return flat


def _fits(kind: str, value: Any) -> bool:
    if value is None:
        return True
    if kind in NUMBERS:
        return type(value) is int or (type(value) is float and (kind not in WHOLE or value.is_integer()))
    return type(value) is (bool if kind == "BOOL" else str)


def answered(model: Model, answers: Sequence[Mapping[str, Any]], wanted: Sequence[str]) -> Sequence[Tensor]:
    """Answers as tensors: those that are wanted, or all, with warnings if there are some."""
    told = []
    for spec in outputs(model):
        if wanted and spec["name"] not in wanted:
            continue
        data = [value for answer in answers for value in _parts(spec["name"], answer)]
        told.append({**spec, "shape": [len(answers), *spec["shape"][1:]], "data": data})
        if spec["name"] == "probabilities":
            told[-1]["parameters"] = {"classes": ",".join(model.scorer.info["classes"])}
    if WARNINGS in wanted or (not wanted and any(WARNINGS in answer for answer in answers)):
        texts = [to_json(answer.get(WARNINGS, [])).decode() for answer in answers]
        told.append({"name": WARNINGS, "datatype": "BYTES", "shape": [len(answers)], "data": texts})
    return told


def _parts(name: str, answer: Mapping[str, Any]) -> Sequence[Any]:
    match name:
        case "prediction":
            value = answer["prediction"]
            return [canonical_text(value) if "probabilities" in answer else value]
        case "probabilities":
            return list(answer["probabilities"].values())
        case "interval_low" | "interval_high":
            return [answer["interval"][name.removeprefix("interval_")] if "interval" in answer else None]
    return [answer[name]]


def wanted(sent: Any, model: Model) -> Sequence[str]:
    """The names of the outputs that a request wants; none means all.

    Raises:
        Problem: there is no such output.
    """
    if sent is None:
        return []
    known = [*(str(output["name"]) for output in outputs(model)), WARNINGS]
    named = (
        [each.get("name") if isinstance(each, dict) else None for each in sent] if isinstance(sent, list) else [None]
    )
    unknown = [place for place, name in enumerate(named) if name not in known]
    if unknown:
        raise _wrong(f"/outputs/{unknown[0]}", f"there are: {', '.join(known)}")
    return [str(name) for name in named]


def _wrong(pointer: str, detail: str) -> Problem:
    return Problem(400, f"{pointer}: {detail}", errors=[{"pointer": pointer, "reason": "tensor", "detail": detail}])
