"""The database that loads write to."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from torneo.spec.tables import Held, LoadTables, Merged, MergeRules, RunLine, Window

if TYPE_CHECKING:
    import polars as pl


class Warehouse(Protocol):
    """The database that loads write to; each method is one transaction. A NUL in a text is written as U+FFFD.

    All raise UnavailableError where the database does not answer or the connection is lost (nothing is half done), and
    ConflictError where it refuses: no permission, no such database, disk full, a table of another shape.
    """

    def migrate(self, tables: LoadTables) -> None:
        """Create what is missing of the schemas and tables; add columns that the contract has gained.

        Raises:
            ConflictError: a table is there with a column of another type, another key, or without one of ours.
        """
        ...

    def write_raw(self, tables: LoadTables, run: str, rows: Path, at: datetime.datetime) -> int:
        """Copy a Parquet file (`__line__` and `raw_columns`, which become text) into raw; a run's rows are replaced."""
        ...

    def prune_raw(self, tables: LoadTables, run: str, before: datetime.datetime) -> int:
        """Delete raw rows that were inserted before a moment, other than the run's; gives how many."""
        ...

    def write_rejects(self, tables: LoadTables, run: str, suite: str, rows: Path, at: datetime.datetime) -> int:
        """Copy a Parquet file of the gate's refused rows into rejects; rows of the same run are replaced."""
        ...

    def merge(
        self,
        tables: LoadTables,
        run: str,
        rows: Path,
        rules: MergeRules,
        at: datetime.datetime,
        *,
        withheld: Path | None = None,
        line: Callable[[Merged], RunLine] | None = None,
    ) -> Merged:
        """Copy accepted rows into staging, whose rows they replace, and merge them into production.

        `rows` is a Parquet file with the columns of the load in exactly their types (String, Int64, Float64, Boolean,
        Date, Datetime("us"), Decimal(precision, scale)). New keys are inserted, rows that differ are updated
        (`updated_at` moves only then), and active keys that are missing inside the window are deactivated, but for the
        keys in `withheld` (a Parquet file), which the source has though their rows do not come; keys outside are not
        touched. The run's `line` is written with them, so that it is there if and only if they are. Two merges into
        one table wait for each other; readers see all of a merge or nothing.

        Raises:
            GateError: keys would be deactivated, and more of them than `max_shrink` allows; nothing is changed.
            MovedKeysError: production has keys of these rows outside the window; nothing is changed.
            ConflictError: a row is outside the window, has no key or one that is there twice; nothing is changed.
        """
        ...

    def held(self, tables: LoadTables, window: Window | None) -> Held | None:
        """What production has on the days of a window (None: all days); None where the table is not there."""
        ...

    def record_run(self, line: RunLine) -> None:
        """Write (or replace) the run's line in `dqm.dq_runs`, a table that is made when it is first needed."""
        ...

    def read(self, table: str, *, where: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """A table's rows in any order, those whose columns have the values of `where`; None means no value.

        Moments are in UTC; JSON (`reasons`, `details`) comes as its canonical text.

        Raises:
            NotFoundError: there is no such table.
        """
        ...
