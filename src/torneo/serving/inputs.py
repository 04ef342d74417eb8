"""From the JSON of a request to the columns of the contract, with every mistake in it at once.

What a JSON value may be: `float` and `int` a number (`int` also `5.0`); `bool` true or false, 1 or 0; `category` a
text, a number or a boolean, which stand for their canonical text; `text` a text; `date` and `datetime` a text in the
column's `format`, or ISO 8601. null, an absent name and an empty text mean "no value".
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from torneo.spec.columns import Column, Rule, canonical_text
from torneo.spec.frozen import nearest, shortened

LARGEST = 3.4028234663852886e38
"""The largest 32-bit float: models compute in them."""
MOST = 100
"""So many mistakes of one request are told."""
PLAIN = frozenset({str, int})
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,15}")


class Finding(NamedTuple):
    """What is wrong with one value."""

    row: int
    column: str
    reason: str
    """The contract's name for it, as in the quarantine."""
    message: str
    is_range: bool = False


class Inputs(NamedTuple):
    """The rows of a request, by column, in the contract's types; None is missing."""

    columns: Mapping[str, list[Any]]
    rows: int
    findings: Sequence[Finding]


class _Unfit(Exception):  # noqa: N818 - never seen by anybody
    """A value breaks a rule."""

    def __init__(self, rule: Rule, message: str) -> None:
        self.rule: Rule = rule
        self.message = message


@dataclass(frozen=True)
class Decoder:
    """Reads rows for one model.

    Args:
        columns: the columns that a request may have, by name.
        required: those that must be there and have a value.
    """

    columns: Mapping[str, Column]
    required: frozenset[str]

    @cached_property
    def _readers(self) -> Mapping[str, Callable[[Any], Any]]:
        return {name: _reader(column) for name, column in self.columns.items()}

    @cached_property
    def _listed(self) -> Mapping[str, Mapping[Any, str]]:
        """Columns with listed categories: the texts and whole numbers that need no second look, with their text."""
        return {
            name: {form: text for text in column.categories for form in _forms(text)}
            for name, column in self.columns.items()
            if column.type == "category" and column.categories is not None and column.pattern is None
        }

    @cached_property
    def _ranges(self) -> Mapping[str, tuple[float, float]]:
        """Columns of numbers whose only rules are closed bounds: checked without a call per value."""
        numbers = {name: column for name, column in self.columns.items() if column.type in ("float", "int")}
        plain = {n: c for n, c in numbers.items() if (c.above, c.below, c.values) == (None, None, None)}
        return {name: (_bound(column.min, -LARGEST), _bound(column.max, LARGEST)) for name, column in plain.items()}

    def decode(self, rows: Sequence[Mapping[str, Any]]) -> Inputs:
        """Read rows as `json.loads` gives them; what breaks the contract is among the findings."""
        findings: list[Finding] = []
        known = self.columns.keys()
        for place, row in enumerate(rows):
            if not row.keys() <= known:
                findings += (_unknown(place, name, known) for name in row if name not in known)
        columns = {name: self._column(name, [row.get(name) for row in rows], findings) for name in self.columns}
        return Inputs(columns, len(rows), sorted(findings) if findings else ())

    def _column(self, name: str, values: list[Any], findings: list[Finding]) -> list[Any]:
        plain = self._ranges.get(name)
        if plain is not None:
            low, high = plain
            whole = self.columns[name].type == "int"
            for value in values:
                kind = type(value)
                if not (kind is int or (kind is float and not whole)) or not low <= value <= high:
                    break
            else:
                return values
        listed = self._listed.get(name)
        if listed is not None and all(type(value) in PLAIN and value in listed for value in values):
            return [listed[value] for value in values]
        return [self._value(name, value, place, findings) for place, value in enumerate(values)]

    def _value(self, name: str, value: Any, row: int, findings: list[Finding]) -> Any:
        column = self.columns[name]
        if value is None or value == "" or (type(value) is str and not value.strip()):
            if name in self.required:
                findings.append(Finding(row, name, column.reason("missing", name), "a value is needed"))
            return None
        try:
            read = self._readers[name](value)
        except _Unfit as unfit:
            findings.append(Finding(row, name, column.reason(unfit.rule, name), unfit.message))
            return None
        for rule, message in _broken(column, read):
            findings.append(Finding(row, name, column.reason(rule, name), message, is_range=True))
        return read


