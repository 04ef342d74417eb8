"""From the JSON of a request to the columns of the contract, with every mistake in it at once.

What a JSON value may be: `float` and `int` a number (`int` also `5.0`); `bool` true or false, 1 or 0; `category` and
`text` a text, a number or a boolean, which stand for their canonical text; `date` and `datetime` a text in the column's
`format`, or ISO 8601. null, an absent name and an empty text mean "no value". What the gate accepts is accepted here.
"""

from __future__ import annotations

import datetime
import operator
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from torneo.serving.rules import ColumnRules
from torneo.serving.values import LARGEST, LARGEST_INT, SPACE, Unfit, reader, told
from torneo.spec.columns import Column, Rule, canonical_text
from torneo.spec.frozen import nearest

MOST = 100
"""So many unknown names are told of one row, and so many of a request with a hint at what was meant; their number, and
so the time to look at them, is the client's choice."""
COMPARED = 10_000
"""So many pairs of names are compared for the hints of one request."""
NO_ANSWER = "no_answer"
"""The reason of a row that a model has no finite answer for; it is of no one column."""
STRANGE = "the contract has no such column"
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
        return {name: reader(column) for name, column in self.columns.items()}

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
        strange = [(place, row) for place, row in enumerate(rows) if not row.keys() <= known]
        if strange:
            findings += _unknown(strange, known)
        columns = {name: self._column(name, [row.get(name) for row in rows], findings) for name in self.columns}
        for name, ruled in self.rules.items():
            for place, reason, words in ruled.broken(columns[name]):
                shown = told(self.columns[name], columns[name][place])
                findings.append(Finding(place, name, reason, f"{shown} {words}", is_range=True))
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
        if value is None or value == "" or (type(value) is str and not value.strip(SPACE)):
            if name in self.required:
                findings.append(Finding(row, name, column.reason("missing", name), "a value is needed"))
            return None
        try:
            read = self._readers[name](value)
        except Unfit as unfit:
            findings.append(Finding(row, name, column.reason(unfit.rule, name), unfit.told(hidden=bool(column.pii))))
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


def _unknown(rows: Sequence[tuple[int, Mapping[str, Any]]], known: Collection[str]) -> Iterator[Finding]:
    """The unknown names of rows, by place; the first of them with a hint, for which each name is looked at once."""
    hints: dict[str, str] = {}
    longest = 3 * max(map(len, known), default=0)  # longer names are not near
    looks = min(MOST, COMPARED // max(1, len(known)))
    seen = 0
    for place, row in rows:
        names = sorted([name for name in row if name not in known][:MOST])
        for name in names[: max(0, MOST - seen)]:
            if name not in hints and len(hints) < looks and len(name) <= longest:
                hints[name] = nearest(name, known)
            yield Finding(place, name, "unknown_column", f"{STRANGE}{hints.get(name, '')}")
        yield from [Finding(place, name, "unknown_column", STRANGE) for name in names[max(0, MOST - seen) :]]
        seen += len(names)


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
    shown = told(column, value)
    return [(rule, f"{shown} {words}") for rule, words in broken]


def _midnight(value: Any) -> Any:
    """A date as the moment at which it begins; a contract's bounds may be either."""
    return datetime.datetime.combine(value, datetime.time()) if type(value) is datetime.date else value
