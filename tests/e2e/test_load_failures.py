"""Loads that meet a database that is gone, refuses, or is at work on another load."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from disk import small_disk
from e2e.loads import Load
from postgres import Server, running_server

GOOD = ("ARGENTINA 1 1/1/2023 BTC 20000 2", "BRASIL 2 2/1/2023 ETH 1200.5 1.3", "MEXICO 3 5/1/2023 USDC 1 4000")
BIG = "simulate:crypto?rows=60000&bad=3%&value=yes"
MONTH = [("days: 5d", "days: 31d")]


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of the test's own, which it may stop."""
    with running_server("fsync=off") as running:
        yield running


def test_a_database_that_is_gone_and_comes_back(server: Server, tmp_path: Path) -> None:
    load = Load.make(tmp_path / "project", server.url())
    load.write(*GOOD)
    server.stop()
    ran = load.run("2023-01-05")
    assert ran.code == 12
    assert "s3cret" not in ran.err
    server.start()
    load.done("2023-01-05")
    assert load.active == {"1", "2", "3"}


def test_a_database_that_goes_in_the_middle_of_a_load(server: Server, tmp_path: Path) -> None:
    undisturbed = Load.make(tmp_path / "a", str(tmp_path / "a.duckdb"), source=BIG, changes=MONTH)
    undisturbed.done("2021-01-31")
    load = Load.make(tmp_path / "b", server.url(), source=BIG, changes=MONTH)
    process = load.start("--date", "2021-01-31")
    with psycopg.connect(server.url(), autocommit=True) as connection:
        raw = "SELECT to_regclass('raw.bt_crypto_transaction_history') IS NOT NULL"
        while process.poll() is None and connection.execute(raw).fetchone() != (True,):
            pass
    server.stop()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 12, err
    assert "Traceback" not in err
    server.start()
    load.done("2021-01-31")
    assert load.prod == undisturbed.prod
    assert load.rejects == undisturbed.rejects


def test_a_wrong_password_is_told_without_it(postgres_database: str, tmp_path: Path) -> None:
    load = Load.make(tmp_path / "project", postgres_database.replace("s3cret", "hunter2"))
    load.write(*GOOD)
    ran = load.run("2023-01-05")
    assert ran.code == 10
    assert "password" in ran.err
    assert "hunter2" not in ran.err


def test_no_permission_changes_nothing(postgres_server: Server, postgres_database: str, tmp_path: Path) -> None:
    load = Load.make(tmp_path / "project", postgres_database)
    load.write(*GOOD)
    load.done("2023-01-05")
    role = postgres_server.new_role()
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(f"GRANT USAGE ON SCHEMA raw, staging, prod, dqm TO {role}")
        connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA raw, staging, dqm TO {role}")
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA prod TO {role}")
    other = Load.make(load.folder, postgres_database.replace("//me:", f"//{role}:"))
    before = load.prod
    other.write(*GOOD[:2], "MEXICO 3 5/1/2023 USDC 1 9")
    ran = other.run("2023-01-05")
    assert (ran.code, load.prod) == (10, before)
    assert "permission denied" in ran.err
    load.done("2023-01-05")
    assert load.prod[2][5] == 9


def test_two_loads_of_one_window_at_once(postgres_database: str, tmp_path: Path) -> None:
    loads = [Load.make(tmp_path / name, postgres_database, source=BIG, changes=MONTH) for name in ("a", "b")]
    processes = [load.start("--date", "2021-01-31") for load in loads]
    ends = [(process, *process.communicate(timeout=240)) for process in processes]
    assert [(process.returncode, err) for process, _, err in ends if process.returncode not in (0, 12)] == []
    assert 0 in [process.returncode for process, _, _ in ends]
    for load in loads:
        load.done("2021-01-31")
    alone = Load.make(tmp_path / "c", str(tmp_path / "c.duckdb"), source=BIG, changes=MONTH)
    alone.done("2021-01-31")
    assert loads[0].prod == alone.prod


