"""The dates of a column are days that come in order, whole, and once."""

from __future__ import annotations

import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import small
from torneo.errors import ConflictError
from torneo.simulation.past import Past
from torneo.simulation.plan import Plan
from torneo.simulation.pool import Pool

NOW = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


def past(days: int, played: int = 0) -> Past:
    return Past(until=NOW, played=played, days=days, accepted="", champion={})


@given(st.integers(1, 200), st.integers(1, 50))
def test_dates_in_order_are_all_rows(rows: int, at_once: int) -> None:
    table = small.table(rows)
    pool, plan, seen = Pool(table, "rows").along("day"), Plan(), []
    while len(seen) < len(pool.dates):
        for _ in range(pool.left(past(len(seen)), at_once)):
            seen.append(pool.of_day(past(len(seen)), plan))
    assert [date for date, _ in seen] == sorted(set(table["day"].to_list()))
    assert all(part["day"].unique().to_list() == [date] for date, part in seen)
    assert_frame_equal(pl.concat([part for _, part in seen]).sort("id"), table)
    with pytest.raises(ConflictError, match=f"all {len(seen):,} dates of these rows have been played"):
        pool.left(past(len(seen)), 1)


def test_moments_of_a_day_are_one_date_and_empty_ones_none() -> None:
    moments = [datetime.datetime(2026, 3, day, hour) for day, hour in ((2, 1), (1, 5), (2, 23))]
    pool = Pool(pl.DataFrame({"at": [*moments, None]}), "rows").along("at")
    assert [(date.day, len(part)) for date, part in pool.dates] == [(1, 1), (2, 2)]
    assert pool.frame.height == 3


def test_without_dates_rows_are_drawn() -> None:
    table = small.table(30)
    date, rows = Pool(table, "rows").of_day(past(7, 90), Plan(per_day=30))
    assert date is None
    assert_frame_equal(rows.sort("id"), table)


@pytest.mark.parametrize(
    ("frame", "column", "fix"),
    [
        (small.table(3), "colour", "use day"),
        (small.table(3), "when", "use day"),
        (pl.DataFrame({"a": [1]}), "a", "leave it out: these rows have no dates"),
    ],
)
def test_a_column_without_dates_is_refused(frame: pl.DataFrame, column: str, fix: str) -> None:
    with pytest.raises(ConflictError, match=f"{column}' is no column of dates") as refused:
        Pool(frame, "rows").along(column)
    assert refused.value.fix == fix
