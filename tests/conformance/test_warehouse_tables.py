"""What a migration does with tables that people have changed by hand, on both databases."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import psycopg
import pytest

from torneo.errors import ConflictError
from torneo.ports import Warehouse
from torneo.spec.tables import TableColumn
from torneo.stores import warehouse_duckdb, warehouse_postgres
from torneo.stores.warehouse import open_warehouse
from torneo.testing.small_load import day, merge, tables

WIDE = TableColumn(name="number", type="decimal", precision=20, scale=0)


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


def test_a_column_that_cannot_be_widened_where_it_is_is_told(place: Place) -> None:
    load = tables(TableColumn(name="number", type="bigint"), key=("id", "day", "number"))
    wide = load.model_copy(update={"columns": (*load.columns[:3], WIDE)})
    place.warehouse.migrate(load)
    merge(place.warehouse, [("a", day(1), None, 7)], load)
    if place.postgres:
        place.do("CREATE VIEW prod.numbers AS SELECT number FROM prod.sales")
    says = "prod.sales: column 'number' is (?i:bigint), and must be .*, to which the database cannot change it .*"
    because = "used by a view" if place.postgres else "PRIMARY KEY"
    with pytest.raises(ConflictError, match=rf"{says}{because}.*\n  fix: change the table by hand"):
        place.warehouse.migrate(wide)
    assert merge(place.warehouse, [("a", day(1), None, 7)], load, on=1).unchanged == 1
    if place.postgres:
        place.do("DROP VIEW prod.numbers")
        place.warehouse.migrate(wide)
        assert merge(place.warehouse, [("a", day(1), None, Decimal(7))], wide, on=2).unchanged == 1


def test_a_table_that_is_not_staging_is_not_made_anew(place: Place) -> None:
    place.do("CREATE SCHEMA staging", "CREATE TABLE staging.sales (run_id text, id bigint)")
    with pytest.raises(ConflictError, match=r"staging.sales is there, without Torneo's column 'staged_at'"):
        place.warehouse.migrate(tables())
    assert place.warehouse.read("staging.sales").columns == ["run_id", "id"]


CONSTRAINTS = [
    ("day date UNIQUE", "(?i:unique).*2026-01-01"),
    ("day date CHECK (day < '2025-01-01')", "(?i:check constraint)"),
    ("day date REFERENCES prod.days", "(?i:foreign key).*2026-01-01"),
]


@pytest.mark.parametrize(("column", "says"), CONSTRAINTS)
def test_a_constraint_that_refuses_a_row_is_told_with_the_row(place: Place, column: str, says: str) -> None:
    rest = "amount decimal(18,4), is_active boolean, created_at timestamptz, updated_at timestamptz"
    place.do("CREATE SCHEMA prod", "CREATE TABLE prod.days (day date PRIMARY KEY)")
    place.do(f"CREATE TABLE prod.sales (id text PRIMARY KEY, {column}, {rest})")
    by_id = tables(key=("id",), window=None)
    place.warehouse.migrate(by_id)
    with pytest.raises(ConflictError, match=rf"prod.sales: (?s:.*){says}(?s:.*)\n  fix: the constraint of") as caught:
        merge(place.warehouse, [("a", day(1), None), ("b" * 2000, day(1), None)], by_id)
    assert len(str(caught.value)) < 1000
    assert place.warehouse.read("prod.sales").is_empty()


def test_a_key_that_is_there_already_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if another program had written it after the keys were compared."""
    place.warehouse.migrate(tables())
    merge(place.warehouse, [("a", day(1), None)])
    for module in (warehouse_duckdb, warehouse_postgres):
        monkeypatch.setitem(module.SQL, "insert", module.SQL["insert_all"])
    with pytest.raises(ConflictError, match=r"prod.sales: .*a(?s:.*)\n  fix: another program wrote the same key"):
        merge(place.warehouse, [("a", day(1), None), ("b", day(1), None)], on=1)
