"""What a client has sent, as rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_core import from_json

from torneo.http.problems import MOST, Problem, escaped
from torneo.serving.endpoint import Row

NESTED = frozenset((dict, list))


def parsed(body: bytes, *, nan: bool = False) -> Any:
    """The value that a JSON text stands for.

    Raises:
        Problem: it is not JSON, or an object in it says a name twice.
    """
    try:
        sent = from_json(body, allow_inf_nan=nan)
    except ValueError as error:
        raise Problem(400, f"the body is not JSON: {str(error)[:200]}") from None
    names = _names(sent)
    if names and body.count(b":") != names and _may_repeat(body, names):
        _check_names(body)
    return sent


def _names(sent: Any) -> int:
    """How many names the objects of a value have, at whatever depth."""
    count, waiting = 0, [sent]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            count += len(value)
            value = value.values()
        elif type(value) is not list:
            continue
        if not NESTED.isdisjoint(map(type, value)):  # most have none, and that is quickly known
            waiting += value
    return count


def _may_repeat(body: bytes, names: int) -> bool:
    """Whether there may be more names than were read: as many as colons behind quotes, and white space may be between.

    It saves a second look at nearly all bodies; the parser itself keeps the last of equal names, and does not tell.
    """
    return body.count(b'":') > names or b" :" in body or b"\t:" in body or b"\n:" in body or b"\r:" in body


def _check_names(body: bytes) -> None:
    """Refuse objects with a name that is there twice."""
    read = json.loads(body, object_pairs_hook=tuple, parse_int=str, parse_float=str)  # no number is of account
    errors = [
        {"pointer": place, "reason": "repeated", "detail": f"is there {times} times"}
        for place, times in _repeated(read, "")
    ]
    if errors:
        what = f"{len(errors)} name{'s are' if len(errors) > 1 else ' is'} repeated in one object: "
        raise Problem(422, f"{what}{errors[0]['pointer']}"[:200], errors=errors[:MOST])


def _repeated(value: Any, place: str) -> Iterator[tuple[str, int]]:
    """The pointers of repeated names, and how often each is there; objects are tuples of pairs, arrays are lists."""
    if type(value) is tuple:
        for name, times in Counter(name for name, _ in value).items():
            if times > 1:
                yield f"{place}/{escaped(name)}", times
        inner = ((escaped(name), each) for name, each in value)
    else:
        inner = ((str(number), each) for number, each in enumerate(value))
    for name, each in inner:
        if type(each) in (tuple, list):
            yield from _repeated(each, f"{place}/{name}")


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
