from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from torneo.stores import process
from torneo.stores.process import this_process


def test_this_process_lives() -> None:
    me = this_process()
    assert me.pid == os.getpid()
    assert not me.is_dead()


def test_an_ended_process_is_dead() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert dataclasses.replace(this_process(), pid=ended.pid).is_dead()


def test_a_later_process_with_the_same_number_is_another() -> None:
    assert dataclasses.replace(this_process(), started="1").is_dead()


def test_names_with_brackets_and_spaces_are_no_trouble(tmp_path: Path) -> None:
    program = tmp_path / "a) R (b 1"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([str(program), "60"]) as child:
        started = process._started(child.pid)
        assert started is not None
        assert started.isdigit()
        assert int(started) >= int(this_process().started)
        child.kill()


@pytest.mark.parametrize("dead", [True, False])
def test_where_the_system_has_no_proc_signals_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, dead: bool) -> None:
    monkeypatch.setattr(process, "PROC", tmp_path)
    me = this_process()
    assert me.started == ""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert dataclasses.replace(me, pid=ended.pid if dead else me.pid).is_dead() is dead
