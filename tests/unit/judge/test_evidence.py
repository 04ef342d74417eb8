"""From a standard error to evidence."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from torneo.judge.evidence import from_error, student_quantile, student_upper


@given(gain=st.floats(-5, 5), error=st.floats(0.01, 3), degrees=st.integers(1, 500), confidence=st.floats(0.5, 0.999))
def test_p_value_and_interval_agree(gain: float, error: float, degrees: int, confidence: float) -> None:
    """The one-sided p-value is below (1 - confidence) / 2 just when the two-sided interval is above the least gain."""
    found = from_error(gain, error, degrees, 50, confidence=confidence, min_gain=0.1, test="t")
    assert found.low <= found.gain <= found.high
    if abs(found.low - 0.1) > 1e-6:
        assert (found.p_value < (1 - confidence) / 2) == (found.low > 0.1)


def test_infinite_degrees_are_the_normal_distribution() -> None:
    assert student_upper(1.3, math.inf) == pytest.approx(stats.norm.sf(1.3))
    assert student_quantile(0.9, math.inf) == pytest.approx(stats.norm.ppf(0.9))
