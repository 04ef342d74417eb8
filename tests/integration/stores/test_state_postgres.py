"""State on a real server: what happens to it happens to servers."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import psycopg
import pytest

from grants import grants
from postgres import PASSWORD, Server, running_server
from together import run_together
from torneo.errors import ConflictError, LockedError, TorneoError, UnavailableError
from torneo.ports import LogFilter
from torneo.stores.clock import SystemClock
from torneo.stores.prediction_log import open_prediction_log
from torneo.stores.state import SqlState
from torneo.testing.small_log import outcome, prediction

IMPORTS = """
from torneo.stores.state import SqlState
from torneo.stores.clock import SystemClock
"""
APPEND = """
state = SqlState(sys.argv[1], SystemClock())
for number in range(10):
    state.append("p", "s", f"{sys.argv[2]}-{number}", {})
    state.append("p", sys.argv[2], str(number), {})
"""
HOLD = """
import sys
from torneo.stores.state import SqlState
from torneo.stores.clock import SystemClock
with SqlState(sys.argv[1], SystemClock()).lock("p", "the other run", seconds=60):
    print("inside", flush=True)
    sys.stdin.readline()
"""


def open_state(url: str) -> SqlState:
    return SqlState(url, SystemClock())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stream_entries SET body = '{}' WHERE sequence = 2",
        "DELETE FROM stream_entries WHERE sequence = 4",
        "TRUNCATE stream_entries",
        "DELETE FROM stream_heads",
        "TRUNCATE stream_heads",
        "UPDATE stream_heads SET count = 3",
    ],
)
def test_history_cannot_be_changed(postgres_database: str, statement: str) -> None:
    state = open_state(postgres_database)
    for number in range(4):
        state.append("p", "s", str(number), {})
    with psycopg.connect(postgres_database) as connection:
        with pytest.raises(psycopg.IntegrityError, match="append-only"):
            connection.execute(statement)
        connection.rollback()
    assert len(state.read("p", "s")) == 4


def test_history_that_was_changed_all_the_same_is_noticed(postgres_database: str) -> None:
    state = open_state(postgres_database)
    for number in range(4):
        state.append("p", "s", str(number), {})
    with psycopg.connect(postgres_database) as connection:
        connection.execute("ALTER TABLE stream_entries DISABLE TRIGGER USER")
        connection.execute("""UPDATE stream_entries SET body = '{"a":1}' WHERE sequence = 2""")
    with pytest.raises(ConflictError, match="'p/s' was tampered with: entry 2 was altered"):
        state.read("p", "s")


def test_processes_that_start_at_once_do_not_collide(postgres_database: str) -> None:
    found = run_together(IMPORTS, APPEND, [[postgres_database, name] for name in "abcd"])
    assert found == [("", 0)] * 4
    state = open_state(postgres_database)
    assert len(state.read("p", "s")) == 40
    assert [len(state.read("p", name)) for name in "abcd"] == [10] * 4


def test_the_lock_of_a_killed_process_is_free(postgres_database: str) -> None:
    state = open_state(postgres_database)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, postgres_database], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    with pytest.raises(LockedError, match="'p' is locked by the other run"), state.lock("p", "this run"):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with state.lock("p", "this run"):
        state.put("p", "x", {"a": 1})


def test_who_has_lost_the_lock_can_write_nothing(postgres_database: str) -> None:
    state = open_state(postgres_database)
    with pytest.raises(LockedError, match="was lost"), state.lock("p", "this run"):  # noqa: PT012 - the lock's end
        with psycopg.connect(postgres_database) as connection:
            connection.execute("UPDATE locks SET token = 'of another'")
        with pytest.raises(LockedError, match="was lost"):
            state.put("p", "x", {})
    assert state.get("p", "x") is None


def test_a_lock_is_not_taken_between_the_fence_and_the_end(postgres_database: str) -> None:
    """A write under a lock that has expired ends before another takes the lock, or is refused."""
    state, other = open_state(postgres_database), open_state(postgres_database)
    taken = threading.Event()

    def take() -> None:
        with other.lock("p", "the other run"):
            taken.set()

    with pytest.raises(LockedError, match="was lost"), state.lock("p", "this run"):  # noqa: PT012 - the lock's end
        with psycopg.connect(postgres_database) as connection:
            connection.execute("UPDATE locks SET expires = 0, machine = 'another'")
        with state._write("p/x") as connection:
            thread = threading.Thread(target=take)
            thread.start()
            assert not taken.wait(0.3)
            assert connection.in_transaction()
        thread.join()
    assert taken.is_set()


def test_a_server_that_falls_and_comes_back() -> None:
    with running_server("fsync=off") as server:
        state = open_state(server.url())
        state.append("p", "s", "1", {})
        with state.lock("p", "this run", seconds=30):
            server.stop()
            with pytest.raises(UnavailableError, match="cannot connect") as caught:
                state.append("p", "s", "2", {})
            assert PASSWORD not in str(caught.value)
            server.start()
            state.append("p", "s", "2", {})
        assert [entry.id for entry in state.read("p", "s")] == ["1", "2"]


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
        open_state(url)
    assert f"@127.0.0.1:{place['port']}/{place['database']}" in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_a_url_that_is_none() -> None:
    with pytest.raises(ConflictError, match="the state's URL is none of PostgreSQL") as caught:
        open_state("postgresql://me:hunter2@[/x?nonsense=1")
    assert "hunter2" not in str(caught.value)


def test_the_manual_s_grants_are_enough(postgres_server: Server, postgres_database: str) -> None:
    open_state(postgres_database)
    open_prediction_log(postgres_database).append([])
    open_prediction_log(postgres_database).claim("p", "k", "n")
    role = postgres_server.new_role()
    with psycopg.connect(postgres_database) as connection:
        connection.execute(grants(role).encode())
    url = postgres_server.url(postgres_database.rpartition("/")[2], role)
    state = open_state(url)
    with state.lock("p", "this run"):
        state.append("p", "s", "1", {})
        state.put("p", "x", {})
        state.put("p", "x", None)
    log = open_prediction_log(url)
    log.append([prediction(1, entity="e"), prediction(2)])
    log.add_outcomes([outcome(1, 1), outcome(1, 2)])
    assert log.erase("housing", "e") == 1
    assert len(log.page("housing", LogFilter())) == 1
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("ALTER TABLE stream_entries DISABLE TRIGGER ALL")


def test_who_may_not_make_tables_is_told(postgres_server: Server, postgres_database: str) -> None:
    url = postgres_server.url(postgres_database.rpartition("/")[2], postgres_server.new_role())
    with pytest.raises(ConflictError, match=r"permission denied for schema public\n  fix: GRANT the right"):
        open_state(url)
    with pytest.raises(ConflictError, match=r"permission denied for schema public\n  fix: GRANT the right"):
        open_prediction_log(url).append([prediction(1)])


def test_a_state_of_a_newer_torneo_is_refused(postgres_database: str) -> None:
    open_state(postgres_database)
    with psycopg.connect(postgres_database) as connection:
        connection.execute("UPDATE torneo_version SET version_num = '9999'")
    with pytest.raises(ConflictError, match=r"newer Torneo \(schema 9999[\s\S]*pip install --upgrade torneo"):
        open_state(postgres_database)


def test_other_tables_of_the_database_stay(postgres_database: str) -> None:
    """MLflow and Airflow keep an `alembic_version` of their own."""
    with psycopg.connect(postgres_database) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('x')")
    assert open_state(postgres_database).projects() == []
    with psycopg.connect(postgres_database) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("x",)]
