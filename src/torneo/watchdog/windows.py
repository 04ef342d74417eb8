"""Which windows of the log are whole and have not been looked at, one after the other without gap or overlap."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torneo.ports import LogFilter, PredictionLog
from torneo.ports.prediction_log import EPOCH, MILLISECOND
from torneo.spec.watchdog import WindowSize

if TYPE_CHECKING:
    import polars as pl

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
    refused: Sequence[datetime.datetime] = (),
) -> Iterator[Span]:
    """The whole windows with something in them from `start` on, or after the prediction `last`.

    Args:
        refused: when requests were refused since then, which no line of the log tells.
    """
    if size.rows is not None:
        yield from _counted(log, project, size.rows, start, last, now - GRACE)
        return
    assert size.seconds is not None  # noqa: S101 - one of the two
    length = datetime.timedelta(seconds=size.seconds)
    begin = max(start, _floor(now, length) - CATCH_UP * length)
    while True:
        first = _first(log, project, begin)
        moments = [moment for moment in (*refused, *([] if first is None else [first])) if moment >= begin]
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
    log: PredictionLog, project: str, rows: int, start: datetime.datetime, last: str | None, end: datetime.datetime
) -> Iterator[Span]:
    """Windows of so many answered predictions; shadows answer nobody and are not counted."""
    import polars as pl

    since = start if last is None else moment_of(last)
    left, after, began = rows, last, since
    for frame in log.scan(project, LogFilter(since=since, until=end)):
        ids = frame.filter(pl.col("role") != "shadow")["id"]
        if last is not None:
            ids = ids.filter(ids > last)
        place = 0
        while len(ids) - place >= left:
            place += left
            final = ids[place - 1]
            yield Span(began, moment_of(final) + MILLISECOND, after, final)
            began, after, left = moment_of(final), final, rows
        left -= len(ids) - place
