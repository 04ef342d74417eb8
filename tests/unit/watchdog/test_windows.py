"""The windows of a log are the log: no line is in two of them, and none that is old enough is in none."""

from __future__ import annotations

import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from torneo.ports.refusals import MINUTE
from torneo.spec.watchdog import WindowSize
from torneo.testing import MemoryPredictionLog
from torneo.testing.small_log import FIRST, prediction
from torneo.watchdog.windows import CATCH_UP, GRACE, Span, due

SECOND = datetime.timedelta(seconds=1)
SIZES = st.one_of(
    st.integers(1, 400).map(lambda seconds: WindowSize(seconds, None)),
    st.integers(1, 12).map(lambda rows: WindowSize(None, rows)),
)


def log_of(seconds: list[int]) -> MemoryPredictionLog:
    log = MemoryPredictionLog()
    lines = [prediction(second) for second in seconds]
    log.append([line._replace(id=f"{line.id[:24]}{place:012x}") for place, line in enumerate(lines)])
    return log


def ids(log: MemoryPredictionLog, spans: list[Span]) -> list[str]:
    return [id_ for span in spans for frame in span.frames(log, "housing") for id_ in frame["id"]]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 3000), max_size=40), SIZES, st.lists(st.integers(0, 4000), min_size=1, max_size=4))
def test_the_union_of_windows_is_the_log(seconds: list[int], size: WindowSize, passes: list[int]) -> None:
    log, start, last, spans = log_of(sorted(seconds)), FIRST, None, []
    end = FIRST
    for moment in sorted(passes):
        end = FIRST + moment * SECOND
        found = list(due(log, "housing", size, start, last, end))
        if size.seconds is not None and moment > CATCH_UP * size.seconds / 2:
            return  # the oldest windows may be left out
        spans += found
        if found:
            start, last = found[-1].until, found[-1].last
    seen = ids(log, spans)
    everything = [line.id for line in reversed(log.page("housing", _all(), limit=1000))]
    assert seen == everything[: len(seen)], "in order, each once"
    left = len(everything) - len(seen)
    if size.rows is not None:
        settled = sum(line.time < end - GRACE for line in log.page("housing", _all(), limit=1000))
        assert settled - len(seen) < size.rows, "whole windows are not left"
        assert all(span.last is not None for span in spans)
    else:
        young = sum(
            line.time >= end - GRACE - 2 * size.seconds * SECOND for line in log.page("housing", _all(), limit=1000)
        )
        assert left <= young, "only what is young is left"


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 3000), max_size=40),
    st.dictionaries(st.integers(0, 50), st.integers(1, 9), max_size=12),
    st.integers(1, 12),
    st.lists(st.integers(0, 4000), min_size=1, max_size=4),
)
def test_predictions_and_refusals_are_each_in_one_counted_window(
    seconds: list[int], refused: dict[int, int], rows: int, passes: list[int]
) -> None:
    log, start, last, spans = log_of(sorted(second * 2 + 1 for second in seconds)), FIRST, None, []
    minutes = [(FIRST + (minute + 1) * MINUTE, number) for minute, number in sorted(refused.items())]
    end = FIRST
    for moment in sorted(passes):
        end = FIRST + moment * 2 * SECOND
        found = list(due(log, "housing", WindowSize(None, rows), start, last, end, minutes))
        spans += found
        if found:
            start, last = found[-1].until, found[-1].last
    seen = ids(log, spans)
    everything = [line.id for line in reversed(log.page("housing", _all(), limit=1000))]
    assert seen == everything[: len(seen)], "in order, each once"
    counted = [sum(number for done, number in minutes if span.since < done <= span.until) for span in spans]
    assert sum(counted) == sum(number for done, number in minutes if done <= start)
    inside = [sum(frame.height for frame in span.frames(log, "housing")) for span in spans]
    assert all(lines + number >= rows for lines, number in zip(inside, counted, strict=True)), "windows are whole"
    settled = sum(line.time < end - GRACE for line in log.page("housing", _all(), limit=1000))
    left = sum(number for done, number in minutes if start < done <= end - GRACE)
    assert settled - len(seen) + left < rows, "whole windows are not left"


def _all() -> object:
    from torneo.ports import LogFilter

    return LogFilter()


def test_windows_of_days_begin_at_midnight_and_the_first_where_the_reign_began() -> None:
    log = log_of([0, 3600, 90_000])
    day = WindowSize(86400, None)
    spans = list(due(log, "housing", day, FIRST, None, FIRST + datetime.timedelta(days=3)))
    assert [span.name for span in spans] == ["2026-03-01T12:00:00Z/43200s", "2026-03-02T00:00:00Z/86400s"]


def test_a_window_waits_for_its_last_lines() -> None:
    log = log_of([10])
    minute = WindowSize(60, None)
    assert list(due(log, "housing", minute, FIRST, None, FIRST + 60 * SECOND)) == []
    assert len(list(due(log, "housing", minute, FIRST, None, FIRST + 60 * SECOND + GRACE))) == 1


def test_shadows_are_not_counted() -> None:
    log = MemoryPredictionLog()
    log.append([prediction(n, role="shadow" if n % 2 else "champion") for n in range(10)])
    spans = list(due(log, "housing", WindowSize(None, 5), FIRST, None, FIRST + 100 * SECOND))
    assert [span.last for span in spans] == [prediction(8).id]


def test_after_a_long_rest_the_oldest_windows_are_left_out() -> None:
    log = log_of(list(range(0, 60 * 200, 60)))
    spans = list(due(log, "housing", WindowSize(60, None), FIRST, None, FIRST + 60 * 200 * SECOND + GRACE))
    assert len(spans) == CATCH_UP
