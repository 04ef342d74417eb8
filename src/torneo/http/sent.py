"""What a client has sent, as rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json

from torneo.http.problems import MOST, Problem, escaped
from torneo.serving.endpoint import Row


def parsed(body: bytes, *, nan: bool = False) -> Any:
    """The value that a JSON text stands for.

    Raises:
        Problem: it is not JSON, or a row in it says a name twice.
    """
    try:
        sent = from_json(body, allow_inf_nan=nan)
    except ValueError as error:
        raise Problem(400, f"the body is not JSON: {str(error)[:200]}") from None
    rows = [sent] if type(sent) is dict else sent if type(sent) is list else ()
    names = sum([len(row) for row in rows if type(row) is dict])
    if names and body.count(b":") != names and _may_repeat(body, names) and not _is_nested(rows):
        _check_names(body, single=type(sent) is dict)
    return sent


def _may_repeat(body: bytes, names: int) -> bool:
    """Whether there may be more names than were read: as many as colons behind quotes, and white space may be between.

    It saves a second look at nearly all bodies; the parser itself keeps the last of equal names, and does not tell.
    """
    return body.count(b'":') > names or b" :" in body or b"\t:" in body or b"\n:" in body or b"\r:" in body


def _is_nested(rows: Sequence[Any]) -> bool:
    """Whether it is no rows, but another form of body, or rows of which the contract refuses values."""
    return any(type(row) is not dict or any(type(value) in (dict, list) for value in row.values()) for row in rows)


def _check_names(body: bytes, *, single: bool) -> None:
    """Refuse rows with a name that is there twice."""
    errors: list[dict[str, str]] = []
    number = 0

    def row_of(pairs: list[tuple[str, Any]]) -> None:
        nonlocal number
        for name, times in Counter(name for name, _ in pairs).items():
            if times > 1:
                place = escaped(name) if single else f"{number}/{escaped(name)}"
                errors.append({"pointer": f"/{place}", "reason": "repeated", "detail": f"is there {times} times"})
        number += 1

    json.loads(body, object_pairs_hook=row_of)
    if errors:
        what = f"{len(errors)} name{'s are' if len(errors) > 1 else ' is'} repeated in one row: {errors[0]['pointer']}"
        raise Problem(422, what[:200], errors=errors[:MOST])


def rows_of(sent: Any, most: int) -> tuple[Sequence[Row], bool]:
    """The rows of a body, and whether it is a single one.

    Raises:
        Problem: it is neither a row nor rows, or there are too many.
    """
    if type(sent) is dict:
        return [sent], True
    if type(sent) is not list or not sent or not all(type(row) is dict for row in sent):
        raise Problem(422, "the body must be an object (one row) or a non-empty array of objects (many)")
    few_enough(len(sent), most)
    return sent, False


def few_enough(rows: int, most: int) -> None:
    """Refuse too many rows.

    Raises:
        Problem: they are.
    """
    if rows > most:
        raise Problem(413, f"{rows:,} rows are too many for one request: at most {most:,}")
