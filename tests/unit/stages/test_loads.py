"""Loads into DuckDB, through the API that the command line uses."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from coins import DAY, SPEC, Coins
from torneo.errors import ConflictError, GateError, HookError, LockedError, NotFoundError
from torneo.stores.warehouse import open_warehouse


def test_the_rows_of_the_window_are_loaded_and_the_report_counts_all(coins: Coins) -> None:
    report = coins.run()
    assert (report.rows, report.outside_window, report.accepted, report.rejected) == (4, 2, 2, 0)
    assert report.merged is not None
    assert (report.merged.inserted, report.status) == (2, "passed")
    assert {(site, value) for site, _, value, _ in coins.prod()} == {("AR", Decimal("7.5")), ("BR", Decimal("1e-8"))}
    assert coins.table("raw.coins").height == 4
    page = coins.project.object(report.page).read_text()
    assert "outside the window" in page
    assert "prod.coins" in page


def test_a_second_run_has_nothing_to_do(coins: Coins) -> None:
    coins.run()
    before = coins.table("prod.coins")
    assert coins.project.run(date=DAY).unchanged
    assert coins.table("prod.coins").equals(before)


def test_another_window_in_between_makes_the_merge_run_again(coins: Coins) -> None:
    coins.run()
    coins.run(datetime.date(2026, 1, 6))
    report = coins.project.run(date=DAY)
    assert {step.name for step in report.steps if step.status == "ran"} >= {"raw", "merge"}
    assert coins.table("dqm.dq_runs").height == 2
    assert coins.table("raw.coins").height == 8


def test_a_warehouse_that_was_emptied_is_filled_again(coins: Coins) -> None:
    coins.write("AR,5/1/2026,2.5,3", "BR,4/1/2026,1,1", "XX,4/1/2026,1,1")
    coins.run()
    (coins.folder / "home" / "warehouse.duckdb").unlink()
    coins.run()
    assert [coins.table(name).height for name in ("raw.coins", "prod.coins", "dqm.coins_rejects")] == [3, 2, 1]


def test_the_order_of_windows_does_not_matter(coins: Coins, tmp_path: Path) -> None:
    other = Coins(tmp_path / "other")
    other.write(*(coins.folder / "coins.csv").read_text().splitlines()[1:])
    for date in (DAY, datetime.date(2025, 12, 31)):
        coins.run(date)
    other.run(None, first=datetime.date(2025, 12, 27), last=datetime.date(2025, 12, 31))
    other.run()
    assert coins.prod() == other.prod()


def test_refused_rows_are_kept_once_with_all_reasons_as_they_came(coins: Coins) -> None:
    coins.write("AR,5/1/2026,1,1", "BR,5/1/2026,1,1", " xx ,31/02/2026,-1,0", "AR,5/1/2026,1,1", "MX,5/1/2026,1,1")
    for _ in range(2):
        report = coins.run()
        (coins.folder / "project.yaml").write_text(SPEC.replace("days: 5", "days: 5d"), encoding="utf-8")
    rejects = coins.table("dqm.coins_rejects").sort("source_line")
    assert [json.loads(one) for one in rejects["reasons"]] == [
        ["invalid_site", "invalid_day", "below_min_price", "not_above_units"],
        ["repeated_row"],
    ]
    assert rejects.select("site", "day", "price").row(0) == (" xx ", "31/02/2026", "-1")
    assert (report.status, report.rejected) == ("rejected_rows", 2)
    assert coins.runs()["rejected_rows"]["reasons"] == dict(report.reasons)


def test_too_many_refused_rows_stop_before_the_merge(coins: Coins) -> None:
    coins.run()
    before = coins.prod()
    coins.write("AR,5/1/2026,9,9", "BR,4/1/2026,-1,1")
    with pytest.raises(GateError, match=r"refused 1 of 2 rows .* nothing was loaded into prod.coins"):
        coins.run()
    assert coins.prod() == before
    assert coins.table("dqm.coins_rejects").height == 1
    assert coins.runs()["stopped"]["merged"] is None
    with pytest.raises(ConflictError, match="did not come to its end"):
        coins.project.reload()
    coins.write("AR,5/1/2026,9,9", "BR,4/1/2026,1,1")
    assert coins.run().status == "passed"


def test_raw_rows_stay_for_as_long_as_the_load_says(coins: Coins) -> None:
    coins.run()
    spec = SPEC.replace("load: {", "load: {keep_raw: 90d, ")
    for units, rows in ((1, 6), (2, 4)):
        coins.write("AR,5/1/2026,1,1", f"BR,4/1/2026,1,{units}", spec=spec)
        coins.run()
        assert coins.table("raw.coins").height == rows
        with duckdb.connect(coins.folder / "home" / "warehouse.duckdb") as connection:
            old = "SELECT run_id FROM raw.coins GROUP BY ALL HAVING count(*) = 4"
            connection.execute(
                f"UPDATE raw.coins SET inserted_at = inserted_at - INTERVAL 91 DAY WHERE run_id IN ({old})"  # noqa: S608
            )
    assert coins.table("dqm.dq_runs").height == 3


def test_a_contract_that_cannot_be_judged_says_so_in_dq_runs(coins: Coins) -> None:
    coins.run()
    (coins.folder / "checks.py").write_text("def never(frame):\n    raise ValueError('no')\n")
    with pytest.raises(HookError, match="never"):
        coins.run()
    assert "never" in coins.runs()["stopped"]["error"]
    (coins.folder / "checks.py").unlink()
    assert coins.run().status == "passed"


def test_an_empty_extract_deactivates_nothing(coins: Coins) -> None:
    coins.run()
    before = coins.prod()
    coins.write("MX,31/12/2025,1,1")
    with pytest.raises(GateError):
        coins.run()
    assert coins.prod() == before
    assert "stopped" in coins.runs()


def test_a_missing_key_is_deactivated_and_comes_back(coins: Coins) -> None:
    coins.run()
    first = "AR,5/1/2026,2.5,3"
    coins.write(first)
    report = coins.run()
    assert report.merged is not None
    assert report.merged.deactivated == 1
    coins.write(first, "BR,4/1/2026,1,1")
    report = coins.run()
    assert report.merged is not None
    assert (report.merged.reactivated, report.merged.unchanged) == (1, 1)


def test_a_given_value_is_compared_and_headers_may_differ(coins: Coins) -> None:
    spec = SPEC.replace("site: {", 'site: {header: "Sitio", ').replace("max_rejected: 40%", "max_rejected: 60%")
    coins.write("AR,5/1/2026,2,3,6", "BR,5/1/2026,2,3,6.1", header="Sitio,day,price,units,value", spec=spec)
    assert coins.run().reasons == {"mismatched_value": 1}
    assert coins.table("dqm.coins_rejects").select("site", "value").rows() == [("BR", "6.1")]
    assert set(coins.table("raw.coins")["site"]) == {"AR", "BR"}


def test_a_missing_column_is_told_and_a_rerun_succeeds(coins: Coins) -> None:
    coins.write("AR,5/1/2026,1", header="site,day,prise")
    with pytest.raises(GateError, match=r"lacks 2 column\(s\) of the contract:\n  'price' \(did you mean 'prise'"):
        coins.run()
    assert coins.runs()["stopped"]["error"].startswith("the source lacks")
    coins.write("AR,5/1/2026,1,1")
    assert coins.run().status == "passed"


def test_a_second_run_at_once_is_told_who_is_at_it(coins: Coins) -> None:
    project = coins.project
    with project.runtime.state.lock("run/coins", "ann@host:1"), pytest.raises(LockedError, match="ann@host:1"):
        project.run(date=DAY)


def test_dates_must_make_sense(coins: Coins) -> None:
    with pytest.raises(ConflictError, match="not both"):
        coins.run(DAY, first=DAY, last=DAY)
    with pytest.raises(ConflictError, match="a first and a last day"):
        coins.run(None, first=DAY)
    with pytest.raises(ConflictError, match="9999-12-31 is beyond the days of windows"):
        coins.run(None, first=DAY, last=datetime.date(9999, 12, 31))
    with pytest.raises(ConflictError, match="0001-01-01 is beyond the days of windows"):
        coins.run(datetime.date(1, 1, 1))
    with pytest.raises(ConflictError, match="2026-01-05 is after its last day 2026-01-04"):
        coins.run(None, first=DAY, last=datetime.date(2026, 1, 4))
    coins.write("AR,5/1/2026,1,1", spec=SPEC.replace("window: {column: day, days: 5}, ", ""))
    with pytest.raises(ConflictError, match="has no window"):
        coins.run()
    assert coins.run(None).outside_window == 0


def test_check_writes_nothing(coins: Coins) -> None:
    assert coins.project.check()[0] == "project.yaml is valid; it loads prod.coins"
    with pytest.raises(NotFoundError):
        coins.table("prod.coins")


def test_check_takes_the_days_of_a_run(coins: Coins) -> None:
    days = {"first": DAY, "last": DAY + datetime.timedelta(days=1)}
    for asked, told in (({"date": DAY}, "2026-01-01 to 2026-01-05"), (days, "2026-01-05 to 2026-01-06")):
        report, found = coins.run(asked.get("date"), **(days if asked is days else {})), coins.project.check(**asked)
        accepted, outside = f"{report.accepted} rows accepted", f"{report.outside_window} outside"
        assert f"{told}: {accepted}" in found[2]
        assert outside in found[2]
    with pytest.raises(ConflictError, match="not both"):
        coins.project.check(date=DAY, first=DAY, last=DAY)


def test_what_belongs_to_models_is_refused(coins: Coins) -> None:
    with pytest.raises(ConflictError, match="coins loads a table: it has no models"):
        coins.project.promote(1, "why")


def test_the_history_has_every_load(coins: Coins) -> None:
    coins.run()
    coins.run(datetime.date(2026, 1, 6))
    assert [entry.body["window"]["last"] for entry in coins.project.history()] == ["2026-01-05", "2026-01-06"]


def test_the_suites_agree_with_the_gate(coins: Coins, tmp_path: Path) -> None:
    pytest.importorskip("great_expectations")
    rows = ("AR,5/1/2026,1,1", "XX,31/02/2026,-1,0", ",5/1/2026,2,1", *["BR,5/1/2026,1,1"] * 2, "MX,1/1/2020,1,1")
    coins.write(*rows, spec=SPEC.replace("40%", "80%"))
    report = coins.run()
    page = coins.project.expectations(tmp_path / "docs")
    told = json.loads((tmp_path / "docs" / "candidate" / "validation.json").read_text())
    assert page.is_file()
    assert {reason: count for reason, count in told["refused"].items() if count} == dict(report.reasons)
    assert json.loads((tmp_path / "docs" / "raw" / "validation.json").read_text())["success"]
    assert coins.project.runtime.objects.exists("coins/expectations/candidate/data_docs/index.html")


def test_a_place_that_is_no_warehouse_is_told_without_its_password() -> None:
    for place in ("mysql://me:hunter2@there/shop", "postgresql+asyncpg://me:hunter2@there/shop", ""):
        with pytest.raises(ConflictError, match="warehouse") as told:
            open_warehouse(place)
        assert "hunter2" not in str(told.value)
