"""What a load did, for people: a page in the object store."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from torneo.spec.frozen import Frozen
from torneo.spec.load_records import Loaded, LoadReport
from torneo.spec.records import Snapshot
from torneo.stages.context import LoadContext
from torneo.stages.loading import needed, outcome, publish


def report(context: LoadContext, results: Mapping[str, Frozen]) -> LoadReport:
    """Let go of raw rows that are older than the load keeps, write the page, and add the load to the history."""
    snapshot, landed = needed(results)
    loaded = results["merge"]
    assert isinstance(loaded, Loaded)  # noqa: S101 - for the type checker
    _prune(context, snapshot, landed.run)
    return publish(context, outcome(context, landed.run, snapshot, loaded.gate, merged=loaded.merged))


def _prune(context: LoadContext, snapshot: Snapshot, run: str) -> None:
    days, tables = context.project.load.keep_raw, context.project.tables(snapshot.columns)
    if days is None:
        return
    bar = context.progress.step("prune")
    gone = context.warehouse.prune_raw(tables, run, context.clock.now() - datetime.timedelta(days=days))
    bar.done(f"{gone:,} rows older than {days} days out of {tables.raw}")
