"""Each change is of the size that was asked for, leaves the rest alone, and is the same for the same seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from torneo.errors import ConflictError
from torneo.simulation.perturbations import (
    KINDS,
    NEW,
    VALUES,
    check_changes,
    check_fits,
    flip,
    prior,
    scale,
    shift,
    swap,
)

numbers = st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=60)
letters = st.lists(st.none() | st.sampled_from("abc"), min_size=1, max_size=60)
shares = st.floats(0, 1)
seeds = st.integers(0, 1000)
OF_SHARES = ("missing", "new_category", "swap", "flip")
LIKE = pl.Series("x", ["a"] * 5 + ["b"] * 3 + ["c"] * 2)


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def changed(before: pl.Series, after: pl.Series) -> int:
    return before.ne_missing(after).sum()


@given(numbers, st.floats(-10, 10))
def test_a_shift_moves_all_values_alike(values: list[float | None], amount: float) -> None:
    series = pl.Series("x", values, dtype=pl.Float64)
    like = pl.Series([1.0, 2.0, 3.0, None])
    assert_series_equal(shift(series, amount, like, random()), series + amount, abs_tol=1e-6)


@given(numbers, st.floats(-10, 10))
def test_a_scale_multiplies_and_what_is_missing_stays(values: list[float | None], amount: float) -> None:
    series = pl.Series("x", values, dtype=pl.Float64)
    assert_series_equal(scale(series, amount, series, random()), series * amount)


@pytest.mark.parametrize("change", [shift, scale])
def test_whole_numbers_stay_whole(change: Any) -> None:
    made = change(pl.Series("n", [1, 2, None]), 1.4, pl.Series([0, 10]), random())
    assert made.dtype == pl.Int64
    assert made.null_count() == 1


def test_a_column_without_spread_is_not_shifted() -> None:
    assert shift(pl.Series([1.0]), 3, pl.Series([5.0]), random()).to_list() == [1.0]
    assert shift(pl.Series([1.0]), 3, pl.Series([5.0, 5.0]), random()).to_list() == [1.0]


@pytest.mark.parametrize("kind", OF_SHARES)
@given(values=letters, share=shares, seed=seeds)
def test_no_more_than_the_share_is_changed_and_equal_seeds_change_the_same(
    kind: str, values: list[str | None], share: float, seed: int
) -> None:
    series = pl.Series("x", values, dtype=pl.String)
    made = VALUES[kind](series, share, LIKE, random(seed))
    assert (made.name, made.dtype, len(made)) == ("x", pl.String, len(values))
    assert changed(series, made) <= round(share * len(values))
    assert_series_equal(made, VALUES[kind](series, share, LIKE, random(seed)))


@pytest.mark.parametrize("kind", VALUES)
@given(values=letters, seed=seeds)
def test_what_changes_nothing_changes_nothing(kind: str, values: list[str | None], seed: int) -> None:
    series = pl.Series("x", values, dtype=pl.String)
    if kind in ("shift", "scale"):
        series = series.replace_strict({"a": 1.0, "b": 2.0, "c": 3.0}, return_dtype=pl.Float64)
    assert_series_equal(VALUES[kind](series, 1.0 if kind == "scale" else 0.0, series, random(seed)), series)


@given(letters, seeds)
def test_all_of_a_share_of_one(values: list[str | None], seed: int) -> None:
    series = pl.Series("x", values, dtype=pl.String)
    there = series.drop_nulls()
    assert VALUES["missing"](series, 1, LIKE, random(seed)).null_count() == len(series)
    assert VALUES["new_category"](series, 1, LIKE, random(seed)).drop_nulls().to_list() == [NEW] * len(there)
    flipped = flip(series, 1, LIKE, random(seed))
    assert (flipped.drop_nulls() != there).all(), "a flipped value is another one"
    assert set(flipped.drop_nulls()) <= set("abc")
    swapped = swap(series, 1, LIKE, random(seed))
    assert_series_equal(swapped, series.replace("a", "c"))


@pytest.mark.parametrize("values", [[True, False, False], [0, 1, 0]])
def test_booleans_and_whole_numbers_are_categories_too(values: list[Any]) -> None:
    series = pl.Series("y", values)
    flipped = flip(series, 1, series, random())
    assert flipped.dtype == series.dtype
    assert (flipped != series).all()
    assert swap(series, 1, series, random()).n_unique() == 1


def test_one_category_has_no_other() -> None:
    series = pl.Series(["a", "a"])
    assert flip(series, 1, series, random()).to_list() == ["a", "a"]
    assert swap(series, 1, series, random()).to_list() == ["a", "a"]


@given(st.lists(st.sampled_from("aab"), min_size=2, max_size=60), shares, seeds)
def test_a_shift_of_the_label_takes_the_share_from_the_rarest(values: list[str], share: float, seed: int) -> None:
    series = pl.Series("y", values)
    taken = prior(series, share, pl.Series(["a", "a", "b"]), random(seed))
    assert len(taken) == len(values)
    if series.n_unique() == 2:
        assert (series.gather(taken) == "b").sum() == round(share * len(values))
    else:
        assert taken.tolist() == list(range(len(values)))


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [("shift", pl.String()), ("scale", pl.Date()), ("flip", pl.Float64()), ("new_category", pl.Int64())],
)
def test_what_has_no_meaning_is_refused(kind: str, dtype: pl.DataType) -> None:
    with pytest.raises(ConflictError, match=f"{kind} has no meaning for x") as caught:
        check_fits(kind, "x", dtype)
    assert kind not in str(caught.value.fix).split(": ")[-1].replace("use one of ", "").split(", ")


@pytest.mark.parametrize(
    ("dtype", "named", "fitting"),
    [
        (pl.String(), "a category", "missing, new_category, swap, flip, prior"),
        (pl.Date(), "a date", "missing"),
        (pl.Datetime("us"), "a datetime", "missing"),
        (pl.Boolean(), "a bool", "missing, swap, flip, prior"),
    ],
)
def test_a_column_is_called_what_the_contract_calls_it(dtype: pl.DataType, named: str, fitting: str) -> None:
    with pytest.raises(
        ConflictError, match=f"shift has no meaning for x, which is {named}\n  fix: use one of {fitting}$"
    ):
        check_fits("shift", "x", dtype)


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        ("shift", [5.0, 5.0, None], "x is 5.0 in all rows that are played: shift changes nothing there"),
        ("scale", [0, 0], "x is 0 in all rows"),
        ("flip", ["a", "a"], "x is 'a' in all rows"),
        ("missing", [None, None], "x has no values in the rows that are played: missing changes nothing there"),
    ],
)
def test_what_changes_nothing_is_refused(kind: str, values: list[Any], told: str) -> None:
    with pytest.raises(ConflictError, match=told):
        check_changes(kind, pl.Series("x", values))


def test_what_changes_something_is_not() -> None:
    for kind, values in (("shift", [1, 2]), ("scale", [5, 5]), ("missing", [1, 1]), ("new_category", ["a", "a"])):
        check_changes(kind, pl.Series("x", values))


def test_what_has_one_is_not() -> None:
    for kind in KINDS:
        check_fits(kind, "x", pl.Float64() if kind in ("shift", "scale") else pl.String())
