"""For any rows: nothing is lost, a load repeated changes nothing, and the order of windows does not matter."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from e2e.loads import Load, Row

FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KEEP = [("missing: deactivate", "missing: keep"), ("max_rejected: 70%", "max_rejected: 100%")]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["ARGENTINA", "BRASIL", "MEXICO", "CHILE", "-"]),
        st.sampled_from(["1", "2", "-", "é;'"]),
        st.sampled_from(["1/1/2023", "2/1/2023", "5/1/2023", "6/1/2023", "31/2/2023", "-"]),
        st.sampled_from(["BTC", "ETH", "eth"]),
        st.sampled_from(["1", "2.5", "0", "-1", "x", "0.00001", "99999999999999.9999"]),
        st.sampled_from(["1", "0.00000001", "0", "-1", "1e3"]),
    ).map(" ".join),
    min_size=1,
    max_size=40,
)
pytestmark = pytest.mark.slow
TIMES = """SELECT user_id, CAST(purchase_date AS text), site_id, crypto_type, CAST(created_at AS text),
    CAST(updated_at AS text), is_active FROM prod.bt_crypto_events ORDER BY 1, 2, 3, 4"""


@pytest.fixture(params=["duckdb", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextmanager
def empty_load(url: str | None) -> Iterator[Load]:
    """A load into an empty warehouse: a new file, or the same database without its schemas."""
    with tempfile.TemporaryDirectory() as folder:
        if url is not None:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("DROP SCHEMA IF EXISTS raw, staging, prod, dqm CASCADE")
        yield Load.make(Path(folder), url or str(Path(folder) / "warehouse.duckdb"), changes=KEEP)


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest) -> str | None:
    return None if kind == "duckdb" else str(request.getfixturevalue("postgres_database"))


@FEW
@given(rows=ROWS)
def test_each_row_is_loaded_refused_or_outside_the_window(url: str | None, rows: list[str]) -> None:
    with empty_load(url) as load:
        load.write(*rows)
        load.done("2023-01-05")
        days = [row.split()[2] for row in rows]
        refused = {row[0] for row in load.rejects}
        outside = [line for line, day in enumerate(days, 2) if line not in refused and day == "6/1/2023"]
        assert len(load.prod) + len(load.rejects) + len(outside) == len(rows)
        assert len(refused) == len(load.rejects)
        assert {row[2] for row in load.prod} <= {datetime.date(2023, 1, day) for day in (1, 2, 5)}


@FEW
@given(rows=ROWS)
def test_a_load_repeated_changes_nothing(url: str | None, rows: list[str]) -> None:
    with empty_load(url) as load:
        load.write(*rows)
        load.done("2023-01-05")
        before = load.query(TIMES), load.rejects, load.query("SELECT count(*) FROM dqm.dq_runs")
        load.done("2023-01-05")
        assert (load.query(TIMES), load.rejects, load.query("SELECT count(*) FROM dqm.dq_runs")) == before
        load.forget()
        load.done("2023-01-05")
        assert (load.query(TIMES), load.rejects, load.query("SELECT count(*) FROM dqm.dq_runs")) == before


@FEW
@given(rows=ROWS, later=ROWS, order=st.permutations(["2023-01-01", "2023-01-05", "2023-01-08"]), dated=st.booleans())
def test_windows_in_any_order_give_the_same(
    url: str | None, rows: list[str], later: list[str], order: list[str], dated: bool
) -> None:
    found = []
    for dates in (order, sorted(order)):
        with empty_load(url) as load:
            if not dated:
                Load.make(load.folder, load.warehouse, changes=[*KEEP, (", purchase_date, crypto", ", crypto")])
            for batch in (rows, later):
                load.write(*batch)
                for date in dates:
                    load.done(date)
            found.append((load.prod, sorted(row[1:] for row in load.rejects)))
    assert found[0] == found[1]


@FEW
@given(batches=st.lists(ROWS, min_size=2, max_size=3))
def test_the_last_load_of_a_window_is_what_is_active(url: str | None, batches: list[list[str]]) -> None:
    everything = [("missing: deactivate", "missing: deactivate\n  max_shrink: 100%"), KEEP[1]]
    with empty_load(url) as load, empty_load(None) as alone:
        Load.make(load.folder, load.warehouse, changes=everything)
        for rows in batches:
            load.write(*rows)
            load.done("2023-01-05")
        alone.write(*batches[-1])
        alone.done("2023-01-05")
        refused = {tuple(row.split()[:4]) for row in batches[-1]} - {_texts(row) for row in alone.prod}
        active = [row for row in load.prod if row[-1]]
        assert [row for row in active if _texts(row) not in refused] == alone.prod


def _texts(row: Row) -> tuple[str, ...]:
    """The key of a loaded row as the source writes it."""
    site, user, day, crypto, *_ = row
    return site, user, f"{day.day}/{day.month}/{day.year}", crypto
