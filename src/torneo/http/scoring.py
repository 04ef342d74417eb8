"""`/invocations`, as `mlflow models serve` and SageMaker have it: answers are those of the registered MLflow model."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from fastapi import APIRouter, Request

from torneo.http.asked import Predicts, media_type
from torneo.http.described import body
from torneo.http.oip import predicted
from torneo.http.problems import Problem
from torneo.http.routes_model import ready_lineup
from torneo.http.sent import few_enough, parsed
from torneo.serving.model import Model
from torneo.spec.columns import Column, canonical_text
from torneo.spec.frozen import Frozen

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")

router = APIRouter(tags=["scoring"])


class Scored(Frozen):
    """The answers, row by row."""

    predictions: Sequence[Mapping[str, Any]]
    """`prediction`, and `probability_<class>` for a classification."""
    prediction_ids: Sequence[str]
    """The ids that outcomes are reported with."""


class Table(NamedTuple):
    """Rows, and where a row's value stands in the body."""

    rows: Sequence[dict[str, Any]]
    place: Callable[[int, str], str]


@router.post("/v1/{project}/invocations", openapi_extra=body("Invocation", "text/csv"))
@router.post("/invocations", openapi_extra=body("Invocation", "text/csv"))
async def invocations(asked: Predicts, request: Request) -> Scored:
    """Predict a table: JSON with `dataframe_split`, `dataframe_records`, `instances` or `inputs`, or CSV."""
    model = ready_lineup(asked.endpoint).champion
    kind = media_type(request)
    if kind not in ("application/json", "text/csv"):
        raise Problem(415, "the body must be JSON (application/json) or CSV (text/csv), as Content-Type must say")
    sent = await request.body()
    # MLflow's own client writes NaN for what a frame does not have, which JSON has no word for.
    table = _csv(sent, model) if kind == "text/csv" else _json(parsed(sent, nan=True), model)
    if not table.rows:
        raise Problem(422, "the body has no rows")
    few_enough(len(table.rows), asked.service.settings.max_rows)
    answers = await predicted(asked, asked.endpoint, table.rows, table.place)
    return Scored(
        predictions=[_record(answer) for answer in answers],
        prediction_ids=[answer["prediction_id"] for answer in answers],
    )


def _record(answer: Mapping[str, Any]) -> dict[str, Any]:
    probabilities = answer.get("probabilities")
    if probabilities is None:
        return {"prediction": answer["prediction"]}
    named = {f"probability_{name}": value for name, value in probabilities.items()}
    return {"prediction": canonical_text(answer["prediction"]), **named}


def _json(sent: Any, model: Model) -> Table:
    """The rows of one of the four forms.

    Raises:
        Problem: it is none of them.
    """
    form = [name for name in FORMS if name in sent] if isinstance(sent, dict) else []
    if len(form) != 1 or set(sent) - {form[0], "params"} or sent.get("params"):
        raise Problem(400, f"the body must be an object with one of {', '.join(FORMS)}, and no params")
    name, data = form[0], sent[form[0]]
    if name == "dataframe_split":
        rows = _split(data)
        where = {column: place for place, column in reversed(list(enumerate(data["columns"])))}
        return Table(rows, lambda row, column: _cell(where.get(_plain(column)), row))
    if name == "inputs" and isinstance(data, dict):
        return Table(_columns(data), lambda row, column: f"/{name}/{column}/{row}")
    if not isinstance(data, list) or not all(isinstance(row, dict | list) for row in data):
        raise _unfit(name, "must be an array of rows")
    names = model.read
    if name == "dataframe_records" and not all(isinstance(row, dict) for row in data):
        raise _unfit(name, "must be an array of objects")
    if any(isinstance(row, list) and len(row) != len(names) for row in data):
        raise _unfit(name, f"rows without names have {len(names)} values: {', '.join(names)[:300]}")
    rows = [_present(row if isinstance(row, dict) else dict(zip(names, row, strict=True))) for row in data]
    return Table(
        rows,
        lambda row, column: f"/{name}/{row}/{column if isinstance(data[row], dict) else names.index(_plain(column))}",
    )


def _split(data: Any) -> Sequence[dict[str, Any]]:
    columns, rows = (data.get("columns"), data.get("data")) if isinstance(data, dict) else (None, None)
    if (
        not isinstance(columns, list)
        or not all(isinstance(name, str) for name in columns)
        or not isinstance(rows, list)
    ):
        raise _unfit("dataframe_split", "must be an object with columns (texts) and data (an array of rows)")
    if len(set(columns)) != len(columns):
        raise _unfit("dataframe_split", "names a column twice")
    if not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        raise _unfit("dataframe_split", f"rows must be arrays of {len(columns)} values")
    return [_present(dict(zip(columns, row, strict=True))) for row in rows]


def _cell(place: int | None, row: int) -> str:
    return "/dataframe_split/columns" if place is None else f"/dataframe_split/data/{row}/{place}"


def _columns(data: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """Columns as lists of values, also of lists of one value; or single values, which are one row."""
    if data and not any(isinstance(values, list) for values in data.values()):
        return [_present(data)]
    lists = {name: values for name, values in data.items() if isinstance(values, list)}
    if len(lists) != len(data) or len({len(values) for values in lists.values()}) > 1:
        raise _unfit("inputs", "columns must be arrays of equal length")
    flat = [[v[0] if isinstance(v, list) and len(v) == 1 else v for v in values] for values in lists.values()]
    return [_present(dict(zip(lists, row, strict=True))) for row in zip(*flat, strict=True)]


def _csv(body: bytes, model: Model) -> Table:
    """Rows of text, each value read as its column's type has it.

    Raises:
        Problem: it is not CSV with a header.
    """
    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise Problem(400, f"the body is not CSV in UTF-8: {str(error)[:200]}") from None
    header, *rows = [line for line in lines if line] or [[]]
    if len(set(header)) != len(header):
        raise Problem(400, "the header names a column twice")
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise Problem(400, f"row {number} has {len(row)} values, and the header has {len(header)}")
    known = model.contract
    read = [{n: _from_text(known[n], text) if n in known else text for n, text in zip(header, row, strict=True)}
            for row in rows]  # fmt: skip
    return Table(read, lambda row, column: f"/{row}/{column}")


def _from_text(column: Column, text: str) -> Any:
    text = text.strip()
    if column.type == "bool":
        return {"true": True, "false": False, "1": True, "0": False}.get(text.lower(), text)
    if column.type not in ("float", "int"):
        return text
    try:
        number = float(text.replace("_", "?"))  # Python's own spelling of numbers is not the file's
    except ValueError:
        return text or None
    return None if math.isnan(number) else number


def _present(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if type(value) is float and math.isnan(value) else value for name, value in row.items()}


def _plain(column: str) -> str:
    return column.replace("~1", "/").replace("~0", "~")


def _unfit(name: str, detail: str) -> Problem:
    error = {"pointer": f"/{name}", "reason": "form", "detail": detail}
    return Problem(400, f"{name} {detail}", errors=[error])
