from __future__ import annotations

import datetime
import itertools

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.watch.windows import TimeWindow, by_count, by_time, window_at

UTC = datetime.UTC
MOMENTS = st.datetimes(datetime.datetime(1960, 1, 1), datetime.datetime(2040, 1, 1), timezones=st.just(UTC))
LENGTHS = st.timedeltas(datetime.timedelta(microseconds=1), datetime.timedelta(days=400))


def _log(moments: list[datetime.datetime]) -> pl.DataFrame:
    return pl.DataFrame({"id": range(len(moments)), "time": pl.Series(moments, dtype=pl.Datetime("us", "UTC"))})


@given(st.lists(MOMENTS, max_size=30), LENGTHS, st.none() | MOMENTS)
def test_windows_and_late_rows_are_the_log_and_none_twice(
    moments: list[datetime.datetime], every: datetime.timedelta, closed_until: datetime.datetime | None
) -> None:
    log = _log(moments)
    cut = by_time(log, every, closed_until=closed_until)
    ids = [number for _, part in cut.parts for number in part["id"].to_list()] + cut.late["id"].to_list()
    assert sorted(ids) == list(range(len(moments)))
    for window, part in cut.parts:
        assert all(window.start <= moment < window.end for moment in part["time"].to_list())
        assert part.columns == log.columns
        assert closed_until is None or window.end > closed_until
        assert window == window_at(part["time"][0], every)
    for moment in cut.late["time"].to_list():
        assert closed_until is not None
        assert window_at(moment, every).end <= closed_until
    windows = [window for window, _ in cut.parts]
    assert windows == sorted(set(windows))
    assert all(one.end <= other.start for one, other in itertools.pairwise(windows))


@given(st.lists(MOMENTS, max_size=30), LENGTHS, st.integers(0, 30))
def test_chunks_of_the_log_make_the_same_windows(
    moments: list[datetime.datetime], every: datetime.timedelta, cut: int
) -> None:
    log = _log(moments)
    whole = {window: part["id"].to_list() for window, part in by_time(log, every).parts}
    joined: dict[TimeWindow, list[int]] = {}
    for chunk in (log[:cut], log[cut:]):
        for window, part in by_time(chunk, every).parts:
            joined.setdefault(window, []).extend(part["id"].to_list())
    assert joined == whole


@given(st.integers(0, 60), st.integers(1, 20), st.lists(st.integers(0, 60), max_size=4))
def test_windows_by_count_are_the_log_and_full_but_the_last(count: int, rows: int, cuts: list[int]) -> None:
    log = pl.DataFrame({"id": range(count)})
    places = sorted({0, count, *(min(cut, count) for cut in cuts)})
    windows: dict[int, list[int]] = {}
    for start, end in itertools.pairwise(places):
        for window, part in by_count(log[start:end], rows, before=start):
            windows.setdefault(window.start, []).extend(part["id"].to_list())
            assert window.end == window.start + rows
    assert [number for ids in windows.values() for number in ids] == list(range(count))
    assert all(len(ids) == rows for ids in list(windows.values())[:-1])


def test_days_begin_at_midnight() -> None:
    window = window_at(datetime.datetime(2026, 11, 21, 23, 59, tzinfo=UTC), datetime.timedelta(days=1))
    assert window.start == datetime.datetime(2026, 11, 21, tzinfo=UTC)


def test_what_has_no_moment_or_no_length_is_refused() -> None:
    log = pl.DataFrame({"time": pl.Series([None], dtype=pl.Datetime("us", "UTC"))})
    with pytest.raises(ValueError, match="1 rows have no moment in time"):
        by_time(log, datetime.timedelta(days=1))
    for every in (datetime.timedelta(0), datetime.timedelta(days=-1)):
        with pytest.raises(ValueError, match="has no length"):
            by_time(log[:0], every)
    with pytest.raises(ValueError, match="has no rows"):
        by_count(log, 0)
