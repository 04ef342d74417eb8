from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from torneo.reports.profile_relations import cramers_v, explained, pearson

RANDOM = np.random.default_rng(0)


def test_pearson_is_that_of_pandas_with_holes() -> None:
    values = RANDOM.normal(size=(200, 4))
    values[:, 1] += values[:, 0]
    values[:, 3] = 7.0
    values[RANDOM.random(values.shape) < 0.2] = np.nan
    expected = pd.DataFrame(values).corr(min_periods=10).to_numpy()
    assert pearson(values)[:3, :3] == pytest.approx(expected[:3, :3])
    assert np.isnan(pearson(values)[:, 3]).all()


def test_pearson_of_large_numbers_is_exact() -> None:
    x = RANDOM.normal(size=500)
    found = pearson(np.stack([x + 1e9, 2 * x - 1e9], axis=1))
    assert found[0, 1] == pytest.approx(1.0, abs=1e-6)


def test_cramers_v_is_scipys_after_the_correction() -> None:
    first, second = RANDOM.integers(0, 3, 400), RANDOM.integers(0, 4, 400)
    second[:200] = first[:200]
    table = pd.crosstab(first, second).to_numpy()
    phi = stats.chi2_contingency(table, correction=False).statistic / 400
    r, c = table.shape
    phi = max(0, phi - (r - 1) * (c - 1) / 399)
    expected = np.sqrt(phi / (min(r - (r - 1) ** 2 / 399, c - (c - 1) ** 2 / 399) - 1))
    assert cramers_v(first, second) == pytest.approx(expected)


def test_independent_categories_have_no_relation_on_average() -> None:
    found = [cramers_v(RANDOM.integers(0, 5, 300), RANDOM.integers(0, 5, 300)) for _ in range(30)]
    assert np.mean(found) < 0.05


def test_too_few_rows_have_no_relation() -> None:
    assert np.isnan(cramers_v(np.array([0, 1, -1]), np.array([0, 1, 1])))
    assert np.isnan(cramers_v(np.zeros(50, dtype=np.int64), np.arange(50) % 2))


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(-100, 100)), min_size=2, max_size=60))
def test_explained_is_a_share(rows: list[tuple[int, float]]) -> None:
    places = np.array([row[0] for row in rows])
    counts = np.bincount(places, minlength=4).astype(float)
    assert 0 <= explained(places, counts, np.array([[row[1]] for row in rows])) <= 1


def test_noise_explains_nothing_on_average() -> None:
    found = []
    for _ in range(50):
        places = RANDOM.integers(0, 10, 200)
        found.append(explained(places, np.bincount(places, minlength=10).astype(float), RANDOM.normal(size=(200, 1))))
    assert np.mean(found) < 0.03
