"""What came of a project's predictions: one way to read the log for the command line, HTTP, and metrics."""

from __future__ import annotations

import datetime
import hashlib
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import polars as pl

from torneo import metrics, promotion
from torneo.engines import evidently
from torneo.engines.reigning import Read, Reigning
from torneo.errors import ConflictError, NotFoundError
from torneo.ports import Clock, LogFilter, ObjectStore, PredictionLog, RefusalLog, StateStore
from torneo.ports.prediction_log import EPOCH
from torneo.runtime import Runtime
from torneo.serving.follow import open_model
from torneo.spec.project import Project
from torneo.spec.watchdog import parse_window
from torneo.spec.watching import Drift
from torneo.watch import logged
from torneo.watch.drift import drift
from torneo.watch.estimates import Estimate
from torneo.watch.persistence import persistent_columns
from torneo.watch.report import DriftReport
from torneo.watch.scored import Scored, estimated, score_of, slices_of
from torneo.watch.sketch import Sketches, empty, merge
from torneo.watch.views import (
    Asked,
    DriftView,
    EvidentlyView,
    PerformanceView,
    PerformanceWindow,
    StatsView,
    drift_window,
)
from torneo.watch.windows import CountWindow, TimeWindow
from torneo.watchdog.traffic import Traffic

USUAL = datetime.timedelta(days=7)
"""So long back is looked where nobody says it."""
LATEST = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
READ_ROWS = 20_000

Window = TimeWindow | CountWindow
Times = tuple[datetime.datetime, datetime.datetime]


