"""What the model reads: types, missing values, categories and scales."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from torneo.errors import TrainError
from torneo.learn.preparation import MAX_LEARNED, fit, input_frame, pipeline, preparation
from torneo.models import hist_gradient_boosting, linear, random_forest, xgboost
from torneo.spec.preparation import CategoricalStep, NumericStep, Prepare
from torneo.spec.records import LINE, Feature

NUMBER = Feature(name="n", kind="numeric")
LISTED = Feature(name="c", kind="categorical", categories=("b", "a", "z"))
LEARNED = Feature(name="c", kind="categorical")
NOTHING = Prepare(numeric=(), categorical=(CategoricalStep(encode="onehot"),))


def prepared(prepare: Prepare, features: list[Feature], X: pd.DataFrame, family: Any = linear, **more: Any) -> Any:
    return preparation(prepare, features, family, **{"classes": 0, "seed": 0, **more}).fit_transform(
        X, np.arange(len(X))
    )


@given(st.lists(st.none() | st.floats(-1e30, 1e30) | st.just(float("nan")), min_size=1, max_size=30))
def test_numbers_become_32_bits(values: list[float | None]) -> None:
    made = input_frame(pl.DataFrame({"n": pl.Series(values, dtype=pl.Float64)}), [NUMBER])["n"]
    assert made.dtype == np.float32
    for value, number in zip(values, made, strict=True):
        assert np.isnan(number) if value is None or value != value else number == np.float32(value)


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Boolean, pl.Float32, pl.UInt8])
def test_all_numeric_types(dtype: Any) -> None:
    made = input_frame(pl.DataFrame({"n": pl.Series([1, None, 0], dtype=pl.Int64).cast(dtype)}), [NUMBER])["n"]
    np.testing.assert_array_equal(made.to_numpy(), np.array([1, np.nan, 0], dtype=np.float32))


def test_text_is_text() -> None:
    made = input_frame(pl.DataFrame({"c": ["x", None, ""]}), [LEARNED])["c"]
    assert made.dtype == object
    assert made.tolist() == ["x", "", ""]


@pytest.mark.parametrize("value", [1e39, float("inf"), float("-inf")])
def test_number_that_is_none(value: float) -> None:
    frame = pl.DataFrame({LINE: [7, 8], "n": [1.0, value]})
    with pytest.raises(TrainError, match=r"column 'n', line 8: .* is not a number that 32 bits can hold"):
        input_frame(frame, [NUMBER])


def test_steps_in_their_order() -> None:
    X = pd.DataFrame({"n": np.array([1, 3, np.nan], dtype=np.float32)})
    prepare = Prepare(numeric=(NumericStep(impute="mean"), NumericStep(scale="minmax")))
    np.testing.assert_allclose(prepared(prepare, [NUMBER], X)[:, 0], [0, 1, 0.5])


def test_trees_are_not_scaled_but_imputed() -> None:
    X = pd.DataFrame({"n": np.array([1, 3, np.nan], dtype=np.float32)})
    np.testing.assert_allclose(prepared(Prepare(), [NUMBER], X, random_forest)[:, 0], [1, 3, 2])
    unscaled = Prepare(numeric=(NumericStep(scale="standard"),))
    np.testing.assert_allclose(prepared(unscaled, [NUMBER], X, xgboost)[:, 0], [1, 3, np.nan])


def test_missing_numbers_need_a_family_or_an_imputation() -> None:
    with pytest.raises(TrainError, match=r"cannot take missing numbers, and n may be missing\n.*impute: median"):
        preparation(NOTHING, [NUMBER], linear, classes=0, seed=0, nullable={"n"})
    preparation(NOTHING, [NUMBER], linear, classes=0, seed=0)
    preparation(NOTHING, [NUMBER], hist_gradient_boosting, classes=0, seed=0, nullable={"n"})


def categories(*values: str) -> pd.DataFrame:
    return pd.DataFrame({"c": pd.Series(values, dtype=object)})


def test_listed_categories_keep_the_contracts_order() -> None:
    X = categories("z", "a", "")
    np.testing.assert_array_equal(prepared(NOTHING, [LISTED], X), [[0, 0, 1], [0, 1, 0], [0, 0, 0]])
    ordinal = Prepare(categorical=(CategoricalStep(encode="ordinal"),))
    np.testing.assert_array_equal(prepared(ordinal, [LISTED], X)[:, 0], [2, 1, -1])


def test_missing_is_a_level_of_its_own() -> None:
    prepare = Prepare(categorical=(CategoricalStep(impute="missing"), CategoricalStep(encode="onehot")))
    made = prepared(prepare, [LISTED], categories("z", "a", ""))
    np.testing.assert_array_equal(made, [[0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    learned = prepared(prepare, [LEARNED], categories("z", "a", ""))
    np.testing.assert_array_equal(learned, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])


def test_most_frequent_takes_the_place_of_missing() -> None:
    made = prepared(Prepare(), [LEARNED], categories("z", "a", "z", ""))
    np.testing.assert_array_equal(made, [[0, 1], [1, 0], [0, 1], [0, 1]])


def test_a_column_that_is_empty_in_training() -> None:
    X = pd.DataFrame({"n": np.full(3, np.nan, dtype=np.float32)})
    np.testing.assert_array_equal(prepared(Prepare(), [NUMBER], X)[:, 0], [0, 0, 0])


def test_target_encoding_is_for_two_classes_at_most() -> None:
    prepare = Prepare(categorical=(CategoricalStep(encode="target"),))
    with pytest.raises(TrainError, match="encode: target cannot be exported for 3 classes"):
        preparation(prepare, [LEARNED], linear, classes=3, seed=0)


def build(features: list[Feature], prepare: Prepare = NOTHING, family: Any = linear, **params: Any) -> Any:
    return pipeline(prepare, features, family, task="regression", classes=0, params=params, seed=0, jobs=1)


def test_too_many_categories_to_learn() -> None:
    X = categories(*(f"c{place}" for place in range(MAX_LEARNED + 1)))
    with pytest.raises(TrainError, match="column 'c' has 1001 categories, too many"):
        fit(build([LEARNED]), X, np.arange(len(X)), jobs=1)
    target = Prepare(categorical=(CategoricalStep(encode="target"),))
    fit(build([LEARNED], target), X, np.arange(len(X)), jobs=1)


def test_no_feature() -> None:
    with pytest.raises(TrainError, match="no feature to learn from"):
        build([])


def test_blas_has_one_thread_while_fits_run_side_by_side() -> None:
    def blas() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    seen: list[list[int]] = []

    class Watched(type(build([NUMBER]).named_steps["model"])):  # type: ignore[misc]
        def fit(self, X: Any, y: Any) -> Any:
            seen.append(blas())
            return super().fit(X, y)

    def one(_: int) -> None:
        made = build([NUMBER])
        made.steps[-1] = ("model", Watched())
        fit(made, pd.DataFrame({"n": np.arange(300, dtype=np.float32)}), np.arange(300.0), jobs=1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(20)))
    assert len(seen) == 20
    assert {count for counts in seen for count in counts} == {1}


def test_forests_answer_with_one_thread() -> None:
    made = pipeline(
        NOTHING, [NUMBER], random_forest, task="regression", classes=0, params={"n_estimators": 3}, seed=0, jobs=2
    )
    assert made.named_steps["model"].n_jobs == 2
    fit(made, pd.DataFrame({"n": np.arange(30, dtype=np.float32)}), np.arange(30.0), jobs=2)
    assert made.named_steps["model"].n_jobs == 1
