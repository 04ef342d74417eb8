"""Warehouses of both kinds, empty; a home to serve from."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.loads import Load
from e2e.serving import Home, train


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


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A project trained in two versions, to be copied."""
    return train(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def home(trained_home: Home, tmp_path: Path) -> Home:
    """A trained project of the test's own."""
    return trained_home.copy(tmp_path)
