"""Warehouses of both kinds, empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.loads import Load


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty warehouse."""
    if request.param == "duckdb":
        return str(tmp_path / "warehouse.duckdb")
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
def load(tmp_path: Path, warehouse: str) -> Load:
    """The load of crypto_events from the test's own rows, into an empty warehouse."""
    return Load.make(tmp_path / "project", warehouse)


@pytest.fixture
def both(tmp_path: Path, postgres_database: str) -> tuple[Load, Load]:
    """The same load into DuckDB and into PostgreSQL."""
    path = str(tmp_path / "warehouse.duckdb")
    return Load.make(tmp_path / "duckdb", path), Load.make(tmp_path / "postgres", postgres_database)
