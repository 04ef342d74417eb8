"""The paired t-test against scipy's, and its delta method for rmse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from torneo.judge import Predictions
from torneo.judge.paired_t import paired_t
from torneo.metrics import UndefinedMetricError, metric

Maker = Callable[..., Predictions]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(10, 1000), error=st.floats(0.5, 2), min_gain=st.floats(0, 0.3))
def test_mae_as_scipy(values: Maker, seed: int, error: float, min_gain: float) -> None:
    champion, challenger = values(3, 1.0), values(seed, error)
    before, after = (np.abs(each.actual - each.predicted) for each in (champion, challenger))
    expected = stats.ttest_1samp(before - after - min_gain, 0, alternative="greater")
    interval = stats.ttest_1samp(before - after, 0).confidence_interval(0.9)
    found = paired_t(champion, challenger, metric("mae"), confidence=0.9, min_gain=min_gain)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_rmse_gain_is_in_its_units_and_its_error_that_of_the_delta_method(values: Maker) -> None:
    champion, challenger = values(3, 2.0, rows=400), values(4, 1.0, rows=400)
    rmse = metric("rmse")
    found = paired_t(champion, challenger, rmse, confidence=0.95, min_gain=0.0)
    assert found.gain == pytest.approx(
        rmse(champion.actual, champion.predicted) - rmse(challenger.actual, challenger.predicted)
    )
    random = np.random.default_rng(0)
    gains = []
    for _ in range(1000):
        rows = random.integers(0, 400, 400)
        gains.append(
            rmse(champion.actual[rows], champion.predicted[rows])
            - rmse(champion.actual[rows], challenger.predicted[rows])
        )
    assert (found.high - found.low) / 3.92 == pytest.approx(np.std(gains), rel=0.1)


def test_sign_of_the_gain_follows_the_metric(probabilities: Maker) -> None:
    for name in ("accuracy", "log_loss", "brier"):
        found = paired_t(probabilities(3, 0.5), probabilities(4, 3.0), metric(name), confidence=0.95, min_gain=0.0)
        assert found.gain > 0
        assert found.p_value < 0.01


def test_equal_predictions_prove_nothing(values: Maker) -> None:
    found = paired_t(values(3, 1.0), values(3, 1.0), metric("rmse"), confidence=0.95, min_gain=0.0)
    assert (found.gain, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_a_constant_gain_counts_rows_as_the_sign_flip_test_does(holdout: Maker) -> None:
    champion, challenger = holdout(np.zeros(6), np.full(6, 2.0)), holdout(np.zeros(6), np.full(6, 1.0))
    found = paired_t(champion, challenger, metric("mae"), confidence=0.95, min_gain=0.0)
    assert found.p_value == 0.5**6


def test_rows_that_the_metric_leaves_out_have_no_part(holdout: Maker) -> None:
    champion, challenger = holdout([0.0, 2.0, 4.0], [9.0, 3.0, 7.0]), holdout([0.0, 2.0, 4.0], [1.0, 2.5, 4.5])
    found = paired_t(champion, challenger, metric("mape"), confidence=0.95, min_gain=0.0)
    assert found.gain == pytest.approx((0.25 + 0.625) / 2)


def test_one_row_cannot_be_tested(holdout: Maker) -> None:
    one = holdout([1.0], [2.0])
    with pytest.raises(UndefinedMetricError, match="mae cannot be tested on 1 row"):
        paired_t(one, one, metric("mae"), confidence=0.95, min_gain=0.0)
