"""A version beside the champion, from the command that lets it take part to the verdict on what it would have said."""

from __future__ import annotations

import datetime
import json
import time
from collections import Counter
from typing import Any

import pytest

from e2e.command import torneo
from e2e.serving import PATIENCE, ROW, Home, Server, serving
from torneo.cli import Exit

pytestmark = pytest.mark.slow

SUBJECTS = 60
WHY = ("--why", "a test")


def _rows() -> list[dict[str, Any]]:
    """Rows that no version has seen."""
    return [{**ROW, "bmi": 20 + number / 7, "bp": 80 + number % 30} for number in range(SUBJECTS)]


def _roles(server: Server) -> dict[int, str]:
    """Who answers whom."""
    rows = enumerate(_rows())
    return {number: server.ask(body=row, Torneo_Subject=f"subject {number}").json["role"] for number, row in rows}


def _wait_for(server: Server, roles: set[str]) -> dict[int, str]:
    deadline = time.monotonic() + PATIENCE
    while set((found := _roles(server)).values()) != roles:
        assert time.monotonic() < deadline, f"{Counter(found.values())} answer, not {roles}"
        time.sleep(0.2)
    return found


def test_from_a_shadow_to_a_verdict(home: Home) -> None:
    where = str(home.project)

    def say(*arguments: str, expect: Exit = Exit.OK) -> Any:
        return torneo(*arguments, home=home.path, expect=expect)

    with serving(home) as server:
        say("traffic", where, "--challenger", "2", "--share", "40%", *WHY)
        _wait_for(server, {"champion", "challenger"})
        sides = _roles(server)  # the test may have arrived in the middle of those that were waited for
        assert 0.15 < Counter(sides.values())["challenger"] / SUBJECTS < 0.65
        assert _roles(server) == sides, "a subject stays on its side"
        say("traffic", where, "--share", "90%", *WHY)
        deadline = time.monotonic() + PATIENCE
        while Counter((wider := _roles(server)).values())["challenger"] < 0.75 * SUBJECTS:
            assert time.monotonic() < deadline, "the larger share does not arrive"
        assert all(wider[number] == "challenger" for number, role in sides.items() if role == "challenger")

        say("traffic", where, "--challenger", "none", "--shadow", "2", *WHY)
        _wait_for(server, {"champion"})
        deadline = time.monotonic() + PATIENCE
        shadowed: list[dict[str, Any]] = []
        while not shadowed:
            assert time.monotonic() < deadline, "the shadow is not logged"
            server.ask(body=ROW)
            shadowed = say("log", "show", where, "--role", "shadow", "--json").json
        answered = server.get(f"/history/{shadowed[0]['of']}").json
        assert (shadowed[0]["version"], answered["version"]) == (2, 1)
        assert shadowed[0]["inputs"] == answered["inputs"]

        time.sleep(0.01)  # lines have the millisecond of their id: none before may lie in this one, and none after
        since = datetime.datetime.now(datetime.UTC).isoformat()
        time.sleep(0.01)
        made = server.ask(body=_rows()).json["predictions"]
        outcomes = [
            {"prediction_id": one["prediction_id"], "value": one["prediction"] + (-1) ** number * 3}
            for number, one in enumerate(made)
        ]
        assert server.ask("/outcomes", outcomes).json["recorded"] == SUBJECTS

        told = say("replay", where, "--version", "2", "--since", since, "--json").json
        assert (told["lines"], told["replayed"], told["judged"]) == (SUBJECTS, SUBJECTS, SUBJECTS)
        assert told["decision"]["verdict"] == "keep", "the outcomes are what the champion said, give or take 3"
        assert told["decision"]["comparisons"][0]["champion_score"] == pytest.approx(3, abs=1e-3)
        apart = [abs(one["prediction"] - two) for one, two in zip(made, _answers(say, home), strict=True)]
        assert told["difference"] == pytest.approx(sum(apart) / SUBJECTS, rel=1e-4)

        say("promote", where, "2", *WHY)
        assert say("traffic", where, "--json").json["shadow"] is None, "a champion shadows nobody"
        server.stop()


def _answers(say: Any, home: Home) -> list[float]:
    """What version 2 says of the rows."""
    file = home.path / "rows.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in _rows()), encoding="utf-8")
    said = say("predict", str(home.project), str(file), "--version", "2", "--out", "-").out.splitlines()
    place = said[0].split(",").index("prediction")
    return [float(line.split(",")[place]) for line in said[1:]]
