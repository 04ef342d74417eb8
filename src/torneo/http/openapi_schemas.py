"""The schemas that each project has its own of, and the one of problems."""

from __future__ import annotations

from typing import Any

from torneo.http import oip_tensors
from torneo.http.described import ref
from torneo.http.row_schema import column_schema, row_schema
from torneo.serving.endpoint import Endpoint
from torneo.serving.model import Model
from torneo.spec.columns import canonical_text

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
ID: Json = {
    "type": "string",
    "format": "uuid",
    "description": "Reports of outcomes name it; ids are in the order of time.",
}

PROBLEM: Json = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": {**TEXT, "description": "What is wrong, and what to do about it."},
        "request_id": {**TEXT, "description": "The server's log has it, too."},
        "error": {**TEXT, "description": "The detail again, where the Open Inference Protocol wants it."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["reason", "detail"],
                "properties": {
                    "pointer": {**TEXT, "description": "The wrong value in the body: a JSON Pointer (RFC 6901)."},
                    "parameter": {**TEXT, "description": "The wrong parameter."},
                    "reason": {**TEXT, "description": "A stable name; of values, the contract's."},
                    "detail": TEXT,
                },
            },
        },
    },
}


def own_schemas(endpoint: Endpoint) -> Json:
    """What the contract and the champion decide: rows, answers, outcomes, tensors."""
    model = endpoint.ready.champion
    strict = endpoint.project.serve.out_of_range == "refuse"
    row = row_schema(model, strict=strict)
    mine = {name: ref(f"{endpoint.name}.{name}") for name in ("Row", "Prediction", "Outcome")}
    whole = {"model": {"const": endpoint.name}, "request_id": TEXT}
    predictions = {"predictions": {"type": "array", "items": mine["Prediction"]}, **whole}
    return {
        "Row": {"title": f"A row of {endpoint.name}", **row},
        "Rows": {"oneOf": [mine["Row"], {"type": "array", "items": mine["Row"], "minItems": 1}]},
        "Prediction": _prediction(model),
        "Answers": {
            "oneOf": [
                {"allOf": [mine["Prediction"], {"properties": whole, "required": list(whole)}]},
                {"type": "object", "properties": predictions, "required": list(predictions)},
            ]
        },
        "Outcome": _outcome(endpoint),
        "Outcomes": {"oneOf": [mine["Outcome"], {"type": "array", "items": mine["Outcome"], "minItems": 1}]},
        "InferRequest": _infer_request(model, row["examples"][0]),
        "Invocation": _invocation(mine["Row"], row["examples"][0]),
    }


def _prediction(model: Model) -> Json:
    names = model.scorer.info["classes"]
    target = model.target_column
    told: Json = {"prediction_id": ID}
    if names:
        share = {"type": "number", "minimum": 0, "maximum": 1}
        told["prediction"] = {"enum": list(model.classes), "description": target.help or f"The class: {model.target}."}
        told["probabilities"] = {
            "type": "object",
            "properties": dict.fromkeys(names, share),
            "required": list(names),
            "additionalProperties": False,
        }
    else:
        unit = f" ({target.unit})" if target.unit else ""
        told["prediction"] = {"type": "number", "description": f"{target.help or model.target}{unit}"}
        if model.scorer.info["interval"].get("half_width") is not None:
            number = {"type": "number"}
            told["interval"] = {
                "type": "object",
                "description": "Where the outcome will be, in this share of cases.",
                "properties": {"low": number, "high": number, "share": number},
                "required": ["low", "high", "share"],
            }
    told |= {"version": {"type": "integer"}, "role": {"enum": ["champion", "challenger"]}}
    required = list(told)
    told["warnings"] = {
        "type": "array",
        "description": "Values out of range, where the project answers all the same.",
        "items": {"type": "object", "properties": {"column": TEXT, "reason": TEXT, "message": TEXT}},
    }
    return {"type": "object", "properties": told, "required": required}


def _outcome(endpoint: Endpoint) -> Json:
    column = endpoint.project.contract.columns[endpoint.project.target]
    strict = endpoint.project.task == "classification" or endpoint.project.serve.out_of_range == "refuse"
    return {
        "type": "object",
        "properties": {"prediction_id": ID, "value": column_schema(column, strict=strict)},
        "required": ["prediction_id", "value"],
        "additionalProperties": False,
    }


def _infer_request(model: Model, example: Json) -> Json:
    tensors = [
        {**tensor, "shape": [1], "data": [canonical_text(value) if tensor["datatype"] == "BYTES" else value]}
        for tensor in oip_tensors.inputs(model)
        if (value := example.get(tensor["name"])) is not None
    ]
    tensor = {
        "type": "object",
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": {"enum": list(model.contract)},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 2},
            "datatype": {"enum": sorted(oip_tensors.DATATYPES)},
            "data": {"type": "array", "description": "One value per row; null where there is none."},
        },
    }
    outputs = {"enum": [each["name"] for each in oip_tensors.outputs(model)]}
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": TEXT,
            "inputs": {"type": "array", "items": tensor, "minItems": 1},
            "outputs": {
                "type": "array",
                "items": {"type": "object", "properties": {"name": outputs}, "required": ["name"]},
            },
            "parameters": {"type": "object"},
        },
        "examples": [{"inputs": tensors}],
    }


def _invocation(row: Json, example: Json) -> Json:
    def form(name: str, schema: Json) -> Json:
        return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}

    rows = {"type": "array", "items": row, "minItems": 1}
    table = {"type": "array", "items": {"type": "array"}, "minItems": 1}
    split = {
        "type": "object",
        "properties": {"columns": {"type": "array", "items": TEXT}, "data": table, "index": {"type": "array"}},
        "required": ["columns", "data"],
    }
    named = {"type": "object", "description": "Columns by name, each an array of values."}
    return {
        "oneOf": [
            form("dataframe_split", split),
            form("dataframe_records", rows),
            form("instances", {"anyOf": [rows, table]}),
            form("inputs", {"anyOf": [named, rows, table]}),
        ],
        "examples": [{"dataframe_records": [example]}],
    }
