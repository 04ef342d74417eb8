"""What is told of a project's predictions: drift, performance, traffic; and who can be asked for it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Protocol

from torneo.spec.frozen import Frozen
from torneo.spec.watchdog import WindowText
from torneo.watch.estimates import Estimate
from torneo.watch.performance import Score
from torneo.watch.report import DriftReport, Verdict


class Asked(Frozen):
    """Which predictions are looked at: of the last seven days where nothing is said."""

    since: datetime.datetime | None = None
    """From this moment on."""
    until: datetime.datetime | None = None
    """Before this moment; now without it."""
    window: WindowText | None = None
    """How they are cut, as `6h`, `1d` or `1000 rows`; as the project's `watch.window` without it."""


class DriftWindow(Frozen):
    """One window against the training rows."""

    since: datetime.datetime
    until: datetime.datetime
    """Its end, or the last prediction's moment where predictions are counted."""
    rows: int
    verdict: Verdict
    drifted: tuple[str, ...]
    """Columns that drifted."""
    effects: Mapping[str, float]
    """Each column's largest effect as a multiple of its threshold."""


def drift_window(times: tuple[datetime.datetime, datetime.datetime], rows: int, report: DriftReport) -> DriftWindow:
    """A window's report in short."""
    effects: dict[str, float] = {}
    for test in report.tests:
        if test.effect is not None:
            effects[test.column] = max(effects.get(test.column, 0.0), test.effect / test.threshold)
    return DriftWindow(
        since=times[0],
        until=times[1],
        rows=rows,
        verdict=report.verdict,
        drifted=report.columns,
        effects={name: round(effects[name], 4) for name in sorted(effects)},
    )


class DriftView(Frozen):
    """The predictions of a time against the champion's training rows."""

    project: str
    version: int
    """The champion."""
    since: datetime.datetime
    until: datetime.datetime
    window: str
    report: DriftReport
    """All windows together."""
    windows: tuple[DriftWindow, ...]
    """Those with predictions, oldest first."""
    persistent: tuple[str, ...]
    """Columns that drifted in as many of the last windows as the project's `watch.persistence` asks for."""
    hidden: tuple[str, ...]
    """Personal data, which the log has as hashes or not at all: it cannot be compared."""


class EvidentlyColumn(Frozen):
    """What Evidently says of a column."""

    test: str
    value: float
    threshold: float
    drifted: bool


class EvidentlyView(Frozen):
    """Evidently's report on the same predictions and training rows, a sample of each."""

    object: str
    """The key of its page in the object store."""
    rows: int
    training_rows: int
    columns: Mapping[str, EvidentlyColumn]


class PerformanceWindow(Frozen):
    """How good the answers of one window were."""

    since: datetime.datetime
    until: datetime.datetime
    rows: int
    labelled: int
    """Answers whose outcome is known by now."""
    score: Score
    """By outcomes; shadows are not in it."""
    estimate: Estimate | None
    """Without outcomes, of the champion's answers; None where nothing can be said."""


class PerformanceView(Frozen):
    """How good the answers of a time were, by the outcomes that are known now: the last one of each answer."""

    project: str
    version: int
    """The champion."""
    metric: str
    bigger_is_better: bool
    judged: float | None
    """The champion's score when it was judged."""
    since: datetime.datetime
    until: datetime.datetime
    window: str
    rows: int
    labelled: int
    looked_at: int = 0
    """Scores over all windows are of so many rows, drawn by their ids, where there are more."""
    total: Score | None = None
    """By outcomes, over all windows; None where nothing was answered."""
    estimate: Estimate | None = None
    """Without outcomes, of the champion's answers; None where nothing can be said."""
    groups: tuple[Score, ...] = ()
    """By version and role; a shadow's answers have the outcomes of those that were returned in their place."""
    slices: tuple[Score, ...] = ()
    """By category of each categorical column, the worst first; shadows are not in them."""
    windows: tuple[PerformanceWindow, ...]
    hidden: tuple[str, ...]
    """Personal data: there are no slices by it."""


class StatsView(Frozen):
    """What was asked and answered in a time."""

    project: str
    since: datetime.datetime
    until: datetime.datetime
    requests: int
    """Answered requests."""
    rows: int
    """Answered rows; those of shadows are not among them."""
    refused: int
    """Requests that were refused for what they contained, in the whole minutes of the time."""
    refused_by_reason: Mapping[str, int]
    """Refused values."""
    warned: int
    """Rows that were answered with a warning."""
    warned_by_reason: Mapping[str, int]
    latency_ms: Mapping[str, float | None]
    """p50, p95 and p99 of the rows, from the request's arrival until its answer was computed, to 1 %."""
    versions: Mapping[str, int]
    """Rows by version."""
    roles: Mapping[str, int]
    """Rows by role; shadows, too."""
    labelled: int
    """Rows whose outcome is known."""


class Monitor(Protocol):
    """Reads a project's log; all raise UnavailableError where that takes longer than `seconds`."""

    def drift(self, asked: Asked, seconds: float | None = None) -> DriftView:
        """Inputs and answers against the champion's training rows.

        Raises:
            NotFoundError: there is no champion.
            ConflictError: the windows are too many.
        """
        ...

    def performance(self, asked: Asked, seconds: float | None = None) -> PerformanceView:
        """Answers against their outcomes; raises as `drift` does."""
        ...

    def stats(self, asked: Asked, seconds: float | None = None) -> StatsView:
        """Traffic; windows are of no account."""
        ...

    def last(self) -> str | None:
        """The id of the log's last line."""
        ...
