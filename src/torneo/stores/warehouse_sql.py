"""What all databases that loads write to have in common."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torneo.errors import NotFoundError
from torneo.spec.chain import canonical
from torneo.spec.tables import Held, LoadTables, Merged, MergeRules, RunLine, Window
from torneo.stores.sqlfile import quote, quote_table
from torneo.stores.warehouse_merge import inside, merge
from torneo.stores.warehouse_rows import raw_batches, reject_batches
from torneo.stores.warehouse_session import Session
from torneo.stores.warehouse_tables import migrate, migrate_runs

if TYPE_CHECKING:
    import polars as pl

_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""A NUL in JSON, which PostgreSQL cannot hold; a backslash before it is text."""


class SqlWarehouse:
    """A warehouse on any database that has transactions; each method is one."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Session]]) -> None:
        self._transaction = transaction

    def migrate(self, tables: LoadTables) -> None:
        """Create what is missing of the schemas and tables; add columns that the contract has gained."""
        with self._transaction() as session:
            migrate(session, tables)

    def write_raw(self, tables: LoadTables, run: str, rows: Path, at: datetime.datetime) -> int:
        """Copy a Parquet file into raw; rows of the same run are replaced."""
        with self._transaction() as session:
            _clear_run(session, tables.raw, run)
            return session.load(tables.raw, raw_batches(tables, rows, {"run_id": run, "inserted_at": at}))

    def prune_raw(self, tables: LoadTables, run: str, before: datetime.datetime) -> int:
        """Delete raw rows that were inserted before a moment, other than the run's."""
        fragments, values = {"table": quote_table(tables.raw)}, {"run": run, "before": before}
        with self._transaction() as session:
            session.run("lock", fragments)
            [(count,)] = session.rows("count_old", fragments, values)
            if count:
                session.run("clear_old", fragments, values)
        return int(count)

    def write_rejects(self, tables: LoadTables, run: str, suite: str, rows: Path, at: datetime.datetime) -> int:
        """Copy refused rows into rejects; rows of the same run are replaced."""
        constants = {"run_id": run, "suite": suite, "rejected_at": at}
        with self._transaction() as session:
            _clear_run(session, tables.rejects, run)
            return session.load(tables.rejects, reject_batches(tables, rows, constants))

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
        """Copy accepted rows into staging, merge them into production, and write the run's line."""
        with self._transaction() as session:
            merged = merge(session, tables, run, rows, rules, at, withheld)
            if line is not None:
                _put_run(session, line(merged))
        return merged

    def held(self, tables: LoadTables, window: Window | None) -> Held | None:
        """What production has on the days of a window; None where the table is not there."""
        try:
            with self._transaction() as session:
                found = session.frame("held", *inside(tables, window))
        except NotFoundError:
            return None
        return Held.model_validate(found.row(0, named=True))

    def record_run(self, line: RunLine) -> None:
        """Write (or replace) the run's line in `dqm.dq_runs`."""
        with self._transaction() as session:
            migrate_runs(session)
            _put_run(session, line)

    def read(self, table: str, *, where: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """A table's rows, those whose columns have the values of `where`."""
        fragments, values = {"table": quote_table(table)}, {}
        conditions = []
        for number, (column, value) in enumerate((where or {}).items()):
            values[f"value_{number}"] = value
            conditions.append(f"{quote(column)} IS NOT DISTINCT FROM :value_{number}")
        with self._transaction() as session:
            if not conditions:
                return session.frame("rows", fragments, values)
            return session.frame("rows_where", {**fragments, "conditions": " AND ".join(conditions)}, values)


def _put_run(session: Session, line: RunLine) -> None:
    details = _NUL.sub("\\1\ufffd", canonical(line.details))
    session.run("put_run", values={**line.model_dump(exclude={"details"}), "details": details})


def _clear_run(session: Session, table: str, run: str) -> None:
    session.run("lock", {"table": quote_table(table)})
    session.run("clear_run", {"table": quote_table(table)}, {"run": run})
