"""The JSON Schema of a row, from the contract of the version that reads it."""

from __future__ import annotations

import datetime
import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from torneo.serving.model import Model
from torneo.serving.values import LARGEST, LARGEST_INT
from torneo.spec.columns import Column, canonical_text

BOUNDS = (("min", "minimum"), ("max", "maximum"), ("above", "exclusiveMinimum"), ("below", "exclusiveMaximum"))
WORDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "enum": "one of",
    "pattern": "matching",
}
TEXTS = ("text", "name@example.org", "AB12", "A1", "a1", "A", "1", "12345")
"""Examples of a text, for a pattern that one of them matches."""
DAY = datetime.timedelta(days=1)


def row_schema(model: Model, *, strict: bool = True) -> dict[str, Any]:
    """A row of a request, closed and with an example.

    Args:
        strict: whether values out of range are refused; if they are answered with a warning, ranges are only described.
    """
    required = [name for name in model.contract if name in model.decoder.required]
    properties = {
        name: column_schema(column, nullable=name not in required, strict=strict)
        for name, column in model.contract.items()
    }
    row = {name: typical(column, _background(model, name, column)) for name, column in model.contract.items()}
    for name, value in row.items():
        if value is not None:
            properties[name]["examples"] = [value]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        "examples": [{name: value for name, value in row.items() if value is not None}],
    }


def column_schema(column: Column, *, nullable: bool = False, strict: bool = True) -> dict[str, Any]:
    """A value of a column.

    >>> column_schema(Column(type="int", min=0, unit="years"), nullable=True)["type"]
    ['integer', 'null']
    """
    schema = _kind(column, filled=not nullable)
    limits = _limits(column)
    if strict:
        schema |= limits
    if nullable:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        schema["type"] = [*types, "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    unit = f"({column.unit})" if column.unit else ""
    words = [f"{column.help or ''} {unit}".strip(), f"written as {column.format}" if column.format else ""]
    words += [] if strict or not limits else [f"expected: {', '.join(_worded(limits))}"]
    description = "; ".join(word for word in words if word)
    if column.unit:
        schema["x-unit"] = column.unit
    return schema | ({"description": description} if description else {})


def _kind(column: Column, *, filled: bool) -> dict[str, Any]:
    match column.type:
        case "float":
            return {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
        case "int":
            return {"type": "integer", "minimum": -LARGEST_INT - 1, "maximum": LARGEST_INT}
        case "bool":
            return {"type": "boolean"}
        case "date":
            return {"type": "string"} | ({} if column.format else {"format": "date"})
        case "datetime":
            return {"type": "string"} | ({} if column.format else {"format": "date-time"})
        case "category" if column.values is not None:
            return {"type": ["string", "number", "boolean"]}
    return {"type": "string"} | ({"pattern": r"\S"} if filled else {})


def _limits(column: Column) -> dict[str, Any]:
    """What the contract declares of the range, where JSON Schema has a word for it."""
    limits: dict[str, Any] = {}
    for ours, theirs in BOUNDS:
        bound = getattr(column, ours)
        if isinstance(bound, int | float):
            limits[theirs] = bound
        elif bound is not None:
            limits[f"x-{theirs}"] = _iso(bound)
    if column.values is not None:
        limits["enum"] = list(column.values)
    if column.pattern is not None:
        limits["pattern"] = f"^(?:{column.pattern})$"
    if column.rules:
        limits["x-rules"] = {rule: list(of) if isinstance(of, tuple) else of for rule, of in column.rules.items()}
    return limits


def _worded(limits: Mapping[str, Any]) -> Iterator[str]:
    """What is expected of a value, in words."""
    for name, of in limits.items():
        plain = name.removeprefix("x-")
        if plain == "rules":
            yield from (f"{rule} {_listed(argument)}" for rule, argument in of.items())
        else:
            yield f"{WORDS[plain]} {_listed(of)}"


def _listed(of: Any) -> str:
    return ", ".join(map(canonical_text, of)) if isinstance(of, list) else canonical_text(of)


def _iso(moment: datetime.date) -> str:
    """A bound as ISO 8601 has it, without a time at midnight."""
    return moment.isoformat().removesuffix("T00:00:00")


def _background(model: Model, name: str, column: Column) -> Sequence[Any]:
    """Values of training rows; none of personal data, since descriptions are read by many."""
    values = model.scorer.info["background"].get(name, ()) if column.pii is None else ()
    return [value for value in values if value is not None and value == value]


def typical(column: Column, seen: Sequence[Any]) -> Any:
    """An example: the middle or the commonest of what was seen, so that no row of it is anybody's; or from the bounds.

    >>> typical(Column(type="int", min=3), [])
    3
    """
    if column.values is not None:
        names = dict(zip(column.categories or (), column.values, strict=True))
        return names.get(str(statistics.mode(seen)), column.values[0]) if seen else column.values[0]
    if column.type == "bool":
        return statistics.mode(seen) in (True, "true") if seen else True
    if column.type in ("category", "text"):
        fitting = (text for text in TEXTS if column.pattern is None or re.fullmatch(column.pattern, text))
        return statistics.mode(seen) if seen else next(fitting, None)
    if column.type in ("date", "datetime"):
        return _written(_moment(column, seen), column)
    if seen:
        middle = statistics.median_low(seen)
        return int(middle) if column.type == "int" else middle
    return _whole(column) if column.type == "int" else _between(column)


def _moment(column: Column, seen: Sequence[Any]) -> datetime.datetime:
    """The middle of what was seen, or a moment within the bounds."""
    if seen:
        return datetime.datetime.fromisoformat(str(statistics.median_low(seen)))
    for bound, step in ((column.min, 0), (column.max, 0), (column.above, 1), (column.below, -1)):
        if isinstance(bound, datetime.date):
            moment = datetime.datetime.fromisoformat(bound.isoformat())
            late = column.type == "date" and bound is not column.max and moment.time() != datetime.time()
            return moment + step * DAY + (DAY if late and step == 0 else 0 * DAY)
    return datetime.datetime(2026, 1, 1)


def _written(moment: datetime.datetime, column: Column) -> str:
    """A moment as a request writes it; one without a format is in UTC."""
    if column.format:
        return moment.strftime(column.format)
    return moment.date().isoformat() if column.type == "date" else f"{moment.isoformat()}Z"


def _whole(column: Column) -> int:
    """A whole number within the bounds."""
    low = [math.ceil(column.min)] if _is_number(column.min) else []
    low += [math.floor(column.above) + 1] if _is_number(column.above) else []
    high = [math.floor(column.max)] if _is_number(column.max) else []
    high += [math.ceil(column.below) - 1] if _is_number(column.below) else []
    return max(low) if low else min(high, default=0)


def _between(column: Column) -> float:
    """A number within the bounds."""
    low = max((bound for bound in (column.min, column.above) if _is_number(bound)), default=None)
    high = min((bound for bound in (column.max, column.below) if _is_number(bound)), default=None)
    if low is not None and high is not None:
        return (low + high) / 2
    return low + 1 if low is not None else high - 1 if high is not None else 0


def _is_number(bound: object) -> TypeGuard[int | float]:
    return isinstance(bound, int | float)
