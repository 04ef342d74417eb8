"""Traffic that is played through a running server is answered, logged and corrected by it as any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.command import torneo
from e2e.serving import AUTH_OFF, serving, train
from torneo.cli import Exit

pytestmark = pytest.mark.slow


def test_through_a_server(tmp_path: Path) -> None:
    home = train(tmp_path)
    asked = ("simulate", str(home.project), "--days", "2", "--per-day", "20", "--drift", "missing:bmi=25%", "--json")
    with serving(home, **AUTH_OFF) as server:
        there = f"http://127.0.0.1:{server.port}"
        played = torneo(*asked, "--after", "1", "--through", there, home=home.path).json
        assert [(day["answered"], day["refused"]) for day in played["days"]] == [(20, 0), (15, 5)]
        assert played["days"][1]["reasons"] == {"missing_bmi": 5}
        assert played["days"][0]["version"] == 1
    lines = torneo("log", "show", str(home.project), "--rows", "100", "--json", home=home.path).json
    assert len(lines) == played["outcomes"] == 35
    assert all(line["outcome"] is not None for line in lines)
    assert {line["key"] for line in lines} == {""}, "the server knows no simulation"
    away = torneo(*asked, "--through", there, home=home.path, expect=Exit.BUSY)
    assert "error" in away.err
    asked_beside = torneo(*asked, home=home.path, expect=Exit.CONFLICT)
    assert "not simulated" in asked_beside.err
