"""Loads through the command line: the same on DuckDB and PostgreSQL, and none of the faults of hand-made ones."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from e2e.loads import HEADER, Load
from torneo.sources import simulate
from torneo.spec.source import Input

BAD = {
    "invalid_site_id": "CHILE 7 4/1/2023 BTC 20000 1",
    "missing_user_id": "MEXICO - 4/1/2023 BTC 20000 1",
    "invalid_purchase_date": "MEXICO 7 31/2/2023 BTC 20000 1",
    "invalid_crypto_type": "MEXICO 7 4/1/2023 DOGE 20000 1",
    "negative_purchase_price": "MEXICO 7 4/1/2023 BTC -1 1",
    "non_positive_units": "MEXICO 7 4/1/2023 BTC 20000 0",
}
GOOD = ("ARGENTINA 1 1/1/2023 BTC 20000 2", "BRASIL 2 2/1/2023 ETH 1200.5 1.3", "MEXICO 3 5/1/2023 USDC 1 4000")


def test_the_twelve_seed_rows(both: tuple[Load, Load], shared_data: Path) -> None:
    seed = shared_data / "bt_crypto_transaction_history_seed.csv"
    reports = []
    for load in both:
        (load.folder / "rows.csv").write_bytes(seed.read_bytes())
        reports.append(load.done("2023-01-05")["results"]["report"])
    duckdb, postgres = both
    assert duckdb.prod == postgres.prod
    assert duckdb.rejects == postgres.rejects
    assert reports[0] == reports[1]
    day = datetime.date(2023, 1, 1)
    assert duckdb.prod[0] == ("ARGENTINA", "100000", day, "BTC", Decimal(20000), Decimal(2), Decimal(40000), True)
    told = {name: reports[0][name] for name in ("rows", "accepted", "rejected", "outside_window", "status")}
    assert told == {"rows": 12, "accepted": 9, "rejected": 0, "outside_window": 3, "status": "passed"}
    assert len(duckdb.prod) == 9


def test_the_seed_rows_of_two_months_with_their_exact_copy(both: tuple[Load, Load], shared_data: Path) -> None:
    seed = shared_data / "bt_crypto_transaction_history_seed.csv"
    for load in both:
        (load.folder / "rows.csv").write_bytes(seed.read_bytes())
        load.done_for("2023-01-01", "2023-02-28")
    duckdb, postgres = both
    assert duckdb.prod == postgres.prod
    assert len(duckdb.prod) == 11
    assert duckdb.rejects == postgres.rejects
    copy = (13, "BRASIL", "200234", "1/2/2023", "ETH", "1200", "1.3", ("repeated_row",))
    assert duckdb.rejects == [copy]


def test_a_simulated_month_with_every_kind_of_bad_row(both: tuple[Load, Load], tmp_path: Path) -> None:
    uri = "simulate:crypto?rows=2000&seed=3&bad=10%&value=yes"
    target = tmp_path / "rows.parquet"
    simulate.extract(Input(uri=uri), [], target)
    kinds, reports = simulate.simulation(uri).bad, []
    for load in both:
        Load.make(load.folder, load.warehouse, source=uri, changes=[("days: 5d", "days: 31d")])
        reports.append(load.done("2021-01-31")["results"]["report"])
    duckdb, postgres = both
    assert duckdb.prod == postgres.prod
    assert duckdb.rejects == postgres.rejects
    assert reports[0] == reports[1]
    told = Counter(reason for row in duckdb.rejects for reason in row[-1])
    several = ("invalid_site_id", "invalid_purchase_date", "non_positive_units")
    expected = {kind: count + kinds["three_reasons"] * (kind in several) for kind, count in kinds.items()}
    expected["duplicate_key"] *= 2
    del expected["three_reasons"]
    assert dict(told) == expected
    refused = pl.read_parquet(target).filter(~pl.col("__line__").is_in([row[0] for row in duckdb.rejects]))
    assert {row[:4] for row in duckdb.prod} == {
        (site, user, datetime.datetime.strptime(day, "%d/%m/%Y").date(), coin)
        for site, user, day, coin in refused.select("site_id", "user_id", "purchase_date", "crypto_type").iter_rows()
    }
    assert len(duckdb.prod) + len(duckdb.rejects) == 2000


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_row_does_not_block_the_good_ones(load: Load, reason: str) -> None:
    load.write(*GOOD, BAD[reason])
    load.done("2023-01-05")
    assert load.active == {"1", "2", "3"}
    assert [row[-1] for row in load.rejects] == [(reason,)]


def test_a_row_that_breaks_three_rules_carries_three_reasons_and_is_kept_as_it_came(load: Load) -> None:
    load.write(*GOOD, "Chile 07 31/02/2023 BTC 020000.00 -1")
    load.done("2023-01-05")
    (row,) = load.rejects
    assert row[1:7] == ("Chile", "07", "31/02/2023", "BTC", "020000.00", "-1")
    assert row[-1] == ("invalid_site_id", "invalid_purchase_date", "non_positive_units")


def test_duplicates_are_reported_and_do_not_crash(load: Load) -> None:
    first, second, third = GOOD
    load.write(first, second, second, third, "MEXICO 3 5/1/2023 USDC 1 5000")
    load.done("2023-01-05")
    assert load.active == {"1", "2"}
    reasons = [(row[0], row[-1]) for row in load.rejects]
    assert reasons == [(4, ("repeated_row",)), (5, ("duplicate_key",)), (6, ("duplicate_key",))]


def test_a_missing_user_is_a_reason_and_raw_holds_the_row(load: Load) -> None:
    load.write(*GOOD, BAD["missing_user_id"])
    load.done("2023-01-05")
    assert [row[-1] for row in load.rejects] == [("missing_user_id",)]
    raw = load.query("SELECT count(*) FROM raw.bt_crypto_transaction_history")
    assert raw == [(4,)]


def test_a_user_that_is_null_in_the_source_is_a_reason_too(load: Load) -> None:
    rows = [row.split() for row in (*GOOD, BAD["missing_user_id"])]
    frame = pl.DataFrame(rows, schema=HEADER.split(","), orient="row").with_columns(
        pl.col("user_id").replace("-", None)
    )
    frame.write_parquet(load.folder / "rows.parquet")
    Load.make(load.folder, load.warehouse, source="rows.parquet")
    load.done("2023-01-05")
    assert load.active == {"1", "2", "3"}
    assert [(row[2], row[-1]) for row in load.rejects] == [(None, ("missing_user_id",))]
    missing = "SELECT count(*) FROM raw.bt_crypto_transaction_history WHERE user_id IS NULL"
    assert load.query(missing) == [(1,)]


def test_rejects_are_there_once_however_often_the_run_is_repeated(load: Load) -> None:
    load.write(*GOOD, *BAD.values())
    for again in range(3):
        load.done("2023-01-05")
        assert len(load.rejects) == len(BAD)
        assert load.query("SELECT count(*) FROM raw.bt_crypto_transaction_history") == [(9,)]
        assert load.query("SELECT count(*) FROM dqm.dq_runs") == [(1,)]
        if again:
            load.forget()


def test_an_empty_extract_stops_before_it_deactivates(load: Load) -> None:
    load.write(*GOOD)
    load.done("2023-01-05")
    load.write()
    ran = load.run("2023-01-05")
    assert (ran.code, load.active) == (4, {"1", "2", "3"})
    assert "has columns but no rows" in ran.err


def test_an_extract_of_other_days_only_stops_before_it_deactivates(load: Load) -> None:
    load.write(*GOOD)
    load.done("2023-01-05")
    load.write("ARGENTINA 9 9/9/2023 BTC 20000 2")
    ran = load.run("2023-01-05")
    assert (ran.code, load.active) == (5, {"1", "2", "3"})
    assert "max_shrink" in ran.err


def test_a_refused_shrink_says_so_in_dq_runs_and_a_whole_extract_goes_on(load: Load) -> None:
    load.write(*GOOD)
    load.done("2023-01-05")
    load.write(GOOD[0])
    assert load.run("2023-01-05").code == 5
    assert ("stopped",) in load.query("SELECT status FROM dqm.dq_runs")
    load.write(*GOOD[:2])
    load.done("2023-01-05")
    assert load.active == {"1", "2"}


def test_updated_at_moves_only_where_a_row_changed(load: Load) -> None:
    times = """SELECT user_id, CAST(updated_at AS text), CAST(created_at AS text)
        FROM prod.bt_crypto_events ORDER BY 1"""
    load.write(*GOOD)
    load.done("2023-01-05")
    before = load.query(times)
    load.write(GOOD[0], GOOD[1].replace("1200.5", "1200.50"), GOOD[2].replace("4000", "4001"))
    load.done("2023-01-05")
    after = load.query(times)
    assert after[:2] == before[:2]
    assert (after[2][1] > before[2][1], after[2][2] == before[2][2]) == (True, True)
    assert load.prod[2][5] == 4001


def test_a_backfill_uses_the_date_of_the_run(load: Load) -> None:
    load.write(*GOOD, "MEXICO 4 20/1/2023 ETH 1200 1", "MEXICO 5 31/12/2022 ETH 1200 1")
    load.done("2023-01-05")
    assert load.active == {"1", "2", "3"}
    load.done("2023-01-20")
    assert load.active == {"1", "2", "3", "4"}


def test_a_range_of_days_is_one_window(load: Load) -> None:
    load.write(*GOOD, "MEXICO 4 20/1/2023 ETH 1200 1", "MEXICO 5 31/12/2022 ETH 1200 1")
    load.done_for("2022-12-31", "2023-01-02")
    assert load.active == {"1", "2", "5"}


def test_keys_that_go_are_deactivated_in_the_window_only_and_come_back(load: Load) -> None:
    early = "MEXICO 4 20/12/2022 ETH 1200 1"
    load.write(*GOOD, early)
    load.done_for("2022-12-01", "2023-01-05")
    assert load.active == {"1", "2", "3", "4"}
    load.write(*GOOD[:2])
    load.done("2023-01-05")
    assert load.active == {"1", "2", "4"}
    load.write(*GOOD)
    load.done("2023-01-05")
    assert load.active == {"1", "2", "3", "4"}
    assert len(load.prod) == 4


def test_quarantined_rows_are_loaded_after_the_contract_is_mended(load: Load) -> None:
    load.write(*GOOD, "CHILE 7 4/1/2023 BTC 20000 1", BAD["non_positive_units"])
    load.done("2023-01-05")
    assert load.active == {"1", "2", "3"}
    Load.make(load.folder, load.warehouse, changes=[("[ARGENTINA,", "[CHILE, ARGENTINA,")])
    ran = load.torneo("quarantine", "retry", str(load.folder))
    assert ran.code in (0, 13), ran.err
    assert load.active == {"1", "2", "3", "7"}
    again = load.torneo("quarantine", "retry", str(load.folder), "--json")
    told = json.loads(again.out)
    assert (again.code, told["tried"], told["passed"], told["load"]["status"]) == (13, 1, 0, "rejected_rows")
    assert [row[1] for row in load.prod] == ["1", "2", "7", "3"]
    status = load.torneo("status", str(load.folder))
    assert "2023-01-01 to 2023-01-05 into prod.bt_crypto_events" in status.out
    assert json.loads(load.torneo("status", str(load.folder), "--json").out)["load"]["rejected"] == 1
    assert ("non_positive_units",) in [row[-1] for row in load.rejects]


def test_quarantined_rows_come_back_corrected(both: tuple[Load, Load]) -> None:
    told = []
    for load in both:
        load.write(
            *GOOD, "BRASIL 9 2/1/2023 BTC 1 1", *BAD.values(), "MEXICO 8 4/1/2023 BTC 1 1", "MEXICO 8 4/1/2023 BTC 2 1"
        )
        load.done("2023-01-05")
        file = load.folder / "refused.csv"
        assert load.torneo("quarantine", "export", str(load.folder), "--output", str(file)).code == 0
        lines = file.read_text(encoding="utf-8").splitlines()
        assert lines[0] == f"__line__,__reasons__,{HEADER}"
        assert lines[-1] == "13,duplicate_key,MEXICO,8,4/1/2023,BTC,2,1"
        text = "\n".join(lines[:-1]).replace("CHILE", "BRASIL").replace("31/2/2023", "32/2/2023") + "\n"
        file.write_text(text, encoding="utf-8")
        ran = load.torneo("quarantine", "retry", str(load.folder), "--file", str(file))
        assert ran.code == 13, ran.err
        assert "2 of 7 rows pass and are loaded: 2 new, 0 updated, 0 unchanged" in ran.out
        before = (
            load.prod,
            load.rejects,
            load.query("SELECT run_id, status, CAST(checked_at AS text) FROM dqm.dq_runs"),
        )
        again = load.torneo("quarantine", "retry", str(load.folder), "--file", str(file))
        assert "0 of 7 rows pass" in again.out
        assert "2 loaded already" in again.out
        assert before == (
            load.prod,
            load.rejects,
            load.query("SELECT run_id, status, CAST(checked_at AS text) FROM dqm.dq_runs"),
        )
        told.append((*before[:2], ran.out, again.out, before[2][0][:2]))
    assert told[0] == told[1]
    duckdb, _ = both
    assert duckdb.active == {"1", "2", "3", "7", "8", "9"}
    assert [row[0] for row in duckdb.rejects] == [7, 8, 9, 10, 11, 13]
    assert (duckdb.rejects[1][3], duckdb.rejects[1][-1]) == ("32/2/2023", ("invalid_purchase_date",))
    assert duckdb.query("SELECT count(*) FROM raw.bt_crypto_transaction_history") == [(12,)]


def test_another_column_set_is_refused_with_the_names(load: Load) -> None:
    load.write(*GOOD)
    text = (load.folder / "rows.csv").read_text()
    (load.folder / "rows.csv").write_text(text.replace("crypto_type", "coin"))
    ran = load.run("2023-01-05")
    assert ran.code == 5
    assert "'crypto_type'" in ran.err


def test_texts_that_look_like_sql_are_only_texts(load: Load) -> None:
    user = "'); DROP TABLE prod.bt_crypto_events; --".replace(" ", "_")
    load.write(*GOOD, f"MEXICO {user} 4/1/2023 BTC 20000 1", f"{user} 8 4/1/2023 BTC 20000 1")
    load.done("2023-01-05")
    assert load.active == {"1", "2", "3", user}
    assert load.rejects[0][1] == user


def test_a_table_of_the_database_is_a_source_too(postgres_database: str, tmp_path: Path) -> None:
    before = Load.make(tmp_path / "first", postgres_database)
    before.write(*GOOD, *BAD.values())
    before.done("2023-01-05")
    changes = [("prod.bt_crypto_events", "prod.copy"), ("raw: raw.bt_crypto_transaction_history", "raw: raw.copy")]
    columns = "site_id, user_id, purchase_date, crypto_type, purchase_price, purchase_units"
    query = f'{postgres_database}", query: "SELECT {columns} FROM raw.bt_crypto_transaction_history'  # noqa: S608
    after = Load.make(tmp_path / "second", postgres_database, source=query, changes=changes)
    after.done("2023-01-05")
    assert after.query("SELECT user_id FROM prod.copy ORDER BY 1") == [("1",), ("2",), ("3",)]
    assert after.query("SELECT count(*) FROM dqm.copy_rejects") == [(len(BAD),)]
