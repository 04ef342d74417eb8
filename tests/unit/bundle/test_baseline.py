from __future__ import annotations

import datetime
import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.bundle.baseline import CATEGORIES, background, baseline
from torneo.spec.records import Feature

NUMBER = Feature(name="a", kind="numeric")
TEXT = Feature(name="b", kind="categorical")


@given(
    st.lists(
        st.none() | st.floats(-1e9, 1e9, allow_subnormal=False) | st.integers(0, 3).map(float), min_size=1, max_size=300
    )
)
def test_every_row_is_counted_once(values: list[float | None]) -> None:
    frame = pl.DataFrame({"a": pl.Series(values, dtype=pl.Float64), "b": pl.Series(["x"] * len(values))})
    made = baseline(frame, [NUMBER], "b")["a"]
    assert sum(made["counts"]) + made["missing"] == made["rows"] == len(values)
    assert made["edges"] == sorted(set(made["edges"])) or len(made["edges"]) == 2
    json.dumps(made, allow_nan=False)


def test_bins_hold_five_percent_each() -> None:
    frame = pl.DataFrame({"a": [float(value) for value in range(1000)], "b": ["x"] * 1000})
    made = baseline(frame, [NUMBER], "b")["a"]
    assert made["counts"] == [50] * 20
    assert (made["min"], made["max"], made["mean"]) == (0.0, 999.0, 499.5)
    assert made["std"] == pytest.approx(288.819, abs=1e-3)


def test_rare_categories_are_counted_together() -> None:
    frame = pl.DataFrame({"b": [*[f"c{n:03}" for n in range(300)], "c000", None, ""], "y": [1.0] * 303})
    made = baseline(frame, [TEXT], "y")
    assert len(made["b"]["counts"]) == CATEGORIES
    assert list(made["b"]["counts"].items())[:2] == [("c000", 2), ("c001", 1)]
    assert made["b"]["other"] == 100
    assert made["b"]["missing"] == 2
    assert made["y"]["edges"] == [1.0, 1.0]
    assert made["y"]["counts"] == [303]


def test_background_is_a_sample_by_seed() -> None:
    frame = pl.DataFrame({"a": [float(value) for value in range(500)]})
    first = background(frame, ["a"], seed=1)["a"]
    assert len(set(first)) == 100
    assert background(frame, ["a"], seed=1)["a"] == first
    assert background(frame, ["a"], seed=2)["a"] != first


def test_background_holds_dates_as_json() -> None:
    day, moment = datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 30, 0, 5)
    frame = pl.DataFrame({"day": [day], "moment": [moment], "none": pl.Series([None], dtype=pl.Date)})
    made = background(frame, ["day", "moment", "none"], seed=1)
    assert datetime.datetime.fromisoformat(str(made["day"][0])).date() == day
    assert datetime.datetime.fromisoformat(str(made["moment"][0])) == moment
    assert made["none"] == (None,)
