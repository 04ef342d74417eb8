"""What the gate of a load makes of rows of other days, and of keys that come and are not taken."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from torneo.engines.gate import ACCEPTED, REJECTED, WITHHELD, gate
from torneo.spec.loading import LoadProject
from torneo.spec.records import LINE, REASONS, GateReport
from torneo.spec.tables import Window
from torneo.testing import SilentProgress

COLUMNS = {"site": {"type": "text"}, "day": {"type": "date"}, "y": {"type": "int", "min": 0}}
WINDOW = Window(column="day", first=datetime.date(2026, 1, 4), last=datetime.date(2026, 1, 5))
Row = tuple[str, str, str]


def gated(folder: Path, key: list[str], rows: list[Row], batch_rows: int = 100) -> tuple[GateReport, Any, Any, Any]:
    """The report, the accepted sites, reasons by line (the first is 2), and the withheld keys in order."""
    project = LoadProject.model_validate(
        {
            "project": "load",
            "source": {"uri": "p.csv"},
            "contract": {"key": key, "columns": COLUMNS},
            "load": {"to": "prod.p", "window": {"column": "day", "days": 2}},
        }
    )
    frame = pl.DataFrame(rows, schema=list(COLUMNS), orient="row")
    data = folder / "snapshot.parquet"
    frame.with_columns(pl.int_range(2, pl.len() + 2).alias(LINE)).write_parquet(data)
    report = gate(project, data, folder, SilentProgress(), {}, window=WINDOW, batch_rows=batch_rows)
    accepted = pl.read_parquet(folder / ACCEPTED)["site"].to_list()
    reasons = dict(pl.read_parquet(folder / REJECTED).select(LINE, REASONS).iter_rows())
    return report, accepted, reasons, sorted(set(pl.read_parquet(folder / WITHHELD).rows()))


@pytest.mark.parametrize("batch_rows", [1, 2, 100])
def test_it_tells_which_keys_came_and_were_not_taken(tmp_path: Path, batch_rows: int) -> None:
    rows = [
        ("good", "2026-01-05", "1"),
        ("bad", "2026-01-05", "-1"),
        ("undated", "2026-01-32", "1"),
        ("away", "2026-01-06", "1"),
        ("twice", "2026-01-05", "1"),
        ("twice", "2026-01-06", "1"),
        ("copied", "2026-01-04", "1"),
        ("copied", "2026-01-04", "1"),
        ("", "2026-01-04", "1"),
    ]
    report, accepted, reasons, withheld = gated(tmp_path, ["site"], rows, batch_rows)
    assert accepted == ["good", "copied"]
    assert reasons == {
        3: ["below_min_y"], 4: ["invalid_day"], 6: ["duplicate_key"], 9: ["repeated_row"], 10: ["missing_site"],
    }  # fmt: skip
    assert (report.outside_window, report.undated, report.left_out) == (2, 1, 0)
    assert withheld == [("away",), ("bad",), ("copied",), ("twice",), ("undated",)]


def test_where_the_key_tells_the_day_rows_of_other_days_do_not_count(tmp_path: Path) -> None:
    rows = [("a", "2026-01-05", "1"), ("a", "2026-01-06", "1"), ("b", "2026-01-05", "-1")]
    report, accepted, reasons, withheld = gated(tmp_path, ["site", "day"], rows)
    assert (accepted, reasons, report.outside_window) == (["a"], {4: ["below_min_y"]}, 1)
    assert withheld == [("b", datetime.date(2026, 1, 5))]
