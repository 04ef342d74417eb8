from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from together import run_together
from torneo.errors import ConflictError, UnavailableError
from torneo.stores.clock import SystemClock
from torneo.stores.database import MIGRATIONS, SCHEMA, statements
from torneo.stores.filelock import file_lock
from torneo.stores.state import SqlState
from torneo.testing import FixedClock


def open_state(folder: Path) -> SqlState:
    return SqlState(f"sqlite:///{folder / 'state.db'}", FixedClock())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state with a stream of four entries."""
    state = open_state(tmp_path)
    for number in range(1, 5):
        state.append("housing", "decisions", f"id-{number}", {"verdict": "keep", "n": number})
    return tmp_path


def execute(folder: Path, *sql: str) -> None:
    with closing(sqlite3.connect(folder / "state.db")) as connection, connection:
        for statement in sql:
            connection.execute(statement)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE stream_entries SET body = '{}' WHERE sequence = 2",
        "DELETE FROM stream_entries WHERE sequence = 4",
        "DELETE FROM stream_heads",
        "UPDATE stream_heads SET count = 3",
    ],
)
def test_history_cannot_be_changed(folder: Path, sql: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        execute(folder, sql)
    assert len(open_state(folder).read("housing", "decisions")) == 4


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("UPDATE stream_entries SET body = replace(body, 'keep', 'promote') WHERE sequence = 2", "entry 2 was altered"),
        ("UPDATE stream_entries SET time = '2020-01-01T00:00:00+00:00' WHERE sequence = 3", "entry 3 was altered"),
        ("UPDATE stream_entries SET id = 'other' WHERE sequence = 1", "entry 1 was altered"),
        ("UPDATE stream_entries SET digest = 'x' WHERE sequence = 4", "entry 4 was altered"),
        ("DELETE FROM stream_entries WHERE sequence = 1", "entry 1 is missing"),
        ("DELETE FROM stream_entries WHERE sequence = 3", "entry 3 is missing"),
        ("DELETE FROM stream_entries WHERE sequence = 4", "entry 4 is missing"),
        ("DELETE FROM stream_entries", "entry 1 is missing"),
        ("DELETE FROM stream_heads", "entry 1 was added without the store"),
        ("UPDATE stream_heads SET count = 3", "entry 4 was added without the store"),
        ("UPDATE stream_heads SET digest = 'x'", "entry 4 is not the one that was written last"),
    ],
)
def test_history_that_was_changed_all_the_same_is_noticed(folder: Path, sql: str, says: str) -> None:
    guards = ("stream_entries_refuse_update", "stream_entries_refuse_delete")
    heads = ("stream_heads_refuse_update", "stream_heads_refuse_delete")
    execute(folder, *(f"DROP TRIGGER {name}" for name in (*guards, *heads)), sql)
    with pytest.raises(ConflictError, match=f"'housing/decisions' was tampered with: {says}"):
        open_state(folder).read("housing", "decisions")


@pytest.mark.parametrize(
    ("sql", "last", "says"),
    [
        ("DELETE FROM stream_entries WHERE sequence = 4", 1, "entry 4 is missing"),
        ("DELETE FROM stream_entries WHERE sequence = 4", 2, "entry 4 is missing"),
        ("DELETE FROM stream_entries WHERE sequence = 3", 1, "entry 3 is missing"),
        ("UPDATE stream_entries SET body = '{}' WHERE sequence = 4", 1, "entry 4 was altered"),
        ("UPDATE stream_entries SET body = '{}' WHERE sequence = 3", 2, "entry 3 was altered"),
    ],
)
def test_the_last_entries_are_checked_too(folder: Path, sql: str, last: int, says: str) -> None:
    execute(folder, "DROP TRIGGER stream_entries_refuse_update", "DROP TRIGGER stream_entries_refuse_delete", sql)
    with pytest.raises(ConflictError, match=says):
        open_state(folder).read("housing", "decisions", last=last)


def test_times_keep_their_microseconds(tmp_path: Path) -> None:
    state = SqlState(f"sqlite:///{tmp_path / 'state.db'}", SystemClock())
    written = [state.append("p", "s", str(number), {}) for number in range(3)]
    assert list(state.read("p", "s")) == written


def test_a_current_state_is_opened_without_alembic(folder: Path) -> None:
    code = (
        "import sys; from torneo.stores.state import SqlState; from torneo.stores.clock import SystemClock\n"
        "print(len(SqlState(sys.argv[1], SystemClock()).read('housing', 'decisions')), 'alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", code, f"sqlite:///{folder / 'state.db'}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "4 False\n"


def test_the_schema_named_in_the_code_is_the_newest_migration() -> None:
    from alembic.script import ScriptDirectory

    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [SCHEMA]


def test_a_state_of_a_newer_torneo_is_refused(folder: Path) -> None:
    execute(folder, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConflictError, match=r"newer Torneo \(schema 9999[\s\S]*pip install --upgrade torneo"):
        open_state(folder)


def test_the_state_survives_a_power_cut(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with open_state(folder)._database.write() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_a_full_disk_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = open_state(folder)
    writers = state._database._backend.writers
    from sqlalchemy import event

    event.listen(writers, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 1"))
    with pytest.raises(UnavailableError, match=r"database or disk is full[\s\S]*free space on that disk"):
        state.put("housing", "large", {"text": "x" * 1_000_000})
    assert open_state(folder).get("housing", "large") is None


def test_a_busy_state_is_unavailable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torneo.stores.database_sqlite_engine.BUSY_SECONDS", 0)
    state = open_state(folder)
    with closing(sqlite3.connect(folder / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match=r"database is locked[\s\S]*another process is writing"):
            state.put("housing", "x", {})
        assert state.get("housing", "x") is None
        other.execute("ROLLBACK")
    state.put("housing", "x", {})


@pytest.mark.parametrize("content", [b"this is no database " * 500, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_damaged_state_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.db").write_bytes(content)
    with pytest.raises(ConflictError, match=r"state.db is damaged[\s\S]*restore it from a backup"):
        open_state(tmp_path)


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match=r"state.db cannot be used[\s\S]*check that the folder exists"):
        open_state(tmp_path / "file")


@pytest.mark.parametrize("url", ["mysql://host/db", "state.db", "sqlite:///", "postgresql://"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ConflictError, match=r"there is no state store for"):
        SqlState(url, FixedClock())


def test_a_failed_write_leaves_nothing(folder: Path) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        open_state(folder).append("housing", "decisions", "5", {"bad": object()})
    assert len(open_state(folder).read("housing", "decisions")) == 4


def test_statements_are_read_by_name(tmp_path: Path) -> None:
    file = tmp_path / "some.sql"
    file.write_text("-- one --\nSELECT 1\n\n-- two --\nSELECT :x\n  FROM t\n")
    assert {name: str(statement) for name, statement in statements(file).items()} == {
        "one": "SELECT 1",
        "two": "SELECT :x\n  FROM t",
    }


IMPORTS = """
from torneo.stores.state import SqlState
from torneo.stores.clock import SystemClock
"""
OPEN = """
state = SqlState(sys.argv[1], SystemClock())
for number in range(20):
    state.append("p", "s", f"{sys.argv[2]}-{number}", {})
"""


def test_processes_that_start_at_once_do_not_collide(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'home' / 'state.db'}"
    assert run_together(IMPORTS, OPEN, [[url, name] for name in "abcd"]) == [("", 0)] * 4
    assert len(SqlState(url, SystemClock()).read("p", "s")) == 80


def test_the_schema_is_made_by_one_process_at_a_time(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with file_lock(tmp_path / "state.db.lock"):
            opening = pool.submit(open_state, tmp_path)
            with pytest.raises(TimeoutError):
                opening.result(timeout=0.3)
        assert opening.result().projects() == []
