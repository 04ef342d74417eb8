"""Refused rows that are loaded after all: the contract was mended, or a person has corrected them."""

from __future__ import annotations

import csv
import datetime
import json
from pathlib import Path

import polars as pl
import pytest

from coins import DAY, SPEC, Coins
from torneo.engines.quarantine import export
from torneo.errors import ConflictError, GateError, SourceError
from torneo.spec.load_records import Retried
from torneo.spec.tables import RunLine

MENDED = SPEC.replace("MX]", "MX, UY]")
STANDS = ("prod.coins", "dqm.coins_rejects", "dqm.dq_runs", "raw.coins")


@pytest.fixture
def refused(coins: Coins) -> Coins:
    """Two rows are loaded; refused are a site (line 4), a copy (5), a day (6) and two rows with one key (7, 8)."""
    rows = ("AR,5/1/2026,1,1", "BR,4/1/2026,1,1", "UY,4/1/2026,1,1", "AR,5/1/2026,1,1", "MX,31/2/2026,3,1")
    coins.write(*rows, "MX,2/1/2026,1,1", "MX,2/1/2026,2,1", spec=SPEC.replace("40%", "90%"))
    coins.run()
    return coins


def exported(coins: Coins) -> list[dict[str, str]]:
    """The quarantine as a person gets it."""
    export(coins.project.quarantine(), coins.folder / "refused.csv")
    with (coins.folder / "refused.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def corrected(coins: Coins, *rows: dict[str, str]) -> Retried:
    """Give back rows as a file."""
    with (coins.folder / "corrected.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return coins.project.reload(file=coins.folder / "corrected.csv")


def given(coins: Coins, text: str, *, encoding: str = "utf-8") -> Retried:
    """Give a file of this text."""
    (coins.folder / "corrected.csv").write_text(text, encoding=encoding)
    return coins.project.reload(file=coins.folder / "corrected.csv")


def rejects(coins: Coins) -> dict[int, list[str]]:
    """Line to reasons, in the warehouse and in the quarantine alike."""
    rows = coins.table("dqm.coins_rejects").select("source_line", "reasons").rows()
    here = {line: json.loads(reasons) for line, reasons in rows}
    assert len(here) == len(rows)
    there = pl.read_parquet(coins.project.quarantine()).select("__line__", "__reasons__").rows()
    assert dict(there) == here
    return here


def standing(coins: Coins) -> dict[str, pl.DataFrame]:
    """All tables."""
    return {name: coins.table(name).sort(pl.all()) for name in STANDS}


def sites(coins: Coins) -> set[str]:
    """The sites of production."""
    return {row[0] for row in coins.prod()}


def test_retry_loads_what_passes_by_now_and_twice_is_once(coins: Coins) -> None:
    coins.write("AR,5/1/2026,1,1", "BR,4/1/2026,1,1", "UY,4/1/2026,1,1", "AR,5/1/2026,1,1", "ZZ,4/1/2026,1,1")
    run = coins.run().run
    (coins.folder / "project.yaml").write_text(MENDED, encoding="utf-8")
    done = coins.project.reload()
    assert (done.tried, done.passed, done.refused, done.merged.inserted) == (3, 1, 2, 1)
    assert done.load.merged is not None
    assert (done.load.run, done.load.accepted, done.load.rejected, done.load.merged.inserted) == (run, 3, 2, 3)
    assert rejects(coins) == {5: ["repeated_row"], 6: ["invalid_site"]}
    before = standing(coins)
    again = coins.project.reload()
    assert (again.tried, again.passed, again.refused, again.load) == (2, 0, 2, done.load)
    assert all(table.equals(before[name]) for name, table in standing(coins).items())
    report = coins.run()
    assert report.merged is not None
    assert (report.merged.staged, report.merged.inserted, report.merged.unchanged) == (3, 0, 3)


def test_corrected_rows_leave_the_quarantine_and_others_stay(refused: Coins) -> None:
    rows = {row["__line__"]: row for row in exported(refused)}
    assert list(rows["4"].items())[:3] == [("__line__", "4"), ("__reasons__", "invalid_site"), ("site", "UY")]
    before = refused.table("raw.coins")
    done = corrected(refused, {**rows["4"], "site": "MX"}, {**rows["6"], "day": "x"})
    assert (done.tried, done.passed, done.refused, done.merged.inserted) == (2, 1, 1, 1)
    assert rejects(refused) == {
        5: ["repeated_row"], 6: ["invalid_day"], 7: ["duplicate_key"], 8: ["duplicate_key"]
    }  # fmt: skip
    assert refused.table("dqm.coins_rejects").filter(pl.col("source_line") == 6)["day"].to_list() == ["x"]
    assert sites(refused) == {"AR", "BR", "MX"}
    assert refused.table("raw.coins").equals(before)
    assert refused.table("dqm.dq_runs")["status"].to_list() == ["rejected_rows"]


def test_the_same_file_twice_changes_nothing_more(refused: Coins) -> None:
    rows = {row["__line__"]: row for row in exported(refused)}
    tried = ({**rows["4"], "site": "MX"}, {**rows["6"], "day": "x"}, rows["7"])
    first = corrected(refused, *tried)
    before = standing(refused)
    again = corrected(refused, *tried)
    assert (first.passed, again.passed, again.already, again.refused) == (2, 0, 2, 1)
    assert again.load == first.load
    assert all(table.equals(before[name]) for name, table in standing(refused).items())
    assert len(refused.project.history()) == 2


def test_of_two_rows_with_one_key_a_person_chooses(refused: Coins) -> None:
    rows = {row["__line__"]: row for row in exported(refused)}
    assert corrected(refused, rows["8"]).merged.inserted == 1
    assert rejects(refused)[7] == ["duplicate_key"]
    assert 8 not in rejects(refused)
    assert refused.project.reload().passed == 0
    assert [float(value) for site, _, value, _ in refused.prod() if site == "MX"] == [2.0]


def test_a_run_after_a_correction_has_nothing_to_do(refused: Coins) -> None:
    rows = {row["__line__"]: row for row in exported(refused)}
    corrected(refused, {**rows["4"], "site": "MX"})
    before = refused.prod()
    assert refused.project.run(date=DAY).unchanged
    assert refused.prod() == before


def test_a_later_run_of_the_same_days_goes_by_the_source(refused: Coins) -> None:
    rows = {row["__line__"]: row for row in exported(refused)}
    corrected(refused, {**rows["4"], "site": "MX"})
    refused.run(DAY + datetime.timedelta(days=1))
    assert {site for site, *_, active in refused.prod() if active} == {"AR", "BR"}
    assert refused.table("dqm.coins_rejects").height == 9


def test_without_lines_a_row_is_what_has_its_values(refused: Coins) -> None:
    """The contract was mended: rows that are as they came leave the quarantine, others are new rows."""
    spec = MENDED.replace("40%", "90%")
    (refused.folder / "project.yaml").write_text(spec, encoding="utf-8")
    text = "units,site,day,price\n1,UY,4/1/2026,1\n1,UY,4/1/2026,1\n7,AR,1/1/2026,2\n1,AR,x,9\n"
    first = given(refused, text)
    assert (first.tried, first.passed, first.refused) == (3, 2, 1)
    assert set(rejects(refused)) == {-1, 5, 6, 7, 8}
    assert rejects(refused)[-1] == ["invalid_day"]
    assert (first.load.rows, first.load.accepted, first.load.rejected) == (9, 4, 5)
    before = standing(refused)
    again = given(refused, text)
    assert (again.passed, again.already, again.refused) == (0, 2, 1)
    assert all(table.equals(before[name]) for name, table in standing(refused).items())
    last = corrected(refused, {**next(row for row in exported(refused) if row["__line__"] == "-1"), "day": "3/1/2026"})
    assert (last.passed, -1 in rejects(refused)) == (1, False)


def test_a_row_corrected_out_of_the_window_stays_refused(refused: Coins) -> None:
    rows = {row["__line__"]: row for row in exported(refused)}
    before = standing(refused)
    done = corrected(refused, {**rows["6"], "day": "28/2/2026"})
    assert (done.tried, done.passed, done.outside) == (1, 0, 1)
    assert all(table.equals(before[name]) for name, table in standing(refused).items())


def test_a_file_of_another_program(refused: Coins) -> None:
    assert (
        given(refused, "__line__;site;day;price;units;note\r\n4;MX;4/1/2026;1;1;ñ\r\n", encoding="utf-16").passed == 1
    )


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("__line__,site,day,price,units\n99,MX,4/1/2026,1,1\n2,MX,3/1/2026,1,1\n", GateError, "2 rows .*: 2, 99"),
        ("__line__,site,day,price,units\n4,MX,4/1/2026,1,1\n4,BR,3/1/2026,1,1\n", SourceError, "corrects line 4"),
        ("__line__,site,day,price,units\nfour,MX,4/1/2026,1,1\n", SourceError, r"corrected.csv:2: __line__ is 'four'"),
        ("__line__,site,day,price\n4,MX,4/1/2026,1\n", GateError, r"lacks 1 column\(s\) of the contract:\n  'units'"),
        ("site,day,price,units\nMX,4/1/2026,1\n", SourceError, r"corrected.csv:2: 3 fields"),
        ("site,day,price,units\n", SourceError, "has columns but no rows"),
    ],
)  # fmt: skip
def test_what_is_no_correction_changes_nothing(refused: Coins, text: str, error: type[Exception], says: str) -> None:
    before = standing(refused)
    with pytest.raises(error, match=says):
        given(refused, text)
    assert all(table.equals(before[name]) for name, table in standing(refused).items())


