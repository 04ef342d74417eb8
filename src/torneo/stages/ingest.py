"""Source to snapshot: an immutable Parquet file of what came, named by its content."""

from __future__ import annotations

from collections.abc import Mapping

from torneo.spec.frozen import Frozen
from torneo.spec.records import Snapshot
from torneo.stages.context import AnyContext


def ingest(context: AnyContext, results: Mapping[str, Frozen]) -> Snapshot:  # noqa: ARG001 - all stages have this form
    """Read the source as it is; nothing is interpreted, nothing is dropped.

    Raises:
        SourceError: it cannot be found, reached or read.
    """
    bar = context.progress.step("ingest")
    file = context.work / "snapshot.parquet"
    snapshot = context.read(context.project.source, file)
    kept = snapshot.model_copy(update={"table": context.keep(snapshot.table, file, "snapshots")})
    bar.done(f"{kept.table.rows:,} rows, {len(kept.columns)} columns from {kept.file}")
    return kept
