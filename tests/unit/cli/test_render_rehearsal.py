"""The table of days says who answered, how well, and what the watchdog did; what has been dealt with is left out."""

from __future__ import annotations

import datetime
import io
from typing import Any

from rich.console import Console

from torneo.cli.render_rehearsal import outcome, rehearsal_table
from torneo.rehearsing import Rehearsed
from torneo.simulating import Day
from torneo.watch.performance import Score
from torneo.watchdog.alerts import AlertEvent
from torneo.watchdog.watchdog import Passed

FIRST = datetime.date(2026, 3, 1)


def event(what: Any, rule: Any, subject: str, why: str = "", alert: str = "") -> AlertEvent:
    return AlertEvent(
        event=what, alert=alert or f"{rule} {subject}", rule=rule, subject=subject, evaluation=1, window="w", version=1,
        value=1.0, bar=0.1, size=10.0, why=why,
    )  # fmt: skip


def day(number: int, score: float | None, *, bigger: bool = True, version: int = 1, **passed: Any) -> Rehearsed:
    played = Day(
        day=FIRST + datetime.timedelta(days=number), strength=number / 2, version=version, answered=1200, refused=0,
        reasons={}, outcomes=0, grown=0,
    )  # fmt: skip
    made = None if score is None else Score(metric="auc", score=score, confidence=0.95, rows=1200, labelled=1200)
    found = Passed(project="p", **passed)
    return Rehearsed(played=played, metric="auc", bigger_is_better=bigger, score=made, passed=found)


def shown(*days: Rehearsed) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    console.print(rehearsal_table("p", days))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_a_day_is_a_row() -> None:
    opened = event("opened", "drift", "a", "far off (wasserstein 2.2); above 3: 9% before")
    bad = event("opened", "performance", "auc", "auc is 0.5")
    _, _, quiet, drifted = shown(
        day(0, 0.9), day(1, 0.45, version=2, events=(opened,), open=(opened, bad), done=("retrained: Keep",))
    )[:4]
    assert quiet.split() == ["Sun", "01", "Mar", "2026", "version", "1", "1,200", "0.9", "█████████·", "nothing", "new"]
    assert drifted.split(maxsplit=9)[:9] == ["Mon", "02", "Mar", "2026", "version", "2", "1,200", "50%", "0.45"]
    assert drifted.endswith("drift opened: a (far off (wasserstein 2.2))")
    assert shown(day(1, 0.45, events=(opened,), done=("retrained: Keep",)))[3].strip() == "retrained: Keep"


def test_what_opened_and_closed_in_one_pass_is_left_out() -> None:
    events = (event("opened", "data", "source", "new content"), event("closed", "data", "source", "judged"))
    assert shown(day(0, 0.9, events=events))[2].endswith("nothing new")
    assert shown(day(0, 0.9, events=events[1:]))[2].endswith("data closed: source")


def test_many_alerts_are_counted() -> None:
    events = tuple(event("opened", "drift", name, "far off") for name in "abcde")
    assert shown(day(0, None, events=events))[2].endswith("drift opened: a, b, c and 2 more")


def test_names_that_look_like_markup_stay_what_they_are() -> None:
    assert "[red]" in shown(day(0, 0.9, events=(event("opened", "drift", "[red]", "far"),)))[2]


def test_errors_are_shown_by_their_share_of_the_largest() -> None:
    rows = shown(day(0, 2.0, bigger=False), day(1, 8.0, bigger=False), day(2, 0.0, bigger=False))[2:]
    assert [row.count("█") for row in rows] == [2, 10, 0]


def test_how_it_went() -> None:
    days = [day(0, 0.9), day(1, None), day(2, 0.5), day(3, 0.8, version=2)]
    assert outcome(days) == (
        "auc was 0.9 at first, 0.5 at its worst (Tue 03 Mar 2026) and 0.8 in the end, when version 2 answered"
    )
    assert outcome(days[:2]) is None
    errors = [day(number, score, bigger=False) for number, score in enumerate((1.0, 3.0, 2.0))]
    assert "3 at its worst (Mon 02 Mar 2026)" in str(outcome(errors))
