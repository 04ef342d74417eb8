"""The contract: what each column of a table is, and what a row must satisfy to pass the gate."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from torneo.spec.expression import Expression
from torneo.spec.frozen import Frozen, Place, Share, nearest, refuse, shortened

ColumnType = Literal["float", "int", "decimal", "bool", "category", "text", "date", "datetime"]
Rule = Literal["type", "missing", "min", "max", "above", "below", "values", "pattern", "compute"]
NUMERIC: frozenset[ColumnType] = frozenset({"float", "int", "bool"})
AMOUNTS: frozenset[ColumnType] = frozenset({"float", "int"})
COMPUTED: frozenset[ColumnType] = frozenset({"float", "int", "decimal"})
TEMPORAL: frozenset[ColumnType] = frozenset({"date", "datetime"})

BOUNDS = ("min", "max", "above", "below")
FITTING: Mapping[str, tuple[ColumnType, ...]] = {
    "format": ("date", "datetime"),
    "pattern": ("text", "category"),
    "values": ("category", "int", "text"),
    "precision": ("decimal",),
    "scale": ("decimal",),
}
"""The types for which a key has a meaning."""

REASONS: Mapping[Rule, str] = {
    "type": "invalid_{}",
    "missing": "missing_{}",
    "min": "below_min_{}",
    "max": "above_max_{}",
    "above": "not_above_{}",
    "below": "not_below_{}",
    "values": "unknown_{}",
    "pattern": "malformed_{}",
    "compute": "mismatched_{}",
}
"""The name of the reason that a broken rule gives to a row; `{}` is the column."""

MOST_DIGITS = 38
"""So many digits a decimal may have."""

Bound = int | float | datetime.datetime | datetime.date
Argument = bool | int | float | str


def _plain_pii(value: object) -> object:
    return {True: "hash", False: None}.get(value, value) if isinstance(value, bool) else value


class Column(Frozen):
    """One column: its type, its domain, and how people should read it."""

    type: ColumnType
    """What the values are. `category` is compared as text, so `05` is not `5`; `decimal` is exact (loads only)."""
    precision: int | None = Field(default=None, ge=1, le=MOST_DIGITS)
    """How many digits a decimal has; a value that needs more is refused, never rounded."""
    scale: int | None = Field(default=None, ge=0, le=MOST_DIGITS)
    """How many of a decimal's digits stand after the point."""
    nullable: bool = False
    """Whether a row may leave it empty."""
    min: Bound | None = None
    """The smallest value allowed."""
    max: Bound | None = None
    """The largest value allowed."""
    above: Bound | None = None
    """Values must be strictly larger than this."""
    below: Bound | None = None
    """Values must be strictly smaller than this."""
    values: Annotated[tuple[bool | int | float | str, ...], Field(min_length=1)] | None = None
    """The values allowed, in the order in which people should see them."""
    pattern: str | None = None
    """A regular expression that the whole text must match."""
    format: str | None = None
    """How a date is written, as strftime has it; without it ISO 8601."""
    header: str | None = None
    """The column's name in the source, where it differs."""
    compute: Expression | None = None
    """How the value follows from other columns (loads only); one that the source gives must agree with it."""
    feature: bool = True
    """Whether models may use it; keys, the target, dates and free text never are."""
    pii: Annotated[Literal["hash", "drop"] | None, BeforeValidator(_plain_pii)] = None
    """Personal data: the log of predictions has a keyed hash (`hash`, or `true`) or nothing (`drop`) in its place."""
    unit: str | None = None
    """The unit of measurement, for people."""
    help: str | None = None
    """What the column means, for people."""
    rules: Mapping[str, Argument | tuple[Argument, ...]] = Field(default_factory=dict)
    """Further rules by name, a file of `torneo.checks` or an installed plug-in, and what each is given."""
    reasons: Mapping[str, str] = Field(default_factory=dict)
    """Names of your own for the reasons a broken rule gives."""

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
        return pattern

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        refuse(itertools.chain(self._unfit(), self._contradictions()))
        return self

    def _unfit(self) -> Iterator[tuple[Place, str]]:
        """What has no meaning for the type."""
        for name in BOUNDS:
            bound = getattr(self, name)
            if bound is not None and self.type in ("category", "text", "bool"):
                yield (name,), f"it has no meaning for type {self.type}"
            elif bound is not None and (self.type in TEMPORAL) != isinstance(bound, datetime.date):
                yield (name,), f"must be {'a date' if self.type in TEMPORAL else 'a number'}"
        if self.compute is not None and self.type not in COMPUTED:
            yield ("compute",), f"it has no meaning for type {self.type}: expressions compute numbers"
        for name, types in FITTING.items():
            if getattr(self, name) is not None and self.type not in types:
                yield (name,), f"it has no meaning for type {self.type}"

    def _contradictions(self) -> Iterator[tuple[Place, str]]:
        known = {*REASONS, *self.rules}
        for rule in self.reasons:
            if rule not in known:
                yield ("reasons", rule), f"there is no rule {rule!r} (there are: {', '.join(sorted(known))})"
        if self.type == "decimal" and (self.precision is None or self.scale is None):
            yield ("type",), "a decimal needs `precision` (all digits) and `scale` (those after the point)"
        elif self.precision is not None and self.scale is not None and self.scale > self.precision:
            yield ("scale",), f"{self.scale} digits after the point are more than all {self.precision}"
        low, high = self.min, self.max
        if low is not None and high is not None and _is_larger(low, high):
            yield ("min",), f"{low} is larger than max {high}"
        categories = self.categories or ()
        for place, category in enumerate(categories):
            if category in categories[:place]:
                yield ("values", place), f"{shortened(category)} is listed twice"

    @property
    def categories(self) -> tuple[str, ...] | None:
        """The allowed values as the text that data files carry.

        >>> Column(type="category", values=(0, 1.0, "a", True)).categories
        ('0', '1', 'a', 'true')
        """
        return None if self.values is None else tuple(canonical_text(value) for value in self.values)

    def reason(self, rule: Rule, name: str) -> str:
        """The reason given to a row in which column `name` breaks `rule`."""
        return self.reasons.get(rule) or REASONS[rule].format(name)


