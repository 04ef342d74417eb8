"""Refused rows to rejects, with all their reasons; accepted rows to staging and production, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping

from torneo.spec.frozen import Frozen
from torneo.spec.load_records import Loaded
from torneo.spec.records import GateReport
from torneo.stages.context import LoadContext
from torneo.stages.gate import stop_if_too_many
from torneo.stages.loading import SUITE, named, needed, outcome, record


def merge(context: LoadContext, results: Mapping[str, Frozen]) -> Loaded:
    """Keep the refused rows, and merge the window's accepted ones; nothing outside the window is touched.

    Raises:
        GateError: more rows are refused than the contract allows (rejects have them all the same), or more keys would
            go missing than `max_shrink` allows; nothing is merged.
        ConflictError: a row cannot be merged, or the database refuses; nothing is merged.
    """
    snapshot, landed = needed(results)
    gate = results["gate"]
    assert isinstance(gate, GateReport)  # noqa: S101 - for the type checker
    tables, now = context.project.tables(snapshot.columns), context.clock.now()
    bar = context.progress.step("merge")
    rejected = named(context, tables, context.objects.path(gate.rejected.key))
    context.warehouse.write_rejects(tables, landed.run, SUITE, rejected, now)
    stop_if_too_many(context, gate)
    accepted = context.objects.path(gate.accepted.key)
    merged = context.warehouse.merge(tables, landed.run, accepted, context.project.rules(context.window), now)
    report = outcome(context, landed.run, snapshot, gate, merged=merged)
    record(context, landed.run, report.status, report)
    bar.done(f"{merged.staged:,} rows into {tables.prod}")
    return Loaded(run=landed.run, status=report.status, merged=merged)
