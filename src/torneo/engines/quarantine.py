"""What can be done with refused rows: gate them again, or hand them to a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from torneo.engines.gate import gate
from torneo.engines.rows import Functions, count
from torneo.ports import Progress
from torneo.spec.loading import AnyProject
from torneo.spec.records import LINE, REASONS, GateReport
from torneo.spec.tables import Window


def retry(
    project: AnyProject,
    rejected: Path,
    folder: Path,
    progress: Progress,
    functions: Functions,
    *,
    accepted: Path | None = None,
    window: Window | None = None,
) -> GateReport:
    """Gate refused rows again, as they came, with today's contract; their line numbers stay.

    Writes `accepted.parquet` and `rejected.parquet` into `folder`. `accepted` has the rows that the first gate let
    pass: without it, a copy of one of them would pass now.

    Raises:
        GateError: as the gate, or the contract's columns have changed since the first gate, and it has a key.
    """
    return gate(project, rejected, folder, progress, functions, accepted_before=accepted, window=window)


def head(rejected: Path, rows: int) -> list[dict[str, Any]]:
    """The first refused rows: `line`, `reasons`, then all source columns as they came."""
    return _readable(rejected).head(rows).collect().to_dicts()


def export(rejected: Path, target: Path) -> int:
    """Write refused rows as CSV: `__line__`, `__reasons__` joined by `;`, then all source columns as they came.

    Columns that are not text are written as Polars writes them. Gives the number of rows. A load takes the file back
    when the rows have been corrected.
    """
    rows = pl.scan_parquet(rejected).select(LINE, pl.col(REASONS).list.join(";"), pl.exclude(LINE, REASONS))
    rows.sink_csv(target)
    return count(rejected)


def _readable(rejected: Path) -> pl.LazyFrame:
    rows, own = pl.scan_parquet(rejected), {LINE: "line", REASONS: "reasons"}
    columns = [name for name in rows.collect_schema() if name not in own]
    theirs = {name: f"{name} of the source" for name in own.values() if name in columns}
    return rows.select(*own, *columns).rename(own | theirs)
