"""The database that loads write to: which one a URL or a path names."""

from __future__ import annotations

from pathlib import Path

from torneo.ports import Warehouse


def open_warehouse(place: str | Path) -> Warehouse:
    """The warehouse that a URL (`postgresql://…`), a path of a DuckDB file, or `:memory:` names.

    Nothing is opened before the first call.

    Raises:
        MissingExtraError: PostgreSQL's driver is not installed.
        ConflictError: there is no such kind of warehouse.
    """
    if str(place).startswith(("postgresql:", "postgresql+psycopg:", "postgres:")):
        from torneo.stores.warehouse_postgres import PostgresWarehouse

        return PostgresWarehouse(str(place))
    from torneo.stores.warehouse_duckdb import DuckdbWarehouse

    return DuckdbWarehouse(place)
