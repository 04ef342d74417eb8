"""Accepted rows that turn out to be refused, because the table has their keys on days outside the window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from torneo.checks import KEY_OUTSIDE_WINDOW
from torneo.spec.records import LINE, REASONS, GateReport, Table, file_digest

if TYPE_CHECKING:
    import polars as pl


def refuse_moved(gate: GateReport, files: tuple[Path, Path, Path], keys: pl.DataFrame, folder: Path) -> GateReport:
    """The gate after rows with these keys have gone from its accepted rows to its refused ones.

    Memory: the refused rows.

    Args:
        gate: as its step left it.
        files: its accepted rows, its refused ones, and the snapshot that both are of.
        keys: the key's columns in their types.
        folder: where the new `accepted.parquet` and `rejected.parquet` are written; their names are the tables' keys.
    """
    import polars as pl

    accepted, rejected, snapshot = (pl.scan_parquet(file) for file in files)
    lines = accepted.join(keys.lazy(), on=keys.columns, how="semi").select(LINE).collect(engine="streaming")
    accepted.join(keys.lazy(), on=keys.columns, how="anti", maintain_order="left").sink_parquet(
        folder / "accepted.parquet"
    )
    moved = snapshot.join(lines.lazy(), on=LINE, how="semi")
    refused = moved.with_columns(pl.lit([KEY_OUTSIDE_WINDOW]).alias(REASONS))
    columns = rejected.collect_schema().names()
    pl.concat([rejected, refused.select(columns)]).sort(LINE).sink_parquet(folder / "rejected.parquet")
    tables = {
        "accepted": _table(folder / "accepted.parquet", gate.accepted.rows - lines.height),
        "rejected": _table(folder / "rejected.parquet", gate.rejected.rows + lines.height),
    }
    return gate.model_copy(update={**tables, "reasons": {**gate.reasons, KEY_OUTSIDE_WINDOW: lines.height}})


def _table(path: Path, rows: int) -> Table:
    return Table(key=path.name, digest=file_digest(path), rows=rows)
