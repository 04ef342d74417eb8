"""Passes over a small project on stores in memory."""

from __future__ import annotations

import datetime
import itertools
import json
from pathlib import Path
from typing import Any

import small
from torneo.errors import GateError, LockedError, SourceError, UnavailableError
from torneo.ports import Outcome
from torneo.ports.refusals import REQUESTS, Refused, minutes
from torneo.testing import MemoryState
from torneo.testing.small_log import FIRST
from torneo.watchdog.desk import Retrained
from torneo.watchdog.overlay import Overlay
from watched import HOUR, kennel

USUAL = small.table(600, seed=5, classes=False)[:400]
SHIFTED = USUAL.with_columns(a=USUAL["a"] + 2)
ONE = {"window": "1h", "persistence": {"bad": 1, "of": 1, "good": 1}}


def subjects(events: Any) -> list[str]:
    return [f"{event.event} {event.rule} {event.subject}" for event in events]


def test_nothing_is_wrong(tmp_path: Path) -> None:
    found = kennel(tmp_path, **ONE)
    found.ask(USUAL, FIRST, error=0.3)
    found.now(FIRST + 2 * HOUR)
    passed = found.watch()
    assert (passed.champion, passed.windows, passed.open, passed.done) == (1, 1, (), ())
    assert found.watch().windows == 0, "a window is looked at once"
    assert found.told == []


def test_drift_opens_and_closes_and_is_told_once(tmp_path: Path) -> None:
    found = kennel(tmp_path, **ONE)
    found.ask(SHIFTED, FIRST)
    found.now(FIRST + HOUR + datetime.timedelta(seconds=10))
    passed = found.watch()
    assert subjects(passed.events) == ["opened drift answers", "opened drift a"]
    assert passed.held_back == "the source has nothing new to train on: it is what the last verdict rests on"
    assert [message.title for message in found.told] == [
        "small: alert opened: drift answers",
        "small: alert opened: drift a",
    ]
    found.watch()
    assert len(found.told) == 2, "what was told is not told again"
    found.ask(USUAL, FIRST + 2 * HOUR)
    found.now(FIRST + 4 * HOUR)
    assert subjects(found.watch().events) == ["closed drift answers", "closed drift a"]
    assert len(found.told) == 4


def test_drift_has_to_persist(tmp_path: Path) -> None:
    found = kennel(tmp_path, window="100 rows")
    found.ask(SHIFTED[:100], FIRST)
    found.now(FIRST + HOUR)
    assert found.watch().open == ()
    found.ask(SHIFTED[100:200], FIRST + HOUR)
    found.now(FIRST + 2 * HOUR)
    assert [alert.subject for alert in found.watch().open] == ["answers", "a"]


def test_a_rule_that_is_not_watched_closes_what_it_had_opened(tmp_path: Path) -> None:
    found = kennel(tmp_path, **ONE)
    found.ask(SHIFTED, FIRST)
    found.now(FIRST + 2 * HOUR)
    assert len(found.watch().open) == 2
    watch = found.desk.watch.model_copy(update={"drift": None})
    project = found.desk.project.model_copy(update={"watch": watch})
    found.ask(SHIFTED, FIRST + 2 * HOUR)
    found.now(FIRST + 4 * HOUR)
    assert found.watch(project=project).open == ()


def test_performance_falls_and_recovers(tmp_path: Path) -> None:
    found = kennel(tmp_path, **ONE)
    found.ask(USUAL, FIRST, error=2.0)
    found.now(FIRST + HOUR + datetime.timedelta(seconds=10))
    [alert] = found.watch().open
    assert (alert.rule, alert.subject, round(alert.value, 6)) == ("performance", "rmse", 2.0)
    assert "by 400 outcomes; the judge saw 0." in alert.why
    found.ask(USUAL, FIRST + 2 * HOUR, error=0.2)
    found.now(FIRST + 4 * HOUR)
    assert subjects(found.watch().events) == ["closed performance rmse"]


