"""What every warehouse must do."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

from torneo.errors import ConflictError, GateError, NotFoundError, TorneoError
from torneo.ports import Warehouse
from torneo.spec.records import LINE
from torneo.spec.tables import TableColumn
from torneo.testing.conformance_warehouse_keys import keeps_withheld, tells_moved_keys
from torneo.testing.conformance_warehouse_rows import TEXTS, keeps_raw_rows, keeps_rejects, prunes_raw_rows
from torneo.testing.conformance_warehouse_runs import records_a_merge, records_runs, tells_what_is_held
from torneo.testing.conformance_warehouse_tables import widens_types
from torneo.testing.expect import equal, raises
from torneo.testing.small_load import Row, as_file, at, counts, day, merge, prod, rules, tables, typed_frame, write_raw

Factory = Callable[[], Warehouse]
STRANGE = ("Año de compra", 'a "b" c', "select", "x:y {z} %s $1", "é" * 31 + "1")
"""Names that need care: accents, quotes, a reserved word, what looks like a parameter, 63 bytes."""


def creates_tables(factory: Factory) -> None:
    """Tables are made once, empty, with our columns and the contract's; a second time changes nothing."""
    factory().migrate(tables())
    merge(factory(), [("a", day(1), None)])
    factory().migrate(tables())
    equal(len(factory().read("prod.sales")), 1, "rows of prod after a second migration")
    columns = {
        name: sorted(factory().read(name).columns) for name in ("raw.sales", "staging.sales", "dqm.sales_rejects")
    }
    contract = ["amount", "day", "id"]
    ours = (["inserted_at", "run_id", "source_line"], ["run_id", "staged_at"])
    equal(columns["raw.sales"], sorted([*contract, *ours[0]]), "columns of raw")
    equal(columns["staging.sales"], sorted([*contract, *ours[1]]), "columns of staging")
    more = ["reasons", "rejected_at", "run_id", "source_line", "suite"]
    equal(columns["dqm.sales_rejects"], sorted([*contract, *more]), "columns of rejects")


def adds_columns(factory: Factory) -> None:
    """A column that the contract gains is added, empty for rows that are there; one that it loses stays."""
    warehouse = factory()
    warehouse.migrate(tables(TableColumn(name="old", type="bigint")))
    merge(warehouse, [("a", day(1), None, 7)], tables(TableColumn(name="old", type="bigint")))
    wider = tables(TableColumn(name="new", type="double"))
    warehouse.migrate(wider)
    merge(warehouse, [("b", day(1), None, 2.5)], wider)
    found = warehouse.read("prod.sales").sort("id").select("id", "old", "new").rows()
    equal(found, [("a", 7, None), ("b", None, 2.5)], "rows after the contract has changed")


def refuses_other_shapes(factory: Factory) -> None:
    """A table that is there with another type or key is told, and left as it is."""
    factory().migrate(tables(TableColumn(name="x", type="bigint")))
    with raises(ConflictError, "another type", says="column 'x'"):
        factory().migrate(tables(TableColumn(name="x", type="text")))
    with raises(ConflictError, "another key", says="primary key"):
        factory().migrate(tables(key=("id",)))


def refuses_names(factory: Factory) -> None:
    """Names that one of the databases cannot hold are refused by all."""
    for name, says in (("é" * 32, "64 bytes"), ("ID", "are one"), ("Run_Id", "own column"), ("", "0 bytes")):
        with raises(ConflictError, f"a column {name!r}", says=says):
            factory().migrate(tables(TableColumn(name=name, type="text")))


def takes_strange_names(factory: Factory) -> None:
    """Columns may be called anything: accents, quotes, reserved words, what looks like a parameter, 63 bytes."""
    load = tables(*(TableColumn(name=name, type="text") for name in STRANGE), key=("id", "day", STRANGE[1], STRANGE[3]))
    load = load.model_copy(update={"raw_columns": ("id", *STRANGE)})
    warehouse = factory()
    warehouse.migrate(load)
    merge(warehouse, [("a", day(1), None, *STRANGE)], load)
    equal(merge(warehouse, [("a", day(1), None, *STRANGE)], load).unchanged, 1, "unchanged rows")
    found = warehouse.read("prod.sales", where={STRANGE[1]: STRANGE[1], STRANGE[3]: STRANGE[3]})
    equal(found.select(STRANGE).rows(), [STRANGE], "values under strange names")
    raw: dict[str, list[Any]] = {"id": ["a"], **{name: [name] for name in STRANGE}, LINE: [1]}
    write_raw(warehouse, raw, "run-1", load)
    equal(warehouse.read("raw.sales").select(STRANGE).rows(), [STRANGE], "raw values under strange names")


