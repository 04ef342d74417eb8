"""Snapshot to the raw table: what came, as text."""

from __future__ import annotations

from collections.abc import Mapping

from torneo.checks import check_headers
from torneo.spec.frozen import Frozen
from torneo.spec.load_records import Landed
from torneo.spec.records import Snapshot
from torneo.stages.context import LoadContext
from torneo.stages.loading import named, record, refuse_shared, run_id


def raw(context: LoadContext, results: Mapping[str, Frozen]) -> Landed:
    """Make the tables, and copy the snapshot into raw; rows of the same run are replaced.

    Raises:
        GateError: the source lacks a column of the contract; nothing is copied.
        ConflictError: a table is of another shape, another project loads it, or the database refuses.
    """
    snapshot = results["ingest"]
    assert isinstance(snapshot, Snapshot)  # noqa: S101 - for the type checker
    run = run_id(context, snapshot)
    tables = context.project.tables(snapshot.columns)
    bar = context.progress.step("raw")
    at = context.clock.now()
    refuse_shared(context)
    context.warehouse.migrate(tables)
    check_headers(context.project.contract, snapshot.columns)
    record(context, run, "running")
    file = named(context, tables, context.objects.path(snapshot.table.key))
    rows = context.warehouse.write_raw(tables, run, file, at)
    bar.done(f"{rows:,} rows into {tables.raw}")
    return Landed(run=run, rows=rows, at=at)
