"""The parts of a gain are those of a mean."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torneo.judge import Predictions
from torneo.judge.row_gains import row_gains
from torneo.metrics import metric

Maker = Callable[..., Predictions]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(5, 10_000), error=st.floats(0, 3), name=st.sampled_from(["rmse", "mae", "mape", "rmspe"]))
def test_parts_have_the_gain_as_their_mean(values: Maker, seed: int, error: float, name: str) -> None:
    champion, challenger = values(3, 1.0), values(seed, error)
    each = metric(name)
    gain, parts, kept = row_gains(champion, challenger, each)
    assert parts.mean() == pytest.approx(gain)
    assert kept.all()
    assert gain == pytest.approx(
        each(champion.actual, champion.predicted) - each(challenger.actual, challenger.predicted)
    )


def test_swapping_the_models_turns_the_sign(values: Maker) -> None:
    one, other = values(3, 1.0), values(4, 2.0)
    forward, backward = (row_gains(*pair, metric("rmse"))[1] for pair in ((one, other), (other, one)))
    assert forward == pytest.approx(-backward)


def test_a_metric_that_is_no_mean_is_refused(values: Maker) -> None:
    with pytest.raises(ValueError, match="r2 is not a mean over rows"):
        row_gains(values(3, 1.0), values(4, 1.0), metric("r2"))
