"""Where the data comes from and how it is read."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from torneo.spec.columns import Contract
from torneo.spec.expression import Expression
from torneo.spec.frozen import Frozen, Place, refuse, shortened


def parse_days(value: Any) -> Any:
    """Read a number of days written as `60d`, `8w` or `60`.

    >>> parse_days("8w")
    56
    """
    if isinstance(value, str):
        digits, unit = value.strip()[:-1], value.strip()[-1:]
        if unit not in ("d", "w") or not digits.isdigit():
            raise ValueError(f"expected days such as 60d or 8w, not {shortened(value)}")
        return int(digits) * (7 if unit == "w" else 1)
    return value


Days = Annotated[int, Field(gt=0), BeforeValidator(parse_days)]

NULLS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")
"""Texts that mean "no value", unless a category lists them as a value."""


class Input(Frozen):
    """One table to read."""

    uri: str
    """A path, `s3://…`, `http(s)://…`, a database URL such as `postgresql://…`, `sklearn:diabetes` or
    `simulate:crypto?rows=1000`."""
    format: Literal["csv", "parquet", "jsonl"] | None = None
    """The file's format; without it the name decides."""
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """The digest that the file must have."""
    query: str | None = None
    """The SELECT to run, for a database."""
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    """What separates the fields of a CSV file."""
    encoding: str = "utf-8"
    """The text encoding of a CSV file; a byte order mark is always understood."""
    decimal: Literal[".", ","] = "."
    """The decimal sign of numbers in text."""
    header_line: int = Field(default=1, ge=1)
    """The line of a CSV file that has the column names; lines before it are left out."""


class Join(Input):
    """A second table whose columns are added to each row."""

    on: tuple[str, ...] = Field(min_length=1)
    """The columns (headers) that both tables share; they must identify a row of this table."""


class Aggregate(Frozen):
    """One feature computed from the events of an entity up to a cut-off date."""

    by: Literal["count", "sum", "mean", "min", "max", "nunique", "days_since_first", "days_since_last"]
    """How the events become one number."""
    of: str | None = None
    """The event column that is aggregated."""
    within: Days | None = None
    """Only events of this many days before the cut-off date; without it all events before it."""

    @model_validator(mode="after")
    def _column_where_needed(self) -> Self:
        alone = self.by in ("count", "days_since_first", "days_since_last")
        if alone == (self.of is not None):
            raise ValueError(f"by: {self.by} {'takes no `of`' if alone else 'needs `of`, the column to aggregate'}")
        return self


class Events(Frozen):
    """Turns a table of events into one row per entity and cut-off date.

    Features see events on or before the cut-off date only; the label sees the `horizon` days after it only.
    """

    contract: Contract
    """What each event must satisfy."""
    entity: str
    """The column that says whose event it is."""
    time: str
    """The column with the event's date."""
    cutoffs: tuple[datetime.date, ...] = Field(min_length=1)
    """The dates as of which features are computed."""
    horizon: Days
    """How far after the cut-off date the label looks."""
    features: Mapping[str, Aggregate] = Field(min_length=1)
    """The features by name."""
    label: str
    """The name of the label: 1 if the entity has an event within the horizon, else 0."""
    as_of: str = "as_of"
    """The name of the column that receives the cut-off date."""

    @model_validator(mode="after")
    def _no_overlap(self) -> Self:
        named: dict[Place, str] = {("entity",): self.entity, ("time",): self.time}
        named |= {("features", name, "of"): each.of for name, each in self.features.items() if each.of is not None}
        refuse(
            (place, f"there is no event column {name!r}")
            for place, name in named.items()
            if name not in self.contract.columns
        )
        if self.contract.columns[self.time].type != "date":
            refuse([(("time",), f"{self.time} must have type date")])
        dates = sorted(self.cutoffs)
        for earlier, later in itertools.pairwise(dates):
            if (later - earlier).days < self.horizon:
                message = (
                    f"{earlier} and {later} are {(later - earlier).days} days apart, less than the horizon "
                    f"of {self.horizon}: labels as of {earlier} would use days that features as of {later} see"
                )
                refuse([(("cutoffs",), message)])
        return self


class Source(Input):
    """The project's data: one table, with others joined to it."""

    nulls: tuple[str, ...] = NULLS
    """Texts that mean "no value"."""
    where: Expression | None = None
    """Only rows for which this is true belong to the project; the others are left out and counted."""
    join: tuple[Join, ...] = ()
    """Tables whose columns are added to each row."""
    events: Events | None = None
    """How a table of events becomes rows."""
