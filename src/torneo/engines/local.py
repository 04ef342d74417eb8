"""Computing on this machine: Polars for rows, threads for independent work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from torneo.engines.events import build_rows
from torneo.engines.gate import ACCEPTED, BATCH_ROWS, gate
from torneo.ports import Progress
from torneo.ports.compute import Item, Result
from torneo.spec.loading import AnyProject
from torneo.spec.records import GateReport, Snapshot
from torneo.spec.source import Events
from torneo.spec.tables import Window

EVENTS = "events"
"""The folder, in the gate's, of what the gate did with events."""


def as_read(project: AnyProject) -> AnyProject:
    """The project as its snapshot sees it: where rows are made from events, the contract is that of the events."""
    events = project.source.events
    if events is None:
        return project
    source = project.source.model_copy(update={"events": None, "where": None})
    return project.model_copy(update={"contract": events.contract, "source": source})


@dataclass(frozen=True)
class LocalEngine:
    """The embedded engine."""

    jobs: int = 1
    """How many independent items are worked on side by side."""
    batch_rows: int = BATCH_ROWS
    """How many rows are in memory at a time."""

    def gate(
        self,
        project: AnyProject,
        snapshot: Snapshot,  # noqa: ARG002 - other engines read it where it lies
        data: Path,
        folder: Path,
        progress: Progress,
        checks: Mapping[str, Callable[[Any], Any]] = MappingProxyType({}),
        window: Window | None = None,
    ) -> GateReport:
        """Split the rows of a snapshot's Parquet file; see `torneo.ports.Engine`."""
        if project.source.events is None:
            return gate(project, data, folder, progress, checks, batch_rows=self.batch_rows, window=window)
        return self._gate_events(project, project.source.events, data, folder, progress, checks)

    def _gate_events(
        self,
        project: AnyProject,
        events: Events,
        data: Path,
        folder: Path,
        progress: Progress,
        checks: Mapping[str, Callable[[Any], Any]],
    ) -> GateReport:
        """Gate the events, make rows of those that pass, gate the rows."""
        first = folder / EVENTS
        first.mkdir()
        report = gate(as_read(project), data, first, progress, {}, batch_rows=self.batch_rows)
        rows = first / "rows.parquet"
        build_rows(pl.scan_parquet(first / ACCEPTED), events).write_parquet(rows)
        made = gate(project, rows, folder, progress, checks, batch_rows=self.batch_rows)
        return made.model_copy(update={"events": report})

    def each(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Apply a function to items in threads, giving results in the items' order.

        >>> list(LocalEngine(jobs=2).each(abs, [-1, 2, -3]))
        [1, 2, 3]
        """
        with ThreadPoolExecutor(self.jobs) as pool:
            yield from pool.map(function, items)
