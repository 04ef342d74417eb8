"""What goes wrong with a real server: nothing is half loaded, the error says what and where, the next run succeeds."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import psycopg
import pytest

from disk import small_disk
from postgres import PASSWORD, Server, running_server
from torneo.errors import ConflictError, TorneoError, UnavailableError
from torneo.ports import Warehouse
from torneo.stores.warehouse import open_warehouse
from torneo.testing.small_load import at, day, merge, rules, tables

LOAD = """
import sys
from pathlib import Path
from torneo.stores.warehouse import open_warehouse
from torneo.testing.small_load import at, rules, tables
print("ready", flush=True)
print(open_warehouse(sys.argv[1]).merge(tables(), "run", Path(sys.argv[2]), rules(), at(1)))
"""


@pytest.fixture
def warehouse(postgres_database: str) -> Warehouse:
    found = open_warehouse(postgres_database)
    found.migrate(tables())
    return found


def _write_rows(target: Path, count: int, factor: int) -> Path:
    numbers = pl.int_range(count, eager=True)
    pl.DataFrame(
        {
            "id": numbers.cast(pl.String),
            "day": pl.Series([day(1 + number % 30) for number in range(30)]).gather(numbers % 30),
            "amount": (numbers * factor).cast(pl.Decimal(18, 4)),
        }
    ).write_parquet(target)
    return target


def _prod(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT count(*), sum(amount), count(*) FILTER (WHERE is_active), max(updated_at) FROM prod.sales"
        ).fetchall()


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"user": "nobody"}, ConflictError, "authentication failed"),
        ({"database": "absent"}, ConflictError, 'database "absent" does not exist'),
        ({"port": 9}, UnavailableError, "cannot connect: .*refused"),
    ],
)
def test_no_way_in(postgres_server: Server, change: dict[str, object], error: type[TorneoError], says: str) -> None:
    place = {"user": "me", "database": "postgres", "port": postgres_server.port, **change}
    url = "postgresql://{user}:s3cret@127.0.0.1:{port}/{database}".format(**place)
    with pytest.raises(error, match=says) as caught:
        open_warehouse(url).read("prod.sales")
    assert f"@127.0.0.1:{place['port']}/{place['database']}" in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_a_url_that_is_none() -> None:
    with pytest.raises(ConflictError, match="URL is none of PostgreSQL") as caught:
        open_warehouse("postgresql://me:hunter2@[/x?nonsense=1")
    assert "hunter2" not in str(caught.value)


def test_no_permission(postgres_server: Server, postgres_database: str, warehouse: Warehouse) -> None:
    role = postgres_server.new_role()
    with psycopg.connect(postgres_database) as connection:
        connection.execute(f"GRANT USAGE ON SCHEMA prod TO {role}; GRANT SELECT ON prod.sales TO {role}")
    reader = open_warehouse(postgres_server.url(postgres_database.rpartition("/")[2], role))
    assert len(reader.read("prod.sales")) == 0
    reader.migrate(tables())
    with pytest.raises(ConflictError, match=r"permission denied for .*\n  fix: GRANT"):
        merge(reader, [("a", day(1), None)])
    with pytest.raises(ConflictError, match="permission denied"):
        reader.migrate(tables().model_copy(update={"prod": "elsewhere.sales"}))
    assert merge(warehouse, [("a", day(1), None)]).inserted == 1


def test_a_full_disk(postgres_server: Server, postgres_database: str, warehouse: Warehouse, tmp_path: Path) -> None:
    with small_disk(postgres_server.folder / "small") as (place, grow):
        shutil.chown(place, place.parent.owner())
        _fill_and_grow(postgres_database, warehouse, place, grow, _write_rows(tmp_path / "rows.parquet", 200_000, 1))


def _fill_and_grow(url: str, warehouse: Warehouse, place: Path, grow: Callable[[], None], rows: Path) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
        connection.execute("ALTER TABLE prod.sales SET TABLESPACE small")
    merge(warehouse, [("a", day(1), None)])
    before = _prod(url)
    with pytest.raises(ConflictError, match=r"No space left on device\n  fix: free space on the server's disk"):
        warehouse.merge(tables(), "run", rows, rules(), at(1))
    assert _prod(url) == before
    grow()
    assert warehouse.merge(tables(), "run", rows, rules(), at(1)).inserted == 200_000
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA prod CASCADE")
        connection.execute("DROP TABLESPACE small")


def test_a_connection_that_is_cut(postgres_database: str, warehouse: Warehouse, tmp_path: Path) -> None:
    merge(warehouse, [("a", day(1), None)])
    before = _prod(postgres_database)
    rows = _write_rows(tmp_path / "rows.parquet", 100_000, 1)
    ended = threading.Event()

    def cut() -> None:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE %s AND pid <> pg_backend_pid()"
        with psycopg.connect(postgres_database, autocommit=True) as connection:
            while not ended.wait(0.005) and not connection.execute(query, ["COPY%"]).fetchall():
                pass

    cutter = threading.Thread(target=cut)
    cutter.start()
    try:
        with pytest.raises(UnavailableError, match="nothing is half done") as caught:
            warehouse.merge(tables(), "run", rows, rules(), at(1))
    finally:
        ended.set()
        cutter.join()
    assert PASSWORD not in str(caught.value)
    assert _prod(postgres_database) == before
    assert warehouse.merge(tables(), "run", rows, rules(), at(1)).inserted == 100_000


def test_a_server_that_falls_and_comes_back(tmp_path: Path) -> None:
    with running_server("fsync=off") as server:
        warehouse = open_warehouse(server.url())
        warehouse.migrate(tables())
        merge(warehouse, [("a", day(1), None)])
        rows = _write_rows(tmp_path / "rows.parquet", 100_000, 1)
        fall = threading.Timer(0.3, server.stop)
        fall.start()
        with pytest.raises(UnavailableError):
            _merge_for_ever(warehouse, rows)
        fall.join()
        with pytest.raises(UnavailableError, match="cannot connect"):
            warehouse.read("prod.sales")
        server.start()
        found = warehouse.merge(tables(), "run", rows, rules(), at(2))
        assert found.staged == 100_000
        assert len(warehouse.read("prod.sales", where={"is_active": True})) == 100_000


def _merge_for_ever(warehouse: Warehouse, rows: Path) -> None:
    while True:
        warehouse.merge(tables(), "run", rows, rules(), at(1))
        merge(warehouse, [("a", day(1), None)])


def test_a_writer_outside_torneo_waits(postgres_database: str, warehouse: Warehouse) -> None:
    """Production is locked against other writers, not against readers, while a merge counts and changes it."""
    merge(warehouse, [("a", day(1), None)])
    with psycopg.connect(postgres_database) as other:
        other.execute("INSERT INTO prod.sales VALUES ('b', '2026-01-01', 1, true, now(), now())")
        second = threading.Thread(target=merge, args=(warehouse, [("b", day(1), None)]), kwargs={"on": 1})
        second.start()
        time.sleep(0.3)
        assert second.is_alive()
        assert len(warehouse.read("prod.sales")) == 1
    second.join()
    found = warehouse.read("prod.sales").sort("id").select("id", "amount", "is_active").rows()
    assert found == [("a", None, False), ("b", None, True)]


@pytest.mark.slow
def test_a_loader_that_is_killed(postgres_database: str, warehouse: Warehouse, tmp_path: Path) -> None:
    """At any moment prod is what it was or what the whole merge makes of it, for its readers too."""
    old, new = (
        _write_rows(tmp_path / f"{factor}.parquet", count, factor) for factor, count in ((1, 150_000), (2, 200_000))
    )
    warehouse.merge(tables(), "old", old, rules(), at(0))
    before = _prod(postgres_database)
    started = time.monotonic()
    assert warehouse.merge(tables(), "run", new, rules(), at(1)).updated == 149_999
    seconds = time.monotonic() - started
    after = _prod(postgres_database)
    moments = random.Random(7)  # noqa: S311 - any moments will do
    for _ in range(5):
        _restore(postgres_database, warehouse, old)
        assert _prod(postgres_database) == before
        loader = subprocess.Popen([sys.executable, "-c", LOAD, postgres_database, new], stdout=subprocess.PIPE)
        assert loader.stdout is not None
        loader.stdout.readline()
        until = time.monotonic() + moments.uniform(0.05, 1.1) * seconds
        while time.monotonic() < until:
            assert _prod(postgres_database) in (before, after)
        os.kill(loader.pid, signal.SIGKILL)
        loader.communicate()
        assert _prod(postgres_database) in (before, after)
        warehouse.merge(tables(), "run", new, rules(), at(1))
        assert _prod(postgres_database) == after
        assert len(warehouse.read("staging.sales")) == 200_000


def _restore(url: str, warehouse: Warehouse, rows: Path) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("TRUNCATE prod.sales")
    warehouse.merge(tables(), "old", rows, rules(), at(0))