def test_late_outcomes_count_when_they_come(tmp_path: Path) -> None:
    found = kennel(tmp_path, **ONE)
    ids = found.ask(USUAL, FIRST)
    found.now(FIRST + 2 * HOUR)
    assert found.watch().open == ()
    at = int((FIRST + datetime.timedelta(hours=2, minutes=30)).timestamp() * 1e6)
    found.log.add_outcomes([Outcome("small", each, json.dumps(9.0), at) for each in ids])
    found.now(FIRST + 4 * HOUR)
    assert [alert.rule for alert in found.watch().open] == ["performance"]


def test_few_outcomes_wait_until_there_are_enough(tmp_path: Path) -> None:
    found = kennel(tmp_path, **ONE, performance={"min_outcomes": 150})
    for hour in range(2):
        found.ask(USUAL[hour * 100 : hour * 100 + 100], FIRST + hour * HOUR, error=2.0)
        found.now(FIRST + (hour + 1) * HOUR + datetime.timedelta(seconds=10))
        assert len(found.watch().open) == hour


def test_refused_requests_and_warnings(tmp_path: Path) -> None:
    found = kennel(tmp_path, **ONE)
    found.ask(USUAL, FIRST)
    found.log.count_refused(
        [Refused("small", minutes(FIRST), REQUESTS, 100), Refused("small", minutes(FIRST), "too_large_a", 130)]
    )
    found.now(FIRST + 2 * HOUR)
    [alert] = found.watch().open
    assert alert.why == "100 of 500 requests were refused (20.0%, at most 5.0%): too_large_a 130"


def test_an_hour_in_which_all_was_refused_is_a_window(tmp_path: Path) -> None:
    found = kennel(tmp_path, **ONE)
    found.log.count_refused([Refused("small", minutes(FIRST) + 70, REQUESTS, 100)])
    found.now(FIRST + 3 * HOUR)
    passed = found.watch()
    assert (passed.windows, [alert.subject for alert in passed.open]) == (1, ["refused"])


def test_slow_answers(tmp_path: Path) -> None:
    found = kennel(tmp_path, **ONE, latency={"p99_ms": 1})
    found.ask(USUAL, FIRST)
    found.now(FIRST + 2 * HOUR)
    [alert] = found.watch().open
    assert (alert.rule, round(alert.value, 1)) == ("latency", 1.5)


def test_new_data_is_trained_on_once(tmp_path: Path) -> None:
    found = kennel(tmp_path, content="new")
    passed = found.watch()
    assert found.trained == ["data (source)"]
    assert subjects(passed.events) == ["opened data source"]
    assert passed.done == ("retrained: Keep: version 1 stays. The reason was data (source).",)
    assert [message.event for message in found.told] == ["opened", "retrained"]
    again = found.watch()
    assert again.held_back is not None
    assert "it has been tried with this content" in again.held_back
    assert len(found.trained) == 1


def test_brakes(tmp_path: Path) -> None:
    found = kennel(tmp_path, retrain={"cooldown": "6h", "per_day": 2})
    contents, held = itertools.count(), []
    for _ in range(9):
        held.append(found.watch(fingerprint=lambda: f"content {next(contents)}").held_back)
        found.clock.advance(3 * 3600)
    assert len(found.trained) == 3, "at 0, 6 and 24 hours"
    assert held[1] == "the last training was 2026-03-01 12:00 UTC: the cooldown ends 2026-03-01 18:00"
    assert held[5] == "2 trainings in 24 hours: retrain.per_day allows 2"


def test_a_dry_run_of_the_training_is_told_and_trains_nothing(tmp_path: Path) -> None:
    found = kennel(tmp_path, content="new", retrain={"dry_run": True})
    found.watch()
    assert found.trained == []
    assert [message.event for message in found.told] == ["opened", "dry_run"]


