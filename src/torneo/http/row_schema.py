"""The JSON Schema of a row, from the contract of the version that reads it."""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Sequence
from typing import Any

from torneo.serving.model import Model
from torneo.serving.values import LARGEST
from torneo.spec.columns import Column

LARGEST_WHOLE = 2**53
BOUNDS = (("min", "minimum"), ("max", "maximum"), ("above", "exclusiveMinimum"), ("below", "exclusiveMaximum"))


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
        schema["type"] = [schema["type"], "null"] if "type" in schema else None
        if schema["type"] is None:
            del schema["type"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    unit = f"({column.unit})" if column.unit else ""
    words = [f"{column.help or ''} {unit}".strip(), f"written as {column.format}" if column.format else ""]
    words += [] if strict or not limits else [f"expected: {', '.join(f'{k} {v}' for k, v in limits.items())}"]
    description = "; ".join(word for word in words if word)
    if column.unit:
        schema["x-unit"] = column.unit
    return schema | ({"description": description} if description else {})


def _kind(column: Column, *, filled: bool) -> dict[str, Any]:
    match column.type:
        case "float":
            return {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
        case "int":
            return {"type": "integer", "minimum": -LARGEST_WHOLE, "maximum": LARGEST_WHOLE}
        case "bool":
            return {"type": "boolean"}
        case "date":
            return {"type": "string"} | ({} if column.format else {"format": "date"})
        case "datetime":
            return {"type": "string"} | ({} if column.format else {"format": "date-time"})
        case "category" if column.values is not None:
            return {}
    return {"type": "string"} | ({"pattern": r"\S"} if filled else {})


def _limits(column: Column) -> dict[str, Any]:
    """What the contract declares of the range, where JSON Schema has a word for it."""
    limits: dict[str, Any] = {}
    for ours, theirs in BOUNDS:
        bound = getattr(column, ours)
        if isinstance(bound, int | float):
            limits[theirs] = bound
        elif bound is not None:
            limits[f"x-{theirs}"] = bound.isoformat()
    if column.values is not None:
        limits["enum"] = list(column.values)
    if column.pattern is not None:
        limits["pattern"] = f"^(?:{column.pattern})$"
    if column.rules:
        limits["x-rules"] = {rule: list(of) if isinstance(of, tuple) else of for rule, of in column.rules.items()}
    return limits


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
    if column.type in ("category", "text", "bool"):
        return statistics.mode(seen) if seen else {"bool": True}.get(column.type, None if column.pattern else "text")
    if column.type in ("date", "datetime"):
        kind = datetime.date if column.type == "date" else datetime.datetime
        middle = statistics.median_low(seen) if seen else str(column.min or column.max or "2026-01-01")
        return kind.fromisoformat(middle).strftime(column.format) if column.format else middle
    if seen:
        middle = statistics.median_low(seen)
        return int(middle) if column.type == "int" else middle
    low = column.min if column.min is not None else column.above
    high = column.max if column.max is not None else column.below
    return _between(low, high, column)


def _between(low: Any, high: Any, column: Column) -> Any:
    if column.type == "int":
        if low is not None:
            return int(low) + (column.above is not None)
        return 0 if high is None else int(high) - (column.below is not None)
    if low is not None and high is not None:
        return (low + high) / 2
    return low + 1 if low is not None else high - 1 if high is not None else 0
