"""Passes that come late, after many windows, or after a clock that was ahead."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import polars as pl

import small
from torneo.errors import SourceError
from torneo.ports.refusals import REQUESTS, Refused, minutes
from torneo.testing.small_log import FIRST, prediction
from torneo.watchdog import journal
from torneo.watchdog.findings import Evaluation
from watched import HOUR, Kennel, kennel

USUAL = small.table(600, seed=5, classes=False)[:400]
SHIFTED = USUAL.with_columns(a=USUAL["a"] + 2)
QUIET = {"drift": None, "quality": None, "latency": None}


def evaluated(found: Kennel, rule: str) -> list[Evaluation]:
    told = journal.evaluations(found.desk.state, "small", found.clock.now())
    return [each.evaluation for each in told if rule in each.evaluation.rules]


def test_outcomes_of_a_backlog_are_looked_at_window_by_window(tmp_path: Path) -> None:
    found = kennel(tmp_path, window="1h", **QUIET)
    for hour, error in enumerate([0.3, 2.0, 2.0]):
        found.ask(USUAL[:150], FIRST + hour * HOUR, error=error)
    found.now(FIRST + 4 * HOUR)
    [alert] = found.watch().open
    assert (alert.subject, alert.window[-51:]) == ("rmse", "2026-03-01T14:00:00+00:00/2026-03-01T15:00:00+00:00")
    assert [each.rows for each in evaluated(found, "performance")] == [150, 150, 150]


def test_windows_with_few_outcomes_are_looked_at_with_the_next(tmp_path: Path) -> None:
    found = kennel(tmp_path, window="1h", **QUIET, performance={"min_outcomes": 100})
    for hour, rows in enumerate([60, 60, 10]):
        found.ask(USUAL[:rows], FIRST + hour * HOUR, error=0.3)
    found.now(FIRST + 4 * HOUR)
    found.watch()
    assert [each.rows for each in evaluated(found, "performance")] == [120]


def test_outcomes_of_counted_windows_are_cut_by_their_number(tmp_path: Path) -> None:
    found = kennel(tmp_path, window="100 rows", **QUIET, performance={"min_outcomes": 50})
    found.ask(USUAL[:270], FIRST, error=2.0)
    found.now(FIRST + HOUR)
    assert [alert.subject for alert in found.watch().open] == ["rmse"]
    assert [each.rows for each in evaluated(found, "performance")] == [100, 100, 70]
    assert found.watch().events == (), "each outcome counts once"


def test_what_rare_rules_said_is_remembered_over_many_windows(tmp_path: Path) -> None:
    found = kennel(tmp_path, content="new", window="1m", **QUIET, retrain={"when": []})
    found.ask(USUAL[:150], FIRST, 0.1, error=2.0)
    found.now(FIRST + HOUR)
    assert [alert.rule for alert in found.watch().open] == ["data"]
    rows = USUAL.sample(800, with_replacement=True, seed=1)
    for part in range(10):
        start = FIRST + HOUR + part * datetime.timedelta(minutes=80)
        found.ask(rows[part * 80 : part * 80 + 80], start, 60)
        found.now(start + datetime.timedelta(minutes=81))
        assert found.watch().windows >= 79
    assert len(found.desk.state.read("small", "windows")) > journal.RECALLED + 250
    assert [each.rows for each in evaluated(found, "performance")] == [150], "outcomes are counted once"
    ingested = found.desk.state.get("small", "step/ingest")
    assert ingested is not None
    closed = found.watch(fingerprint=lambda: ingested["inputs"]["source content"])
    assert [(event.event, event.rule) for event in closed.events] == [("closed", "data")]


def test_a_window_may_be_full_of_refused_requests(tmp_path: Path) -> None:
    found = kennel(tmp_path, window="100 rows", persistence={"bad": 1, "of": 1, "good": 1})
    found.log.count_refused([Refused("small", minutes(FIRST) + n, REQUESTS, 60) for n in range(4)])
    found.now(FIRST + HOUR)
    passed = found.watch()
    assert (passed.windows, [alert.subject for alert in passed.open]) == (2, ["refused"])
    assert "120 of 120 requests were refused" in passed.open[0].why
    found.ask(USUAL[:100], FIRST + HOUR)
    found.now(FIRST + 2 * HOUR)
    passed = found.watch()
    assert (passed.windows, [event.event for event in passed.events]) == (1, ["closed"])
    assert found.watch().windows == 0


def test_what_a_clock_that_was_ahead_has_seen_is_not_there_yet(tmp_path: Path) -> None:
    found = kennel(tmp_path, content="new", window="1h", retrain={"cooldown": "30d"}, persistence=_once())
    found.ask(SHIFTED, FIRST + 100 * 24 * HOUR)
    found.now(FIRST + 101 * 24 * HOUR)
    assert found.watch().windows == 1
    assert len(found.trained) == 1
    found.now(FIRST)
    found.ask(SHIFTED, FIRST)
    found.now(FIRST + 2 * HOUR)
    passed = found.watch(fingerprint=lambda: "newer")
    assert passed.windows == 1
    assert passed.done != (), "the cooldown of a training that lies ahead has not begun"


def test_columns_that_another_version_was_not_asked_for_are_not_missing(tmp_path: Path) -> None:
    found = kennel(tmp_path, window="1h", persistence=_once())
    _answered(found, USUAL.drop("a"), FIRST, version=9)
    found.now(FIRST + 2 * HOUR)
    passed = found.watch()
    assert (passed.windows, passed.open) == (1, ())
    _answered(found, USUAL.drop("a"), FIRST + 2 * HOUR, version=1)
    found.now(FIRST + 4 * HOUR)
    why = {alert.subject: alert.why for alert in found.watch().open}
    assert why["a"].startswith("a: 100.0% of the rows have no value, 0.0% in training")


def test_a_source_that_is_gone_is_not_good_again(tmp_path: Path) -> None:
    found = kennel(tmp_path, content="new", retrain={"when": []})

    def gone() -> str:
        raise SourceError("data.csv is gone")

    assert [alert.subject for alert in found.watch().open] == ["source"]
    assert [(each.event, each.subject) for each in found.watch(fingerprint=gone).events] == [
        ("opened", "unreadable source")
    ]
    assert [alert.subject for alert in found.watch().open] == ["source"]


def _once() -> dict[str, int]:
    return {"bad": 1, "of": 1, "good": 1}


def _answered(found: Kennel, frame: pl.DataFrame, since: datetime.datetime, *, version: int) -> None:
    """Have a version answer rows, one a second, with what the log needs of it."""
    rows = frame.drop("y").with_columns(pl.col("day").dt.to_string()).to_dicts()
    first = int((since - FIRST).total_seconds())
    about = {"project": "small", "version": version, "output": '{"prediction": 1.0}'}
    found.log.append([prediction(first + place, inputs=json.dumps(row), **about) for place, row in enumerate(rows)])
