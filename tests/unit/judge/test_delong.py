"""DeLong's test against its definition with all pairs of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from torneo.judge import Predictions
from torneo.judge.delong import delong
from torneo.metrics import UndefinedMetricError, metric

Maker = Callable[..., Predictions]
AUC = metric("auc")


def _by_pairs(positive: Any, score: Any) -> tuple[Any, Any]:
    """The structural components by their definition, O(n²)."""
    above = score[positive][:, None] - score[~positive][None, :]
    wins = np.where(above > 0, 1.0, np.where(above == 0, 0.5, 0.0))
    return wins.mean(axis=1), wins.mean(axis=0)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(5, 10_000), distance=st.floats(0, 2), digits=st.integers(1, 6))
def test_as_defined(probabilities: Maker, holdout: Maker, seed: int, distance: float, digits: int) -> None:
    champion = probabilities(4, 1.0, rows=80)
    challenger = holdout(champion.actual, probabilities(seed, distance, rows=80).predicted.round(digits))
    positive = champion.actual == 1
    (a10, a01), (b10, b01) = (_by_pairs(positive, each.predicted[:, 1]) for each in (champion, challenger))
    covariance10, covariance01 = np.cov(a10, b10), np.cov(a01, b01)
    contrast = np.array([-1, 1])
    variance = contrast @ (covariance10 / positive.sum() + covariance01 / (~positive).sum()) @ contrast
    gain = b10.mean() - a10.mean()
    found = delong(champion, challenger, AUC, confidence=0.95, min_gain=0.01)
    assert found.gain == pytest.approx(gain)
    assert found.gain == pytest.approx(
        AUC(challenger.actual, challenger.predicted) - AUC(champion.actual, champion.predicted)
    )
    assert found.p_value == pytest.approx(stats.norm.sf((gain - 0.01) / np.sqrt(variance)))
    assert found.high - found.gain == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-5)


def test_equal_rankings_prove_nothing(probabilities: Maker, holdout: Maker) -> None:
    champion = probabilities(4, 1.0)
    squared = champion.predicted[:, 1] ** 2
    challenger = holdout(champion.actual, np.column_stack([1 - squared, squared]))
    assert delong(champion, challenger, AUC, confidence=0.95, min_gain=0.0).p_value == 1.0


def test_one_row_of_a_class_is_too_few(holdout: Maker) -> None:
    one = holdout([1, 0, 0], np.full((3, 2), 0.5))
    with pytest.raises(UndefinedMetricError, match="1 positive and 2 negative rows: two of each needed"):
        delong(one, one, AUC, confidence=0.95, min_gain=0.0)
