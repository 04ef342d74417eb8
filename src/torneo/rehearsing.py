"""Rehearses what may come: each day is played, then watched as production is, and what the day was like is kept."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

from torneo.monitoring import LogMonitor
from torneo.ports import Progress
from torneo.runtime import Runtime
from torneo.simulating import Day, Played, Wanted, simulate
from torneo.simulation.plan import DAY
from torneo.spec.frozen import Frozen
from torneo.spec.project import Project
from torneo.watch.performance import Score
from torneo.watch.views import Asked
from torneo.watchdog.watchdog import Passed
from torneo.watching import Watched, watch_once


class Rehearsed(Frozen):
    """A day that was played, and what was made of it."""

    played: Day
    metric: str
    bigger_is_better: bool
    score: Score | None
    """How good the day's answers were, by the outcomes that were known at its end."""
    passed: Passed
    """What the watchdog found and did at its end."""


def rehearse(
    runtime: Runtime,
    project: Project,
    folder: Path,
    wanted: Wanted,
    progress: Progress,
    tell: Callable[[Rehearsed], None],
) -> Played:
    """Play days, and have the watchdog pass at the end of each: who it makes champion answers the next day.

    Args:
        tell: is told of each day.

    Raises:
        LockedError: another watchdog is at work on the project.
        TorneoError: as `simulate` and the watchdog raise.
    """
    monitor = LogMonitor.of(runtime, project)

    def pass_over(day: Day) -> None:
        since = datetime.datetime.combine(day.day, datetime.time(), datetime.UTC)
        view = monitor.performance(Asked(since=since, until=since + DAY, window="1d"))
        passed = watch_once(runtime, Watched(project, folder, simulated=True), progress)
        told = Rehearsed(
            played=day,
            metric=view.metric,
            bigger_is_better=view.bigger_is_better,
            score=view.total,
            passed=passed,
        )
        tell(told)

    return simulate(runtime, project, folder, wanted, progress, pass_over)
