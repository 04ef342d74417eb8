"""Rows in the order of their key, whatever they are and wherever they lie."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path

import polars as pl
import pytest

from torneo.stores import warehouse_sort
from torneo.stores.warehouse_sort import sorted_batches


def test_rows_keep_their_types_and_values(tmp_path: Path) -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 6)
    frame = pl.DataFrame(
        {
            "id": ["b", "a\0b", "B", "ñ", "", None],
            "amount": pl.Series(["1.5000", None, "-0.0001", "9", "0", "2"]).cast(pl.Decimal(38, 4)),
            "small": pl.Series([decimal.Decimal("1.25"), None, None, None, None, None], dtype=pl.Decimal(4, 2)),
            "units": [1, 2, None, -(2**63), 2**63 - 1, 0],
            "share": [0.1, float("nan"), None, float("-inf"), -0.0, 5e-324],
            "active": [True, False, None, True, True, True],
            "day": [datetime.date(1, 1, 1), None, datetime.date(9999, 12, 31), None, None, None],
            "moment": pl.Series([moment, None, None, None, None, None], dtype=pl.Datetime("us")),
        }
    )
    (folder := tmp_path / "a [1]*?'").mkdir()
    frame.write_parquet(folder / "rows.parquet")
    found = list(sorted_batches(folder / "rows.parquet", frame.columns, ["id"], 2))
    assert sum(map(len, found)) == 6
    assert pl.concat(found).equals(frame[[4, 2, 1, 0, 3, 5]]), "not in the order of their bytes"
    assert pl.concat(found).schema == frame.schema


def test_more_rows_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse_sort, "MEMORY", "48MB")
    numbers = pl.int_range(600_000, eager=True).shuffle(seed=1)
    pl.DataFrame({"id": numbers.cast(pl.String) + "-" * 40, "n": numbers}).write_parquet(tmp_path / "rows.parquet")
    last, count = "", 0
    for batch in sorted_batches(tmp_path / "rows.parquet", ["id"], ["id"], 50_000):
        assert batch["id"].is_sorted()
        assert batch["id"][0] > last
        last, count = batch["id"][-1], count + len(batch)
    assert count == 600_000
