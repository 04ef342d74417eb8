from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from torneo.watch.statistics import as_often, benjamini_hochberg, kolmogorov_upper, more_often


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 60), st.integers(1, 60))
def test_the_exact_test_is_fishers(events: int, rows: int, base_events: int, base_rows: int) -> None:
    events, base_events = min(events, rows), min(base_events, base_rows)
    table = [[events, rows - events], [base_events, base_rows - base_events]]
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert more_often(events, rows, base_events, base_rows) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_many_events_have_the_same_chance_as_by_the_normal_distribution() -> None:
    exact = stats.hypergeom.sf(5_199, 200_000, 10_100, 100_000)
    assert more_often(5_200, 100_000, 4_900, 100_000) == pytest.approx(exact, rel=0.02)


@given(st.integers(0, 200), st.integers(0, 200))
def test_two_sides_are_symmetric(first: int, second: int) -> None:
    assert as_often(first, 200, second, 300) == pytest.approx(as_often(second, 300, first, 200))


def test_the_kolmogorov_tail_is_near_the_exact_one() -> None:
    for distance in (0.15, 0.2, 0.3):
        exact = stats.ks_2samp(np.arange(100), np.arange(100) + 100 * distance - 0.5, method="exact").pvalue
        assert kolmogorov_upper(distance, 100, 100) == pytest.approx(exact, rel=0.25)


@given(st.lists(st.floats(0, 1), max_size=20))
def test_the_correction_is_that_of_benjamini_and_hochberg(p_values: list[float]) -> None:
    adjusted = benjamini_hochberg(p_values)
    if p_values:
        assert adjusted == pytest.approx(stats.false_discovery_control(p_values))
    assert all(
        after >= before or after == pytest.approx(before) for before, after in zip(p_values, adjusted, strict=True)
    )
