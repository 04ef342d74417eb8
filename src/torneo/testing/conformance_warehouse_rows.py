"""What every warehouse must do with rows as they came: raw and refused ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from torneo.ports import Warehouse
from torneo.spec.records import LINE, REASONS
from torneo.testing.expect import equal
from torneo.testing.small_load import as_file, at, day, merge, tables, write_raw

Factory = Callable[[], Warehouse]
TEXTS = ("", " ", "\\N", "a\tb\nc\rd\\e", "'; DROP TABLE x; --", '"', "ñ \U0001f600", "NULL", "\\.", "05")
"""Texts that need care on their way into a database."""


def keeps_raw_rows(factory: Factory) -> None:
    """Raw takes all rows as they came, duplicates and gaps too; a run's rows are there once, however often written."""
    texts = [*TEXTS, None, "twice", "twice"]
    lines = list(range(1, len(texts) + 1))
    rows: dict[str, list[Any]] = {"id": texts, "day": texts, "amount": [None] * len(texts), LINE: lines}
    factory().migrate(tables())
    write_raw(factory(), rows, "run-1")
    equal(write_raw(factory(), rows, "run-1"), len(texts), "rows written")
    write_raw(factory(), {"id": ["a\0b"], "day": [None], "amount": ["1.50"], LINE: [1]}, "run-2")
    found = factory().read("raw.sales", where={"run_id": "run-1"}).sort("source_line")
    equal(found["id"].to_list(), texts, "texts in raw")
    equal(found["source_line"].to_list(), lines, "lines in raw")
    equal(set(found["inserted_at"]), {at(0)}, "times in raw")
    other = factory().read("raw.sales", where={"run_id": "run-2"})
    equal(other.select("id", "day", "amount").rows(), [("a\ufffdb", None, "1.50")], "another run's rows")


def prunes_raw_rows(factory: Factory) -> None:
    """Raw rows of other runs go once they are older than a moment; the run's own stay, and so does all else."""
    warehouse = factory()
    warehouse.migrate(tables())
    rows: dict[str, list[Any]] = {"id": ["a", "b"], "day": [None, None], "amount": ["1", "1"], LINE: [1, 2]}
    for run, on in (("run-1", 0), ("run-2", 1), ("run-3", 2)):
        write_raw(warehouse, rows, run, on=on)
    merge(warehouse, [("a", day(1), None)])
    equal(warehouse.prune_raw(tables(), "run-3", at(0)), 0, "rows pruned of none that is older")
    equal(warehouse.prune_raw(tables(), "run-2", at(2)), 2, "rows pruned of one older run and the run's own")
    equal(warehouse.prune_raw(tables(), "run-2", at(2)), 0, "rows pruned the second time")
    equal({row[0] for row in warehouse.read("raw.sales").select("run_id").rows()}, {"run-2", "run-3"}, "runs in raw")
    equal(len(warehouse.read("prod.sales")), 1, "rows of prod")


def keeps_rejects(factory: Factory) -> None:
    """Refused rows keep their texts and all reasons; a run's rows are there once."""
    import polars as pl

    reasons = [["missing_user_id", 'a "quoted" \\ reason'], ["duplicate_key"], []]
    rows: dict[str, list[Any]] = {"id": ["a", "b", "c"], "day": ["31/02/2026", None, ""], "amount": ["-1", "x", "\\N"]}
    frame = pl.DataFrame({**rows, LINE: [5, 6, 7], REASONS: reasons}, schema_overrides={REASONS: pl.List(pl.String)})
    factory().migrate(tables())
    for _ in range(2):
        written = as_file(frame, lambda file: factory().write_rejects(tables(), "run-1", "candidate", file, at(3)))
        equal(written, 3, "rejects written")
    found = factory().read("dqm.sales_rejects").sort("source_line")
    equal([json.loads(value) for value in found["reasons"]], reasons, "reasons")
    equal(
        found.select("id", "day", "amount").rows(),
        list(zip(rows["id"], rows["day"], rows["amount"], strict=True)),
        "refused texts",
    )
    equal(
        set(found.select("run_id", "suite", "rejected_at").rows()), {("run-1", "candidate", at(3))}, "run, suite, time"
    )
