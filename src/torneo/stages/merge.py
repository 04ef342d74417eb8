"""Accepted rows to staging and production, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping

from torneo.spec.frozen import Frozen
from torneo.spec.load_records import Loaded
from torneo.spec.records import GateReport
from torneo.stages.context import LoadContext
from torneo.stages.loading import needed, outcome, record, told


def merge(context: LoadContext, results: Mapping[str, Frozen]) -> Loaded:
    """Merge the window's accepted rows; nothing outside the window is touched.

    Raises:
        GateError: more keys would go missing than `max_shrink` allows; nothing is changed.
        ConflictError: a row cannot be merged, or the database refuses; nothing is changed.
    """
    snapshot, landed = needed(results)
    gate = results["gate"]
    assert isinstance(gate, GateReport)  # noqa: S101 - for the type checker
    tables = context.project.tables(snapshot.columns)
    bar = context.progress.step("merge")
    with told(context, landed.run, snapshot, gate):
        merged = context.warehouse.merge(
            tables,
            landed.run,
            context.objects.path(gate.accepted.key),
            context.project.rules(context.window),
            context.clock.now(),
        )
    report = outcome(context, landed.run, snapshot, gate, merged=merged)
    record(context, landed.run, report.status, report)
    bar.done(f"{merged.staged:,} rows into {tables.prod}")
    return Loaded(run=landed.run, status=report.status, merged=merged)
