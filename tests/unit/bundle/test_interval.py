from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torneo.bundle.interval import half_width
from torneo.errors import TrainError


@given(st.lists(st.floats(-1e6, 1e6), min_size=60, max_size=200), st.floats(0.1, 0.95))
def test_holds_the_finite_sample_share(values: list[float], share: float) -> None:
    width = half_width(np.array(values), share)
    inside = sum(abs(value) <= width for value in values)
    assert inside >= math.ceil((len(values) + 1) * share - 1e-9)
    assert width in np.abs(values)


def test_coverage_on_new_rows() -> None:
    random = np.random.default_rng(0)
    inside = [abs(random.normal()) <= half_width(random.normal(size=39), 0.8) for _ in range(4000)]
    assert 0.78 < np.mean(inside) < 0.83


def test_too_few_rows_and_no_number() -> None:
    with pytest.raises(TrainError, match="8 rows are too few for an interval that holds 90%"):
        half_width(np.ones(8), 0.9)
    assert half_width(np.ones(9), 0.9) == 1
    with pytest.raises(TrainError, match="not a number"):
        half_width(np.array([1.0, np.nan]), 0.5)
