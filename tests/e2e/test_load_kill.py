"""kill -9 at random moments of a load into PostgreSQL; LOAD_KILLS and LOAD_ROWS make it longer than in CI."""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from e2e.loads import Load
from postgres import Server, running_server

KILLS = int(os.environ.get("LOAD_KILLS", "8"))
ROWS = int(os.environ.get("LOAD_ROWS", "100000"))
DATE = "2021-01-31"
CHANGES = [("days: 5d", "days: 31d"), ("missing: deactivate", "missing: deactivate\n  max_shrink: 100%")]
WINDOW = """SELECT count(*) FILTER (WHERE is_active), sum(purchase_value) FILTER (WHERE is_active), count(*)
    FROM prod.bt_crypto_events"""
CONTENT = """SELECT count(*), sum(hashtextextended(concat_ws('|', site_id, user_id, purchase_date, crypto_type,
    purchase_price, purchase_units, purchase_value, is_active), 0)::numeric) FROM prod.bt_crypto_events"""
REJECTS = """SELECT run_id, count(*), sum(hashtextextended(concat_ws('|', source_line, site_id, user_id, purchase_date,
    crypto_type, purchase_price, purchase_units, reasons), 0)::numeric)
    FROM dqm.bt_crypto_events_rejects GROUP BY 1 ORDER BY 1"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server("fsync=off", "max_wal_size=4GB") as running:
        yield running


def database(server: Server, name: str, template: str = "template1") -> str:
    """A new database, with what another one has."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        connection.execute(made)
    return server.url(name)


@contextmanager
def watched(url: str) -> Iterator[set[tuple[object, ...]]]:
    """All states of the window that a reader sees meanwhile."""
    seen: set[tuple[object, ...]] = set()
    ended = threading.Event()

    def look() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not ended.is_set():
                row = connection.execute(WINDOW).fetchone()
                assert row is not None
                seen.add(row)
                time.sleep(0.01)

    reader = threading.Thread(target=look)
    reader.start()
    try:
        yield seen
    finally:
        ended.set()
        reader.join()


def simulated(folder: Path, url: str, rows: int) -> Load:
    source = f"simulate:crypto?rows={rows}&seed=5&bad=3%"
    return Load.make(folder, url, source=source, changes=CHANGES)


@pytest.mark.slow
def test_a_load_killed_at_any_moment_comes_to_the_same_end(server: Server, tmp_path: Path) -> None:
    before = simulated(tmp_path / "project", database(server, "before"), ROWS * 4 // 5)
    before.done(DATE)
    (old,) = before.query(WINDOW)
    undisturbed = Load(tmp_path / "undisturbed", database(server, "undisturbed", "before"))
    shutil.copytree(before.folder, undisturbed.folder)
    simulated(undisturbed.folder, undisturbed.warehouse, ROWS)
    started = time.monotonic()
    _, err = (process := undisturbed.start("--date", DATE)).communicate()
    whole = time.monotonic() - started
    assert process.returncode == 0, err
    (new,) = undisturbed.query(WINDOW)
    assert old != new
    content, rejects = undisturbed.query(CONTENT), undisturbed.query(REJECTS)
    at_random, ends = random.Random(7), []  # noqa: S311 - moments, not secrets
    for number in range(KILLS):
        load = Load(tmp_path / f"killed{number}", database(server, f"killed{number}", "before"))
        shutil.copytree(before.folder, load.folder)
        simulated(load.folder, load.warehouse, ROWS)
        with watched(load.warehouse) as seen:
            process = load.start("--date", DATE)
            moment = whole * (number + at_random.random()) / KILLS
            time.sleep(moment)
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            ends.append(process.returncode)
            load.done(DATE)
        assert seen <= {old, new}, f"killed after {moment:.3f} s, a reader saw {seen - {old, new}}"
        assert (load.query(CONTENT), load.query(REJECTS)) == (content, rejects), f"killed after {moment:.3f} s"
        shutil.rmtree(load.folder)
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(f"killed{number}")))
    assert ends.count(-signal.SIGKILL) > KILLS // 2
