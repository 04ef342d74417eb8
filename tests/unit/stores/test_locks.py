from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from torneo.errors import LockedError
from torneo.stores.clock import SystemClock
from torneo.stores.state import SqlState
from torneo.testing import FixedClock

HOLD = """
import sys, time
from torneo.stores.state import SqlState
from torneo.stores.clock import SystemClock
state = SqlState(sys.argv[1], SystemClock())
try:
    with state.lock("housing", "the other run", seconds=float(sys.argv[2])):
        print("inside", flush=True)
        sys.stdin.readline()
        if len(sys.argv) > 3:
            state.put("housing", "written", {"by": "the other run"})
except Exception as error:
    print(type(error).__name__, error, flush=True)
"""

TAKE_TURNS = """
import pathlib, sys, time
from torneo.errors import LockedError
from torneo.stores.state import SqlState
from torneo.stores.clock import SystemClock
state, marker = SqlState(sys.argv[1], SystemClock()), pathlib.Path(sys.argv[2])
turns, end = 0, time.monotonic() + 3
while turns < 15:
    if time.monotonic() > end + 20:
        sys.exit("starved")
    try:
        with state.lock("housing", "somebody"):
            marker.touch(exist_ok=False)
            time.sleep(0.002)
            marker.unlink()
            turns += 1
    except LockedError:
        time.sleep(0.005)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture
def state(url: str) -> SqlState:
    return SqlState(url, SystemClock())


def start(url: str, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, url, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "inside\n"
    return process


def test_another_process_is_kept_out_and_told_who_is_inside(url: str, state: SqlState) -> None:
    process = start(url, "60")
    with (
        pytest.raises(
            LockedError, match=rf"'housing' is locked by the other run \(process {process.pid} on "
        ) as refused,
        state.lock("housing", "me"),
    ):
        pass
    assert f"stop process {process.pid}" in str(refused.value)
    assert "since 20" in str(refused.value)
    process.communicate("\n")
    with state.lock("housing", "me"):
        pass


@pytest.mark.parametrize("reaped", [True, False])
def test_the_lock_of_a_killed_process_is_free_at_once(url: str, state: SqlState, reaped: bool) -> None:
    process = start(url, "3600")
    process.send_signal(signal.SIGKILL)
    if reaped:
        process.wait()
    else:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still listed
    with state.lock("housing", "me"):
        pass
    process.communicate()


def change(folder: Path, column: str, value: str | int) -> None:
    with closing(sqlite3.connect(folder / "state.db")) as connection, connection:
        connection.execute(f"UPDATE locks SET {column} = ?", (value,))  # noqa: S608 - columns named below


def test_a_process_number_used_again_is_not_the_owner(tmp_path: Path, state: SqlState) -> None:
    with pytest.raises(LockedError, match="was lost"), state.lock("housing", "first", seconds=3600):  # noqa: PT012
        change(tmp_path, "started", "1")
        with state.lock("housing", "second"):
            pass


def test_nothing_is_concluded_about_processes_of_another_machine(tmp_path: Path, state: SqlState) -> None:
    with state.lock("housing", "first", seconds=3600):
        change(tmp_path, "machine", "elsewhere")
        change(tmp_path, "pid", 2**22 + 1)
        with pytest.raises(LockedError, match="locked by first"), state.lock("housing", "second"):
            pass


def test_an_expired_lock_is_taken_over(url: str) -> None:
    clock = FixedClock()
    state = SqlState(url, clock)
    with pytest.raises(LockedError, match="the lock 'housing' was lost"), state.lock("housing", "first"):  # noqa: PT012
        clock.advance(59)
        with pytest.raises(LockedError, match="locked by first"), state.lock("housing", "second"):
            pass
        clock.advance(1)
        with state.lock("housing", "second"):
            pass


def test_who_has_lost_the_lock_can_write_nothing(url: str, state: SqlState) -> None:
    process = start(url, "0.5", "writes")
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.8)
    with state.lock("housing", "me"):
        state.put("housing", "written", {"by": "me"})
        process.send_signal(signal.SIGCONT)
        output, _ = process.communicate("\n")
    assert output.startswith("LockedError the lock 'housing' was lost")
    assert state.get("housing", "written") == {"by": "me"}


def test_processes_take_turns(url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", TAKE_TURNS, url, str(tmp_path / "marker")]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [("", 0)] * 3


def test_the_error_of_the_block_is_not_hidden_by_a_lost_lock(tmp_path: Path, state: SqlState) -> None:
    with pytest.raises(KeyError, match="from the block"), state.lock("housing", "first"):  # noqa: PT012
        change(tmp_path, "token", "stolen")
        raise KeyError("from the block")
