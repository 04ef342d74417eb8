from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from torneo.bundle.baseline import errors_baseline
from torneo.errors import NotFoundError
from torneo.metrics import metric
from torneo.spec.records import ANSWERS, ERRORS
from torneo.watch.drift import drift
from torneo.watch.estimates import confidence_based, error_model, reliability_of
from torneo.watch.report import DriftReport
from torneo.watch.sketch import sketch
from unit.watch.making import baseline_of


@pytest.mark.parametrize("name", ["accuracy", "auc", "f1", "log_loss", "brier", "average_precision"])
def test_true_probabilities_give_the_score_without_outcomes(name: str) -> None:
    random = np.random.default_rng(1)
    chance = random.beta(2, 3, 20_000)
    probabilities = np.column_stack([1 - chance, chance])
    actual = (random.random(20_000) < chance).astype(np.int64)
    found = confidence_based(probabilities, metric(name))
    assert found.score == pytest.approx(metric(name)(actual, probabilities), rel=0.05)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.score < found.high  # type: ignore[operator]


def test_three_classes_are_estimated_too() -> None:
    random = np.random.default_rng(2)
    probabilities = random.dirichlet([1, 1, 2], 5000)
    actual = np.array([random.choice(3, p=row) for row in probabilities])
    for name in ("accuracy", "auc"):
        found = confidence_based(probabilities, metric(name))
        assert found.score == pytest.approx(metric(name)(actual, probabilities), abs=0.02)


def test_errors_follow_where_predictions_go() -> None:
    random = np.random.default_rng(3)

    def drawn(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
        predicted = random.uniform(low, high, 5000)
        return predicted + random.normal(size=5000) * predicted / 10, predicted

    baseline = {ERRORS: errors_baseline(*drawn(10, 100))}
    actual, predicted = drawn(60, 100)
    for name in ("rmse", "mae", "mape", "rmspe"):
        found = error_model(baseline, predicted, metric(name))
        assert found.score == pytest.approx(metric(name)(actual, predicted), rel=0.08)
    with pytest.raises(NotFoundError, match="r2 cannot be estimated before outcomes come"):
        error_model(baseline, predicted, metric("r2"))


def _report(shift: float, *, name: str = "x") -> DriftReport:
    random = np.random.default_rng(4)
    trained = baseline_of(pl.DataFrame({name: random.normal(size=2000)}))
    return drift(trained, sketch(trained, pl.DataFrame({name: random.normal(shift, size=1000)})))


def test_drift_makes_an_estimate_doubtful_and_large_drift_unreliable() -> None:
    assert reliability_of(_report(0))[0] == "reliable"
    assert reliability_of(_report(0.2)) == ("doubtful", "drift of x")
    assert reliability_of(_report(2)) == ("unreliable", "large drift of x")
    assert reliability_of(None)[0] == "doubtful"
    outside = reliability_of(_report(2.5, name=ANSWERS))
    assert outside[0] == "unreliable"
    assert "of the answers are beyond those that the model was judged on" in outside[1]
    assert confidence_based(np.array([[0.5, 0.5]]), metric("brier"), drift=_report(0)).reliability == "reliable"


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"probabilities \(n, classes\), not \(3,\)"):
        confidence_based(np.zeros(3), metric("accuracy"))
    with pytest.raises(ValueError, match=r"predictions \(n,\), not \(0,\)"):
        error_model({}, np.zeros(0), metric("rmse"))
