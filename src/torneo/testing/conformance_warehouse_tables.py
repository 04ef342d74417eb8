"""What every warehouse must do with tables whose columns the contract has made wider."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal

from torneo.errors import ConflictError
from torneo.ports import Warehouse
from torneo.spec.tables import LoadTables, TableColumn
from torneo.testing.expect import equal, raises
from torneo.testing.small_load import day, merge, tables

Factory = Callable[[], Warehouse]


def widens_types(factory: Factory) -> None:
    """Decimals gain digits, ints become decimals that hold them, dates moments; all else stays an error."""
    count, on = TableColumn(name="count", type="bigint"), TableColumn(name="on", type="date", nullable=True)
    narrow = tables(count, on)
    wide = _typed(_typed(narrow, "amount", "decimal", 20, 6), "count", "decimal", 21, 2)
    wide = _typed(wide, "on", "timestamp")
    warehouse = factory()
    warehouse.migrate(narrow)
    merge(warehouse, [("a", day(1), Decimal("1.5"), 7, day(2)), ("b", day(1), None, 8, None)], narrow)
    warehouse.migrate(wide)
    moment = datetime.datetime(2026, 1, 2)
    rows = [("a", day(1), Decimal("1.500000"), Decimal("7.00"), moment), ("b", day(1), None, Decimal("8.00"), None)]
    names = ["id", "day", "amount", "count", "on"]
    equal(warehouse.read("prod.sales").sort("id").select(names).rows(), rows, "rows with wider types")
    equal(merge(warehouse, rows, wide, on=1).unchanged, 2, "unchanged rows with wider types")
    wider = ("c", day(1), Decimal("12345678901234.123456"), Decimal("1234567890123456789.25"), moment)
    merge(warehouse, [wider], wide, on=2)
    for table in ("prod.sales", "staging.sales"):
        equal(warehouse.read(table, where={"id": "c"}).select(names).rows(), [wider], f"a wider row in {table}")
    for column, kind, precision, scale in (
        ("amount", "decimal", 21, 8), ("amount", "decimal", 30, 5), ("count", "decimal", 20, 2),
        ("amount", "text", 0, 0), ("amount", "double", 0, 0), ("on", "date", 0, 0), ("count", "bigint", 0, 0),
    ):  # fmt: skip
        with raises(ConflictError, f"{column} as {kind}({precision},{scale})", says=f"prod.sales: column {column!r}"):
            warehouse.migrate(_typed(wide, column, kind, precision, scale))
    equal(len(warehouse.read("staging.sales")), 1, "rows of staging after refused migrations")


def _typed(load: LoadTables, name: str, kind: str, precision: int = 0, scale: int = 0) -> LoadTables:
    changes = {"type": kind, "precision": precision, "scale": scale}
    columns = [one.model_copy(update=changes) if one.name == name else one for one in load.columns]
    return load.model_copy(update={"columns": tuple(columns)})
