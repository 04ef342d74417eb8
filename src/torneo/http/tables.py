"""The tables that `/invocations` takes: four forms of JSON, and CSV, as rows.

Rows are counted before anything is made of them: a body of legal size may have millions.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from torneo.http.problems import Problem
from torneo.http.sent import few_enough
from torneo.spec.columns import Column

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


Read = Callable[[Mapping[str, Sequence[str]]], Mapping[str, Sequence[Any]]]
"""Reads columns of text."""


class Table(NamedTuple):
    """Rows, and where a row's value stands in the body."""

    rows: Sequence[dict[str, Any]]
    place: Callable[[int, str], str]


def json_table(sent: Any, names: Sequence[str], most: int) -> Table:
    """The rows of one of the four forms.

    Args:
        names: what rows without names have, in order.
        most: how many rows there may be.

    Raises:
        Problem: it is none of them, or there are more rows.
    """
    form = [name for name in FORMS if name in sent] if isinstance(sent, dict) else []
    if len(form) != 1 or set(sent) - {form[0], "params"} or sent.get("params"):
        raise Problem(400, f"the body must be an object with one of {', '.join(FORMS)}, and no params")
    name, data = form[0], sent[form[0]]
    if name == "dataframe_split":
        rows = _split(data, most)
        where = {column: place for place, column in reversed(list(enumerate(data["columns"])))}
        return Table(rows, lambda row, column: _cell(where.get(plain(column)), row))
    if name == "inputs" and isinstance(data, dict):
        return Table(_columns(data, most), lambda row, column: f"/{name}/{column}/{row}")
    if not isinstance(data, list):
        raise _unfit(name, "must be an array of rows")
    few_enough(len(data), most)
    if not all(isinstance(row, dict | list) for row in data):
        raise _unfit(name, "must be an array of rows")
    if name == "dataframe_records" and not all(isinstance(row, dict) for row in data):
        raise _unfit(name, "must be an array of objects")
    if any(isinstance(row, list) and len(row) != len(names) for row in data):
        raise _unfit(name, f"rows without names have {len(names)} values: {', '.join(names)[:300]}")
    rows = [_present(row if isinstance(row, dict) else dict(zip(names, row, strict=True))) for row in data]
    return Table(
        rows,
        lambda row, column: f"/{name}/{row}/{column if isinstance(data[row], dict) else names.index(plain(column))}",
    )


def _split(data: Any, most: int) -> Sequence[dict[str, Any]]:
    columns, rows = (data.get("columns"), data.get("data")) if isinstance(data, dict) else (None, None)
    if (
        not isinstance(columns, list)
        or not all(isinstance(name, str) for name in columns)
        or not isinstance(rows, list)
    ):
        raise _unfit("dataframe_split", "must be an object with columns (texts) and data (an array of rows)")
    few_enough(len(rows), most)
    if len(set(columns)) != len(columns):
        raise _unfit("dataframe_split", "names a column twice")
    if not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        raise _unfit("dataframe_split", f"rows must be arrays of {len(columns)} values")
    return [_present(dict(zip(columns, row, strict=True))) for row in rows]


def _cell(place: int | None, row: int) -> str:
    return "/dataframe_split/columns" if place is None else f"/dataframe_split/data/{row}/{place}"


def _columns(data: Mapping[str, Any], most: int) -> Sequence[dict[str, Any]]:
    """Columns as lists of values, also of lists of one value; or single values, which are one row."""
    if data and not any(isinstance(values, list) for values in data.values()):
        return [_present(data)]
    lists = {name: values for name, values in data.items() if isinstance(values, list)}
    few_enough(max(map(len, lists.values()), default=0), most)
    if len(lists) != len(data) or len({len(values) for values in lists.values()}) > 1:
        raise _unfit("inputs", "columns must be arrays of equal length")
    flat = [[v[0] if isinstance(v, list) and len(v) == 1 else v for v in values] for values in lists.values()]
    return [_present(dict(zip(lists, row, strict=True))) for row in zip(*flat, strict=True)]


def csv_table(body: bytes, known: Mapping[str, Column], most: int, read: Read) -> Table:
    """Rows of text: in UTF-8, with commas, and a header that names columns as the contract or the source does.

    Args:
        known: the contract's columns.
        most: how many rows there may be.
        read: reads columns of text as their types have it.

    Raises:
        Problem: it is not CSV with a header, or there are more rows.
    """
    try:
        lines = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        header, *rows = list(islice(filter(None, lines), most + 2)) or [[]]
    except (csv.Error, UnicodeDecodeError) as error:
        raise Problem(400, f"the body is not CSV in UTF-8: {str(error)[:200]}") from None
    if len(rows) > most:
        raise Problem(413, f"more than {most:,} rows are too many for one request")
    named = {column.header: name for name, column in known.items() if column.header in header}
    names = [named.get(name, name) for name in header]
    if len(set(names)) != len(names):
        raise Problem(400, "the header names a column twice")
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise Problem(400, f"row {number} has {len(row)} values, and the header has {len(header)}")
    columns = read(dict(zip(names, zip(*rows, strict=True), strict=True))) if rows else {}
    found = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return Table(found, lambda row, column: f"/{row}/{column}")


def _present(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if type(value) is float and math.isnan(value) else value for name, value in row.items()}


def plain(column: str) -> str:
    """A name as it was before it went into a JSON Pointer."""
    return column.replace("~1", "/").replace("~0", "~")


def _unfit(name: str, detail: str) -> Problem:
    error = {"pointer": f"/{name}", "reason": "form", "detail": detail}
    return Problem(400, f"{name} {detail}", errors=[error])
