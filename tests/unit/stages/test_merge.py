"""What a merge does with keys whose rows are refused, or lie on other days."""

from __future__ import annotations

import datetime

import polars as pl
import pytest

from coins import DAY, SPEC, Coins
from torneo.errors import GateError

BY_SITE = SPEC.replace("key: [site, day]", "key: [site]")
MORE_SITES = SPEC.replace("[AR, BR, MX]", "[AR, BR, MX, CL, PE, UY]")


def test_a_row_whose_key_is_outside_the_window_is_refused_and_others_are_loaded(coins: Coins) -> None:
    coins.write("AR,31/12/2025,1,1", spec=BY_SITE)
    coins.run(datetime.date(2025, 12, 31))
    before = coins.table("prod.coins")
    coins.write("AR,5/1/2026,2,1", "BR,5/1/2026,2,1", "MX,5/1/2026,2,1", spec=BY_SITE)
    report = coins.run()
    assert (report.accepted, report.rejected, report.reasons) == (2, 1, {"key_outside_window": 1})
    assert coins.runs()["rejected_rows"]["reasons"] == {"key_outside_window": 1}
    assert coins.table("prod.coins").filter(pl.col("site") == "AR").equals(before)
    assert coins.active() == {"AR", "BR", "MX"}
    assert coins.refused() == [("AR", "5/1/2026", ["key_outside_window"])]
    assert pl.read_parquet(coins.project.quarantine())["__line__"].to_list() == [2]
    again = coins.project.reload()
    assert (again.tried, again.passed, again.refused) == (1, 0, 1)
    assert coins.refused() == [("AR", "5/1/2026", ["key_outside_window"])]
    both = coins.run(None, first=datetime.date(2025, 12, 31), last=DAY)
    assert (both.rejected, both.status) == (0, "passed")
    assert {site: day for site, day, *_ in coins.prod()}["AR"] == DAY
    assert pl.read_parquet(coins.project.quarantine()).is_empty()


def test_where_all_keys_are_outside_the_window_the_run_stops_and_says_where(coins: Coins) -> None:
    coins.write("AR,31/12/2025,1,1", spec=BY_SITE)
    coins.run(datetime.date(2025, 12, 31))
    coins.write("AR,5/1/2026,2,1", spec=BY_SITE)
    with pytest.raises(
        GateError, match=r"key_outside_window 1; nothing was loaded.*\n.*a window that covers both days"
    ):
        coins.run()
    assert "refused 1 of 1 rows" in coins.runs()["stopped"]["error"]
    assert set(coins.runs()) == {"passed", "stopped"}
    assert [entry.body["status"] for entry in coins.project.history()] == ["passed", "stopped"]
    assert coins.refused() == [("AR", "5/1/2026", ["key_outside_window"])]


def test_a_key_that_two_windows_have_is_refused_in_both(coins: Coins) -> None:
    rows = ("AR,31/12/2025,1,1", "AR,5/1/2026,2,1", "BR,5/1/2026,2,1", "BR,5/1/2026,2,1", "MX,31/12/2025,1,1")
    coins.write(*rows, spec=BY_SITE.replace("max_rejected: 40%", "max_rejected: 60%"))
    for date in (DAY, datetime.date(2025, 12, 31)):
        assert coins.run(date).reasons["duplicate_key"] == 1
        assert coins.project.reload().passed == 0
    assert coins.active() == {"BR", "MX"}


def test_a_key_whose_row_is_refused_is_not_missing(coins: Coins) -> None:
    coins.write("AR,5/1/2026,2.5,3", "BR,4/1/2026,1,1", "MX,4/1/2026,1,1", "UY,4/1/2026,1,1", spec=MORE_SITES)
    coins.run()
    before = {row[0]: row for row in coins.prod()}
    bad = ("AR,5/1/2026,-1,3", "MX,4/1/2026,1,1", "MX,4/1/2026,2,1")
    coins.write(*bad, "CL,4/1/2026,1,1", "PE,4/1/2026,1,1", "BR,4/1/2026,5,1", spec=MORE_SITES.replace("40%", "50%"))
    report = coins.run()
    assert report.merged is not None
    assert (report.rejected, report.merged.deactivated) == (3, 1), "AR and MX are refused, UY is gone"
    assert coins.active() == {"AR", "BR", "CL", "MX", "PE"}
    assert {row[0]: row for row in coins.prod() if row[0] in ("AR", "MX")} == {one: before[one] for one in ("AR", "MX")}


def test_where_the_key_does_not_tell_the_day_a_row_of_another_day_is_not_missing(coins: Coins) -> None:
    coins.write("AR,5/1/2026,2.5,3", "BR,4/1/2026,1,1", spec=BY_SITE)
    coins.run()
    coins.write("AR,31/12/2025,2.5,3", "BR,4/1/2026,1,1", spec=BY_SITE)
    for date in (DAY, datetime.date(2025, 12, 31)):
        coins.write("AR,31/12/2025,2.5,3", "BR,4/1/2026,1,1", spec=BY_SITE.replace("40%", "100%"))
        coins.run(date)
        assert coins.active() == {"AR", "BR"}


def test_too_few_rows_stop_a_load(coins: Coins) -> None:
    few = SPEC.replace("missing: deactivate}", "missing: keep, min_rows: 3}")
    coins.write("AR,5/1/2026,1,1", "XX,5/1/2026,1,1", "AR,31/12/2025,1,1", spec=few.replace("40%", "50%"))
    with pytest.raises(GateError, match=r"has 2 rows from 2026-01-01 to 2026-01-05, fewer than min_rows \(3\)"):
        coins.run()
    assert "fewer than min_rows" in coins.runs()["stopped"]["error"]
    with pytest.raises(GateError, match=r"nothing was loaded into prod.coins\n  fix: see whether the extract"):
        coins.project.check(date=DAY)
    coins.write("AR,5/1/2026,1,1", "BR,5/1/2026,1,1", "MX,5/1/2026,1,1", spec=few)
    assert coins.run().status == "passed"


def test_rows_of_no_readable_day_do_not_count_against_a_window(coins: Coins) -> None:
    days = [f"{day}/12/2025" for day in range(20, 25)]
    coins.write("AR,5/1/2026,1,1", "BR,?,1,1", "MX,32/1/2026,1,1", *[f"AR,{day},1,1" for day in days])
    report = coins.run()
    assert (report.accepted, report.rejected, report.reasons) == (1, 2, {"invalid_day": 2})
    coins.write("AR,5/1/2026,1,1", "BR,?,1,1", "MX,32/1/2026,1,1")
    with pytest.raises(GateError, match=r"refused 2 of 3 rows of all days \(66.7%\), more than max_rejected"):
        coins.run()
