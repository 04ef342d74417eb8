"""What the watchdog may use: the project, ports, and what only the composition root can do for it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torneo.ports import Clock, ModelRegistry, ObjectStore, PredictionLog, StateStore
from torneo.ports.refusals import RefusalLog
from torneo.promotion import Champion
from torneo.spec.frozen import Frozen
from torneo.spec.project import Project
from torneo.spec.watchdog import Watch

if TYPE_CHECKING:
    import polars as pl

BY = "watchdog"
"""Who the watchdog is in histories."""


class Message(Frozen):
    """What somebody is told."""

    id: str
    """The same when it is sent again."""
    event: str
    """`opened`, `grew`, `closed`, or what was done: `retrained`, `rolled_back`, `failed`, `dry_run`."""
    project: str
    time: datetime.datetime
    rule: str = ""
    subject: str = ""
    alert: str = ""
    why: str

    @property
    def title(self) -> str:
        """The message in a line."""
        what = f"alert {self.event}: {self.rule} {self.subject}".rstrip() if self.rule else self.event.replace("_", " ")
        return f"{self.project}: {what}"


class Retrained(Frozen):
    """What a training came to."""

    verdict: str
    champion: int | None
    """The champion afterwards."""
    unchanged: bool
    """Whether there was nothing to do."""
    words: str


@dataclass(frozen=True)
class Desk:
    """One project being watched."""

    project: Project
    state: StateStore
    log: PredictionLog
    refusals: RefusalLog
    registry: ModelRegistry
    objects: ObjectStore
    clock: Clock
    owner: str
    fingerprint: Callable[[], str]
    """The digest of the source's content now."""
    retrain: Callable[[str], Retrained]
    """Runs the project's plan for a reason."""
    rescore: Callable[[Champion, Sequence[Mapping[str, Any]]], Any]
    """A version's answers to logged inputs: values (n,) or probabilities (n, classes).

    Raises ConflictError where the log does not have all that the model reads.
    """
    columns: Callable[[Champion, pl.Series], pl.DataFrame]
    """The features that a version makes of logged inputs (JSON), as its baseline has them."""
    channels: Mapping[str, Callable[[Message], None]]
    """How each of `watch.notify` is told, by its key."""
    dry: bool = False
    """Whether nothing is to be done or told."""

    @property
    def name(self) -> str:
        """The project's name."""
        return self.project.project

    @property
    def watch(self) -> Watch:
        """What is watched."""
        return self.project.watch

    @property
    def to(self) -> tuple[str, ...]:
        """The keys of the channels."""
        return tuple(self.channels)
