"""The tables of a load: names, columns and what a merge may touch."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from torneo.spec.frozen import Frozen

TableName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}\.[a-z_][a-z0-9_]{0,62}$")]
"""`schema.table`, lower case."""

RUNS = "dqm.dq_runs"
"""The table that all loads share: a line for each run."""
SqlType = Literal["text", "bigint", "double", "boolean", "date", "timestamp", "decimal"]
Missing = Literal["deactivate", "keep"]


class TableColumn(Frozen):
    """A typed column of staging and production tables."""

    name: str
    type: SqlType
    precision: int | None = None
    """Digits of a decimal."""
    scale: int | None = None
    """Digits after the point of a decimal."""
    nullable: bool = False


class LoadTables(Frozen):
    """The four tables of a load; `dqm.dq_runs` is shared by all loads."""

    project: str
    raw: TableName
    """What came, as text, with `run_id`, `source_line` and `inserted_at`."""
    staging: TableName
    """Rows of the last run that passed, typed, with `run_id` and `staged_at`."""
    prod: TableName
    """The table that others read: typed, with `is_active`, `created_at`, `updated_at`; primary key `key`."""
    rejects: TableName
    """Refused rows: `run_id`, `suite`, `rejected_at`, `source_line`, the raw columns as text, `reasons` (JSON)."""
    raw_columns: tuple[str, ...]
    columns: tuple[TableColumn, ...]
    key: tuple[str, ...] = Field(min_length=1)
    window: str | None = None
    """The column of dates by which loads are cut into windows; it gets an index."""


class Window(Frozen):
    """The days that a run is responsible for, both included; rows outside are never touched."""

    column: str
    first: datetime.date
    last: datetime.date


class MergeRules(Frozen):
    """What a merge may do."""

    window: Window | None
    """None: the whole table."""
    missing: Missing
    """What happens to active keys (in the window) that are no longer in the source."""
    max_shrink: float
    """The share of the active keys (in the window) that may go missing before the merge is refused."""


class RunLine(Frozen):
    """A run's line in `dqm.dq_runs`."""

    run: str
    project: str
    suite: str
    """The name of the rules that its rows were judged by."""
    status: str
    details: Mapping[str, Any]
    at: datetime.datetime


class Held(Frozen):
    """What production has of the days that a run is responsible for."""

    rows: int
    active: int
    updated: datetime.datetime | None
    """When one of the rows changed last; None where there are none."""


class Merged(Frozen):
    """What a merge did; staged = inserted + updated + reactivated + unchanged."""

    staged: int
    inserted: int
    updated: int
    reactivated: int
    """Keys that had been deactivated and came back."""
    unchanged: int
    deactivated: int