def keeps_values(factory: Factory) -> None:
    """Every type comes back exactly: decimals to the last digit, times to the microsecond, no value as none."""
    kinds = ("text", "bigint", "double", "boolean", "date", "timestamp")
    wide = TableColumn(name="wide", type="decimal", precision=38, scale=10, nullable=True)
    load = tables(
        *(TableColumn.model_validate({"name": f"a_{kind}", "type": kind, "nullable": True}) for kind in kinds), wide
    )
    moment = datetime.datetime(1999, 12, 31, 23, 59, 59, 999999)
    wide_value = Decimal("-1234567890123456789012345678.0123456789")
    values: list[Row] = [
        (text, 2**63 - 1 - number, 0.1 + number * 1e300, number % 2 == 0, datetime.date(1 + number * 900, 2, 28),
         moment, wide_value)
        for number, text in enumerate(TEXTS)
    ]  # fmt: skip
    values += [(None,) * 7, ("x", -(2**63), 5e-324, False, day(1), datetime.datetime(2026, 1, 1), Decimal("0E-10"))]
    rows = [(str(number), day(1), Decimal("0.0001"), *value) for number, value in enumerate(values)]
    factory().migrate(load)
    merge(factory(), rows, load)
    found = {row[0]: row[3:10] for row in factory().read("prod.sales").select(c.name for c in load.columns).rows()}
    for number, value in enumerate(values):
        equal(found[str(number)], value, f"values of row {number}")
    equal(merge(factory(), rows, load, on=1).unchanged, len(rows), "unchanged rows of the same values")


def merges(factory: Factory) -> None:
    """New keys are inserted, others updated only where they differ, missing ones deactivated, returning ones active."""
    warehouse = factory()
    warehouse.migrate(tables())
    one, two = Decimal("1.0000"), Decimal("2.0000")
    rows = [(name, day(1), one) for name in "abcd"]
    equal(merge(warehouse, rows, on=1), counts(4, inserted=4), "first merge")
    equal(merge(warehouse, rows, on=2), counts(4, unchanged=4), "second merge of the same rows")
    changed: list[Row] = [("a", day(1), one), ("b", day(1), two), ("c", day(1), None), ("e", day(2), None)]
    equal(merge(warehouse, changed, on=3), counts(4, inserted=1, updated=2, unchanged=1, deactivated=1), "third merge")
    expected = {
        "a": (one, True, 1, 1),
        "b": (two, True, 1, 3),
        "c": (None, True, 1, 3),
        "d": (one, False, 1, 3),
        "e": (None, True, 3, 3),
    }
    equal(prod(warehouse), expected, "prod")
    equal(
        merge(warehouse, [*changed, ("d", day(1), one)], on=4), counts(5, unchanged=4, reactivated=1), "return of a key"
    )
    equal(prod(warehouse), {**expected, "d": (one, True, 1, 4)}, "prod after a key came back")


def deactivates_once(factory: Factory) -> None:
    """A key that stays missing is deactivated once; with `missing: keep` it stays active. Staging has the last rows."""
    warehouse = factory()
    warehouse.migrate(tables())
    for on, names in enumerate(("abc", "ab", "a")):
        merge(warehouse, [(name, day(1), None) for name in names], on=on)
    expected = {"a": (None, True, 0, 0), "b": (None, False, 0, 2), "c": (None, False, 0, 1)}
    equal(prod(warehouse), expected, "prod after one key more was missing, twice")
    equal(merge(warehouse, [], by=rules(missing="keep"), on=3).deactivated, 0, "deactivated, missing: keep")
    equal(prod(warehouse), expected, "prod after missing: keep")
    merge(warehouse, [("a", day(1), None)], on=4)
    staged = warehouse.read("staging.sales").select("id", "run_id", "staged_at").rows()
    equal(staged, [("a", "run-4", at(4))], "staging has the last merge's rows")


def keeps_outside(factory: Factory) -> None:
    """Rows outside the window are never touched, on neither side of it; without a window all are inside."""
    warehouse = factory()
    warehouse.migrate(tables())
    merge(warehouse, [(str(number), day(number), None) for number in range(1, 7)])
    equal(
        merge(warehouse, [("3", day(3), None)], by=rules(3, 4), on=1), counts(1, unchanged=1, deactivated=1), "window"
    )
    equal({name for name, row in prod(warehouse).items() if not row[1]}, {"4"}, "deactivated keys")
    whole = rules().model_copy(update={"window": None})
    equal(merge(warehouse, [("1", day(1), None)], by=whole, on=2).deactivated, 4, "deactivated without a window")


