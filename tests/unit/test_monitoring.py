"""What is told of a log: drift, performance and traffic, over windows that together are the log."""

from __future__ import annotations

import datetime
import io
import json
import sys
from pathlib import Path

import polars as pl
import pytest

import small
from torneo.cli.render_monitor import drift_tables, performance_tables
from torneo.errors import ConflictError, MissingExtraError, NotFoundError, UnavailableError
from torneo.monitoring import LogMonitor
from torneo.ports import Outcome, Refused
from torneo.ports.refusals import REQUESTS, minutes
from torneo.reports.drift_page import drift_page
from torneo.reports.performance_page import performance_page
from torneo.spec.project import Project
from torneo.testing import MemoryState
from torneo.testing.small_log import FIRST, prediction
from torneo.watch.views import Asked
from watched import HOUR, Kennel, kennel

EVERYTHING = Asked(since=FIRST - HOUR, until=FIRST + 100 * HOUR, window="1h")


def monitor(watched: Kennel, folder: Path, **declared: object) -> LogMonitor:
    desk = watched.desk
    project = Project.model_validate({**desk.project.model_dump(exclude_unset=True), **declared})
    return LogMonitor(project, watched.log, watched.log, desk.state, desk.objects, watched.clock, folder)


def table(rows: int, seed: int) -> pl.DataFrame:
    """Rows like those of training."""
    return small.table(600, seed=seed, classes=False).head(rows)


def shifted(rows: int, seed: int) -> pl.DataFrame:
    return table(rows, seed).with_columns(pl.col("a") + 2.0)


def busy(folder: Path) -> Kennel:
    """Three hours of predictions with outcomes; in the third, `a` is two deviations larger."""
    made = kennel(folder)
    for hour in (0, 1):
        made.ask(table(200, hour), FIRST + hour * HOUR, error=0.5)
    made.ask(shifted(200, 10), FIRST + 2 * HOUR)
    return made


def test_drift_is_told_by_window_and_together(tmp_path: Path) -> None:
    view = monitor(busy(tmp_path), tmp_path).drift(EVERYTHING)
    assert [window.verdict for window in view.windows] == ["no drift", "no drift", "drift"]
    assert [window.rows for window in view.windows] == [200, 200, 200]
    assert "a" in view.windows[2].drifted
    assert view.windows[2].effects["a"] > 10
    assert (view.report.verdict, view.report.rows, view.version) == ("drift", 600, 1)
    assert view.persistent == ()


def test_windows_of_rows_and_of_time_are_the_log(tmp_path: Path) -> None:
    watched = busy(tmp_path)
    watched.log.append([prediction(5, project="small", role="shadow", of="x", inputs='{"a": 1}', output="{}")])
    asked = monitor(watched, tmp_path)
    for window, expected in (("1h", [200] * 3), ("1d", [600]), ("250 rows", [250, 250, 100]), ("7m", None)):
        view = asked.drift(EVERYTHING.model_copy(update={"window": window}))
        rows = [each.rows for each in view.windows]
        assert sum(rows) == view.report.rows == 600, window
        assert expected is None or rows == expected, window
        assert all(first.until <= second.since for first, second in zip(view.windows, view.windows[1:], strict=False))


def test_together_it_is_the_same_however_it_is_cut(tmp_path: Path) -> None:
    asked = monitor(busy(tmp_path), tmp_path)
    whole, parts = (asked.drift(EVERYTHING.model_copy(update={"window": size})).report for size in ("1w", "90 rows"))
    assert [(test.column, test.test) for test in whole.tests] == [(test.column, test.test) for test in parts.tests]
    for one, other in zip(whole.tests, parts.tests, strict=True):
        assert one.p_value == pytest.approx(other.p_value), one.column


def test_performance_by_outcomes_and_before_them(tmp_path: Path) -> None:
    view = monitor(busy(tmp_path), tmp_path).performance(EVERYTHING)
    assert [window.labelled for window in view.windows] == [200, 200, 0]
    for window in view.windows[:2]:
        assert window.score.score == pytest.approx(0.5, abs=0.001)
        assert window.estimate is not None
        assert window.estimate.reliability == "reliable"
    assert view.windows[2].score.score is None
    assert view.windows[2].estimate is not None
    assert view.windows[2].estimate.reliability == "unreliable"
    assert view.total is not None
    assert (view.rows, view.labelled, view.total.labelled) == (600, 400, 400)
    assert [each.group for each in view.groups] == [{"version": "1", "role": "champion"}]
    assert {each.group["colour"] for each in view.slices} == {"red", "green"}


