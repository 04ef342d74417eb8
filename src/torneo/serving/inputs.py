"""From the JSON of a request to the columns of the contract, with every mistake in it at once.

What a JSON value may be: `float` and `int` a number (`int` also `5.0`); `bool` true or false, 1 or 0; `category` and
`text` a text, a number or a boolean, which stand for their canonical text; `date` and `datetime` a text in the column's
`format`, or ISO 8601. null, an absent name and an empty text mean "no value". What the gate accepts is accepted here.
"""

from __future__ import annotations

import datetime
import math
import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from torneo.serving.rules import ColumnRules
from torneo.spec.columns import Column, Rule, canonical_text
from torneo.spec.frozen import nearest, shortened

LARGEST = 3.4028234663852886e38
"""The largest 32-bit float: models compute in them."""
EXACT = 2**53
"""Below this, each whole number is a float of its own."""
LARGEST_INT = 2**63 - 1
MOST = 100
"""So many unknown names are told of one row; their number, and so the time to look at them, is the client's choice."""
NO_ANSWER = "no_answer"
"""The reason of a row that a model has no finite answer for; it is of no one column."""
PLAIN = frozenset({str, int})
_SPACE = "".join(char for char in map(chr, range(0x3001)) if char.isspace() and char not in "\x1c\x1d\x1e\x1f")
"""What Unicode calls white space, as the gate's engine does; Python adds four characters to it."""
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,15}")
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[T ]([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]{1,9}))?)?(?:[Zz]|([+-][0-9]{2}):?([0-9]{2})?)?)?"
)


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
    def rules(self) -> Mapping[str, ColumnRules]:
        """The columns that have further rules.

        Raises:
            GateError: a rule does not exist here, or does not fit its column.
        """
        return {name: ColumnRules.of(name, column) for name, column in self.columns.items() if column.rules}

    @cached_property
    def _ranges(self) -> Mapping[str, tuple[float, float]]:
        """Columns of numbers whose only rules are closed bounds: checked without a call per value."""
        numbers = {name: column for name, column in self.columns.items() if column.type in ("float", "int")}
        plain = {n: c for n, c in numbers.items() if (c.above, c.below, c.values) == (None, None, None)}
        return {name: _bounds(column) for name, column in plain.items()}

    def decode(self, rows: Sequence[Mapping[str, Any]]) -> Inputs:
        """Read rows as `json.loads` gives them; what breaks the contract is among the findings."""
        findings: list[Finding] = []
        known = self.columns.keys()
        for place, row in enumerate(rows):
            if not row.keys() <= known:
                findings += islice((_unknown(place, name, known) for name in row if name not in known), MOST)
        columns = {name: self._column(name, [row.get(name) for row in rows], findings) for name in self.columns}
        for name, ruled in self.rules.items():
            for place, reason, words in ruled.broken(columns[name]):
                told = _told(self.columns[name], columns[name][place])
                findings.append(Finding(place, name, reason, f"{told} {words}", is_range=True))
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
        if value is None or value == "" or (type(value) is str and not value.strip(_SPACE)):
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


def _bounds(column: Column) -> tuple[Any, Any]:
    """What a column of numbers may have at least and at most, as it says and as its type can hold."""
    low, high = (-LARGEST_INT - 1, LARGEST_INT) if column.type == "int" else (-LARGEST, LARGEST)
    least: Any = low if column.min is None else column.min
    most: Any = high if column.max is None else column.max
    return max(low, least), min(high, most)


def _unknown(row: int, name: str, known: Collection[str]) -> Finding:
    return Finding(row, name, "unknown_column", f"the contract has no such column{nearest(name, known)}")


