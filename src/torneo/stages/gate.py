"""Snapshot to accepted and refused rows, in files."""

from __future__ import annotations

from collections.abc import Mapping

from torneo.checks import KEY_OUTSIDE_WINDOW, REPEATED_ROW
from torneo.errors import GateError
from torneo.spec.frozen import Frozen
from torneo.spec.records import GateReport, Snapshot
from torneo.stages.context import LoadContext
from torneo.stages.validate import reasons_told


def gate(context: LoadContext, results: Mapping[str, Frozen]) -> GateReport:
    """Gate the rows of the window; refused rows are kept as they came.

    Raises:
        GateError: a column is missing, or the contract asks for something that its columns cannot give.
        HookError: a function of checks.py fails.
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
        context.window,
    )
    kept = context.keep_gate(report, context.work)
    context.state.put(context.project.project, "gate", kept.model_dump(mode="json"))
    return kept


def stop_if_unfit(context: LoadContext, report: GateReport) -> None:
    """Refuse a load of which too many rows are refused, or too few came.

    Copies of an accepted row lose nothing, so they do not count for `max_rejected`. A row whose day cannot be read may
    be of any window, so such rows count against all rows of the source, not against the window's.

    Raises:
        GateError: that is so.
    """
    days = report.accepted.rows + report.rejected.rows - report.undated
    _stop_if_too_few(context, days)
    copies = report.reasons.get(REPEATED_ROW, 0)
    _stop(context, report, "", report.rejected.rows - report.undated - copies, days)
    _stop(context, report, " of all days", report.undated, days + report.undated + report.outside_window)


def _stop_if_too_few(context: LoadContext, rows: int) -> None:
    name, load = context.project.project, context.project.load
    if rows < load.min_rows:
        days = "" if context.window is None else f" from {context.window.first} to {context.window.last}"
        raise GateError(
            f"{name}: the source has {rows:,} rows{days}, fewer than min_rows ({load.min_rows:,}); nothing was loaded "
            f"into {load.to}",
            fix="see whether the extract is complete; if so few rows are right, set `load.min_rows` lower",
        )


def _stop(context: LoadContext, report: GateReport, where: str, refused: int, judged: int) -> None:
    name, limit = context.project.project, context.project.contract.max_rejected
    if refused > limit * judged:
        raise GateError(
            f"{name}: the gate refused {refused:,} of {judged:,} rows{where} ({refused / judged:.1%}), more than "
            f"max_rejected allows ({limit:.1%}): {reasons_told(report)}; nothing was loaded into "
            f"{context.project.load.to}",
            fix=f"look at them with `torneo quarantine show {name}`; mend the data, the contract or max_rejected"
            + ("; load a window that covers both days of a key" if KEY_OUTSIDE_WINDOW in report.reasons else ""),
        )