def _forms(text: str) -> tuple[str | int, ...]:
    """A category as it may be sent: its text, and the number that the text stands for."""
    return (text, int(text)) if _WHOLE.fullmatch(text) else (text,)


def _bound(bound: Any, default: float) -> float:
    return default if bound is None else float(bound)


def _unknown(row: int, name: str, known: Collection[str]) -> Finding:
    return Finding(row, name, "unknown_column", f"the contract has no such column{nearest(name, known)}")


def _broken(column: Column, value: Any) -> Sequence[tuple[Rule, str]]:
    """The range rules that a readable value breaks."""
    broken: list[tuple[Rule, str]] = []
    if column.min is not None and value < column.min:
        broken.append(("min", f"is below {column.min}"))
    if column.max is not None and value > column.max:
        broken.append(("max", f"is above {column.max}"))
    if column.above is not None and not value > column.above:
        broken.append(("above", f"is not above {column.above}"))
    if column.below is not None and not value < column.below:
        broken.append(("below", f"is not below {column.below}"))
    categories = column.categories
    if categories is not None and canonical_text(value) not in categories:
        broken.append(("values", f"is none of {', '.join(categories[:10])}{', …' if len(categories) > 10 else ''}"))
    if column.pattern is not None and re.fullmatch(column.pattern, value) is None:
        broken.append(("pattern", f"does not match {column.pattern}"))
    return [(rule, f"{shortened(value)} {words}") for rule, words in broken]


def _reader(column: Column) -> Callable[[Any], Any]:
    if column.type in ("date", "datetime"):
        return lambda value: _moment(value, column)
    return {"float": _float, "int": _int, "bool": _bool, "category": _category, "text": _text}[column.type]


def _float(value: Any) -> float:
    if type(value) is not float and type(value) is not int:
        raise _Unfit("type", f"must be a number, not {shortened(value)}")
    if not abs(value) <= LARGEST:
        raise _Unfit("type", f"{shortened(value)} is too large a number")
    return value


def _int(value: Any) -> int:
    number = _float(value)
    if type(number) is float and not number.is_integer():
        raise _Unfit("type", f"must be a whole number, not {value}")
    if abs(number) > 2**53:
        raise _Unfit("type", f"{shortened(value)} is too large a number")
    return int(number)


def _bool(value: Any) -> bool:
    if value is True or value is False:
        return value
    if type(value) in (int, float) and value in (0, 1):
        return bool(value)
    raise _Unfit("type", f"must be true or false, not {shortened(value)}")


def _category(value: Any) -> str:
    if type(value) is str:
        return value.strip()
    if type(value) is float and not math.isfinite(value):
        raise _Unfit("type", f"must be a category, not {value}")
    if type(value) in (bool, int, float):
        return canonical_text(value)
    raise _Unfit("type", f"must be a text, a number or a boolean, not {shortened(value)}")


def _text(value: Any) -> str:
    if type(value) is not str:
        raise _Unfit("type", f"must be a text, not {shortened(value)}")
    return value.strip()


def _moment(value: Any, column: Column) -> datetime.date:
    """A date, or a moment without a zone (one with a zone is taken to UTC)."""
    form = column.format or "ISO 8601"
    if type(value) is not str:
        raise _Unfit("type", f"must be a text with a {column.type} ({form}), not {shortened(value)}")
    text = value.strip()
    try:
        moment = datetime.datetime.strptime(text, column.format) if column.format else _iso(text)
    except ValueError:
        raise _Unfit("type", f"{shortened(value)} is no {column.type} ({form})") from None
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    if column.type == "datetime":
        return moment
    if moment.time() != datetime.time():
        raise _Unfit("type", f"{shortened(value)} has a time, and a date is asked for")
    return moment.date()


def _iso(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)
