"""Queries on SQLite; PostgreSQL is in tests/integration."""

from __future__ import annotations

import datetime
import sqlite3
import uuid
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from torneo.errors import SourceError
from torneo.sources import Extract, read, sql
from torneo.spec.source import Input, Source


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    connection = sqlite3.connect(tmp_path / "shop.db")
    with connection:
        connection.execute("CREATE TABLE sales (id INTEGER, price REAL, kind TEXT, odd)")
        connection.executemany(
            "INSERT INTO sales VALUES (?, ?, ?, ?)",
            [(1, 1.5, "a", 1), (2, None, "50%", 2.5), (3, 2.0, None, None)],
        )
    connection.close()
    return tmp_path


def query(folder: Path, text: str, **options: object) -> tuple[Extract, pl.DataFrame]:
    target = folder / "t.parquet"
    wanted = Input(uri="sqlite:///shop.db", query=text, **options)
    done = sql.extract(wanted, [folder / "none", folder], target)
    assert done.fingerprint == sql.fingerprint(wanted, [folder])
    return done, pl.read_parquet(target)


def test_a_relative_database_is_looked_up_and_types_are_kept(shop: Path) -> None:
    done, frame = query(shop, "SELECT id, price, kind, odd, NULL AS none FROM sales ORDER BY id")
    assert frame.rows() == [(1, 1.5, "a", 1.0, None, 1), (2, None, "50%", 2.5, None, 2), (3, 2.0, None, None, None, 3)]
    assert frame.dtypes == [pl.Int64, pl.Float64, pl.String, pl.Float64, pl.String, pl.Int64]
    assert done == Extract(
        rows=3, columns=("id", "price", "kind", "odd", "none"), fingerprint=done.fingerprint, file="query"
    )


def test_percent_signs_and_colons_are_text(shop: Path) -> None:
    assert query(shop, "SELECT id, ':x' AS c FROM sales WHERE kind LIKE '5%'")[1].rows() == [(2, ":x", 1)]


def test_the_fingerprint_follows_values_not_their_order_or_the_file(shop: Path) -> None:
    rising = query(shop, "SELECT id, kind FROM sales ORDER BY id")[0].fingerprint
    assert query(shop, "SELECT id, kind FROM sales ORDER BY id DESC")[0].fingerprint == rising
    assert query(shop, "SELECT id, kind AS other FROM sales")[0].fingerprint != rising
    connection = sqlite3.connect(shop / "shop.db")
    with connection:
        connection.execute("UPDATE sales SET price = 9")
    assert query(shop, "SELECT id, kind FROM sales")[0].fingerprint == rising
    with connection:
        connection.execute("UPDATE sales SET kind = 'b' WHERE id = 3")
    connection.close()
    assert query(shop, "SELECT id, kind FROM sales")[0].fingerprint != rising


def test_columns_whose_type_changes_between_batches(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "BATCH", 1)
    frame = query(shop, "SELECT odd, kind FROM sales UNION ALL SELECT 'x', 7")[1]
    assert frame["kind"].to_list() == ["a", "50%", None, "7"]
    assert frame["odd"].to_list()[2:] == [None, "x"]
    assert query(shop, "SELECT odd FROM sales")[1]["odd"].to_list() == [1.0, 2.5, None]


def test_values_of_other_types_become_exact_text() -> None:
    some = uuid.UUID(int=7)
    noon = datetime.time(12)
    zoned = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    cases = [
        ((Decimal("1.50"), Decimal("1E+2")), ["1.50", "100"]),
        ((some, None), [str(some), None]),
        ((noon, noon), ["12:00:00"] * 2),
        ((True, 2**70), ["true", str(2**70)]),
        ((zoned, zoned), [zoned, zoned]),
        ((datetime.date(2026, 1, 1), None), [datetime.date(2026, 1, 1), None]),
    ]
    for values, expected in cases:
        assert sql._column(values, "c", "db").to_pylist() == expected
    assert sql._column((zoned,), "c", "db").type == pa.timestamp("us", "UTC")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("DELETE FROM sales", "`query` must be a SELECT, not 'DELETE FROM sales'"),
        ("", "`query` must be a SELECT"),
        ("WITH x AS (SELECT 1) DELETE FROM sales", "the query failed: attempt to write a readonly database"),
        ("SELECT nope FROM sales", "the query failed: no such column: nope"),
        ("SELECT 1; SELECT 2", "the query failed: You can only execute one statement"),
        ("SELECT x'00' AS raw", "column 'raw' has values of type bytes"),
        ("SELECT 1 AS a, 2 AS a", "header.s. occur more than once: 'a'"),
    ],
)
def test_queries_that_are_refused(shop: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        query(shop, text)
    assert {path.name for path in shop.iterdir()} == {"shop.db"}


def test_the_pin_of_a_result(shop: Path) -> None:
    with pytest.raises(SourceError, match=r"the result of the query on sqlite:///shop.db is not the file"):
        query(shop, "SELECT id FROM sales", sha256="0" * 64)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("sqlite:///none.db", "there is no file 'none.db'; looked for"),
        ("sqlite://", "in memory has no data"),
        ("sqlite:///notes.db", "the query failed: file is not a database"),
        ("postgresql://u:secret@host:port/db", r"postgresql://u:\*\*\*@host:port/db is no database URL"),
        ("oracle://u:secret@h/d", "the driver 'oracledb' is not installed"),
    ],
)
def test_databases_that_are_not_there(tmp_path: Path, uri: str, message: str) -> None:
    (tmp_path / "notes.db").write_text("no database at all, just text\n" * 50)
    with pytest.raises(SourceError, match=message) as caught:
        read(Source(uri=uri, query="SELECT * FROM t"), [tmp_path], tmp_path / "t.parquet")
    assert "secret" not in str(caught.value)


def test_more_rows_than_a_batch_are_numbered_on(shop: Path) -> None:
    numbers = [index * 7919 % 45_000 for index in range(45_000)]
    connection = sqlite3.connect(shop / "shop.db")
    with connection:
        connection.execute("CREATE TABLE many (n INTEGER)")
        connection.executemany("INSERT INTO many VALUES (?)", [(n,) for n in numbers])
    connection.close()
    frame = query(shop, "SELECT n FROM many")[1]
    assert frame["n"].to_list() == numbers
    assert frame["__line__"].to_list() == list(range(1, 45_001))
