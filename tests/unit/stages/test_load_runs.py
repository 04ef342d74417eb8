"""What is recorded of a load's runs, however they end."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import duckdb
import pytest

from coins import DAY, SPEC, Coins
from torneo.errors import ConflictError, SourceError, UnavailableError
from torneo.spec.tables import RunLine
from torneo.stores.warehouse_duckdb import DuckdbWarehouse


def line(run: str, then: datetime.datetime, **details: int) -> RunLine:
    return RunLine(run=run, project="coins", suite="candidate", status="running", details=details, at=then)


def test_copies_lose_nothing_so_the_run_has_passed(coins: Coins) -> None:
    coins.write("AR,5/1/2026,1,1", "AR,5/1/2026,1,1", "AR,5/1/2026,1,1")
    report = coins.run()
    assert (report.reasons, report.status, report.copies) == ({"repeated_row": 2}, "passed", 2)
    assert coins.project.reload().load.status == "passed"


@pytest.mark.parametrize(
    ("text", "says"),
    [(None, "there is no file"), ("", "coins.csv is empty"), ("site,day,price\nAR,1/1/2026\n", "must have 3 fields")],
)
def test_an_extract_that_fails_is_in_the_warehouse_and_in_the_history(
    coins: Coins, text: str | None, says: str
) -> None:
    coins.run()
    (coins.folder / "coins.csv").unlink()
    if text is not None:
        (coins.folder / "coins.csv").write_text(text)
    for _ in range(2):
        with pytest.raises(SourceError, match=says):
            coins.run()
    assert says in coins.runs()["stopped"]["error"]
    assert coins.table("dqm.dq_runs").height == 2, "the same failure is one line"
    assert [entry.body["status"] for entry in coins.project.history()] == ["passed", "stopped", "stopped"]
    coins.write("AR,5/1/2026,1,1")
    assert coins.run().status == "passed"


def test_a_warehouse_that_goes_away_leaves_its_reason_in_the_history(
    coins: Coins, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise UnavailableError("the server went away")

    monkeypatch.setattr(DuckdbWarehouse, "write_raw", gone)
    monkeypatch.setattr("torneo.orchestration.local.PAUSE", 0.0)
    with pytest.raises(UnavailableError, match="the server went away"):
        coins.run()
    assert set(coins.runs()) == {"stopped"}
    assert [entry.body["error"] for entry in coins.project.history()] == ["the server went away"]


def test_two_projects_that_deactivate_do_not_share_a_table(coins: Coins, tmp_path: Path) -> None:
    coins.run()
    other = Coins(tmp_path / "other")
    for missing, project in (("deactivate", "others"), ("keep", "others")):
        spec = SPEC.replace("project: coins", f"project: {project}").replace("deactivate", missing)
        other.write("MX,5/1/2026,1,1", spec=spec)
        (other.folder / "home").mkdir(exist_ok=True)
        place = other.folder / "home" / "warehouse.duckdb"
        place.unlink(missing_ok=True)
        place.symlink_to(coins.folder / "home" / "warehouse.duckdb")
        if missing == "deactivate":
            with pytest.raises(ConflictError, match=r"prod.coins is also the table of coins, and with `missing: deact"):
                other.run()
            assert coins.active() == {"AR", "BR"}
        else:
            other.run()
            assert coins.active() == {"AR", "BR", "MX"}
    coins.write("AR,5/1/2026,2.5,4", "BR,4/1/2026,1,1")
    with pytest.raises(ConflictError, match="is also the table of others"):
        coins.run()


def test_refused_rows_are_not_taken_to_another_table(coins: Coins) -> None:
    coins.write("AR,5/1/2026,1,1", "BR,5/1/2026,1,1", "XX,5/1/2026,1,1")
    coins.run()
    coins.write("XX,5/1/2026,1,1", spec=SPEC.replace("prod.coins", "prod.moved").replace("[AR,", "[XX, AR,"))
    with pytest.raises(
        ConflictError, match=r"went into prod.coins, and the project now loads prod.moved\n.*torneo run"
    ):
        coins.project.reload()


def test_a_run_that_was_killed_is_mended_a_day_later(coins: Coins) -> None:
    warehouse, then = coins.project.runtime.warehouse, datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    warehouse.record_run(line("killed", then, rows=3))
    warehouse.record_run(line("other", then).model_copy(update={"project": "another_project"}))
    report = coins.run()
    lines = {line["run_id"]: line for line in coins.table("dqm.dq_runs").to_dicts()}
    assert (lines["killed"]["status"], lines["killed"]["checked_at"]) == ("stopped", then)
    why = f"its process ended before it did; run {report.run} came after"
    assert json.loads(lines["killed"]["details"]) == {"rows": 3, "error": why}
    assert (lines["other"]["status"], lines[report.run]["status"]) == ("running", "passed")


def test_a_live_run_of_another_home_is_left_alone_and_a_dead_one_of_this_home_is_not(
    coins: Coins, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse, now = coins.project.runtime.warehouse, datetime.datetime.now(datetime.UTC)
    warehouse.record_run(line("theirs", now))
    with monkeypatch.context() as patch:
        patch.setattr(DuckdbWarehouse, "write_raw", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            coins.run()
    assert sorted(coins.table("dqm.dq_runs")["status"]) == ["running", "running"]
    coins.write("AR,5/1/2026,1,1")
    coins.run()
    lines = {row["run_id"]: row["status"] for row in coins.table("dqm.dq_runs").to_dicts()}
    assert lines.pop("theirs") == "running"
    assert sorted(lines.values()) == ["passed", "stopped"]


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE prod.coins",
        "DELETE FROM prod.coins WHERE site = 'AR'",
        "UPDATE prod.coins SET price = 9, updated_at = now() WHERE site = 'AR'",
        "UPDATE prod.coins SET is_active = FALSE WHERE site = 'BR'",
    ],
)
def test_production_that_others_have_changed_is_loaded_again(coins: Coins, statement: str) -> None:
    coins.run()
    before = coins.prod()
    with duckdb.connect(str(coins.folder / "home" / "warehouse.duckdb")) as connection:
        connection.execute(statement)
    report = coins.project.run(date=DAY)
    assert {step.name: step.why for step in report.steps}["merge"] == "changed: production table"
    assert coins.prod() == before
    assert coins.project.run(date=DAY).unchanged


def test_all_steps_run_again_when_they_are_told_to(coins: Coins) -> None:
    coins.run()
    report = coins.project.run(date=DAY, force=True)
    assert {step.why for step in report.steps} == {"--force"}
    assert coins.table("dqm.dq_runs").height == 1
    assert coins.table("raw.coins").height == 4
