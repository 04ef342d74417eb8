"""The prediction log on a real machine: processes that die, fork, write at once; disks that fill, files that go."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from disk import small_disk
from together import run_together
from torneo.errors import ConflictError, UnavailableError
from torneo.ports import LogFilter, PredictionLog
from torneo.stores import prediction_log_sqlite
from torneo.stores.prediction_log import open_prediction_log
from torneo.stores.prediction_log_sqlite import SQL
from torneo.testing.small_log import claim, prediction

EVERYTHING = LogFilter()
LARGE = '{"text": "' + "x" * 500 + '"}'
IMPORTS = """
import itertools, sys
from torneo.stores.prediction_log import open_prediction_log
from torneo.testing.small_log import claim, prediction
"""
APPEND = """
log, first = open_prediction_log(sys.argv[1]), int(sys.argv[2])
for number in itertools.count(first, 7):
    lines = [prediction(each) for each in range(number, number + 7)]
    log.append(lines, [claim(lines[0].request, str(number))] if number % 2 else [])
    print(*(line.id for line in lines), flush=True)
"""
APPEND_SOME = """
log, first = open_prediction_log(sys.argv[1]), int(sys.argv[2])
for number in range(first, first + 100):
    log.append([prediction(number)])
"""


def ids(log: PredictionLog) -> list[str]:
    """All ids, oldest first."""
    return [id_ for frame in log.scan("housing", EVERYTHING) for id_ in frame["id"]]


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty log is."""
    return str(
        tmp_path / "predictions.db" if request.param == "sqlite" else request.getfixturevalue("postgres_database")
    )


def test_what_a_killed_process_said_it_wrote_is_there_once(place: str) -> None:
    moments = random.Random(7)  # noqa: S311 - any moments will do
    said: list[str] = []
    for start in range(6):
        command = [sys.executable, "-c", IMPORTS + APPEND, place, str(start * 1_000_000)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        said += writer.stdout.readline().split()
        time.sleep(moments.uniform(0, 0.4))
        os.kill(writer.pid, signal.SIGKILL)
        lines = writer.stdout.read().splitlines(keepends=True)
        said += [id_ for line in lines if line.endswith("\n") for id_ in line.split()]
        writer.communicate()
    found = ids(open_prediction_log(place))
    assert len(said) > 100
    assert len(set(found)) == len(found)
    assert set(said) <= set(found)
    assert len(found) % 7 == 0, "a batch was written by half"


def test_processes_that_append_at_once_lose_nothing(place: str) -> None:
    found = run_together(IMPORTS, APPEND_SOME, [[place, str(first)] for first in (0, 50, 1000, 2000)])
    assert found == [("", 0)] * 4
    assert ids(open_prediction_log(place)) == [
        prediction(n).id for n in (*range(150), *range(1000, 1100), *range(2000, 2100))
    ]


def test_a_forked_process_has_connections_of_its_own(place: str) -> None:
    log = open_prediction_log(place)
    log.append([prediction(1)])
    child = os.fork()
    if child == 0:
        log.append([prediction(2)])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    log.append([prediction(3)])
    assert ids(log) == [prediction(number).id for number in (1, 2, 3)]


def test_threads_close_their_connections(tmp_path: Path) -> None:
    log = open_prediction_log(tmp_path / "predictions.db")
    log.append([prediction(0)])
    for number in range(1, 20):
        thread = threading.Thread(target=log.append, args=([prediction(number)],))
        thread.start()
        thread.join()
    opened = [path for path in Path("/proc/self/fd").iterdir() if str(tmp_path) in os.path.realpath(path)]
    assert len(opened) <= 6, opened  # SQLite keeps a descriptor for as long as another holds locks


def test_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as (folder, grow):
        log = open_prediction_log(folder / "predictions.db")
        written = 0
        with pytest.raises(UnavailableError, match=r"predictions.db does not answer[\s\S]*fix: .*free"):  # noqa: PT012
            for number in itertools.count(0, 500):
                log.append([prediction(each, inputs=LARGE) for each in range(number, number + 500)])
                written = number + 500
        assert written > 0
        with pytest.raises(UnavailableError):
            log.append([prediction(written, inputs=LARGE * 10_000)])
        grow()
        assert ids(log) == [prediction(number).id for number in range(written)]
        log.append([prediction(number) for number in range(written, written + 500)])
        assert len(ids(log)) == written + 500


def test_a_file_that_is_removed_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_log_sqlite, "CHECK_SECONDS", 0)
    log = open_prediction_log(tmp_path / "a" / "predictions.db")
    log.append([prediction(1)])
    for path in (tmp_path / "a").iterdir():
        path.unlink()
    log.append([prediction(2)])
    assert ids(open_prediction_log(tmp_path / "a" / "predictions.db")) == [prediction(2).id]


