"""A log cut into windows, by time or by count, chunk by chunk: every row is in one window, or among the late ones."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
Moment = datetime.datetime


@dataclass(frozen=True, order=True)
class TimeWindow:
    """All rows from `start` on, and before `end`."""

    start: Moment
    end: Moment


@dataclass(frozen=True, order=True)
class CountWindow:
    """The rows of the log from number `start` on (from 0), and before number `end`."""

    start: int
    end: int


@dataclass(frozen=True, eq=False)
class TimeCut:
    """The rows of a chunk by window, in the order of time; the same window may have rows in other chunks, too."""

    parts: Sequence[tuple[TimeWindow, pl.DataFrame]]
    late: pl.DataFrame
    """Rows of windows that were closed before the rows came."""


def window_at(moment: Moment, every: datetime.timedelta) -> TimeWindow:
    """The window that a moment belongs to; windows of days begin at midnight in UTC.

    >>> window_at(datetime.datetime(2026, 11, 21, 15, 30, tzinfo=datetime.UTC), datetime.timedelta(hours=6)).start.hour
    12

    Raises:
        ValueError: windows have no length.
    """
    if every <= datetime.timedelta(0):
        raise ValueError(f"a window of {every} has no length")
    start = EPOCH + (moment - EPOCH) // every * every
    return TimeWindow(start, start + every)


def by_time(
    frame: pl.DataFrame, every: datetime.timedelta, *, closed_until: Moment | None = None, column: str = "time"
) -> TimeCut:
    """Cut a chunk of the log into windows of equal length.

    Args:
        frame: rows in any order, with their moment (UTC, at most microseconds) in `column`.
        every: how long a window is.
        closed_until: windows that end by then are closed; their rows are late, and are counted as such.

    Raises:
        ValueError: windows have no length, or a row has no moment.
    """
    import polars as pl

    if frame[column].null_count():
        raise ValueError(f"{frame[column].null_count():,} rows have no moment in {column}: they belong to no window")
    length = every // datetime.timedelta(microseconds=1)
    if length <= 0:
        raise ValueError(f"a window of {every} has no length")
    numbers = frame[column].dt.timestamp("us") // length
    closed = -(2**62) if closed_until is None else (closed_until - EPOCH) // every
    parts = frame.with_columns(numbers.alias("__window__")).partition_by("__window__", as_dict=True, include_key=False)
    windows = {_time_window(int(number), every): part for (number,), part in parts.items() if number >= closed}
    return TimeCut(sorted(windows.items(), key=lambda each: each[0]), frame.filter(pl.Series(numbers < closed)))


def _time_window(number: int, every: datetime.timedelta) -> TimeWindow:
    return TimeWindow(EPOCH + number * every, EPOCH + (number + 1) * every)


def by_count(frame: pl.DataFrame, rows: int, *, before: int = 0) -> Sequence[tuple[CountWindow, pl.DataFrame]]:
    """Cut a chunk of the log into windows of equally many rows; the last may go on in the next chunk.

    Args:
        frame: rows in the log's order.
        rows: how many rows a window has.
        before: how many rows of the log came before this chunk.

    Raises:
        ValueError: windows have no rows.

    >>> import polars as pl
    >>> [(window.start, part.height) for window, part in by_count(pl.DataFrame({"a": range(5)}), 4, before=2)]
    [(0, 2), (4, 3)]
    """
    if rows < 1:
        raise ValueError(f"a window of {rows} rows has no rows")
    cut, start = [], before
    while start < before + frame.height:
        first = start // rows * rows
        part = frame.slice(start - before, first + rows - start)
        cut.append((CountWindow(first, first + rows), part))
        start += part.height
    return cut
