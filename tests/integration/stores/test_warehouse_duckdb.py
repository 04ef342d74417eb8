"""What goes wrong with a DuckDB file: nothing is half loaded, the error says what and where, the next run succeeds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from disk import small_disk
from torneo.errors import ConflictError, UnavailableError
from torneo.stores.warehouse import open_warehouse
from torneo.testing.small_load import at, day, merge, prod, rules, tables

HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
"""
LOAD = """
import sys
from pathlib import Path
from torneo.stores.warehouse import open_warehouse
from torneo.testing.small_load import at, rules, tables
print("ready", flush=True)
open_warehouse(sys.argv[1]).merge(tables(), "run", Path(sys.argv[2]), rules(), at(1))
"""


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    numbers = pl.int_range(200_000, eager=True)
    frame = pl.DataFrame({"id": numbers.hash().cast(pl.String), "amount": numbers.cast(pl.Decimal(18, 4))})
    frame.with_columns(day=pl.lit(day(1))).write_parquet(tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


def test_a_file_that_another_program_has_open(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    warehouse = open_warehouse(file)
    warehouse.migrate(tables())
    other = subprocess.Popen([sys.executable, "-c", HOLD, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout is not None
    other.stdout.readline()
    with pytest.raises(UnavailableError, match=f"in use by another program: .*PID {other.pid}"):
        merge(warehouse, [("a", day(1), None)])
    other.communicate(b"")
    assert merge(warehouse, [("a", day(1), None)]).inserted == 1


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "text.duckdb").write_text("this is text" * 1000)
    with pytest.raises(ConflictError, match="not a valid DuckDB database"):
        open_warehouse(tmp_path / "text.duckdb").read("prod.sales")


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConflictError, match=r"file/a.duckdb cannot be used: .*\n  fix: check that this user may write"):
        open_warehouse(tmp_path / "file" / "a.duckdb").read("prod.sales")


def test_a_full_disk(tmp_path: Path, rows: Path) -> None:
    with small_disk(tmp_path / "small") as (place, grow):
        warehouse = open_warehouse(place / "warehouse.duckdb")
        warehouse.migrate(tables())
        merge(warehouse, [("a", day(1), None)])
        with pytest.raises(ConflictError, match=r"No space left on device.*\n  fix: free space on that disk"):
            warehouse.merge(tables(), "run", rows, rules(), at(1))
        grow()
        assert prod(warehouse) == {"a": (None, True, 0, 0)}
        assert warehouse.merge(tables(), "run", rows, rules(), at(1)).inserted == 200_000


def test_a_loader_that_is_killed(tmp_path: Path, rows: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    warehouse = open_warehouse(file)
    warehouse.migrate(tables())
    merge(warehouse, [("a", day(1), None)])
    for moment in (0.05, 0.2, 0.5):
        loader = subprocess.Popen([sys.executable, "-c", LOAD, file, rows], stdout=subprocess.PIPE)
        assert loader.stdout is not None
        loader.stdout.readline()
        time.sleep(moment)
        os.kill(loader.pid, signal.SIGKILL)
        loader.communicate()
        assert len(warehouse.read("prod.sales")) in (1, 200_001)
    warehouse.merge(tables(), "run", rows, rules(), at(1))
    assert len(warehouse.read("prod.sales", where={"is_active": True})) == 200_000
