"""What a client has sent, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json

from torneo.http.problems import Problem
from torneo.serving.endpoint import Row


def parsed(body: bytes, *, nan: bool = False) -> Any:
    """The value that a JSON text stands for.

    Raises:
        Problem: it is not JSON.
    """
    try:
        return from_json(body, allow_inf_nan=nan)
    except ValueError as error:
        raise Problem(400, f"the body is not JSON: {str(error)[:200]}") from None


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
