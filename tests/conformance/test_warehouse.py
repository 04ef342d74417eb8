"""DuckDB and PostgreSQL pass one suite, agree with each other, and every check of the suite finds what it looks for."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torneo.errors import ConflictError, UnavailableError
from torneo.ports import Warehouse
from torneo.spec.tables import LoadTables, Merged, MergeRules
from torneo.stores import warehouse_duckdb
from torneo.stores.warehouse import open_warehouse
from torneo.stores.warehouse_duckdb import DuckdbWarehouse
from torneo.testing import WAREHOUSE_SUITE
from torneo.testing.small_load import Row, at, counts, day, merge, rules, tables

Factory = Callable[[], Warehouse]
NUMBERS = itertools.count()


@pytest.fixture(params=["memory", "duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Factory:
    """A factory of warehouses."""
    if request.param == "memory":
        memory = open_warehouse(":memory:")
        return lambda: memory
    if request.param == "duckdb":
        return lambda: open_warehouse(tmp_path / "new" / "warehouse.duckdb")
    url = request.getfixturevalue("postgres_database")
    return lambda: open_warehouse(url)


@pytest.mark.parametrize("check", WAREHOUSE_SUITE, ids=lambda check: check.__name__)
def test_warehouse(check: Callable[[Factory], None], warehouse: Factory) -> None:
    check(warehouse)


NOTHING = "SET TimeZone = 'UTC'"
BROKEN_SQL = [
    ("lock_migrations", "", "DROP SCHEMA IF EXISTS prod CASCADE", "creates_tables", "rows of prod after a second"),
    ("add_column", "{definition}", "{definition} DEFAULT 0", "adds_columns", "rows after the contract has changed"),
    ("widen", "ALTER TABLE {table} ALTER COLUMN {column} TYPE {type}", NOTHING, "widens_types", "rows with wider"),
    ("columns", "NOT internal", "FALSE", "refuses_other_shapes", "another type: ConflictError was not raised"),
    ("rows_where", "{conditions}", "NOT ({conditions})", "takes_strange_names", "values under strange names"),
    ("clear_run", "DELETE FROM {table} WHERE run_id = :run", NOTHING, "keeps_raw_rows", "texts in raw"),
    ("clear_run", "run_id = :run", "TRUE", "keeps_raw_rows", "texts in raw: .*, got \\[\\]"),
    ("clear_run", "DELETE FROM {table} WHERE run_id = :run", NOTHING, "keeps_rejects", "reasons: expected"),
    ("clear_old", "inserted_at < :before", ":before IS NOT NULL", "prunes_raw_rows", "runs in raw"),
    ("clear_old", "AND run_id <> :run", "AND :run <> ''", "prunes_raw_rows", "runs in raw"),
    ("count_old", "AND run_id <> :run", "AND :run <> ''", "prunes_raw_rows", "rows pruned of one older"),
    ("compare", "AND ({differs})", "", "merges", "second merge of the same rows"),
    ("update", "(NOT p.is_active OR {differs})", "TRUE", "merges", "prod: expected"),
    ("update", "updated_at = :at{assignments}", "updated_at = p.updated_at{assignments}", "merges", "prod: expected"),
    ("update", "NOT p.is_active OR {differs}", "{differs}", "merges", "prod after a key came back"),
    ("insert", ":at, :at", "TIMESTAMPTZ '2026-01-01 12:00Z', :at", "merges", "prod: expected"),
    ("deactivate", "is_active = FALSE, updated_at = :at", "is_active = FALSE", "merges", "prod: expected"),
    ("deactivate", "p.is_active AND", "", "deactivates_once", "prod after one key more was missing"),
    ("clear", "TRUNCATE {table}", NOTHING, "deactivates_once", "prod after one key more was missing"),
    ("deactivate", "{inside} AND", "", "keeps_outside", "deactivated keys"),
    ("compare", "WHERE {inside}", "", "keeps_outside", "window: expected"),
    ("compare", "count(*) FILTER (WHERE s.run_id IS NULL AND p.is_active)", "0", "stops_at_shrinking", "3 of 10 miss"),
    ("moved", "({inside}) IS NOT TRUE", "FALSE", "tells_moved_keys", "was not refused"),
    ("moved", "IS NOT TRUE", "IS NOT TRUE AND p.is_active", "tells_moved_keys", "moved keys"),
    ("missing", "p.is_active AND", "", "keeps_withheld", "the same again"),
    ("missing", "AND NOT EXISTS (SELECT 1 FROM torneo_withheld AS w WHERE {withheld})", "", "keeps_withheld", "two of"),
    ("deactivate_others", "is_active = FALSE", "is_active = TRUE", "keeps_withheld", "the same again"),
    ("held", "FILTER (WHERE p.is_active)", "", "tells_what_is_held", "held in a window"),
    ("put_run", ":status,", "'running',", "records_a_merge", "lines after a merge"),
    ("put_run", "DO UPDATE SET", "DO UPDATE SET run_id = 'x' || dq_runs.run_id,", "records_runs", "lines of a run"),
    ("put_run", "status = excluded.status,", "", "records_runs", "lines of a run"),
    ("rows_where", "{conditions}", "TRUE OR ({conditions})", "reads_where", "rows where"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "text", "broken", "check", "says"), BROKEN_SQL)
def test_broken_sql_is_found(
    statement: str, text: str, broken: str, check: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = warehouse_duckdb.SQL.get(statement, "")
    assert text in there
    monkeypatch.setitem(warehouse_duckdb.SQL, statement, there.replace(text, broken) if text else broken)
    memory = DuckdbWarehouse(":memory:")
    with pytest.raises(AssertionError, match=says):
        check_named(check)(lambda: memory)


class FailsWhenBusy(DuckdbWarehouse):
    busy = threading.Lock()

    def merge(self, *arguments: Any) -> Merged:
        if not self.busy.acquire(blocking=False):
            raise UnavailableError("busy")
        try:
            return super().merge(*arguments)
        finally:
            self.busy.release()


class SwallowsErrors(DuckdbWarehouse):
    def merge(self, *arguments: Any) -> Merged:
        try:
            return super().merge(*arguments)
        except ConflictError:
            return counts(0)


class ReadsApproximately(DuckdbWarehouse):
    def read(self, table: str, *, where: Mapping[str, Any] | None = None) -> pl.DataFrame:
        return super().read(table, where=where).with_columns(pl.col("wide").cast(pl.Float64))


class TakesAnyName(DuckdbWarehouse):
    def migrate(self, tables: LoadTables) -> None:
        names = {column.name: f"column {number}" for number, column in enumerate(tables.columns)}
        columns = [column.model_copy(update={"name": names[column.name]}) for column in tables.columns]
        key = tuple(names[name] for name in tables.key)
        super().migrate(tables.model_copy(update={"columns": tuple(columns), "key": key}))


BROKEN = [
    (FailsWhenBusy, "waits_for_others", "a merge failed while others ran: busy"),
    (SwallowsErrors, "refuses_wrong_rows", "ConflictError was not raised"),
    (ReadsApproximately, "keeps_values", "values of row 0"),
    (TakesAnyName, "refuses_names", "ConflictError was not raised"),
]


@pytest.mark.parametrize(("broken", "check", "says"), BROKEN)
def test_a_broken_warehouse_is_found(broken: type[DuckdbWarehouse], check: str, says: str) -> None:
    memory = broken(":memory:")
    with pytest.raises(AssertionError, match=says):
        check_named(check)(lambda: memory)


def check_named(name: str) -> Callable[[Factory], None]:
    return {check.__name__: check for check in WAREHOUSE_SUITE}[name]


def test_every_check_has_a_broken_implementation() -> None:
    tested = {row[3] for row in BROKEN_SQL} | {row[1] for row in BROKEN}
    assert tested == {check.__name__ for check in WAREHOUSE_SUITE}


amounts = st.none() | st.decimals(-(10**9), 10**9, places=4)
extracts = st.dictionaries(st.tuples(st.sampled_from("abcd"), st.integers(1, 9)), amounts, max_size=12)


def _rows(extract: Mapping[tuple[str, int], Decimal | None]) -> list[Row]:
    return [(name, day(number), amount) for (name, number), amount in extract.items()]


def _inside(rows: list[Row], by: MergeRules) -> list[Row]:
    assert by.window is not None
    return [row for row in rows if by.window.first <= row[1] <= by.window.last]


def _new_load(warehouses: list[Warehouse]) -> LoadTables:
    number = next(NUMBERS)
    load = tables().model_copy(update={"prod": f"prod.t{number}", "staging": f"staging.t{number}"})
    for each in warehouses:
        each.migrate(load)
    return load


def _prod(warehouse: Warehouse, load: LoadTables) -> pl.DataFrame:
    return warehouse.read(load.prod).sort("id", "day")


@pytest.fixture
def both(postgres_database: str) -> list[Warehouse]:
    return [open_warehouse(":memory:"), open_warehouse(postgres_database)]


once_for_all = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@once_for_all
@given(st.lists(st.tuples(extracts, st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=4))
def test_both_databases_agree(both: list[Warehouse], loads: list[tuple[Any, int, int]]) -> None:
    load = _new_load(both)
    for on, (extract, first, last) in enumerate(loads):
        by = rules(min(first, last), max(first, last))
        rows = _inside(_rows(extract), by)
        before = _prod(both[0], load)
        duckdb, postgres = (merge(each, rows, load, by, on) for each in both)
        assert duckdb == postgres
        assert duckdb.staged == len(rows)
        assert duckdb.staged == duckdb.inserted + duckdb.updated + duckdb.reactivated + duckdb.unchanged
        after, other = (_prod(each, load) for each in both)
        assert after.equals(other)
        assert after.schema == other.schema
        assert len(after) == len(before) + duckdb.inserted
        moved = after.filter(pl.col("updated_at") == at(on))
        assert len(moved) == duckdb.inserted + duckdb.updated + duckdb.reactivated + duckdb.deactivated
        outside = ~pl.col("day").is_between(day(min(first, last)), day(max(first, last)))
        assert after.filter(outside).equals(before.filter(outside))
        active = after.filter(~outside, "is_active").select("id", "day", "amount")
        assert active.rows() == sorted(rows, key=lambda row: row[:2])


@once_for_all
@given(extracts, extracts)
def test_a_second_merge_changes_nothing(both: list[Warehouse], first: Any, second: Any) -> None:
    load = _new_load(both)
    for each in both:
        merge(each, _rows(first), load, on=0)
        merge(each, _rows(second), load, on=1)
        before = _prod(each, load)
        again = merge(each, _rows(second), load, on=2)
        assert again == Merged(
            staged=len(second), inserted=0, updated=0, reactivated=0, unchanged=len(second), deactivated=0
        )
        assert _prod(each, load).equals(before)


@once_for_all
@given(extracts, extracts, st.permutations([(1, 3), (4, 4), (5, 9)]))
def test_windows_may_come_in_any_order(both: list[Warehouse], old: Any, new: Any, order: list[tuple[int, int]]) -> None:
    found = []
    for windows in ([(1, 9)], order):
        load = _new_load(both)
        for each in both:
            merge(each, _rows(old), load, on=0)
            for window in windows:
                by = rules(*window)
                merge(each, _inside(_rows(new), by), load, by, on=1)
            found.append(_prod(each, load))
    assert all(frame.equals(found[0]) for frame in found)
