"""The loop with its state in PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.command import torneo, write_project
from postgres import PASSWORD
from torneo.cli import Exit
from torneo.stores.clock import SystemClock
from torneo.stores.state import SqlState

pytestmark = pytest.mark.slow

LINEAR = {"linear": {"model": "linear"}}
WEAK = {"weak": {"model": "random_forest", "params": {"n_estimators": 5, "max_depth": 1}}}


def test_the_loop(tmp_path: Path, postgres_database: str) -> None:
    home, there = tmp_path / "home", {"TORNEO_STATE": postgres_database}
    folder = str(write_project(tmp_path / "diabetes", challengers=WEAK))
    torneo("run", folder, home=home, **there)
    write_project(tmp_path / "diabetes", challengers=WEAK | LINEAR)
    first = torneo("run", folder, "--json", home=home, **there).report
    better = first["results"]["judge"]["champion"]
    assert better != 1

    (secret := tmp_path / "secret").write_text(postgres_database + "\n")
    second = torneo("run", folder, "--json", home=home, TORNEO_STATE_FILE=str(secret)).report
    assert [step["status"] for step in second["steps"]] == ["unchanged"] * len(first["steps"])
    torneo("promote", folder, "1", "--why", "to see", home=home, **there)
    torneo("rollback", folder, "--why", "seen", home=home, **there)
    assert torneo("status", folder, "--json", home=home, **there).json["champion"]["number"] == better
    entries = torneo("history", folder, "--json", home=home, **there).json
    told = [(entry["body"]["action"], entry["body"]["champion"]["number"]) for entry in entries]
    assert told == [("promote", 1), ("promote", better), ("promote", 1), ("rollback", better)]

    assert not (home / "state.db").exists()
    assert SqlState(postgres_database, SystemClock()).projects() == ["diabetes"]
    assert PASSWORD not in torneo("doctor", home=home, **there).out
    away = torneo("run", folder, home=home, expect=Exit.BUSY, TORNEO_STATE="postgresql://me:hunter2@127.0.0.1:9/x")
    assert "postgresql://me@127.0.0.1:9/x: cannot connect" in away.err
    assert "hunter2" not in away.err + away.out
