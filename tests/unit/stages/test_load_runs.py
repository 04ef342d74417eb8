"""What is recorded of a load's runs, however they end."""

from __future__ import annotations

from pathlib import Path

import pytest

from coins import SPEC, Coins
from torneo.errors import ConflictError, SourceError, UnavailableError
from torneo.stores.warehouse_duckdb import DuckdbWarehouse


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
