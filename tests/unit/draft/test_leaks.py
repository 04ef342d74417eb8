"""Columns that know the answer are found, and honest ones are left alone."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from torneo.draft.guess import Guess
from torneo.draft.leaks import Leak, leaks

ROWS = 600
RANDOM = np.random.default_rng(7)
NOISE = RANDOM.normal(size=ROWS)
CLASS = (NOISE + RANDOM.normal(size=ROWS) > 0).astype(int)


def _found(x: pl.Series, y: pl.Series, task: str, kind: str = "float") -> Leak | None:
    sample = pl.DataFrame({"x": x, "y": y}).cast(pl.String)
    columns = {"x": Guess("x", kind), "y": Guess("y", "float" if task == "regression" else "category")}
    return next(iter(leaks(sample, columns, "y", task, ".")), None)


@pytest.mark.parametrize(
    ("x", "y", "task", "kind", "reason", "certain"),
    [
        (CLASS, CLASS, "classification", "category", "equals y", True),
        (1 - CLASS, CLASS, "classification", "category", "alone predicts y", True),
        (CLASS * 10 + RANDOM.uniform(0, 5, ROWS), CLASS, "classification", "float", "alone predicts y", True),
        (NOISE * 3.6 - 32, NOISE, "regression", "float", "alone predicts y", True),
        (NOISE + RANDOM.normal(size=ROWS) * 0.05, NOISE, "regression", "float", "almost perfectly", False),
    ],
)
def test_a_leak_is_found(x: np.ndarray, y: np.ndarray, task: str, kind: str, reason: str, certain: bool) -> None:
    leak = _found(pl.Series(x), pl.Series(y), task, kind)
    assert leak is not None
    assert reason in leak.reason
    assert leak.certain is certain


def test_a_column_that_is_filled_for_one_class_only() -> None:
    reasons = pl.Series(["price" if known else None for known in CLASS])
    leak = _found(reasons, pl.Series(CLASS), "classification", "category")
    assert leak is not None
    assert leak.certain


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("kind", ["float", "category"])
def test_honest_columns_are_no_leaks(task: str, kind: str) -> None:
    y = pl.Series(NOISE if task == "regression" else CLASS)
    useful = pl.Series(NOISE + RANDOM.normal(size=ROWS))
    x = useful if kind == "float" else useful.round(0)
    assert _found(x, y, task, kind) is None


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_chance_is_no_leak_even_with_many_values(task: str) -> None:
    """A column of as many values as rows fits what it has seen perfectly, and tells nothing."""
    y = pl.Series(NOISE if task == "regression" else CLASS)
    x = pl.Series([f"v{i // 2}" for i in RANDOM.permutation(ROWS)])
    assert _found(x, y, task, "category") is None


def test_few_rows_prove_nothing() -> None:
    few = pl.Series(NOISE[:40])
    assert _found(few * 2, few, "regression") is None