def stops_at_shrinking(factory: Factory) -> None:
    """More missing keys than allowed stop the merge before anything is changed; an empty extract is all of them."""
    warehouse = factory()
    warehouse.migrate(tables())
    rows = [(str(number), day(1 + number // 10), None) for number in range(20)]
    equal(merge(warehouse, [], by=rules(max_shrink=0)).staged, 0, "an empty extract into an empty table")
    merge(warehouse, rows)
    before = prod(warehouse)
    with raises(GateError, "3 of 10 missing", says="3 of 10 active keys"):
        merge(warehouse, [*rows[3:10], ("new", day(1), None)], by=rules(1, 1, max_shrink=0.29), on=1)
    with raises(GateError, "an empty extract", says="10 of 10 active keys"):
        merge(warehouse, [], by=rules(2, 2, max_shrink=0.99), on=1)
    equal(prod(warehouse), before, "prod after two refused merges")
    equal(merge(warehouse, rows[3:10], by=rules(1, 1, max_shrink=0.3), on=1).deactivated, 3, "as many as allowed")
    equal(merge(warehouse, [], by=rules(2, 2, "keep", 0), on=2).deactivated, 0, "an empty extract, missing: keep")


def refuses_wrong_rows(factory: Factory) -> None:
    """Rows outside the window, without a key, twice or of another type are errors, and nothing is changed."""
    warehouse, by_id = factory(), tables(key=("id",))
    warehouse.migrate(by_id)
    merge(warehouse, [("a", day(1), None), ("b", day(9), None)], by_id)
    before = prod(warehouse)
    cases: Mapping[str, Row] = {
        "outside the window": ("z", day(6), None),
        "an empty key": (None, day(2), None),
        "more than once": ("c", day(3), None),
    }
    for says, row in cases.items():
        with raises(ConflictError, f"a row {row}", says=says):
            merge(warehouse, [("a", day(1), Decimal(5)), ("c", day(2), None), row], by_id, rules(1, 5), 1)
    other = by_id.model_copy(update={"columns": (*by_id.columns[:2], TableColumn(name="amount", type="double"))})
    with raises(ConflictError, "another type", says="'amount'"):
        as_file(
            typed_frame([("a", day(1), 1.0)], other), lambda file: warehouse.merge(by_id, "r", file, rules(), at(1))
        )
    equal(prod(warehouse), before, "prod after refused merges")


def waits_for_others(factory: Factory) -> None:
    """Two merges into one table wait for each other: neither fails, and one of them finds all rows there."""
    factory().migrate(tables())
    rows = [(str(number), day(1), Decimal(number)) for number in range(2000)]
    try:
        with ThreadPoolExecutor(3) as pool:
            done = list(pool.map(lambda on: merge(factory(), rows, on=on), range(3)))
    except TorneoError as error:
        raise AssertionError(f"a merge failed while others ran: {error}") from error
    equal(sorted(result.inserted for result in done), [0, 0, 2000], "inserted by three merges at once")
    equal(len({row[2:] for row in prod(factory()).values()}), 1, "times of rows that one merge inserted")


def reads_where(factory: Factory) -> None:
    """Reading gives the rows with the values asked for, no value too; what is not there is an error."""
    warehouse = factory()
    with raises(NotFoundError, "a table of an empty database", says="sales"):
        warehouse.read("prod.sales")
    warehouse.migrate(tables())
    merge(warehouse, [("a", day(1), None), ("b", day(1), Decimal(1)), ("c", day(2), None)])
    found = warehouse.read("prod.sales", where={"day": day(1), "amount": None, "is_active": True})
    equal(found["id"].to_list(), ["a"], "rows where")
    with raises(ConflictError, "a column that is not there", says="nothing"):
        warehouse.read("prod.sales", where={'nothing" OR TRUE --': 1})


WAREHOUSE_SUITE = (
    creates_tables,
    adds_columns,
    widens_types,
    refuses_other_shapes,
    refuses_names,
    takes_strange_names,
    keeps_raw_rows,
    prunes_raw_rows,
    keeps_rejects,
    keeps_values,
    merges,
    deactivates_once,
    keeps_outside,
    keeps_withheld,
    tells_moved_keys,
    stops_at_shrinking,
    refuses_wrong_rows,
    waits_for_others,
    records_runs,
    records_a_merge,
    tells_what_is_held,
    reads_where,
)
"""The checks of a warehouse."""
