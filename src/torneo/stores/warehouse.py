"""The database that loads write to: which one a URL or a path names."""

from __future__ import annotations

from pathlib import Path

from torneo.errors import ConflictError
from torneo.ports import Warehouse

POSTGRES = ("postgresql", "postgresql+psycopg", "postgres")
FIX = "set TORNEO_WAREHOUSE to postgresql://… or to the path of a DuckDB file"


def open_warehouse(place: str | Path) -> Warehouse:
    """The warehouse that a URL (`postgresql://…`), a path of a DuckDB file, or `:memory:` names.

    Nothing is opened before the first call.

    >>> open_warehouse("mysql://me:secret@there/shop")
    Traceback (most recent call last):
    torneo.errors.ConflictError: there is no kind of warehouse 'mysql'...

    Raises:
        MissingExtraError: PostgreSQL's driver is not installed.
        ConflictError: there is no such kind of warehouse.
    """
    text = str(place)
    if not text.strip():
        raise ConflictError("a warehouse is named by an empty text", fix=FIX)
    scheme, colon, rest = text.partition(":")
    if colon and scheme.lower() in POSTGRES:
        from torneo.stores.warehouse_postgres import PostgresWarehouse

        return PostgresWarehouse(f"{scheme.lower()}:{rest}")
    if rest.startswith("//"):  # what follows may have a password in it
        raise ConflictError(f"there is no kind of warehouse {scheme[:40]!r}", fix=FIX)
    from torneo.stores.warehouse_duckdb import DuckdbWarehouse

    return DuckdbWarehouse(place)
