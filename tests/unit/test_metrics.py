"""Every metric against scikit-learn's, on any predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from torneo.errors import NotFoundError
from torneo.metrics import METRICS, UndefinedMetricError, metric, midranks, score_all


def _values(seed: int, rows: int) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    actual = random.normal(3, 2, rows).round(1)
    actual[actual == 0] = 0.5
    return actual, actual + random.normal(0.3, 1, rows)


def _probabilities(seed: int, rows: int, classes: int) -> tuple[Any, Any]:
    """Every class occurs; many probabilities are equal, so that ties are tried."""
    random = np.random.default_rng(seed)
    actual = np.r_[np.arange(classes), random.integers(0, classes, rows - classes)]
    raw = random.integers(1, 6, (rows, classes)).astype(float)
    raw[np.arange(rows), actual] += random.integers(0, 3, rows)
    return actual, raw / raw.sum(axis=1, keepdims=True)


def _average(classes: int) -> dict[str, Any]:
    return {"zero_division": 0} if classes == 2 else {"average": "macro", "zero_division": 0}


def _scores(classes: int, probabilities: Any) -> Any:
    return probabilities[:, 1] if classes == 2 else probabilities


REGRESSION: dict[str, Callable[[Any, Any], float]] = {
    "rmse": reference.root_mean_squared_error,
    "mae": reference.mean_absolute_error,
    "r2": reference.r2_score,
    "mape": reference.mean_absolute_percentage_error,
    "rmspe": lambda a, p: float(np.sqrt(np.mean(((a - p) / a) ** 2))),
}
CLASSIFICATION: dict[str, Callable[[Any, Any, int], float]] = {
    "accuracy": lambda a, p, k: reference.accuracy_score(a, p.argmax(1)),
    "balanced_accuracy": lambda a, p, k: reference.balanced_accuracy_score(a, p.argmax(1)),
    "f1": lambda a, p, k: reference.f1_score(a, p.argmax(1), **_average(k)),
    "precision": lambda a, p, k: reference.precision_score(a, p.argmax(1), **_average(k)),
    "recall": lambda a, p, k: reference.recall_score(a, p.argmax(1), **_average(k)),
    "auc": lambda a, p, k: reference.roc_auc_score(a, _scores(k, p), multi_class="ovr"),
    "average_precision": lambda a, p, k: reference.average_precision_score(a, _scores(k, p)),
    "log_loss": lambda a, p, k: reference.log_loss(a, p),
    "brier": lambda a, p, k: reference.brier_score_loss(a, _scores(k, p)),
}


def test_every_metric_has_a_reference() -> None:
    assert set(METRICS) == set(REGRESSION) | set(CLASSIFICATION)


@pytest.mark.parametrize("name", REGRESSION)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.integers(5, 60))
def test_regression_as_scikit_learn(name: str, seed: int, rows: int) -> None:
    actual, predicted = _values(seed, rows)
    assert metric(name)(actual, predicted) == pytest.approx(REGRESSION[name](actual, predicted))


@pytest.mark.parametrize("name", CLASSIFICATION)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.integers(8, 60), classes=st.integers(2, 4))
def test_classification_as_scikit_learn(name: str, seed: int, rows: int, classes: int) -> None:
    actual, predicted = _probabilities(seed, rows, classes)
    assert metric(name)(actual, predicted) == pytest.approx(CLASSIFICATION[name](actual, predicted, classes))


@pytest.mark.parametrize("name", [name for name, each in METRICS.items() if each.per_row])
def test_metric_is_the_mean_of_its_rows(name: str) -> None:
    each = metric(name)
    actual, predicted = _values(1, 40) if "regression" in each.tasks else _probabilities(1, 40, 3)
    assert each.per_row is not None
    mean = np.nanmean(each.per_row(actual, predicted))
    assert each(actual, predicted) == pytest.approx(np.sqrt(mean) if each.root else mean)


@pytest.mark.parametrize("name", METRICS)
def test_direction_of_better(name: str) -> None:
    each = metric(name)
    if "regression" in each.tasks:
        actual, worse = _values(2, 60)
        better = actual + 0.01
    else:
        actual, worse = _probabilities(2, 60, 2)
        better = np.where(np.arange(2) == actual[:, None], 0.99, 0.01)
    assert each.sign * (each(actual, better) - each(actual, worse)) > 0


@pytest.mark.parametrize("name", ["mape", "rmspe"])
def test_rows_with_actual_zero_are_left_out(name: str) -> None:
    assert metric(name)(np.array([0.0, 2.0]), np.array([9.0, 1.0])) == pytest.approx(0.5)
    with pytest.raises(UndefinedMetricError, match=f"{name} has no value: no row can be scored"):
        metric(name)(np.array([0.0]), np.array([1.0]))


def test_undefined_metrics_say_so_and_are_left_out_of_all() -> None:
    predicted = np.array([[0.4, 0.6], [0.3, 0.7]])
    with pytest.raises(UndefinedMetricError, match="auc has no value: the rows are all of class 1"):
        metric("auc")(np.array([1, 1]), predicted)
    scores = score_all(np.array([1, 1]), predicted, "classification")
    assert "auc" not in scores
    assert scores["accuracy"] == 1.0
    with pytest.raises(UndefinedMetricError, match="all actual values are equal"):
        metric("r2")(np.array([1.0, 1.0]), np.array([1.0, 2.0]))
    with pytest.raises(UndefinedMetricError, match="on no rows"):
        metric("mae")(np.array([]), np.array([]))


def test_score_all_has_the_metrics_of_the_task() -> None:
    assert set(score_all(*_values(3, 30), "regression")) == set(REGRESSION)
    assert set(score_all(*_probabilities(3, 30, 3), "classification")) == set(CLASSIFICATION)


def test_unknown_metric_names_the_nearest_and_all() -> None:
    with pytest.raises(NotFoundError, match=r"no metric 'rsme' for regression \(did you mean 'rmse'\? there are: rmse"):
        metric("rsme", "regression")
    with pytest.raises(NotFoundError, match="no metric 'rmse' for classification"):
        metric("rmse", "classification")


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"auc takes actual \(n,\) and predicted \(n, classes\), not \(3,\) and \(3,\)"
    ):
        metric("auc")(np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match=r"not \(3,\) and \(2,\)"):
        metric("rmse")(np.zeros(3), np.zeros(2))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_midranks_sum_as_ranks_do(values: list[int]) -> None:
    ranks = midranks(np.array(values, dtype=float))
    assert ranks.sum() == pytest.approx(len(values) * (len(values) + 1) / 2)
    assert all((ranks[i] == ranks[j]) == (a == b) for i, a in enumerate(values) for j, b in enumerate(values))
