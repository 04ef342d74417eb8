"""What every warehouse must do about the lines of runs, and tell of what it holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from torneo.errors import ConflictError, GateError
from torneo.ports import Warehouse
from torneo.spec.tables import Held, Merged, RunLine, Window
from torneo.testing.expect import equal, raises
from torneo.testing.small_load import as_file, at, counts, day, merge, rules, tables, typed_frame

Factory = Callable[[], Warehouse]


def line(run: str, status: str, on: int, details: Mapping[str, Any] | None = None) -> RunLine:
    """A run's line at noon of a day."""
    return RunLine(run=run, project="sales", suite="candidate", status=status, details=details or {}, at=at(on))


def records_runs(factory: Factory) -> None:
    """A run's line is written before any migration, replaced by the same run, and its details come back as JSON."""
    details = {"b": [1, None, "\0 \\u0000"], "a": {"ñ": 0.1}}
    for status in ("started", "passed"):
        factory().record_run(line("run-1", status, 2, details))
    factory().record_run(line("run-2", "failed", 3))
    found = factory().read("dqm.dq_runs", where={"run_id": "run-1"}).to_dicts()
    equal([row["status"] for row in found], ["passed"], "lines of a run")
    equal(json.loads(found[0]["details"]), {"b": [1, None, "\ufffd \\u0000"], "a": {"ñ": 0.1}}, "details")
    equal(
        (found[0]["project"], found[0]["suite"], found[0]["checked_at"]), ("sales", "candidate", at(2)), "a run's line"
    )


def records_a_merge(factory: Factory) -> None:
    """A run's line is there if and only if what it has merged is."""
    warehouse, told = factory(), [("a", day(1), None), ("b", day(1), None)]
    warehouse.migrate(tables())

    def passed(merged: Merged) -> RunLine:
        return line("run-1", "passed", 1, {"inserted": merged.inserted})

    def fails(merged: Merged) -> RunLine:
        raise GateError(f"{merged.inserted} new")

    def merge_telling(by: Callable[[Merged], RunLine]) -> Merged:
        frame = typed_frame(told, tables())
        return as_file(frame, lambda file: warehouse.merge(tables(), "run-1", file, rules(), at(1), line=by))

    with raises(GateError, "a line that cannot be made", says="2 new"):
        merge_telling(fails)
    equal(warehouse.read("prod.sales").height, 0, "rows of prod after a line that cannot be made")
    equal(merge_telling(passed), counts(2, inserted=2), "a merge with its line")
    found = warehouse.read("dqm.dq_runs").select("run_id", "status", "details").rows()
    equal(found, [("run-1", "passed", '{"inserted":2}')], "lines after a merge")


def tells_what_is_held(factory: Factory) -> None:
    """Rows, active rows and the last change inside a window, or at all; None where there is no table."""
    warehouse = factory()
    equal(warehouse.held(tables(), None), None, "held where nothing is")
    warehouse.migrate(tables())
    equal(warehouse.held(tables(), None), Held(rows=0, active=0, updated=None), "held by an empty table")
    merge(warehouse, [("a", day(1), None), ("b", day(2), None), ("c", day(3), None)])
    merge(warehouse, [("b", day(2), None)], by=rules(2, 3), on=1)
    window = Window(column="day", first=day(2), last=day(3))
    equal(warehouse.held(tables(), window), Held(rows=2, active=1, updated=at(1)), "held in a window")
    equal(warehouse.held(tables(), None), Held(rows=3, active=2, updated=at(1)), "held at all")
    alone = Window(column="day", first=day(1), last=day(1))
    equal(warehouse.held(tables(), alone), Held(rows=1, active=1, updated=at(0)), "held on a day")
    with raises(ConflictError, "a column that is not there", says="nothing"):
        warehouse.held(tables(), Window(column="nothing", first=day(1), last=day(1)))