def test_a_file_that_is_not_there(refused: Coins) -> None:
    with pytest.raises(SourceError, match=r"there is no file .*nothing.csv\n  fix: torneo quarantine export"):
        refused.project.reload(file=Path("nothing.csv"))


def test_a_later_load_in_the_warehouse_is_told(refused: Coins) -> None:
    warehouse = refused.project.runtime.warehouse
    then = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
    warehouse.record_run(
        RunLine(run="theirs", project="coins", suite="candidate", status="passed", details={}, at=then)
    )
    with pytest.raises(ConflictError, match=r"another load of coins has run since\n  fix: torneo run coins"):
        refused.project.reload()


def test_a_retry_that_was_killed_is_finished_by_the_next(refused: Coins, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {row["__line__"]: row for row in exported(refused)}
    name = type(refused.project.runtime.warehouse)
    with monkeypatch.context() as patch:
        patch.setattr(name, "write_rejects", _die)
        with pytest.raises(KeyboardInterrupt):
            corrected(refused, {**rows["4"], "site": "MX"})
    assert sites(refused) == {"AR", "BR", "MX"}
    assert 4 in rejects(refused)
    done = corrected(refused, {**rows["4"], "site": "MX"})
    assert (done.passed, done.merged.unchanged, 4 in rejects(refused)) == (1, 1, False)


def _die(*_: object) -> None:
    raise KeyboardInterrupt
