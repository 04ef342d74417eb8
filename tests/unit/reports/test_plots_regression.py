from __future__ import annotations

import numpy as np
import pytest

from torneo.reports import plots_regression as plots


def test_errors_that_grow_are_named() -> None:
    predicted = np.arange(1, 301, dtype=float)
    error = predicted * np.where(np.arange(300) % 2, 0.1, -0.1)
    assert plots.residual_finding(error, predicted) == "Errors are larger for high predictions: 25.2, for low ones 5.82"
    assert "larger for low predictions" in plots.residual_finding(error[::-1], predicted)


def test_few_rows_give_no_trend() -> None:
    assert plots.residual_finding(np.array([3.0, -4.0]), np.array([1.0, 2.0])).startswith("Predictions are off by 3.54")


@pytest.mark.parametrize("rows", [0, 1, plots.DRAWN, plots.DRAWN + 1, 100_000])
def test_a_sample_is_ordered_without_repeats_and_always_the_same(rows: int) -> None:
    found = plots.sample(rows)
    assert len(found) == min(rows, plots.DRAWN)
    assert (np.diff(found) > 0).all()
    assert (found == plots.sample(rows)).all()
