"""What is played is told of, watched at its own time, and gone when it is not wanted any more."""

from __future__ import annotations

import json

import pytest

from commands import Place
from torneo.cli import Exit

ASKED = ("simulate", ".", "--days", "2", "--per-day", "60")


def test_days_are_played_and_watched(place: Place) -> None:
    place.spec(watch={"window": "1d", "persistence": {"bad": 1, "of": 1, "good": 1}, "retrain": {"dry_run": True}})
    code, _, err = place.says(*ASKED)
    assert (code, "small has no champion yet" in err) == (Exit.NOT_FOUND, True)
    assert place.says("run")[0] == Exit.OK
    code, _, err = place.says("watch", ".", "--simulated")
    assert (code, "nothing of small has been simulated yet" in err) == (Exit.NOT_FOUND, True)

    code, out, _ = place.says(
        *ASKED, "--drift", "shift:a=5", "--drift", "missing:b=10%", "--after", "1", "--pace", "1s"
    )
    assert code == Exit.OK
    quiet, changed, reason, rows, outcomes, now = out.strip().splitlines()
    assert quiet.endswith(": version 1 answered 60 rows")
    assert changed.endswith(": version 1 answered 54 rows, 6 refused, changed by 100%")
    assert reason.strip() == "6 missing_b"
    assert rows.endswith("there are 30, each was played 4 times by now")
    assert outcomes == "114 outcomes reported"
    assert now.endswith(": torneo watch . --simulated")
    code, out, _ = place.says("watch", ".", "--json")
    assert json.loads(out)[0]["windows"] == 0, "those days are still to come"
    code, out, _ = place.says("watch", ".", "--simulated", "--json")
    passed = json.loads(out)[0]
    assert (code, passed["windows"]) == (Exit.FINDINGS, 2)
    assert "a" in [event["subject"] for event in passed["open"]]

    code, out, _ = place.says(*ASKED, "--no-outcomes", "--json")
    played = json.loads(out)
    assert (len(played["days"]), played["outcomes"], played["days"][0]["strength"]) == (2, 0, 0.0)
    assert place.says("simulate", ".", "--reset")[1] == "234 simulated lines removed\n"
    assert "no such line" in place.says("log", "show", ".")[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--drift", "shfit:a=1"), "did you mean"),
        (("--pace", "soon"), "expected a length of time"),
        (("--no-outcomes", "--grow", "data.csv"), "teach nothing"),
        (("--through", "http://127.0.0.1:9", "--outcomes-after", "2"), "dates outcomes itself"),
        (("--days", "0"), "greater than or equal to 1"),
    ],
)
def test_commands_that_are_wrong(place: Place, arguments: tuple[str, ...], told: str) -> None:
    code, _, err = place.says("simulate", ".", *arguments)
    assert code == Exit.USAGE
    assert told in " ".join(err.replace("│", " ").split())
