"""Refused rows to rejects, with all their reasons; accepted rows to staging and production, in one transaction."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from torneo.checks import KEY_OUTSIDE_WINDOW
from torneo.errors import MovedKeysError
from torneo.spec.frozen import Frozen
from torneo.spec.load_records import Loaded
from torneo.spec.records import GateReport, Snapshot, digest_of
from torneo.spec.tables import LoadTables, Merged, RunLine
from torneo.stages.context import LoadContext
from torneo.stages.gate import stop_if_unfit
from torneo.stages.loading import SUITE, line_of, named, needed, outcome, status_of
from torneo.stages.moved import refuse_moved
from torneo.stages.retry import RETRIED


def merge(context: LoadContext, results: Mapping[str, Frozen]) -> Loaded:
    """Keep the refused rows, and merge the window's accepted ones; nothing outside the window is touched.

    Accepted rows whose key the table has on a day outside the window are refused, too.

    Raises:
        GateError: more rows are refused than the contract allows (rejects have them all the same), or more keys would
            go missing than `max_shrink` allows; nothing is merged.
        ConflictError: a row cannot be merged, or the database refuses; nothing is merged.
    """
    snapshot, landed = needed(results)
    gate = results["gate"]
    assert isinstance(gate, GateReport)  # noqa: S101 - for the type checker
    tables = context.project.tables(snapshot.columns)
    bar = context.progress.step("merge")
    context.warehouse.migrate(tables)
    try:
        settled, merged = gate, _merge(context, tables, snapshot, landed.run, gate)
    except MovedKeysError as moved:
        context.warn(f"refused as {KEY_OUTSIDE_WINDOW}: {moved.message}")
        settled = _without(context, snapshot, gate, moved)
        _tell(context, gate, settled)
        merged = _merge(context, tables, snapshot, landed.run, settled)
    else:
        _tell(context, gate, settled)
    bar.done(f"{merged.staged:,} rows into {tables.prod}")
    return Loaded(run=landed.run, status=status_of(settled), at=context.clock.now(), gate=settled, merged=merged)


def _merge(context: LoadContext, tables: LoadTables, snapshot: Snapshot, run: str, gate: GateReport) -> Merged:
    now, objects = context.clock.now(), context.objects
    rejected = named(context, tables, objects.path(gate.rejected.key))
    context.warehouse.write_rejects(tables, run, SUITE, rejected, now)
    stop_if_unfit(context, gate)
    withheld = None if gate.withheld is None or not gate.withheld.rows else objects.path(gate.withheld.key)
    rules = context.project.rules(context.window)

    def line(merged: Merged) -> RunLine:
        return line_of(context, run, status_of(gate), outcome(context, run, snapshot, gate, merged=merged))

    return context.warehouse.merge(
        tables, run, objects.path(gate.accepted.key), rules, now, withheld=withheld, line=line
    )


def _without(context: LoadContext, snapshot: Snapshot, gate: GateReport, moved: MovedKeysError) -> GateReport:
    """The gate after it has refused the rows of moved keys."""
    path, folder = context.objects.path, Path(tempfile.mkdtemp(dir=context.work))
    files = path(gate.accepted.key), path(gate.rejected.key), path(snapshot.table.key)
    report = refuse_moved(gate, files, moved.keys, folder)
    tables = {"accepted": report.accepted, "rejected": report.rejected}
    kept = {name: context.keep(table, folder / table.key, name) for name, table in tables.items()}
    return report.model_copy(update=kept)


def _tell(context: LoadContext, gate: GateReport, settled: GateReport) -> None:
    """What the quarantine shows are the rows that this load has refused."""
    name, dump = context.project.project, settled.model_dump(mode="json")
    if settled != gate:
        first = digest_of(gate.model_dump(mode="json"))
        context.state.put(name, RETRIED, {"first": first, "gate": digest_of(dump)})
    context.state.put(name, "gate", dump)
