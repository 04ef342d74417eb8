"""Snapshot to accepted and rejected rows."""

from __future__ import annotations

from collections.abc import Mapping

from torneo.errors import GateError
from torneo.spec.frozen import Frozen
from torneo.spec.records import GateReport, Snapshot
from torneo.stages.context import Context

SHOWN = 8


def validate(context: Context, results: Mapping[str, Frozen]) -> GateReport:
    """Gate the snapshot; refused rows are kept as they came, with all their reasons.

    Raises:
        GateError: a column is missing, or more rows are refused than the contract allows; the quarantine of that
            gate is kept all the same.
    """
    snapshot = results["ingest"]
    assert isinstance(snapshot, Snapshot)  # noqa: S101 - for the type checker
    report = context.engine.gate(
        context.project,
        snapshot,
        context.objects.path(snapshot.table.key),
        context.work,
        context.progress,
        context.hooks.functions.get("checks", {}),
    )
    kept = context.keep_gate(report, context.work)
    context.state.put(context.project.project, "gate", kept.model_dump(mode="json"))
    events = context.project.source.events
    if kept.events is not None and events is not None:
        _stop_if_too_many(context, kept.events, events.contract.max_rejected, "events")
    _stop_if_too_many(context, kept, context.project.contract.max_rejected, "rows")
    return kept


def _stop_if_too_many(context: Context, report: GateReport, limit: float, what: str) -> None:
    name = context.project.project
    judged = report.rows - report.left_out
    if judged == 0:
        raise GateError(
            f"{name}: there are no {what} to judge ({report.rows} read, {report.left_out} left out by where)"
        )
    if report.rejected.rows > limit * judged or report.accepted.rows == 0:
        share = report.rejected.rows / judged
        raise GateError(
            f"{name}: the gate refused {report.rejected.rows:,} of {judged:,} {what} ({share:.1%}), more than "
            f"max_rejected allows ({limit:.1%}): {reasons_told(report)}",
            fix=f"look at them with `torneo quarantine show {name}`; mend the data, the contract or max_rejected",
        )


def reasons_told(report: GateReport) -> str:
    """The most frequent reasons with their numbers of rows."""
    reasons = sorted(report.reasons.items(), key=lambda item: -item[1])
    told = ", ".join(f"{reason} {count:,}" for reason, count in reasons[:SHOWN])
    return told + (f", and {len(reasons) - SHOWN} more reasons" if len(reasons) > SHOWN else "")
