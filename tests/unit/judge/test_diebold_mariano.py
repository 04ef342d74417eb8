"""The Diebold-Mariano test: its level under autocorrelation and common shocks, and its power."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from torneo.judge import Predictions
from torneo.judge.diebold_mariano import diebold_mariano
from torneo.judge.paired_t import paired_t
from torneo.metrics import UndefinedMetricError, metric

Maker = Callable[..., Predictions]
MAE = metric("mae")


def _slow(random: np.random.Generator, terms: int, memory: float) -> Any:
    """An autoregressive series of mean 0."""
    series = np.zeros(terms + 50)
    for step in range(1, len(series)):
        series[step] = memory * series[step - 1] + random.normal()
    return series[50:]


def _false_alarms(test: Any, holdout: Maker, memory: float, moments: int, rows_each: int = 1) -> float:
    """How often a test promotes when the losses differ by a series of mean 0."""
    random = np.random.default_rng(1)
    promoted = 0
    order = np.repeat(np.arange(moments), rows_each)
    for _ in range(400):
        difference = np.repeat(_slow(random, moments, memory), rows_each) + 0.1 * random.normal(size=len(order))
        actual = np.zeros(len(order))
        found = test(
            holdout(actual, 50 + difference, order), holdout(actual, np.full(len(order), 50.0), order), MAE,
            confidence=0.95, min_gain=0.0,
        )  # fmt: skip
        promoted += found.p_value < 0.05
    return promoted / 400


@pytest.mark.parametrize(("memory", "moments"), [(0.0, 60), (0.5, 73), (0.5, 400)])
def test_keeps_its_level_under_autocorrelation(holdout: Maker, memory: float, moments: int) -> None:
    assert _false_alarms(diebold_mariano, holdout, memory, moments) < 0.09


def test_rows_of_one_moment_are_not_independent(holdout: Maker) -> None:
    assert _false_alarms(diebold_mariano, holdout, 0.0, 60, rows_each=10) < 0.09
    assert _false_alarms(paired_t, holdout, 0.0, 60, rows_each=10) > 0.2


def test_the_test_for_independent_rows_would_promote_luck(holdout: Maker) -> None:
    assert _false_alarms(paired_t, holdout, 0.5, 73) > 0.12


def test_finds_a_true_gain(values: Maker) -> None:
    found = diebold_mariano(
        values(3, 2.0, order=np.arange(200)),
        values(4, 1.0, order=np.arange(200)),
        metric("rmse"),
        confidence=0.95,
        min_gain=0.5,
    )
    assert found.p_value < 0.01
    assert found.low < 1.0 < found.high


def test_the_rows_may_stand_in_any_order(values: Maker) -> None:
    champion, challenger = values(3, 1.2, order=np.arange(200)), values(4, 1.0, order=np.arange(200))
    shuffled = np.random.default_rng(0).permutation(200)
    moved = [
        Predictions(each.actual[shuffled], each.predicted[shuffled], each.repeat, each.fold, shuffled)
        for each in (champion, challenger)
    ]
    first = diebold_mariano(champion, challenger, MAE, confidence=0.95, min_gain=0.0)
    second = diebold_mariano(*moved, MAE, confidence=0.95, min_gain=0.0)
    assert second.p_value == pytest.approx(first.p_value)


def test_needs_time(values: Maker) -> None:
    with pytest.raises(ValueError, match="needs rows with an order in time"):
        diebold_mariano(values(3, 1.0), values(4, 1.0), MAE, confidence=0.95, min_gain=0.0)
    short = values(3, 1.0, rows=8, order=np.arange(8) // 2)
    with pytest.raises(UndefinedMetricError, match="on 4 moments in time: 5 needed"):
        diebold_mariano(short, short, MAE, confidence=0.95, min_gain=0.0)
