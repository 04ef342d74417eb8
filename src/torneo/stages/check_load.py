"""`torneo check` for a load: everything that can be known to go wrong before a table is touched."""

from __future__ import annotations

from collections.abc import Sequence

from torneo.stages.context import LoadContext
from torneo.stages.gate import stop_if_unfit
from torneo.stages.ingest import ingest


def check_load(context: LoadContext) -> Sequence[str]:
    """Check project and data; gives what was found to be good, a sentence each. Nothing is written.

    Raises:
        TorneoError: the first thing that would stop a run.
    """
    project, window = context.project, context.window
    snapshot = ingest(context, {})
    report = context.engine.gate(
        project,
        snapshot,
        context.objects.path(snapshot.table.key),
        context.work,
        context.progress,
        context.hooks.functions.get("checks", {}),
        window,
    )
    stop_if_unfit(context, report)
    days = "the whole table" if window is None else f"{window.first} to {window.last}"
    found = [
        f"project.yaml is valid; it loads {project.load.to}",
        f"{snapshot.table.rows:,} rows, {len(snapshot.columns)} columns in {snapshot.file}",
        f"{days}: {report.accepted.rows:,} rows accepted, {report.rejected.rows:,} refused, "
        f"{report.outside_window:,} outside, {report.left_out:,} left out by where",
    ]
    if report.unknown_columns:
        found.append(f"columns the contract does not name are left out: {', '.join(report.unknown_columns[:20])}")
    return found
