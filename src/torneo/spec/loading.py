"""What a project says that loads a table: the typed form of a project.yaml with `load:`."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Self

from pydantic import Field, TypeAdapter, model_validator

from torneo.errors import ConflictError
from torneo.spec.columns import ColumnType, Contract
from torneo.spec.frozen import Frozen, Place, Share, nearest, refuse
from torneo.spec.project import Project
from torneo.spec.source import Days, Source
from torneo.spec.tables import RUNS, LoadTables, MergeRules, Missing, SqlType, TableColumn, TableName, Window

OURS = (
    "run_id", "source_line", "inserted_at", "staged_at", "is_active", "created_at", "updated_at", "rejected_at",
    "suite", "reasons",
)  # fmt: skip
"""Columns that Torneo adds to the tables of a load."""
EARLIEST, LATEST = datetime.date(1000, 1, 1), datetime.date(9999, 12, 30)
"""Days that have others before and after them."""
LONGEST_NAME = 63
"""So many bytes a column's name may have in PostgreSQL."""
SQL_TYPES: Mapping[ColumnType, SqlType] = {
    "float": "double", "int": "bigint", "decimal": "decimal", "bool": "boolean", "category": "text", "text": "text",
    "date": "date", "datetime": "timestamp",
}  # fmt: skip


class LoadWindow(Frozen):
    """The days that a run is responsible for: the last `days` days, ending with the run's date."""

    column: str
    """The column (of type date) that says to which day a row belongs."""
    days: Days
    """How many days, the run's date included."""

    def ending(self, date: datetime.date) -> Window:
        """The window of a run of that date."""
        return Window(column=self.column, first=date - datetime.timedelta(days=self.days - 1), last=date)


class Load(Frozen):
    """Where accepted rows go, and what a run may change there."""

    to: TableName
    """The table that others read, `schema.table`."""
    raw: TableName | None = None
    """The table of rows as they came; without it `raw.TABLE`."""
    staging: TableName | None = None
    """The table of accepted rows before they are merged; without it `staging.TABLE_candidate`."""
    rejects: TableName | None = None
    """The table of refused rows; without it `dqm.TABLE_rejects`."""
    window: LoadWindow | None = None
    """The days that a run is responsible for; without it each run is responsible for the whole table."""
    missing: Missing = "keep"
    """What becomes of rows (in the window) whose key is no longer in the source: `deactivate` or `keep`."""
    max_shrink: Share = 0.5
    """The share of active rows (in the window) that may go missing before the run stops."""
    min_rows: int = Field(default=0, ge=0)
    """So many rows the source must have (in the window), refused ones too; with fewer the run stops."""
    keep_raw: Days | None = None
    """How many days a run's rows stay in the raw table; without it they stay for ever. Refused rows always stay."""
    expectations: int | None = Field(default=None, ge=1, le=100_000)
    """How many rows Great Expectations looks at after the gate of each run (extra: `gx`); without it none."""

    @property
    def table(self) -> str:
        """The name of the production table, without its schema."""
        return self.to.partition(".")[2]

    @property
    def names(self) -> Mapping[str, TableName]:
        """The names of the four tables, by their keys."""
        return {
            "to": self.to,
            "raw": self.raw or f"raw.{self.table}",
            "staging": self.staging or f"staging.{self.table[:53]}_candidate",
            "rejects": self.rejects or f"dqm.{self.table[:55]}_rejects",
        }

    @model_validator(mode="after")
    def _four_tables(self) -> Self:
        refuse(itertools.chain(self._name_mistakes(), self._twice()))
        return self

    def _name_mistakes(self) -> Iterator[tuple[Place, str]]:
        for key, name in self.names.items():
            schema = name.partition(".")[0]
            if schema == "information_schema" or schema.startswith("pg_"):
                yield (key,), f"{name}: the schema {schema} belongs to PostgreSQL itself: name another"
            if name == RUNS:
                yield (key,), f"{name} has the line of each run of all loads: name another"

    def _twice(self) -> Iterator[tuple[Place, str]]:
        for (other, before), (key, name) in itertools.combinations(self.names.items(), 2):
            if before == name and getattr(self, key) is not None:
                yield (key,), f"{name} is already the table of `{other}`"
            elif before == name:
                yield (other,), f"{name} is already the table of `{key}`, which is not given: give `{key}` a name"


class Dates(Frozen):
    """The dates that a run is asked for: the one it is of, or the first and last day of its window."""

    date: datetime.date | None = None
    first: datetime.date | None = None
    last: datetime.date | None = None

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return self != Dates()

    @classmethod
    def of(cls, date: datetime.date | None, first: datetime.date | None, last: datetime.date | None) -> Self:
        """These dates.

        Raises:
            ConflictError: they contradict each other, or lie at the ends of the calendar.
        """
        if date is not None and (first is not None or last is not None):
            raise ConflictError("a run has a date, or a first and a last day, not both", fix="leave one out")
        if (first is None) != (last is None):
            raise ConflictError("a window has a first and a last day", fix="give both --from and --to")
        if first is not None and last is not None and first > last:
            raise ConflictError(f"the window's first day {first} is after its last day {last}", fix="swap them")
        for day in (date, first, last):
            if day is not None and not EARLIEST <= day <= LATEST:
                raise ConflictError(f"{day} is beyond the days of windows", fix=f"stay from {EARLIEST} to {LATEST}")
        return cls(date=date, first=first, last=last)


