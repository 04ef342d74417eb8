"""The typed Python API: the same as the command line, for notebooks and programs."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from torneo import loads, promotion, runtime
from torneo.errors import ConflictError, NotFoundError
from torneo.orchestration import local
from torneo.orchestration.local import RunReport, StepReport
from torneo.ports import Entry, LogFilter, Progress, Version
from torneo.promotion import Champion
from torneo.runtime import Runtime
from torneo.serving.traffic import Change, Traffic, change_traffic, traffic
from torneo.spec.channels import unset
from torneo.spec.load_records import Retried
from torneo.spec.loading import AnyProject, Dates, LoadProject, window_of
from torneo.spec.project import Project as Spec
from torneo.spec.records import Decision, GateReport, Snapshot
from torneo.spec.settings import settings
from torneo.stages import loading
from torneo.testing.still import SilentProgress

if TYPE_CHECKING:
    from torneo.predictions import Predicted
    from torneo.spec.replay_records import Replayed

Day = datetime.date | None


def _ignore(report: StepReport) -> None:
    """Nobody is told of a step."""


@dataclass(frozen=True)
class Project:
    """A project on this machine.

    ```python
    import torneo

    report = torneo.Project.load("projects/housing").run()
    ```
    """

    spec: AnyProject
    folder: Path
    runtime: Runtime

    @classmethod
    def load(cls, where: str | Path | None = None) -> Project:
        """Load a project by name, folder or file; without one, the current folder's.

        Raises:
            NotFoundError: there is none.
            SpecError: its project.yaml is wrong.
        """
        found = settings()
        spec, folder = runtime.open_project(found, None if where is None else str(where))
        return cls(spec, folder, Runtime(found))

    @property
    def name(self) -> str:
        """The project's name."""
        return self.spec.project

    @property
    def training(self) -> Spec:
        """What the project says, if it trains.

        Raises:
            ConflictError: it loads a table.
        """
        if isinstance(self.spec, LoadProject):
            raise ConflictError(f"{self.name} loads a table: it has no models, challengers or champion")
        return self.spec

    def run(
        self,
        progress: Progress | None = None,
        tell: Callable[[StepReport], None] | None = None,
        *,
        date: Day = None,
        first: Day = None,
        last: Day = None,
        force: bool = False,
    ) -> RunReport:
        """Bring the project up to date: gate, train, judge, promote; or gate and load the days of a window.

        A load is for the window that ends with `date` (today without it), or for the days from `first` to `last`.
        With `force` all steps run again, although nothing that they depend on has changed.

        Raises:
            ConflictError: the dates contradict each other, or the project has no window.
        """
        quiet = progress or SilentProgress()
        window = window_of(self.spec, Dates.of(date, first, last), self.runtime.clock.now().date())
        if isinstance(self.spec, LoadProject):
            return loads.run(self.runtime, self.spec, self.folder, quiet, tell or _ignore, window, force=force)
        with self.runtime.context(self.spec, self.folder, quiet) as context:
            return local.run(replace(context, force=force), self.runtime.owner, tell or _ignore)

    @property
    def loads_a_table(self) -> bool:
        """Whether it loads a table, and trains nothing."""
        return isinstance(self.spec, LoadProject)

    def check(
        self, progress: Progress | None = None, *, date: Day = None, first: Day = None, last: Day = None
    ) -> Sequence[str]:
        """Validate the project and its data without training; gives what was found to be good. Dates are as in `run`.

        Raises:
            TorneoError: the first thing that would stop a run.
        """
        window = window_of(self.spec, Dates.of(date, first, last), self.runtime.clock.now().date())
        if isinstance(self.spec, LoadProject):
            from torneo.stages.check_load import check_load

            with self.runtime.load_context(self.spec, self.folder, progress or SilentProgress(), window) as loading:
                return check_load(loading)
        from torneo.stages.check import check

        with self.runtime.context(self.spec, self.folder, progress or SilentProgress()) as context:
            found = check(context)
        return [*found, *(f"mind: {problem}; {fix}" for problem, fix in unset(self.spec.watch.notify))]

    def status(self) -> Mapping[str, Mapping[str, Any] | None]:
        """What is known of each step of the last run."""
        return local.standing(self.runtime.state, self.spec)

    def champion(self) -> Champion | None:
        """The present champion."""
        return promotion.champion(self.runtime.state, self.name)

    def history(self) -> Sequence[Entry]:
        """All decisions, oldest first; of a project that loads a table, all loads (`LoadReport`)."""
        return self.runtime.state.read(self.name, loading.STREAM if self.loads_a_table else promotion.STREAM)

    def versions(self) -> Sequence[Version]:
        """All registered versions."""
        return self.runtime.registry.versions(self.name)

    def promote(self, number: int, why: str) -> Entry:
        """Make a version champion by hand."""
        found, _ = self.runtime, self.training
        by, owner = found.settings.user, found.owner
        return promotion.promote(found.state, found.registry, self.name, number, by=by, why=why, owner=owner)

    def rollback(self, why: str) -> Entry:
        """Go back to the previous champion."""
        found, _ = self.runtime, self.training
        by, owner = found.settings.user, found.owner
        return promotion.rollback(found.state, found.registry, self.name, by=by, why=why, owner=owner)

    def traffic(self) -> Traffic:
        """Who takes part beside the champion."""
        return traffic(self.runtime.state, self.name)

    def change_traffic(self, change: Change, why: str) -> Traffic:
        """Change who takes part beside the champion; servers follow within seconds."""
        found, _ = self.runtime, self.training
        by, owner = found.settings.user, found.owner
        return change_traffic(found.state, found.registry, self.name, change, by=by, why=why, owner=owner)

    def compare(
        self, first: int | None = None, second: int | None = None, progress: Progress | None = None
    ) -> Decision:
        """Judge one version (or the newest) against another (or the champion), without promoting."""
        from torneo.stages.judge import compare

        with self.runtime.context(self.training, self.folder, progress or SilentProgress()) as context:
            return compare(context, first, second)

    def replay(
        self, version: int, against: int | None = None, progress: Progress | None = None, lines: LogFilter | None = None
    ) -> Replayed:
        """Judge a version against the champion (or another) on logged traffic; see `torneo.replay.replay`."""
        from torneo.replay import replay

        return replay(self.runtime, self.training, self.folder, progress or SilentProgress(), version, against, lines)

    def predict(
        self,
        file: str | Path,
        out: Path | BinaryIO,
        rejected: Path,
        progress: Progress | None = None,
        *,
        version: int | None = None,
        log: bool = False,
    ) -> Predicted:
        """Answer the rows of a file with the champion, or with a version; see `torneo.predictions.predict`."""
        from torneo.predictions import predict

        rest = (str(file), out, rejected, progress or SilentProgress())
        return predict(self.runtime, self.training, self.folder, *rest, version=version, log=log)

    def gate(self) -> GateReport:
        """What the last gate did.

        Raises:
            NotFoundError: no gate has run yet.
        """
        found = self.runtime.state.get(self.name, "gate")
        if found is None:
            raise NotFoundError(f"the gate of {self.name} has not run yet", fix=f"torneo run {self.name}")
        return GateReport.model_validate(found)

    def quarantine(self) -> Path:
        """The Parquet file of the rows (or the events that rows are made from) that the last gate refused."""
        report = self.gate()
        return self.object((report.events or report).rejected.key)

    def object(self, key: str) -> Path:
        """A local, read-only path to something that a run made."""
        return self.runtime.objects.path(key)

    def retry(self, progress: Progress | None = None) -> GateReport:
        """Gate the refused rows (or events) again with today's contract; nothing is loaded or trained."""
        from torneo.engines.local import as_read
        from torneo.engines.quarantine import retry

        report = self.gate()
        with self.runtime.context(self.training, self.folder, progress or SilentProgress()) as context:
            return retry(
                as_read(self.training),
                self.quarantine(),
                context.work,
                context.progress,
                context.hooks.functions.get("checks", {}),
                accepted=self.object((report.events or report).accepted.key),
            )

    def reload(self, progress: Progress | None = None, *, file: Path | None = None) -> Retried:
        """Gate the refused rows of the last load, or the rows of a corrected CSV file, again; load those that now pass.

        Raises:
            NotFoundError: nothing has been loaded yet.
            ConflictError: the project trains; or the last load stopped, died or is not the warehouse's last one.
            SourceError: the file cannot be read.
            GateError: the contract's columns have changed since, or the file corrects what was not refused.
        """
        if not isinstance(self.spec, LoadProject):
            raise ConflictError(
                f"{self.name} trains: it takes no corrected rows beside its source",
                fix=f"correct the source, then torneo run {self.name}",
            )
        quiet = progress or SilentProgress()
        return loads.retry(self.runtime, self.spec, self.folder, quiet, self.gate(), self._ingested(), file)

    def profile(self, progress: Progress | None = None) -> str:
        """A page of HTML that describes the last snapshot.

        Raises:
            NotFoundError: nothing has been ingested yet.
        """
        from torneo.reports.profile import profile
        from torneo.reports.profile_page import profile_page

        bar = (progress or SilentProgress()).step("profile")
        page = profile_page(profile(self.snapshot(), self.spec))
        bar.done()
        return page

    def snapshot(self) -> Path:
        """The Parquet file of the last snapshot."""
        return self.object(self._ingested().table.key)

    def _ingested(self) -> Snapshot:
        known = self.status()["ingest"]
        if known is None:
            raise NotFoundError(f"{self.name} has not been ingested yet", fix=f"torneo run {self.name}")
        return Snapshot.model_validate(known["result"])

    def expectations(self, folder: Path, progress: Progress | None = None) -> Path:
        """Write the contract as a Great Expectations suite with Data Docs of the last snapshot; gives the first page.

        A load has two suites, `raw` and `candidate`, which are kept in the object store too.

        Raises:
            MissingExtraError: Great Expectations is not installed.
            NotFoundError: nothing has been ingested yet.
        """
        from torneo.engines.local import as_read
        from torneo.engines.sample import sample
        from torneo.reports.expectations import expectations

        if isinstance(self.spec, LoadProject):
            quiet = progress or SilentProgress()
            return loads.expectations(self.runtime, self.spec, self.folder, folder, quiet, self._ingested())
        with self.runtime.context(self.spec, self.folder, progress or SilentProgress()) as context:
            project = as_read(self.spec)
            functions = {} if self.spec.source.events is not None else context.hooks.functions.get("checks", {})
            rows = sample(project, self.snapshot(), functions, context.progress)
            return expectations(project, rows, folder)
