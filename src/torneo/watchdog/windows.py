"""Which windows of the log are whole and have not been looked at, one after the other without gap or overlap."""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torneo.ports import LogFilter, PredictionLog
from torneo.ports.prediction_log import EPOCH, MILLISECOND, first_id
from torneo.ports.refusals import MINUTE
from torneo.spec.watchdog import WindowSize

if TYPE_CHECKING:
    import polars as pl

Ended = tuple[datetime.datetime, int]
"""The end of a minute, and how many requests were refused in it."""
GRACE = datetime.timedelta(seconds=6)
"""A prediction is in the log, or was never answered, so long after its moment."""
CATCH_UP = 100
"""So many windows of time are looked at in one pass at most; of more, the oldest are left out."""


@dataclass(frozen=True, slots=True)
class Span:
    """A window: from a moment on and before another; where windows are counted, also between two ids."""

    since: datetime.datetime
    until: datetime.datetime
    after: str | None = None
    last: str | None = None
    """The id of its last prediction."""

    @property
    def name(self) -> str:
        """What tells it from other windows of the project."""
        if self.last is None:
            return f"{self.since:%Y-%m-%dT%H:%M:%SZ}/{(self.until - self.since).total_seconds():.0f}s"
        return f"{self.since:%Y-%m-%dT%H:%M:%SZ}/{self.last}"

    @property
    def place(self) -> str:
        """Where it stands among windows."""
        return f"{self.until:%Y-%m-%dT%H:%M:%S.%fZ}/{self.last or ''}"

    def frames(self, log: PredictionLog, project: str, wanted: LogFilter | None = None) -> Iterator[pl.DataFrame]:
        """The window's lines that a filter wants, shadows too."""
        import polars as pl

        asked = (wanted or LogFilter()).model_copy(update={"since": self.since, "until": self.until})
        for frame in log.scan(project, asked):
            part = frame
            if self.after is not None:
                part = part.filter(pl.col("id") > self.after)
            if self.last is not None:
                part = part.filter(pl.col("id") <= self.last)
            if part.height:
                yield part


def due(
    log: PredictionLog,
    project: str,
    size: WindowSize,
    start: datetime.datetime,
    last: str | None,
    now: datetime.datetime,
    refused: Sequence[Ended] = (),
) -> Iterator[Span]:
    """The whole windows with something in them from `start` on, or after the prediction `last`.

    Args:
        refused: the minutes in which requests were refused since then, in order: no line of the log tells of them.
    """
    if size.rows is not None:
        settled = [each for each in refused if start < each[0] <= now - GRACE]
        yield from _counted(log, project, size.rows, start, last, now - GRACE, settled)
        return
    assert size.seconds is not None  # noqa: S101 - one of the two
    length = datetime.timedelta(seconds=size.seconds)
    begin = max(start, _floor(now, length) - CATCH_UP * length)
    while True:
        first = _first(log, project, begin)
        minutes = [end - MINUTE for end, _ in refused if end > begin]
        moments = [max(moment, begin) for moment in (*minutes, *([] if first is None else [first]))]
        if not moments:
            return
        end = _floor(min(moments), length) + length
        if end + GRACE > now:
            return
        yield Span(max(begin, end - length), end)
        begin = end


def _floor(moment: datetime.datetime, length: datetime.timedelta) -> datetime.datetime:
    return EPOCH + (moment - EPOCH) // length * length


def _first(log: PredictionLog, project: str, since: datetime.datetime) -> datetime.datetime | None:
    """When the first line since a moment was written, to the millisecond of its id."""
    for frame in log.scan(project, LogFilter(since=since), rows=1):
        return moment_of(frame["id"][0])
    return None


def moment_of(id: str) -> datetime.datetime:  # noqa: A002
    """The moment in a UUIDv7.

    >>> moment_of("017f22e2-79b0-7cc3-98c4-dc0c0c07398f").isoformat()
    '2022-02-22T19:22:22+00:00'
    """
    return EPOCH + int(id.replace("-", "")[:12], 16) * MILLISECOND


def _counted(
    log: PredictionLog,
    project: str,
    rows: int,
    start: datetime.datetime,
    last: str | None,
    end: datetime.datetime,
    refused: Sequence[Ended],
) -> Iterator[Span]:
    """Windows of so many predictions and refused requests; shadows answer nobody and are not counted.

    What was refused in a minute counts at its end, so that a window may end there, too.
    """
    import polars as pl

    cutter = _Cutter(rows, start, last)
    waiting = deque(refused)
    for frame in log.scan(project, LogFilter(since=cutter.began, until=end)):
        ids = frame.filter(pl.col("role") != "shadow")["id"]
        if last is not None:
            ids = ids.filter(ids > last)
        place = 0
        while waiting and len(ids) and first_id(waiting[0][0]) <= ids[-1]:
            before = int(ids.search_sorted(first_id(waiting[0][0])))
            yield from cutter.lines(ids[place:before])
            yield from cutter.minute(*waiting.popleft())
            place = before
        yield from cutter.lines(ids[place:])
    for minute in waiting:
        yield from cutter.minute(*minute)


class _Cutter:
    """Cuts what comes in order into windows of so many."""

    def __init__(self, rows: int, start: datetime.datetime, last: str | None) -> None:
        self._rows = self._left = rows
        self._after = self._seen = last
        ended_by_a_minute = last is None or start > moment_of(last) + MILLISECOND
        self.began = start if ended_by_a_minute or last is None else moment_of(last)

    def lines(self, ids: pl.Series) -> Iterator[Span]:
        """The windows that end with one of these predictions."""
        place = 0
        while len(ids) - place >= self._left:
            place += self._left
            self._seen = ids[place - 1]
            yield self._whole(moment_of(self._seen) + MILLISECOND, moment_of(self._seen))
        if place < len(ids):
            self._left -= len(ids) - place
            self._seen = ids[-1]

    def minute(self, end: datetime.datetime, refused: int) -> Iterator[Span]:
        """The window that ends with this minute, if one does."""
        self._left -= refused
        if self._left <= 0:
            yield self._whole(end, end)

    def _whole(self, until: datetime.datetime, begins: datetime.datetime) -> Span:
        span = Span(self.began, until, self._after, self._seen)
        self.began, self._after, self._left = begins, self._seen, self._rows
        return span