def test_late_and_corrected_outcomes_count_as_they_are_known_last(tmp_path: Path) -> None:
    watched = kennel(tmp_path)
    ids = watched.ask(table(100, 3), FIRST, error=0.5)
    asked = monitor(watched, tmp_path)
    before = asked.performance(EVERYTHING).total
    line = watched.log.get("small", ids[0])
    assert line is not None
    at = prediction(90_000).at
    watched.log.add_outcomes([Outcome("small", ids[0], json.dumps(line.output["prediction"] + 50), at)])
    after = asked.performance(EVERYTHING).total
    assert before is not None
    assert after is not None
    assert (before.score, after.score) == (pytest.approx(0.5, abs=0.001), pytest.approx(5.02, abs=0.02))
    assert after.labelled == 100


def test_a_shadow_has_the_outcomes_of_what_was_returned(tmp_path: Path) -> None:
    watched = kennel(tmp_path)
    ids = watched.ask(table(60, 3), FIRST, error=0.5)
    lines = [watched.log.get("small", each) for each in ids]
    watched.log.append(
        [
            prediction(
                place,
                id=f"{line.id[:19]}9{line.id[20:]}",
                project="small",
                version=2,
                role="shadow",
                of=line.id,
                inputs=json.dumps(dict(line.inputs)),
                output=json.dumps({"prediction": line.output["prediction"] + 0.25}),
            )
            for place, line in enumerate(lines)
            if line is not None
        ]
    )
    groups = monitor(watched, tmp_path).performance(EVERYTHING).groups
    assert [(each.group["version"], each.group["role"], each.labelled) for each in groups] == [
        ("1", "champion", 60),
        ("2", "shadow", 60),
    ]
    assert groups[1].score == pytest.approx(((0.25**2 + 0.75**2) / 2) ** 0.5, abs=0.01)


def test_personal_data_is_left_out_and_named(tmp_path: Path) -> None:
    watched = busy(tmp_path)
    columns = watched.desk.project.contract.model_dump(exclude_unset=True)["columns"]
    contract = {
        "columns": {**columns, "a": {**columns["a"], "pii": "hash"}, "colour": {**columns["colour"], "pii": "drop"}}
    }
    asked = monitor(watched, tmp_path, contract=contract)
    view = asked.drift(EVERYTHING)
    assert view.hidden == ("a", "colour")
    assert {test.column for test in view.report.tests} == {"b", "shop", "__answers__"}
    assert asked.performance(EVERYTHING).slices == ()
    assert "personal data" in drift_page(view)


def test_stats_are_those_of_the_log(tmp_path: Path) -> None:
    watched = busy(tmp_path)
    watched.log.append(
        [prediction(7, project="small", request="odd", latency=90_000, output='{"warnings":[{"reason":"range_a"}]}')]
    )
    minute = minutes(FIRST)
    watched.log.count_refused([Refused("small", minute, REQUESTS, 3), Refused("small", minute, "missing_a", 5)])
    told = monitor(watched, tmp_path).stats(EVERYTHING)
    assert (told.requests, told.rows, told.refused, told.warned, told.labelled) == (601, 601, 3, 1, 400)
    assert (told.refused_by_reason, told.warned_by_reason) == ({"missing_a": 5}, {"range_a": 1})
    assert told.versions == {"1": 601}
    assert told.roles == {"champion": 601}
    assert told.latency_ms["p50"] == pytest.approx(1.5, rel=0.01)


def test_the_watchdog_finds_the_same_drift(tmp_path: Path) -> None:
    """One window through both: the columns, and what is said of them."""
    watched = kennel(tmp_path, window="1h", persistence={"bad": 1, "of": 1})
    watched.ask(shifted(200, 10), FIRST)
    watched.now(FIRST + 2 * HOUR)
    opened = {event.subject: event.value for event in watched.watch().events if event.rule == "drift"}
    view = monitor(watched, tmp_path).drift(Asked(since=FIRST, until=FIRST + HOUR, window="1h"))
    told = {name.replace("__answers__", "answers") for name in view.windows[0].drifted}
    assert told == set(opened)
    strongest = next(test for test in view.report.tests if test.column == "a")
    assert opened["a"] == pytest.approx(strongest.effect)


