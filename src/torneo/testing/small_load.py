"""A small load for conformance checks: its tables, its rules, and its rows as Parquet files."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from torneo.ports import Warehouse
from torneo.spec.records import LINE
from torneo.spec.tables import LoadTables, Merged, MergeRules, TableColumn, Window

if TYPE_CHECKING:
    import polars as pl

Row = tuple[Any, ...]
Result = TypeVar("Result")


def at(day: int) -> datetime.datetime:
    """Noon of a day of 2026."""
    return datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC) + datetime.timedelta(days=day)


def day(number: int) -> datetime.date:
    """A day of January 2026."""
    return datetime.date(2026, 1, number)


def tables(*columns: TableColumn, key: tuple[str, ...] = ("id", "day"), window: str | None = "day") -> LoadTables:
    """The tables of a load with `id`, `day`, an amount, and further columns."""
    own = (
        TableColumn(name="id", type="text"),
        TableColumn(name="day", type="date"),
        TableColumn(name="amount", type="decimal", precision=18, scale=4, nullable=True),
    )
    return LoadTables(
        project="sales", raw="raw.sales", staging="staging.sales", prod="prod.sales", rejects="dqm.sales_rejects",
        raw_columns=("id", "day", "amount"), columns=(*own, *columns), key=key, window=window,
    )  # fmt: skip


def rules(first: int = 1, last: int = 31, missing: str = "deactivate", max_shrink: float = 1.0) -> MergeRules:
    """The rules of a merge of some days."""
    window = Window(column="day", first=day(first), last=day(last))
    return MergeRules.model_validate({"window": window, "missing": missing, "max_shrink": max_shrink})


def merge(
    warehouse: Warehouse, rows: list[Row], load: LoadTables | None = None, by: MergeRules | None = None, on: int = 0
) -> Merged:
    """Merge rows (in the order of the columns) at noon of a day."""
    named = load or tables()
    return as_file(
        typed_frame(rows, named), lambda file: warehouse.merge(named, f"run-{on}", file, by or rules(), at(on))
    )


def merge_withholding(
    warehouse: Warehouse, rows: list[Row], withheld: list[Row], load: LoadTables, by: MergeRules, on: int
) -> Merged:
    """The same, where the source has further keys."""
    keys = load.model_copy(update={"columns": tuple(one for one in load.columns if one.name in load.key)})

    def with_keys(file: Path) -> Merged:
        frame = typed_frame(rows, load)
        return as_file(frame, lambda good: warehouse.merge(load, f"run-{on}", good, by, at(on), withheld=file))

    return as_file(typed_frame(withheld, keys), with_keys)


def prod(warehouse: Warehouse) -> dict[str, Row]:
    """Production by id: amount, whether it is active, the days on which it was created and updated."""
    found = warehouse.read("prod.sales").select("id", "amount", "is_active", "created_at", "updated_at").rows()
    return {
        name: (amount, active, (made - at(0)).days, (moved - at(0)).days) for name, amount, active, made, moved in found
    }


def counts(staged: int, **others: int) -> Merged:
    """What a merge did; what is not given is 0."""
    none = dict.fromkeys(("inserted", "updated", "reactivated", "unchanged", "deactivated"), 0)
    return Merged(staged=staged, **{**none, **others})


def typed_frame(rows: list[Row], load: LoadTables) -> pl.DataFrame:
    """Rows (in the order of the columns) in the types that a merge takes."""
    import polars as pl

    types = {
        "text": pl.String(), "bigint": pl.Int64(), "double": pl.Float64(), "boolean": pl.Boolean(), "date": pl.Date(),
        "timestamp": pl.Datetime("us"),
    }  # fmt: skip
    schema = {
        column.name: types.get(column.type) or pl.Decimal(column.precision, column.scale or 0)
        for column in load.columns
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def write_raw(
    warehouse: Warehouse, rows: Mapping[str, list[Any]], run: str, load: LoadTables | None = None, on: int = 0
) -> int:
    """Write texts by column, and their lines, into raw at noon of a day."""
    import polars as pl

    frame = pl.DataFrame(rows, schema_overrides=dict.fromkeys(rows.keys() - {LINE}, pl.String))
    return as_file(frame, lambda file: warehouse.write_raw(load or tables(), run, file, at(on)))


def as_file(frame: pl.DataFrame, action: Callable[[Path], Result]) -> Result:
    """Call an action with the path of a Parquet file."""
    with tempfile.TemporaryDirectory() as folder:
        frame.write_parquet(Path(folder) / "rows.parquet")
        return action(Path(folder) / "rows.parquet")