class LoadProject(Frozen):
    """One load: its data, its contract, and the tables that it writes."""

    project: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")
    """The name: lower-case letters, digits, - and _."""
    source: Source
    contract: Contract
    load: Load

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        refuse(itertools.chain(self._key_mistakes(), self._window_mistakes(), self._name_mistakes()))
        return self

    def _key_mistakes(self) -> Iterator[tuple[Place, str]]:
        columns = self.contract.columns
        if not self.contract.key:
            yield ("contract",), "a load needs `key`: the columns that identify a row"
        for place, name in enumerate(self.contract.key):
            if columns[name].nullable:
                yield ("contract", "key", place), f"{name} must not be nullable: it is part of the primary key"
        if self.source.events is not None:
            yield (
                ("source", "events"),
                "rows made from events are for projects that train; a load takes rows as they are",
            )

    def _window_mistakes(self) -> Iterator[tuple[Place, str]]:
        window, columns = self.load.window, self.contract.columns
        if window is None:
            return
        place: Place = ("load", "window", "column")
        if window.column not in columns:
            yield place, f"there is no column {window.column!r} in contract.columns{nearest(window.column, columns)}"
        elif columns[window.column].type != "date":
            yield place, f"{window.column} must have type date, not {columns[window.column].type}"
        elif columns[window.column].nullable:
            yield place, f"{window.column} must not be nullable: a row without a day belongs to no window"

    def _name_mistakes(self) -> Iterator[tuple[Place, str]]:
        seen: dict[str, str] = {}
        for name in self.contract.columns:
            other = seen.setdefault(name.lower(), name)
            if other != name:
                message = f"it differs from {other!r} in upper and lower case only, which databases take for one column"
                yield ("contract", "columns", name), message
            if name.lower() in OURS:
                yield ("contract", "columns", name), "Torneo adds a column of this name: rename it and give `header`"
            if len(name.encode()) > LONGEST_NAME:
                message = (
                    f"a table's column has at most {LONGEST_NAME} bytes: give a shorter name, and this as `header`"
                )
                yield ("contract", "columns", name), message

    def tables(self, headers: tuple[str, ...]) -> LoadTables:
        """The tables of this load; a computed column is in raw and rejects only where the source has it."""
        load, columns = self.load, self.contract.columns
        typed = [
            TableColumn(
                name=name,
                type=SQL_TYPES[column.type],
                precision=column.precision,
                scale=column.scale,
                nullable=column.nullable,
            )
            for name, column in columns.items()
        ]
        raw = [name for name, one in columns.items() if one.compute is None or (one.header or name) in headers]
        return LoadTables(
            project=self.project,
            raw=load.names["raw"],
            staging=load.names["staging"],
            prod=load.to,
            rejects=load.names["rejects"],
            raw_columns=tuple(raw),
            columns=tuple(typed),
            key=self.contract.key,
            window=None if load.window is None else load.window.column,
        )

    def headers(self, names: tuple[str, ...]) -> Mapping[str, str]:
        """The source's name of each of these columns."""
        return {name: self.contract.columns[name].header or name for name in names}

    def window(self, dates: Dates, today: datetime.date) -> Window | None:
        """The days that a run is responsible for; None for the whole table.

        Raises:
            ConflictError: dates are given and the load has no window.
        """
        window = self.load.window
        if window is None:
            if dates.given:
                raise ConflictError(
                    f"{self.project} has no window: each run loads the whole table",
                    fix="leave the dates out, or declare load.window",
                )
            return None
        if dates.first is not None and dates.last is not None:
            return Window(column=window.column, first=dates.first, last=dates.last)
        return window.ending(dates.date or today)

    def rules(self, window: Window | None) -> MergeRules:
        """What a merge of that window may do."""
        return MergeRules(window=window, missing=self.load.missing, max_shrink=self.load.max_shrink)


AnyProject = Project | LoadProject
"""A project that trains, or one that loads."""


def window_of(project: AnyProject, dates: Dates, today: datetime.date) -> Window | None:
    """The days that a run of any project is responsible for; None for the whole table, and for one that trains.

    Raises:
        ConflictError: dates are given, and the project trains or has no window.
    """
    if isinstance(project, LoadProject):
        return project.window(dates, today)
    if dates.given:
        raise ConflictError(f"{project.project} trains: dates are for projects with `load:`", fix="leave the dates out")
    return None


def project_schema() -> dict[str, Any]:
    """The JSON Schema of project.yaml: with `load` it is a LoadProject, without it a Project."""
    return TypeAdapter(AnyProject).json_schema()