def test_an_empty_log_is_no_error(tmp_path: Path) -> None:
    asked = monitor(kennel(tmp_path), tmp_path)
    view = asked.drift(Asked())
    assert (view.report.verdict, view.windows, view.until - view.since) == ("not enough rows", (), 168 * HOUR)
    told = asked.performance(Asked())
    assert (told.rows, told.total, told.estimate) == (0, None, None)
    assert asked.stats(Asked()).latency_ms == {"p50": None, "p95": None, "p99": None}
    assert asked.last() is None
    assert "No outcome of 0 predictions" in performance_page(told)


def test_what_cannot_be_told_says_why(tmp_path: Path) -> None:
    watched = busy(tmp_path)
    asked = monitor(watched, tmp_path)
    watched.ask(table(600, 1), FIRST + 3 * HOUR, seconds=150.0)
    watched.ask(table(600, 2), FIRST + 30 * HOUR, seconds=150.0)
    with pytest.raises(ConflictError, match="more than 1,000 windows"):
        asked.drift(EVERYTHING.model_copy(update={"window": "1m"}))
    with pytest.raises(UnavailableError, match="longer than 0 s"):
        asked.stats(EVERYTHING, seconds=0.0)
    with pytest.raises(UnavailableError, match="longer than 0 s"):
        asked.performance(EVERYTHING, seconds=0.0)
    asked.state = MemoryState(watched.clock)
    with pytest.raises(NotFoundError, match="no champion"):
        asked.drift(EVERYTHING)


def test_pages_and_tables_show_what_was_found(tmp_path: Path) -> None:
    from rich.console import Console

    asked = monitor(busy(tmp_path), tmp_path)
    drifted, performed = asked.drift(EVERYTHING), asked.performance(EVERYTHING)
    console = Console(record=True, width=140, file=io.StringIO())
    drift_tables(console, drifted)
    performance_tables(console, performed)
    text = console.export_text()
    for word in (
        "drifted over 600 rows",
        "windows of 1h",
        "400 of 600 predictions",
        "by version and role",
        "unreliable",
    ):
        assert word in text, word
    for made in (drift_page(drifted), performance_page(performed)):
        assert "<script" not in made
        assert "http" not in made.replace("http-equiv", "")
        assert made.count("<svg") >= 2


def test_moments_without_windows_between_are_skipped(tmp_path: Path) -> None:
    watched = kennel(tmp_path)
    for day in (0, 9):
        watched.ask(table(60, day), FIRST + datetime.timedelta(days=day))
    asked = Asked(since=FIRST, until=FIRST + datetime.timedelta(days=20), window="1d")
    assert len(monitor(watched, tmp_path).drift(asked).windows) == 2


@pytest.mark.slow
def test_evidently_s_page_is_archived_and_its_verdict_is_told(tmp_path: Path) -> None:
    pytest.importorskip("evidently", reason="the extra is not installed")
    asked = monitor(busy(tmp_path), tmp_path)
    told = asked.evidently(Asked(since=FIRST + 2 * HOUR, until=FIRST + 3 * HOUR))
    assert (told.rows, set(told.columns)) == (200, {"a", "b", "colour", "shop"})
    assert told.training_rows > 300
    assert {name for name, column in told.columns.items() if column.drifted} >= {"a"}
    assert not told.columns["colour"].drifted
    assert b"<html" in asked.objects.get(told.object)
    with pytest.raises(ConflictError, match="no predictions"):
        asked.evidently(Asked(since=FIRST - 3 * HOUR, until=FIRST - 2 * HOUR))


def test_without_evidently_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "evidently", None)
    with pytest.raises(MissingExtraError, match="Evidently") as error:
        monitor(busy(tmp_path), tmp_path).evidently(EVERYTHING)
    assert error.value.fix == "pip install 'torneo[evidently]'"
