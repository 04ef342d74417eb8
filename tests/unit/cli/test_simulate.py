"""What is played is told of, watched at its own time, and gone when it is not wanted any more."""

from __future__ import annotations

import json

import polars as pl
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
    for command in ("drift", "performance"):
        fix = place.says(command, ".")[2].strip().splitlines()[-1].split()
        assert fix[:4] == ["torneo", command, ".", "--since"], "those days are still to come"
        again = json.loads(place.says(*fix[1:], "--json")[1])
        assert (again["report"] if command == "drift" else again)["rows"] == 114
    code, out, _ = place.says("watch", ".", "--json")
    assert json.loads(out)[0]["windows"] == 0, "those days are still to come"
    code, out, _ = place.says("watch", ".", "--simulated", "--json")
    passed = json.loads(out)[0]
    assert (code, passed["windows"]) == (Exit.FINDINGS, 2)
    assert "a" in [event["subject"] for event in passed["open"]]

    code, out, _ = place.says(*ASKED, "--no-outcomes", "--json")
    played = json.loads(out)
    assert (len(played["days"]), played["outcomes"], played["days"][0]["strength"]) == (2, 0, 0.0)
    removed, left = place.says("simulate", ".", "--reset")[1].splitlines()
    assert removed == "234 simulated lines removed"
    assert left.startswith(f"{len(passed['open'])} alerts stay open as they were; the next windows without ")
    assert "no such line" in place.says("log", "show", ".")[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--drift", "shfit:a=1"), "did you mean"),
        (("--pace", "soon"), "expected a length of time"),
        (("--no-outcomes", "--grow", "data.csv"), "teach nothing"),
        (("--through", "http://127.0.0.1:9", "--outcomes-after", "2"), "dates outcomes itself"),
        (("--through", "http://127.0.0.1:9", "--watch"), "torneo watch"),
        (("--days", "0"), "greater than or equal to 1"),
    ],
)
def test_commands_that_are_wrong(place: Place, arguments: tuple[str, ...], told: str) -> None:
    code, _, err = place.says("simulate", ".", *arguments)
    assert code == Exit.USAGE
    assert told in " ".join(err.replace("│", " ").split())


def test_days_are_watched_as_they_are_played(place: Place) -> None:
    brakes = {"cooldown": "1d", "when": ["drift"]}
    steady = {"bad": 1, "of": 1, "good": 1}
    place.spec(watch={"data": False, "persistence": steady, "retrain": brakes, "performance": {"min_outcomes": 20}})
    assert place.says("run")[0] == Exit.OK
    changed = ("--drift", "shift:a=8", "--after", "1", "--grow", str(place.folder / "data.csv"))
    code, out, _ = place.says(*ASKED, "--watch", "--json", *changed)
    told = json.loads(out)
    assert code == Exit.OK
    assert [day["played"] for day in told["watched"]] == told["days"]
    quiet, drifted = told["watched"]
    assert (quiet["passed"]["events"], quiet["passed"]["done"]) == ([], [])
    assert quiet["score"]["labelled"] == 60
    assert ("opened", "drift", "a") in [(e["event"], e["rule"], e["subject"]) for e in drifted["passed"]["events"]]
    [done] = drifted["passed"]["done"]
    assert done.startswith("retrained: ")

    grow = ("--grow", str(place.folder / "data.csv"))
    code, out, _ = place.says("simulate", ".", "--days", "1", "--per-day", "60", "--watch", *grow)
    assert code == Exit.OK
    assert "rows came again: who was trained on those that were added knows them" in out
    title, head, row, *_ = out.splitlines()
    assert title.strip() == "small: played, and watched"
    assert head.split()[:4] == ["day", "by", "rows", "change"]
    assert f"version {drifted['passed']['champion']}" in row, "who has been promoted answers the next day"


def test_dates_are_played_in_their_order(place: Place) -> None:
    place.spec()
    assert place.says("run")[0] == Exit.OK
    code, out, _ = place.says("simulate", ".", "--from", "data.csv", "--along", "day", "--days", "3")
    assert code == Exit.OK
    dates = [line.split("(rows of ")[1][:10] for line in out.splitlines() if "(rows of" in line]
    assert dates == sorted(set(pl.read_csv(place.folder / "data.csv")["day"]))[:3]
    code, _, err = place.says("simulate", ".", "--along", "colour")
    assert (code, "'colour' is no column of dates" in err, "use day" in err) == (Exit.CONFLICT, True, True)
