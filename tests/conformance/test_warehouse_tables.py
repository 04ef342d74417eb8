"""What a migration does with tables that people have changed by hand, on both databases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg
import pytest

from torneo.ports import Warehouse
from torneo.stores.warehouse import open_warehouse
from torneo.testing.small_load import day, merge, tables


@dataclass(frozen=True)
class Place:
    """A database, as Torneo and as a person use it."""

    url: str

    @property
    def warehouse(self) -> Warehouse:
        """Torneo's."""
        return open_warehouse(self.url)

    def do(self, *statements: str) -> None:
        """Run statements with the database's own driver."""
        with psycopg.connect(self.url) if self.postgres else duckdb.connect(self.url) as connection:
            for statement in statements:
                connection.execute(statement)

    @property
    def postgres(self) -> bool:
        """Which of the two it is."""
        return self.url.startswith("postgresql:")


@pytest.fixture(params=["duckdb", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "duckdb":
        return Place(str(tmp_path / "warehouse.duckdb"))
    return Place(request.getfixturevalue("postgres_database"))


def test_columns_that_the_database_fills_are_left_alone(place: Place) -> None:
    place.warehouse.migrate(tables())
    place.do(
        "ALTER TABLE prod.sales ADD COLUMN team text DEFAULT 'none'",
        "ALTER TABLE prod.sales ALTER team SET NOT NULL",
        "ALTER TABLE prod.sales ADD COLUMN bare text",
        "ALTER TABLE prod.sales ALTER bare SET NOT NULL",
    )
    if place.postgres:
        place.do(
            "ALTER TABLE prod.sales ADD COLUMN number bigint NOT NULL GENERATED ALWAYS AS IDENTITY",
            "ALTER TABLE prod.sales ADD COLUMN twice numeric NOT NULL GENERATED ALWAYS AS (2) STORED",
        )
    place.warehouse.migrate(tables())
    assert merge(place.warehouse, [("a", day(1), None)]).inserted == 1
    found = place.warehouse.read("prod.sales").select("team", "bare").rows()
    assert found == [("none", None)]
    with pytest.raises((duckdb.Error, psycopg.Error), match=r"(?is)not.null.*team|team.*not.null"):
        place.do("UPDATE prod.sales SET team = NULL")
