"""Queries on a PostgreSQL server that the test starts on this machine."""

from __future__ import annotations

import datetime
import uuid
from pathlib import Path

import polars as pl
import psycopg
import pytest

from postgres import Server
from torneo.errors import SourceError, UnavailableError
from torneo.sources import fingerprint, read
from torneo.spec.source import Source

SETUP = """
CREATE SEQUENCE numbers;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE sales (id bigint, price numeric(10, 2), day date, at timestamptz, plain timestamp, token uuid,
    ok boolean, x double precision, mood mood, clock time, raw bytea, doc jsonb, list int[]);
INSERT INTO sales VALUES
    (1, 1.50, '2026-01-02', '2026-01-02 12:00+02', '2026-01-02 12:00', '00000000-0000-0000-0000-000000000007',
     true, 0.5, 'good', '12:30', 'x', '{}', '{1}'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
"""


@pytest.fixture(scope="module")
def database(postgres_server: Server) -> str:
    url = postgres_server.new_database("sources")
    with psycopg.connect(url) as connection:
        connection.execute(SETUP)
    return url


def test_types_and_secrets(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALES_PASSWORD", "s3cret")
    columns = "id, price, day, at, plain, token, ok, x, mood, clock"
    uri = database.replace("s3cret", "${SALES_PASSWORD}")
    spec = Source(uri=uri, query=f"SELECT {columns} FROM sales WHERE 'a%' LIKE 'a\\%' AND id::text <> ':x' ORDER BY id")  # noqa: S608
    reading = read(spec, [], tmp_path / "t.parquet")
    assert reading.source == database.replace("s3cret", "***")
    assert reading.fingerprint == fingerprint(spec, [])
    frame = pl.read_parquet(tmp_path / "t.parquet")
    noon = datetime.datetime(2026, 1, 2, 10, tzinfo=datetime.UTC)
    expected = (
        1,
        "1.50",
        noon.date(),
        noon,
        datetime.datetime(2026, 1, 2, 12),
        str(uuid.UUID(int=7)),
        True,
        0.5,
        "good",
        "12:30:00",
        1,
    )
    assert frame.row(0) == expected
    assert frame.row(1) == (2, *[None] * 9, 2)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "WITH gone AS (DELETE FROM sales RETURNING *) SELECT * FROM gone",
            "must not contain data-modifying statements",
        ),
        ("SELECT nextval('numbers')", "read-only transaction"),
        ("SELECT nothing FROM sales", 'column "nothing" does not exist'),
        ("SELECT 1/(id - 2) FROM sales", "division by zero"),
        ("SELECT raw FROM sales", "column 'raw' has values of type bytes"),
        ("SELECT doc FROM sales", "column 'doc' has values of type dict"),
        ("SELECT list FROM sales", "column 'list' has values of type list"),
        ("SELECT id FROM sales WHERE id > 9", "has columns but no rows"),
    ],
)
def test_queries_that_are_refused(database: str, tmp_path: Path, query: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        read(Source(uri=database, query=query), [], tmp_path / "t.parquet")
    assert "s3cret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM sales").fetchone() == (2,)


def test_a_wrong_password_is_final_and_not_shown(database: str, tmp_path: Path) -> None:
    spec = Source(uri=database.replace("s3cret", "wr0ng"), query="SELECT 1")
    with pytest.raises(SourceError, match="password authentication failed") as caught:
        read(spec, [], tmp_path / "t.parquet")
    assert "wr0ng" not in str(caught.value)


def test_a_server_that_is_away_may_come_back(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"postgresql://me:\*\*\*@127.0.0.1:9/db: cannot connect: .*refused"):
        read(Source(uri="postgresql://me:x@127.0.0.1:9/db", query="SELECT 1"), [], tmp_path / "t.parquet")


def test_a_large_result_is_streamed_in_order(database: str, tmp_path: Path) -> None:
    spec = Source(uri=database, query="SELECT n, n % 7 AS rest FROM generate_series(1, 60000) AS n")
    assert read(spec, [], tmp_path / "t.parquet").rows == 60_000
    frame = pl.read_parquet(tmp_path / "t.parquet")
    assert frame.select((pl.col("n") == pl.col("__line__")).all()).item()
