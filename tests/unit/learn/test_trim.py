"""Outliers leave the training rows by fences that these rows set."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from torneo.learn.trim import kept_rows, trimmed
from torneo.spec.project import Trim

FRAME = pl.DataFrame({"x": [1.0, 2.0, 2.0, 3.0, 99.0, None], "y": [-500.0, 1.0, 1.0, 1.0, 1.0, 1.0]})


def test_nothing_to_trim() -> None:
    assert trimmed(FRAME, None) is FRAME
    assert kept_rows(FRAME, np.array([2, 4]), None).tolist() == [2, 4]


def test_each_column_has_fences_of_its_own_and_missing_values_stay() -> None:
    assert trimmed(FRAME, Trim(columns=("x",)))["x"].to_list() == [1.0, 2.0, 2.0, 3.0, None]
    assert trimmed(FRAME, Trim(columns=("x", "y")))["x"].to_list() == [2.0, 2.0, 3.0, None]


def test_quantiles_cut_a_share_off_each_end() -> None:
    frame = pl.DataFrame({"x": range(101)})
    kept = trimmed(frame, Trim(columns=("x",), by="quantile", factor=0.05))["x"]
    assert (kept.min(), kept.max()) == (5, 95)


def test_a_column_without_a_value_sets_no_fence() -> None:
    frame = pl.DataFrame({"x": [None, None]}, schema={"x": pl.Float64})
    assert trimmed(frame, Trim(columns=("x",))).height == 2


@given(st.lists(st.floats(-100, 100) | st.none(), min_size=4, max_size=30), st.data())
def test_some_rows_are_trimmed_as_if_there_were_no_others(values: list[float | None], data: st.DataObject) -> None:
    frame = pl.DataFrame({"x": values}, schema={"x": pl.Float64})
    rows = np.array(data.draw(st.lists(st.integers(0, len(values) - 1), min_size=1, unique=True)), dtype=np.int64)
    trim = Trim(columns=("x",), factor=0.5)
    assert frame[kept_rows(frame, rows, trim)].equals(trimmed(frame[rows], trim), null_equal=True)
