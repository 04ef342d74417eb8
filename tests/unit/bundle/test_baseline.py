from __future__ import annotations

import datetime
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.bundle.baseline import BINS, CATEGORIES, answers_baseline, background, baseline, errors_baseline
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
    assert made["edges"] == sorted(set(made["edges"]))
    assert len(made["edges"]) <= BINS + 1
    assert made["counts"][0] == made["counts"][-1] == 0 or not made["edges"], "nothing lies outside"
    json.dumps(made, allow_nan=False)


def test_bins_hold_one_percent_each() -> None:
    frame = pl.DataFrame({"a": [float(value) for value in range(1000)], "b": ["x"] * 1000})
    made = baseline(frame, [NUMBER], "b")["a"]
    assert made["counts"] == [0, *[10] * 100, 0]
    assert made["edges"][1] == 9.5, "an edge lies between two values, so that rounding moves none across"
    assert (made["min"], made["max"], made["mean"]) == (0.0, 999.0, 499.5)
    assert made["std"] == pytest.approx(288.819, abs=1e-3)


def test_each_of_few_values_has_its_bin() -> None:
    frame = pl.DataFrame({"a": [0.0] * 950 + [float(value) for value in range(1, 51)], "b": ["x"] * 1000})
    assert baseline(frame, [NUMBER], "b")["a"]["counts"] == [0, 950, *[1] * 50, 0]


def test_answers_are_those_of_the_positive_or_the_most_probable_class() -> None:
    of_two = answers_baseline(np.array([[0.75, 0.25], [0.5, 0.5]]), ("no", "yes"))
    assert (of_two["kind"], of_two["min"], of_two["max"]) == ("numeric", 0.25, 0.5)
    of_three = answers_baseline(np.array([[0.6, 0.2, 0.2], [0.1, 0.2, 0.7], [0.0, 0.2, 0.8]]), ("a", "b", "c"))
    assert of_three["counts"] == {"c": 2, "a": 1}
    assert answers_baseline(np.array([1.0, 3.0]), ())["mean"] == 2.0


def test_errors_grow_with_the_prediction_where_they_do() -> None:
    predicted = np.linspace(1, 100, 600)
    actual = predicted + np.where(np.arange(600) % 2 == 0, 0.1, -0.1) * predicted
    made = errors_baseline(actual, predicted)
    assert made["rows"] == [60] * 10
    assert made["means"]["mae"] == sorted(made["means"]["mae"])
    assert made["means"]["mae"][0] == pytest.approx(0.1 * predicted[:60].mean())
    assert {"rmse", "mape", "rmspe"} <= set(made["means"])
    json.dumps(made, allow_nan=False)


def test_an_error_model_of_few_rows_has_one_bin() -> None:
    assert errors_baseline(np.arange(20.0), np.arange(20.0) + 1)["rows"] == [20]


def test_rare_categories_are_counted_together() -> None:
    frame = pl.DataFrame({"b": [*[f"c{n:03}" for n in range(300)], "c000", None, ""], "y": [1.0] * 303})
    made = baseline(frame, [TEXT], "y")
    assert len(made["b"]["counts"]) == CATEGORIES
    assert list(made["b"]["counts"].items())[:2] == [("c000", 2), ("c001", 1)]
    assert made["b"]["other"] == 100
    assert made["b"]["missing"] == 2
    assert made["y"]["edges"] == [1 - 1e-6, 1 + 1e-6]
    assert made["y"]["counts"] == [0, 303, 0]


def test_background_is_a_sample_by_seed() -> None:
    frame = pl.DataFrame({"a": [float(value) for value in range(500)]})
    first = background(frame, ["a"], seed=1)["a"]
    assert len(set(first)) == 100
    assert background(frame, ["a"], seed=1)["a"] == first
    assert background(frame, ["a"], seed=2)["a"] != first


def test_no_row_of_the_background_has_what_one_person_has_in_personal_columns() -> None:
    frame = pl.DataFrame({name: [float(value) for value in range(500)] for name in ("a", "age", "code")})
    plain = background(frame, ["a", "age", "code"], seed=1)
    assert plain["a"] == plain["age"] == plain["code"]
    made = background(frame, ["a", "age", "code"], seed=1, personal={"age", "code"})
    assert made["a"] == plain["a"]
    for one, other in (("a", "age"), ("a", "code"), ("age", "code")):
        assert sorted(made[one]) == sorted(made[other])
        assert sum(x == y for x, y in zip(made[one], made[other], strict=True)) < 10, (one, other)
    assert background(frame, ["a", "age", "code"], seed=1, personal=["code", "age"]) == made


def test_background_holds_dates_as_json() -> None:
    day, moment = datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 30, 0, 5)
    frame = pl.DataFrame({"day": [day], "moment": [moment], "none": pl.Series([None], dtype=pl.Date)})
    made = background(frame, ["day", "moment", "none"], seed=1)
    assert datetime.datetime.fromisoformat(str(made["day"][0])).date() == day
    assert datetime.datetime.fromisoformat(str(made["moment"][0])) == moment
    assert made["none"] == (None,)