def _is_larger(low: Bound, high: Bound) -> bool:
    if isinstance(low, datetime.date) and isinstance(high, datetime.date):
        return low.isoformat() > high.isoformat()
    return isinstance(low, int | float) and isinstance(high, int | float) and low > high


def canonical_text(value: bool | int | float | str) -> str:
    """The one text form of a category: booleans in lower case, whole numbers without a fraction."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


class Contract(Frozen):
    """What a row must satisfy. No second list of these columns exists anywhere."""

    key: tuple[str, ...] = ()
    """The columns that identify a row; no two rows may share them."""
    columns: Mapping[str, Column] = Field(min_length=1)
    """The columns by name; the source may have others, which are left out."""
    checks: Mapping[str, Expression] = Field(default_factory=dict)
    """Rules over several columns: the name of the reason, and the expression that must be true."""
    max_rejected: Share = 0.05
    """The share of rows that may be refused before the run stops."""

    @property
    def personal(self) -> Mapping[str, Literal["hash", "drop"]]:
        """The columns of personal data, and what the log has in their place."""
        return {name: column.pii for name, column in self.columns.items() if column.pii is not None}

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        named: list[tuple[Place, str]] = [(("key", place), name) for place, name in enumerate(self.key)]
        named += [(("checks", check), name) for check, each in self.checks.items() for name in sorted(each.names)]
        computed = [(name, other) for name, one in self.columns.items() if one.compute for other in one.compute.names]
        named += [(("columns", name, "compute"), other) for name, other in sorted(computed)]
        unknown = [(place, name) for place, name in named if name not in self.columns]
        refuse((place, f"there is no column {name!r}{nearest(name, self.columns)}") for place, name in unknown)
        own = [name for name in self.columns if name.startswith("__") and name.endswith("__")]
        refuse((("columns", name), "names between __ are Torneo's own: use another and say `header:`") for name in own)
        refuse(
            (("columns", name, "compute"), f"{other} is itself computed: name the columns that it is computed from")
            for name, other in computed
            if other in self.columns and self.columns[other].compute is not None
        )
        return self
