"""McNemar's exact test against scipy's binomial test, and its margin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from torneo.judge import Predictions
from torneo.judge.mcnemar import at_least, mcnemar, tango
from torneo.metrics import metric

Maker = Callable[..., Predictions]
ACCURACY = metric("accuracy")


def _pair(holdout: Maker, won: int, lost: int, rows: int) -> tuple[Predictions, Predictions]:
    actual = np.ones(rows, dtype=np.int64)
    right = np.array([[0.1, 0.9]])
    wrong = np.array([[0.9, 0.1]])
    champion = np.concatenate([wrong] * won + [right] * (rows - won))
    challenger = np.concatenate([right] * won + [wrong] * lost + [right] * (rows - won - lost))
    return holdout(actual, champion), holdout(actual, challenger)


@given(won=st.integers(0, 40), lost=st.integers(0, 40))
def test_as_the_binomial_test(holdout: Maker, won: int, lost: int) -> None:
    champion, challenger = _pair(holdout, won, lost, 100)
    found = mcnemar(champion, challenger, ACCURACY, confidence=0.95, min_gain=0.0)
    expected = stats.binomtest(won, won + lost, alternative="greater").pvalue if won + lost else 1.0
    assert found.p_value == pytest.approx(expected)
    assert found.gain == pytest.approx((won - lost) / 100)


def test_few_wins_are_no_proof(holdout: Maker) -> None:
    champion, challenger = _pair(holdout, 3, 0, 400)
    assert mcnemar(champion, challenger, ACCURACY, confidence=0.95, min_gain=0.0).p_value == pytest.approx(0.125)


@given(won=st.integers(0, 60), lost=st.integers(0, 60), margin=st.floats(0.001, 0.2))
def test_a_margin_never_makes_promotion_easier(holdout: Maker, won: int, lost: int, margin: float) -> None:
    champion, challenger = _pair(holdout, won, lost, 150)
    without = mcnemar(champion, challenger, ACCURACY, confidence=0.95, min_gain=0.0)
    within = mcnemar(champion, challenger, ACCURACY, confidence=0.95, min_gain=margin)
    assert within.p_value >= without.p_value


def test_tango_approaches_mcnemars_normal_form_without_margin() -> None:
    assert tango(30, 10, 200, 1e-9) == pytest.approx(stats.norm.sf(20 / np.sqrt(40)), rel=1e-3)


def test_tango_keeps_its_level_at_the_margin() -> None:
    draws = np.random.default_rng(0).multinomial(300, [0.15, 0.10, 0.75], 2000)
    rejected = np.mean([tango(won, lost, 300, 0.05) < 0.05 for won, lost, _ in draws])
    assert 0.035 < rejected < 0.065


def test_at_least_is_exact_for_many_rows() -> None:
    assert at_least(500_700, 1_000_000) == pytest.approx(stats.binom.sf(500_699, 1_000_000, 0.5))