@dataclass
class LogMonitor:
    """Looks at the predictions of one project; any thread may ask. It keeps nothing but the champion's model."""

    project: Project
    log: PredictionLog
    refusals: RefusalLog
    state: StateStore
    objects: ObjectStore
    clock: Clock
    folder: Path
    """Where bundles are kept on this machine."""
    jobs: int = 1
    _reigning: dict[str, Reigning] = field(default_factory=dict)
    _opening: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, runtime: Runtime, project: Project, state: StateStore | None = None) -> Self:
        """Of a project of this installation; `state` may stand for the runtime's."""
        return cls(
            project=project,
            log=runtime.predictions,
            refusals=runtime.refusals,
            state=state or runtime.state,
            objects=runtime.objects,
            clock=runtime.clock,
            folder=runtime.home / "serving",
            jobs=runtime.settings.jobs,
        )

    @property
    def name(self) -> str:
        """The project's name."""
        return self.project.project

    def last(self) -> str | None:
        """The id of the log's last line."""
        page = self.log.page(self.name, LogFilter(), limit=1)
        return page[0].id if page else None

    def drift(self, asked: Asked, seconds: float | None = None) -> DriftView:
        """The predictions of a time against the champion's training rows, window by window and together.

        Raises:
            NotFoundError: there is no champion.
            ConflictError: the windows are too many, or the time ends before it begins.
            UnavailableError: it takes longer than `seconds`, or a store does not answer.
        """
        reigning = self._champion()
        whole: Sketches = {}
        windows, reports = [], []
        for window, frames in self._windows(asked, seconds):
            read = reigning.sketched(frames)
            if read is not None:
                cut, sketches = read
                reports.append(self._held(reigning, sketches))
                windows.append(drift_window(_bounds(window, cut), cut.rows, reports[-1]))
                whole = merge(whole, sketches)
        since, until = self._times(asked)
        persistence = self.project.watch.persistence
        return DriftView(
            project=self.name,
            version=reigning.champion.number,
            since=since,
            until=until,
            window=self._window(asked),
            report=self._held(reigning, whole),
            windows=tuple(windows),
            persistent=persistent_columns(reports, bad=persistence.bad, of=persistence.of),
            hidden=reigning.hidden,
        )

    def evidently(self, asked: Asked) -> EvidentlyView:
        """Archive Evidently's report on a sample of the same rows in the object store.

        Raises:
            MissingExtraError: Evidently is not installed.
            ConflictError: there are no predictions.
            NotFoundError: there is no champion, or its training rows are gone.
        """
        reigning = self._champion()
        rows = evidently.sample(reigning, self._frames(asked, None))
        if rows is None:
            raise ConflictError("there are no predictions in that time", fix="ask for another with --since and --until")
        training = evidently.training_rows(reigning, self.objects)
        page, columns = evidently.compare(reigning, training, rows)
        content = page.encode()
        key = f"{self.name}/evidently/{hashlib.sha256(content).hexdigest()[:32]}.html"
        self.objects.put(key, content)
        return EvidentlyView(object=key, rows=rows.height, training_rows=training.height, columns=columns)

    def performance(self, asked: Asked, seconds: float | None = None) -> PerformanceView:
        """How good the predictions of a time were, by the outcomes that are known now; raises as `drift` does."""
        reigning = self._champion()
        whole: Sketches = {}
        scored = Scored(metrics.metric(self.project.metric, self.project.task), self.project.classes)
        windows: list[PerformanceWindow] = []
        rows: pl.DataFrame | None = None
        for window, frames in self._windows(asked, seconds):
            read = reigning.read(frames)
            if read is not None:
                windows.append(self._performance_window(reigning, scored, window, read))
                whole = merge(whole, read.sketches)
                rows = logged.drawn(read.rows if rows is None else pl.concat([rows, read.rows], how="diagonal"))
        return self._performance(asked, reigning, scored, tuple(windows), rows, whole)

    def stats(self, asked: Asked, seconds: float | None = None) -> StatsView:
        """What was asked and answered in a time.

        Raises:
            ConflictError: the time ends before it begins.
            UnavailableError: it takes longer than `seconds`, or a store does not answer.
        """
        since, until = self._times(asked)
        traffic, labelled = Traffic(), 0
        versions, roles = Counter[int](), Counter[str]()
        for frame in self._frames(asked, seconds):
            traffic.add(frame)
            returned = frame.filter(pl.col("role") != "shadow")
            labelled += returned.height - returned["outcome"].null_count()
            versions.update(dict(returned["version"].value_counts().iter_rows()))
            roles.update(dict(frame["role"].value_counts().iter_rows()))
        traffic.add_refused(self.refusals.refused(self.name, since, until))
        return StatsView(
            project=self.name,
            since=since,
            until=until,
            requests=traffic.requests,
            rows=traffic.rows,
            refused=traffic.refused,
            refused_by_reason=dict(traffic.reasons.most_common()),
            warned=traffic.warned,
            warned_by_reason=dict(traffic.warnings.most_common()),
            latency_ms={f"p{share}": traffic.quantile_ms(share / 100) for share in (50, 95, 99)},
            versions={str(version): rows for version, rows in versions.most_common()},
            roles=dict(roles.most_common()),
            labelled=labelled,
        )

    def _champion(self) -> Reigning:
        """The present champion.

        Raises:
            NotFoundError: there is none.
        """
        champion = promotion.champion(self.state, self.name)
        if champion is None:
            raise NotFoundError(f"{self.name} has no champion yet", fix=f"torneo run {self.name}")
        with self._opening:
            if champion.digest not in self._reigning:
                model = open_model(champion, self.objects, self.folder, self.jobs)
                self._reigning = {champion.digest: Reigning(self.project, champion, model)}
            return self._reigning[champion.digest]

    def _times(self, asked: Asked) -> Times:
        until = min(max(asked.until or self.clock.now(), EPOCH + USUAL), LATEST)
        since = min(max(asked.since or until - USUAL, EPOCH), LATEST)
        if since > until:
            raise ConflictError(
                f"there is no time from {since:%Y-%m-%d %H:%M} on and before {until:%Y-%m-%d %H:%M}",
                fix="ask from the earlier moment to the later one; without --until that is now",
            )
        return since, until

    def _window(self, asked: Asked) -> str:
        return asked.window or self.project.watch.window

    def _frames(self, asked: Asked, seconds: float | None) -> Iterator[pl.DataFrame]:
        since, until = self._times(asked)
        wanted = LogFilter(since=since, until=until)
        return logged.in_time(self.log.scan(self.name, wanted, rows=READ_ROWS), seconds)

    def _windows(self, asked: Asked, seconds: float | None) -> Iterator[tuple[Window, Iterator[pl.DataFrame]]]:
        """Windows of answers; shadows are in those of time alone, for they answer nobody and are not counted."""
        size, frames = parse_window(self._window(asked)), self._frames(asked, seconds)
        if size.rows is not None:
            frames = (frame.filter(pl.col("role") != "shadow") for frame in frames)
        windows = itertools.groupby(logged.parts(frames, size), key=lambda pair: pair[0])
        for window, pairs in logged.in_time(windows, seconds):
            yield window, (part for _, part in pairs)

    def _held(self, reigning: Reigning, sketches: Sketches) -> DriftReport:
        settings = self.project.watch.drift or Drift()
        return drift(reigning.baseline, sketches or empty(reigning.baseline), settings)

    def _performance_window(self, reigning: Reigning, scored: Scored, window: Window, read: Read) -> PerformanceWindow:
        returned = read.rows.filter(pl.col("role") != "shadow")
        since, until = _bounds(window, read.cut)
        return PerformanceWindow(
            since=since,
            until=until,
            rows=read.cut.rows,
            labelled=read.labelled,
            score=score_of(scored, returned),
            estimate=_estimate(reigning, scored, returned, self._held(reigning, read.sketches)),
        )

    def _performance(
        self,
        asked: Asked,
        reigning: Reigning,
        scored: Scored,
        windows: tuple[PerformanceWindow, ...],
        rows: pl.DataFrame | None,
        whole: Sketches,
    ) -> PerformanceView:
        since, until = self._times(asked)
        view = PerformanceView(
            project=self.name,
            version=reigning.champion.number,
            metric=scored.metric.name,
            bigger_is_better=scored.metric.bigger_is_better,
            judged=reigning.model.scorer.info["metrics"].get(scored.metric.name),
            since=since,
            until=until,
            window=self._window(asked),
            rows=sum(each.rows for each in windows),
            labelled=sum(each.labelled for each in windows),
            windows=windows,
            hidden=reigning.hidden,
        )
        if rows is None:
            return view
        returned = rows.filter(pl.col("role") != "shadow")
        update = {
            "looked_at": returned.height,
            "total": score_of(scored, returned),
            "estimate": _estimate(reigning, scored, returned, self._held(reigning, whole)),
            "groups": tuple(scored.by(rows, ["version", "role"])),
            "slices": slices_of(scored, returned, [name for name in reigning.categorical if name in rows.columns]),
        }
        return view.model_copy(update=update)


def _estimate(reigning: Reigning, scored: Scored, rows: pl.DataFrame, told: DriftReport) -> Estimate | None:
    own = rows.filter(pl.col("version") == reigning.champion.number)
    return estimated(scored, own, reigning.model.scorer.info["baseline"], told)


def _bounds(window: Window, cut: logged.Cut) -> Times:
    return (window.start, window.end) if isinstance(window, TimeWindow) else (cut.since, cut.until)