def test_a_dry_run_of_the_training_does_not_stand_in_for_it(tmp_path: Path) -> None:
    found = kennel(tmp_path, content="new", retrain={"dry_run": True, "cooldown": "30d"})
    found.watch()
    assert "it has been tried" in str(found.watch().held_back)
    assert found.trained == []
    watch = found.desk.watch.model_copy(update={"retrain": found.desk.watch.retrain.model_copy(update=_REAL)})
    found.watch(project=found.desk.project.model_copy(update={"watch": watch}))
    assert found.trained == ["data (source)"]


_REAL = {"dry_run": False}


def test_a_training_that_failed_is_tried_again_once_the_project_is_mended(tmp_path: Path) -> None:
    found = kennel(tmp_path, content="new", retrain={"cooldown": "1m", "per_day": 9})

    def fail(why: str) -> Retrained:
        raise GateError("only 18 judging rows")

    found.watch(retrain=fail)
    found.clock.advance(3600)
    assert "only 18 judging rows" in str(found.watch().held_back)
    judge = found.desk.project.judge.model_copy(update={"protocol": "nested_cv"})
    found.watch(project=found.desk.project.model_copy(update={"judge": judge}))
    assert len(found.trained) == 1


def test_a_dry_pass_writes_nothing(tmp_path: Path) -> None:
    found = kennel(tmp_path, content="new", **ONE)
    found.ask(SHIFTED, FIRST)
    found.now(FIRST + 2 * HOUR)
    state = found.desk.state
    passed = found.watch(state=Overlay(state, found.clock), dry=True)
    assert len(passed.open) == 3
    assert passed.would == ("retrain: data (source), drift (answers), drift (a)",)
    assert [state.read("small", name) for name in ("windows", "alerts", "watch")] == [[], [], []]
    assert (found.trained, found.told) == ([], [])


def test_a_training_that_the_data_stops_is_not_tried_again_with_the_same(tmp_path: Path) -> None:
    found = kennel(tmp_path, content="new", retrain={"cooldown": "1m", "per_day": 9})

    def refuse(why: str) -> Retrained:
        found.trained.append(why)
        raise GateError("too many rows break the contract")

    for _ in range(3):
        passed = found.watch(retrain=refuse)
        found.clock.advance(3600)
    assert len(found.trained) == 1
    assert passed.held_back is not None
    assert "the training failed: too many rows break the contract" in passed.held_back
    found.watch(retrain=refuse, fingerprint=lambda: "newer")
    assert len(found.trained) == 2


def test_a_training_that_a_store_stops_is_tried_again(tmp_path: Path) -> None:
    found = kennel(tmp_path, content="new", retrain={"cooldown": "1m", "per_day": 9})

    def fail(why: str) -> Retrained:
        raise UnavailableError("the object store does not answer")

    assert found.watch(retrain=fail).done[0].startswith("failed: the training failed: the object store")
    found.clock.advance(3600)
    assert found.watch().done[0].startswith("retrained")


def test_another_run_is_waited_for(tmp_path: Path) -> None:
    found = kennel(tmp_path, content="new")

    def locked(why: str) -> Retrained:
        raise LockedError("'run/small' is locked by bob")

    assert found.watch(retrain=locked).done == ()
    assert found.watch(retrain=locked).held_back == "another run is at it"
    assert found.watch().done[0].startswith("retrained")
    assert len(found.trained) == 1


def test_a_source_that_cannot_be_read_is_an_alert_and_stops_nothing(tmp_path: Path) -> None:
    found = kennel(tmp_path, **ONE)

    def gone() -> str:
        raise SourceError("data.csv is gone")

    found.ask(SHIFTED, FIRST)
    found.now(FIRST + 2 * HOUR)
    passed = found.watch(fingerprint=gone)
    assert [alert.subject for alert in passed.open] == ["unreadable source", "answers", "a"]
    assert passed.held_back == "the source cannot be read"
    assert subjects(found.watch().events) == ["closed data unreadable source"]


def test_without_a_champion_there_is_nothing_to_watch(tmp_path: Path) -> None:
    found = kennel(tmp_path)
    passed = found.watch(state=MemoryState(found.clock))
    assert passed.notes == ("it has no champion yet: torneo run small",)