def test_a_busy_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_log_sqlite, "BUSY_SECONDS", 0.1)
    log = open_prediction_log(tmp_path / "predictions.db")
    log.append([prediction(1)])
    with closing(sqlite3.connect(tmp_path / "predictions.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match=r"database is locked\n  fix: another process is writing for long"):
            log.append([prediction(2)])
        with pytest.raises(UnavailableError, match="database is locked"):
            log.append([prediction(2)], [claim("request-2")])
        assert ids(log) == [prediction(1).id]
        other.execute("ROLLBACK")
    log.append([prediction(2)])
    assert len(ids(log)) == 2


@pytest.mark.parametrize("content", [b"this is no database " * 500, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_damaged_log(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "predictions.db").write_bytes(content)
    with pytest.raises(ConflictError, match=r"predictions.db is damaged[\s\S]*restore it from a backup"):
        open_prediction_log(tmp_path / "predictions.db").append([prediction(1)])


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = open_prediction_log(tmp_path / "file" / "predictions.db")
    with pytest.raises(UnavailableError, match=r"predictions.db cannot be used[\s\S]*check that the folder exists"):
        log.append([prediction(1)])
    (tmp_path / "file").unlink()
    log.append([prediction(1)])


def test_a_log_of_a_newer_torneo_is_refused(tmp_path: Path) -> None:
    open_prediction_log(tmp_path / "predictions.db").append([prediction(1)])
    with closing(sqlite3.connect(tmp_path / "predictions.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(ConflictError, match=r"newer Torneo \(schema 99[\s\S]*pip install --upgrade torneo"):
        open_prediction_log(tmp_path / "predictions.db").append([prediction(2)])


def test_other_databases_are_refused() -> None:
    with pytest.raises(ConflictError, match="there is no prediction log for 'mysql'"):
        open_prediction_log("mysql://me:secret@host/name")


def test_the_log_survives_a_power_cut(tmp_path: Path) -> None:
    path = tmp_path / "predictions.db"
    open_prediction_log(path).append([prediction(1)])
    connection = prediction_log_sqlite._connect(path)
    with closing(connection):
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_a_log_of_before_runs_is_asked_and_erased_by_entity(tmp_path: Path) -> None:
    place = tmp_path / "predictions.db"
    old = [prediction(number, entity="ab"[number % 2]) for number in range(9)]
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.executescript(f"{SQL['migration_1']} {SQL['migration_2']} PRAGMA user_version = 2")
        columns = "id, project, at, request, key, version, role, inputs, output, latency, entity, shadow_of"
        statement = f"INSERT INTO predictions ({columns}) VALUES ({', '.join('?' * 12)})"  # noqa: S608
        connection.executemany(statement, old)
    log = open_prediction_log(place)
    log.append([prediction(number, entity="a") for number in (9, 10)])
    of_a = [number for number in range(10, -1, -1) if number > 8 or number % 2 == 0]
    found = log.page("housing", LogFilter(entity="a"))
    assert [line.id for line in found] == [prediction(number).id for number in of_a]
    assert log.erase("housing", "a") == len(of_a)
    assert ids(log) == [prediction(number).id for number in (1, 3, 5, 7)]


def test_an_entity_is_found_in_all_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_log_sqlite, "RUN", 4)
    logs = [open_prediction_log(tmp_path / "predictions.db") for _ in range(2)]
    written = [prediction(number, entity=("", "a", "b", "c")[number % 4]) for number in range(90)]
    for place in range(0, 90, 3):
        logs[place % 2].append(written[place : place + 3])
    with closing(sqlite3.connect(tmp_path / "predictions.db")) as connection:
        [(runs,)] = connection.execute("SELECT count(DISTINCT run) FROM predictions").fetchall()
    assert runs > 10
    for entity in "abc":
        expected = [line.id for line in reversed(written) if line.entity == entity]
        assert [line.id for line in logs[0].page("housing", LogFilter(entity=entity), limit=90)] == expected
    assert logs[1].page("other", LogFilter(entity="a")) == []
    assert logs[0].erase("housing", "b") == 22
    assert ids(logs[1]) == [line.id for line in written if line.entity != "b"]


def test_what_is_erased_is_in_no_file(tmp_path: Path) -> None:
    log = open_prediction_log(tmp_path / "predictions.db")
    private = [prediction(number, entity="e", inputs=LARGE.replace("xx", "private")) for number in range(50)]
    log.append([*private, *(prediction(number, inputs=LARGE) for number in range(50, 100))])
    assert b"private" in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert log.erase("housing", "e") == 50
    assert b"private" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert len(ids(log)) == 50
