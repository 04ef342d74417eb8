"""Snapshot to accepted and refused rows; refused ones go into the rejects table with all their reasons."""

from __future__ import annotations

from collections.abc import Mapping

from torneo.checks import REPEATED_ROW
from torneo.errors import GateError
from torneo.spec.frozen import Frozen
from torneo.spec.records import GateReport
from torneo.stages.context import LoadContext
from torneo.stages.loading import SUITE, named, needed, told
from torneo.stages.validate import reasons_told


def gate(context: LoadContext, results: Mapping[str, Frozen]) -> GateReport:
    """Gate the rows of the window; refused rows are kept as they came.

    Copies of an accepted row lose nothing, so they do not count for `max_rejected`.

    Raises:
        GateError: more rows are refused than the contract allows; raw and rejects have them all the same.
    """
    snapshot, landed = needed(results)
    with told(context, landed.run, snapshot):
        report = context.engine.gate(
            context.project,
            snapshot,
            context.objects.path(snapshot.table.key),
            context.work,
            context.progress,
            context.hooks.functions.get("checks", {}),
            context.window,
        )
    kept = context.keep_gate(report, context.work)
    context.state.put(context.project.project, "gate", kept.model_dump(mode="json"))
    tables = context.project.tables(snapshot.columns)
    with told(context, landed.run, snapshot, kept):
        rejected = named(context, tables, context.objects.path(kept.rejected.key))
        context.warehouse.write_rejects(tables, landed.run, SUITE, rejected, context.clock.now())
        stop_if_too_many(context, kept)
    return kept


def stop_if_too_many(context: LoadContext, report: GateReport) -> None:
    """Refuse a load of which too many rows are refused.

    Raises:
        GateError: that is so.
    """
    name, limit = context.project.project, context.project.contract.max_rejected
    judged = report.accepted.rows + report.rejected.rows
    refused = report.rejected.rows - report.reasons.get(REPEATED_ROW, 0)
    if refused > limit * judged:
        raise GateError(
            f"{name}: the gate refused {refused:,} of {judged:,} rows ({refused / judged:.1%}), more than max_rejected "
            f"allows ({limit:.1%}): {reasons_told(report)}; nothing was loaded into {context.project.load.to}",
            fix=f"look at them with `torneo quarantine show {name}`; mend the data, the contract or max_rejected",
        )
