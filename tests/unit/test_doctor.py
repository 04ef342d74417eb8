"""`torneo doctor` finds what is wrong and says what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from coins import DAY, Coins
from torneo.api import Project
from torneo.doctor import Finding, examine
from torneo.errors import GateError
from torneo.runtime import Runtime
from torneo.spec.settings import settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TORNEO_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


def found() -> dict[str, Finding]:
    return {finding.subject: finding for finding in examine()}


def test_a_good_installation(home: Path) -> None:
    findings = found()
    assert all(finding.good and not finding.fix for finding in findings.values())
    assert {"python", "xgboost-cpu", "extra s3", "home", "disk", "state"} <= set(findings)


def test_a_load_that_stopped_is_told(home: Path, tmp_path: Path) -> None:
    coins = Coins(tmp_path / "coins")
    coins.write("AR,5/1/2026,1,1")
    Project(coins.project.spec, coins.folder, Runtime(settings())).run(date=DAY)
    assert (found()["project coins"].good, found()["project coins"].message) == (True, "last load: passed")
    coins.write("XX,5/1/2026,1,1")
    with pytest.raises(GateError, match="refused"):
        Project(coins.project.spec, coins.folder, Runtime(settings())).run(date=DAY)
    told = found()["project coins"]
    assert not told.good
    assert told.message.startswith("last load: stopped: coins: the gate refused 1 of 1 rows")
    assert told.fix == "mend what stopped it, then torneo run coins"


def test_a_home_below_a_file(home: Path) -> None:
    home.write_text("", encoding="utf-8")
    findings = found()
    assert (findings["home"].good, findings["home"].fix) == (False, "set TORNEO_HOME elsewhere")
    assert not findings["state"].good
    assert "cannot be made" in findings["state"].message


def test_a_data_folder_that_is_not_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORNEO_DATA", str(home / "nowhere"))
    assert found()["TORNEO_DATA"].message.endswith("nowhere is not a folder")
    monkeypatch.setenv("TORNEO_DATA", str(home.parent))
    settings.cache_clear()
    assert found()["TORNEO_DATA"].good


def test_what_a_dead_run_left(home: Path) -> None:
    (home / "work" / "p@999999999@x").mkdir(parents=True)
    finding = found()["work"]
    assert not finding.good
    assert finding.fix == f"rm -r '{home / 'work' / 'p@999999999@x'}'"


def test_a_channel_whose_variable_is_not_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home.parent / "projects" / "ads"
    folder.mkdir(parents=True)
    (folder / "project.yaml").write_text(
        "{project: ads, task: regression, target: y, source: {uri: a.csv}, "
        "contract: {columns: {x: {type: float}, y: {type: float}}}, watch: {notify: [{slack: '${SLACK_URL}'}]}}",
        encoding="utf-8",
    )
    monkeypatch.setenv("TORNEO_PROJECTS", str(folder.parent))
    finding = found()["project ads"]
    assert (finding.good, finding.fix.split(",")[0]) == (False, "set SLACK_URL")
    assert finding.message == (
        "watch.notify: nobody can be told by slack: the environment variable SLACK_URL is not set"
    )
    monkeypatch.setenv("SLACK_URL", "https://hooks.example.org")
    assert "project ads" not in found()
    (folder / "project.yaml").write_text("project: ads\ntask: nothing\n", encoding="utf-8")
    finding = found()["project.yaml"]
    assert finding.message.startswith(f"{folder / 'project.yaml'}:1:1: ")
    assert finding.fix == f"torneo check {folder / 'project.yaml'} tells all"


def test_a_record_that_was_altered(home: Path) -> None:
    runtime = Runtime(settings())
    for number in range(3):
        runtime.state.append("p", "traffic", f"change {number}", {"share": number})
    assert found()["records"].message == "3 entries beside decisions, all chains hold"
    with closing(sqlite3.connect(home / "state.db")) as connection, connection:
        connection.execute("DROP TRIGGER stream_entries_refuse_update")
        connection.execute("UPDATE stream_entries SET body = replace(body, '1', '9') WHERE sequence = 2")
    [finding] = [each for each in examine() if each.subject == "records"]
    assert not finding.good
    assert finding.message == "the history 'p/traffic' was tampered with: entry 2 was altered after it was written"
    assert finding.fix == "restore the state store from a backup, and find out who had write access to it"