def test_an_interrupted_load_leaves_nothing_half_done(postgres_database: str, tmp_path: Path) -> None:
    load = Load.make(tmp_path / "project", postgres_database, source=BIG, changes=MONTH)
    process = load.start("--date", "2021-01-31")
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        prod = "SELECT to_regclass('prod.bt_crypto_events') IS NOT NULL"
        while process.poll() is None and connection.execute(prod).fetchone() != (True,):
            pass
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert len(load.prod) == 0
    load.done("2021-01-31")
    assert len(load.prod) + len(load.rejects) == 60_000


def test_a_source_table_that_is_missing(postgres_database: str, load: Load) -> None:
    """The table that the query reads is not there yet; when it is, the run goes through."""
    query = f'{postgres_database}", query: "SELECT * FROM public.transactions'  # noqa: S608
    Load.make(load.folder, load.warehouse, source=query)
    ran = load.run("2023-01-05")
    assert ran.code == 4
    assert 'relation "public.transactions" does not exist' in ran.err
    assert "s3cret" not in ran.err
    with psycopg.connect(postgres_database) as connection:
        connection.execute(
            "CREATE TABLE public.transactions AS SELECT 'MEXICO' AS site_id, '3' AS user_id, 'USDC' AS crypto_type, "
            "'5/1/2023' AS purchase_date, '1' AS purchase_price, '4' AS purchase_units"
        )
    load.done("2023-01-05")
    assert load.active == {"3"}


def test_a_full_disk_of_the_database(server: Server, tmp_path: Path) -> None:
    undisturbed = Load.make(tmp_path / "a", str(tmp_path / "a.duckdb"), source=BIG, changes=MONTH)
    undisturbed.done("2021-01-31")
    load = Load.make(tmp_path / "b", server.new_database("full"), source=BIG, changes=MONTH)
    with small_disk(server.folder / "small") as (place, grow):
        shutil.chown(place, place.parent.owner())
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
            connection.execute('ALTER DATABASE "full" SET default_tablespace = small')
        _fill_and_grow(load, grow, "free space on the server's disk")
        assert (load.prod, load.rejects) == (undisturbed.prod, undisturbed.rejects)
        server.stop()


def test_a_full_disk_of_the_duckdb_file(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as (place, grow):
        load = Load.make(tmp_path / "project", str(place / "warehouse.duckdb"), source=BIG, changes=MONTH)
        _fill_and_grow(load, grow, "free space on that disk")
        assert len(load.prod) + len(load.rejects) == 60_000


def _fill_and_grow(load: Load, grow: Callable[[], None], fix: str) -> None:
    ran = load.run("2021-01-31")
    assert ran.code == 10, ran.err
    assert "No space left on device" in ran.err
    assert fix in ran.err
    assert "Traceback" not in ran.err
    grow()
    assert load.query("SELECT count(*) FROM prod.bt_crypto_events") == [(0,)]
    load.done("2021-01-31")
    assert load.query("SELECT status FROM dqm.dq_runs") == [("rejected_rows",)]


@pytest.mark.parametrize("part", ["work", "objects"])
def test_a_full_disk_of_this_machine(tmp_path: Path, postgres_database: str, part: str) -> None:
    load = Load.make(tmp_path / "project", postgres_database, source=BIG, changes=MONTH)
    (home := load.folder / "home").mkdir()
    with small_disk(home / part) as (place, grow):
        (place / "other").write_bytes(b"0" * (7 << 19))
        ran = load.run("2021-01-31")
        assert "No space left on device" in ran.err
        assert f"home/{part}" in ran.err
        assert "Traceback" not in ran.err
        assert ran.code in (10, 12)
        grow()
        load.done("2021-01-31")
        assert len(load.prod) + len(load.rejects) == 60_000


def test_a_process_that_loads_ends_without_a_word(both: tuple[Load, Load], shared_data: Path) -> None:
    """The libraries that are loaded can complain of how the interpreter ends."""
    seed = shared_data / "bt_crypto_transaction_history_seed.csv"
    for load in both:
        (load.folder / "rows.csv").write_bytes(seed.read_bytes())
        process = load.start("--date", "2023-01-05")
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0
        assert re.fullmatch(r"  report \d+\.\d s  it has not run before", err.rstrip().splitlines()[-1]), err
