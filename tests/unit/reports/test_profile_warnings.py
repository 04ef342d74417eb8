from __future__ import annotations

import polars as pl

from torneo.reports.profile import profile
from torneo.spec.project import Project


def test_a_rare_class_and_missing_targets_are_told() -> None:
    spec = Project.model_validate(
        {
            "project": "example", "task": "classification", "target": "y", "source": {"uri": "x.csv"},
            "contract": {"columns": {"x": {"type": "int"}, "y": {"type": "category", "values": ["no", "yes"]}}},
        }
    )  # fmt: skip
    frame = pl.LazyFrame({"x": list(range(100)), "y": ["no"] * 93 + ["yes"] * 3 + [None] * 4})
    warnings = profile(frame, spec).warnings
    assert "only 3.1 % of rows are 'yes'" in warnings
    assert "4 rows have no y, the target" in warnings


def test_few_rows_are_not_judged() -> None:
    assert profile(pl.LazyFrame({"x": [1, 2, 3]})).columns[0].warnings == ()


def test_pairs_are_bounded() -> None:
    frame = pl.LazyFrame({f"c{n}": range(50) for n in range(5)})
    warnings = profile(frame).warnings
    assert len(warnings) == 6
    assert warnings[-1] == "… and 5 more such pairs"


def test_a_whole_number_that_starts_at_one_is_not_cut_off() -> None:
    frame = pl.LazyFrame({"n": [1] * 200 + list(range(2, 102)), "x": [0.5] * 200 + [n + 0.7 for n in range(100)]})
    told = {each.name: "; ".join(each.warnings) for each in profile(frame).columns}
    assert "cut off" not in told["n"]
    assert "cut off at 0.5 (200 rows)" in told["x"]
