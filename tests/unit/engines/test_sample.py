from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from torneo.engines import sample as module
from torneo.engines.sample import sample
from torneo.spec.project import Project
from torneo.spec.records import LINE
from torneo.testing import SilentProgress

PROJECT = Project.model_validate(
    {"project": "p", "task": "regression", "target": "x", "source": {"uri": "p.csv"},
     "contract": {"columns": {"id": {"type": "int"}, "x": {"type": "float", "min": 0}}, "key": ["id"]}}
)  # fmt: skip


@pytest.mark.parametrize("batch", [3, 250_000])
def test_rows_are_taken_evenly_with_their_verdicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(module, "BATCH_ROWS", batch)
    ids, x = [0, 1, 2, 3, 4, 5, 3, 7, 0, 9], [1, 1, -2, 3, 4, 5, 6, 7, 1, 9]
    pl.DataFrame({"id": ids, "x": x}).with_row_index(LINE, 2).write_parquet(tmp_path / "s.parquet")
    frame = sample(PROJECT, tmp_path / "s.parquet", {}, SilentProgress(), most_rows=5)
    assert frame["id"].to_list() == [0, 2, 4, 3, 0]
    assert frame["passes below_min_x"].to_list() == [True, False, True, True, True]
    assert frame["passes duplicate_key"].to_list() == [True, True, True, False, True]
    assert frame["passes repeated_row"].to_list() == [True, True, True, True, False]


def test_no_rows_have_all_columns(tmp_path: Path) -> None:
    pl.DataFrame(schema={"id": pl.Int64, "x": pl.Int64, LINE: pl.Int64}).write_parquet(tmp_path / "s.parquet")
    frame = sample(PROJECT, tmp_path / "s.parquet", {}, SilentProgress())
    assert frame.columns[:3] == ["id", "x", "passes invalid_id"]
    assert frame.height == 0