def _broken(column: Column, value: Any) -> Sequence[tuple[Rule, str]]:
    """The range rules that a readable value breaks."""
    broken: list[tuple[Rule, str]] = []
    comparable = _midnight(value)
    bounds: Sequence[tuple[Rule, Any, Callable[[Any, Any], bool], str]] = (
        ("min", column.min, operator.ge, "is below"),
        ("max", column.max, operator.le, "is above"),
        ("above", column.above, operator.gt, "is not above"),
        ("below", column.below, operator.lt, "is not below"),
    )
    for rule, bound, holds, words in bounds:
        if bound is not None and not holds(comparable, _midnight(bound)):
            broken.append((rule, f"{words} {str(bound).removesuffix(' 00:00:00')}"))
    categories = column.categories
    if categories is not None and canonical_text(value) not in categories:
        broken.append(("values", f"is none of {', '.join(categories[:10])}{', …' if len(categories) > 10 else ''}"))
    if column.pattern is not None and re.fullmatch(column.pattern, value) is None:
        broken.append(("pattern", f"does not match {column.pattern}"))
    told = _told(column, value)
    return [(rule, f"{told} {words}") for rule, words in broken]


def _told(column: Column, value: Any) -> str:
    """A value in a message, which may be logged as a warning."""
    return "the value" if column.pii else shortened(value)


def _midnight(value: Any) -> Any:
    """A date as the moment at which it begins; a contract's bounds may be either."""
    return datetime.datetime.combine(value, datetime.time()) if type(value) is datetime.date else value


def _reader(column: Column) -> Callable[[Any], Any]:
    if column.type in ("date", "datetime"):
        return lambda value: _moment(value, column)
    if column.type == "category" and any(type(value) is not str for value in column.values or ()):
        return lambda value: _listed_category(value, column)
    return {"float": _float, "int": _int, "bool": _bool, "category": _category, "text": _category}[column.type]


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
    if not (abs(number) < EXACT if type(number) is float else -LARGEST_INT <= number + 1 <= LARGEST_INT + 1):
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
        return value.strip(_SPACE)
    if type(value) is float and not math.isfinite(value):
        raise _Unfit("type", f"must be a category, not {value}")
    if type(value) in (bool, int, float):
        return canonical_text(value)
    raise _Unfit("type", f"must be a text, a number or a boolean, not {shortened(value)}")


def _listed_category(value: Any, column: Column) -> str:
    """A category of a column that lists numbers or booleans: `1.0` is `1` there, and `True` is `true`, as in a file."""
    text = _category(value)
    if any(type(listed) is bool for listed in column.values or ()) and text.lower() in ("true", "false"):
        text = text.lower()
    if any(type(listed) in (int, float) for listed in column.values or ()):
        text = re.sub(r"^(-?\d+\.\d*[1-9])0+$", r"\1", re.sub(r"^(-?\d+)\.0*$", r"\1", text))
    return text


def _moment(value: Any, column: Column) -> datetime.date:
    """A date, or a moment without a zone (one with a zone is taken to UTC)."""
    form = column.format or "ISO 8601"
    if type(value) is not str:
        raise _Unfit("type", f"must be a text with a {column.type} ({form}), not {shortened(value)}")
    text = value.strip(_SPACE)
    try:
        moment = datetime.datetime.strptime(text, column.format) if column.format else _iso(text)
        if moment.tzinfo is not None:
            moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise _Unfit("type", f"{shortened(value)} is no {column.type} ({form})") from None
    if column.type == "datetime":
        return moment
    if moment.time() != datetime.time():
        raise _Unfit("type", f"{shortened(value)} has a time, and a date is asked for")
    return moment.date()


def _iso(text: str) -> datetime.datetime:
    """A moment as the gate reads it, which also takes `2026-1-5` and fractions finer than microseconds."""
    found = _ISO.fullmatch(text)
    if found is None:
        return datetime.datetime.fromisoformat(text)
    year, month, day, hour, minute, second, fraction, ahead, beside = found.groups(default="")
    zone = datetime.UTC if text[-1] in "Zz" else None
    if ahead:
        minutes = int(ahead[1:]) * 60 + int(beside or 0)
        zone = datetime.timezone(datetime.timedelta(minutes=-minutes if ahead[0] == "-" else minutes))
    clock = datetime.time(int(hour or 0), int(minute or 0), int(second or 0), int(f"{fraction:0<6}"[:6]), zone)
    return datetime.datetime.combine(datetime.date(int(year), int(month), int(day)), clock)
