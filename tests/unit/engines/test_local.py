from __future__ import annotations

import threading
import time
from pathlib import Path

import polars as pl
import pytest

from torneo.engines.local import LocalEngine
from torneo.spec.project import Project
from torneo.spec.records import LINE, Snapshot, Table
from torneo.testing import SilentProgress


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_come_in_order_whatever_finishes_first(jobs: int) -> None:
    def wait(tenths: int) -> int:
        time.sleep(tenths / 10)
        return tenths

    assert list(LocalEngine(jobs).each(wait, [3, 1, 2])) == [3, 1, 2]


def test_items_run_side_by_side() -> None:
    together = threading.Barrier(2, timeout=10)
    assert len(list(LocalEngine(2).each(lambda _: together.wait(), [1, 2]))) == 2


def test_the_error_of_an_item_is_raised() -> None:
    with pytest.raises(ZeroDivisionError, match="division or modulo by zero"):
        list(LocalEngine(2).each(lambda item: 1 // item, [1, 0, 2]))


def test_the_engine_gates_a_snapshot(tmp_path: Path) -> None:
    pl.DataFrame({"x": ["1", "a"], LINE: [2, 3]}).write_parquet(tmp_path / "data.parquet")
    project = Project.model_validate(
        {"project": "p", "task": "regression", "target": "x", "source": {"uri": "x.csv"},
         "contract": {"columns": {"x": {"type": "float"}}}}
    )  # fmt: skip
    table = Table(key="data.parquet", digest="0" * 64, rows=2)
    snapshot = Snapshot(table=table, source="x.csv", file="x.csv", fingerprint="0" * 64, columns=("x",))
    report = LocalEngine().gate(project, snapshot, tmp_path / "data.parquet", tmp_path, SilentProgress())
    assert (report.accepted.rows, report.rejected.rows, report.reasons) == (1, 1, {"invalid_x": 1})
