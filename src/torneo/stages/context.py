"""What a stage may use: the project, and ports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from torneo.hooks import Hooks
from torneo.ports import Clock, Engine, ModelRegistry, ObjectStore, Progress, StateStore, Warehouse
from torneo.spec.loading import AnyProject, LoadProject
from torneo.spec.project import Project
from torneo.spec.records import GateReport, Snapshot, Table
from torneo.spec.source import Source
from torneo.spec.tables import Window

CAUSE = "torneo.cause"
"""The tag of a run that says why somebody other than a person started it."""


@dataclass(frozen=True, eq=False)
class AnyContext:
    """One project at work. Stages read files through `objects` and write them into `work` first."""

    project: AnyProject
    folder: Path
    """The project's folder."""
    hooks: Hooks
    objects: ObjectStore
    state: StateStore
    engine: Engine
    clock: Clock
    progress: Progress
    read: Callable[[Source, Path], Snapshot]
    """Reads a source into a Parquet file; the snapshot's table has that file's digest and no key yet."""
    fingerprint: Callable[[Source], str]
    """The digest of a source's content."""
    work: Path
    """An empty folder for this run's files."""
    jobs: int
    user: str
    owner: str
    """Who this process is, for locks."""
    code: str
    """The digest of the code that decides results."""
    tags: dict[str, str]
    """What a tracked run should say of its surroundings, such as the git commit."""
    force: bool = field(default=False, kw_only=True)
    """Whether steps run although nothing that they depend on has changed."""

    def keep(self, table: Table, file: Path, folder: str) -> Table:
        """Store a table's file under its digest."""
        key = f"{self.project.project}/{folder}/{table.digest[:32]}.parquet"
        if not self.objects.exists(key):
            self.objects.put(key, file)
        return table.model_copy(update={"key": key})

    def keep_gate(self, report: GateReport, folder: Path) -> GateReport:
        """Store the tables of a gate, and of the gate of events before it."""
        parts = {"accepted": report.accepted, "rejected": report.rejected, "withheld": report.withheld}
        kept = {
            name: None if table is None else self.keep(table, folder / table.key, name) for name, table in parts.items()
        }
        events = None if report.events is None else self.keep_gate(report.events, folder / "events")
        return report.model_copy(update={**kept, "events": events})

    def warn(self, message: str) -> None:
        """Tell something that does not stop the run."""
        self.progress.step(f"note: {message}").done()


@dataclass(frozen=True, eq=False)
class Context(AnyContext):
    """A project that trains."""

    project: Project
    registry: ModelRegistry


@dataclass(frozen=True, eq=False)
class LoadContext(AnyContext):
    """A project that loads."""

    project: LoadProject
    warehouse: Warehouse
    window: Window | None
    """The days that this run is responsible for; None: the whole table."""
