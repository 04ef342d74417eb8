"""The paired bootstrap: agreement with formulas, coverage, time, and size."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from torneo.judge import Predictions
from torneo.judge.bootstrap import paired_bootstrap
from torneo.judge.delong import delong
from torneo.judge.paired_t import paired_t
from torneo.metrics import METRICS, UndefinedMetricError, metric

Maker = Callable[..., Predictions]


@pytest.mark.parametrize("name", ["rmse", "mae", "mape"])
@pytest.mark.parametrize("rows", [200, 20_000])
def test_interval_of_means_as_the_t_test(values: Maker, name: str, rows: int) -> None:
    champion, challenger = values(3, 1.2, rows=rows), values(4, 1.0, rows=rows)
    drawn = paired_bootstrap(champion, challenger, metric(name), confidence=0.9, min_gain=0.0)
    exact = paired_t(champion, challenger, metric(name), confidence=0.9, min_gain=0.0)
    assert drawn.gain == pytest.approx(exact.gain)
    assert drawn.high - drawn.low == pytest.approx(exact.high - exact.low, rel=0.12)


@pytest.mark.parametrize("rows", [300, 20_000])
def test_interval_of_auc_as_delong(probabilities: Maker, rows: int) -> None:
    champion, challenger = probabilities(3, 1.0, rows=rows), probabilities(4, 1.2, rows=rows)
    drawn = paired_bootstrap(champion, challenger, metric("auc"), confidence=0.9, min_gain=0.0, resamples=1000)
    exact = delong(champion, challenger, metric("auc"), confidence=0.9, min_gain=0.0)
    assert drawn.gain == pytest.approx(exact.gain)
    assert drawn.high - drawn.low == pytest.approx(exact.high - exact.low, rel=0.15)


def test_p_value_as_delong(probabilities: Maker) -> None:
    champion, challenger = probabilities(3, 1.0), probabilities(4, 1.4)
    drawn = paired_bootstrap(champion, challenger, metric("auc"), confidence=0.9, min_gain=0.0)
    exact = delong(champion, challenger, metric("auc"), confidence=0.9, min_gain=0.0)
    assert drawn.p_value == pytest.approx(exact.p_value, abs=0.02)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_can_be_drawn_and_a_better_model_wins(values: Maker, probabilities: Maker, name: str) -> None:
    maker = values if "regression" in metric(name).tasks else probabilities
    weak, strong = (2.0, 0.5) if maker is values else (0.3, 3.0)
    found = paired_bootstrap(maker(3, weak), maker(4, strong), metric(name), confidence=0.95, min_gain=0.0)
    assert found.low > 0
    assert found.p_value < 0.01


def test_same_seed_same_interval(values: Maker) -> None:
    one, two, other = (
        paired_bootstrap(values(3, 1.2), values(4, 1.0), metric("r2"), confidence=0.9, min_gain=0.0, seed=seed)
        for seed in (0, 0, 1)
    )
    assert one == two
    assert one != other


def test_level_on_equal_models(values: Maker) -> None:
    promoted = sum(
        paired_bootstrap(
            values(2 * seed + 10, 1.0, rows=40), values(2 * seed + 11, 1.0, rows=40), metric("mae"),
            confidence=0.95, min_gain=0.0, resamples=200,
        ).p_value < 0.05
        for seed in range(300)
    )  # fmt: skip
    assert promoted / 300 < 0.085


def test_blocks_see_autocorrelation(holdout: Maker) -> None:
    slow = np.repeat(np.random.default_rng(0).normal(size=60), 5)
    actual, flat = np.zeros(300), np.full(300, 50.0)
    blocked = [holdout(actual, each, np.arange(300)) for each in (flat + slow, flat)]
    free = [holdout(actual, each) for each in (flat + slow, flat)]
    wide = paired_bootstrap(*blocked, metric("mae"), confidence=0.9, min_gain=0.0)
    narrow = paired_bootstrap(*free, metric("mae"), confidence=0.9, min_gain=0.0)
    assert wide.test == "paired block bootstrap"
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_rows_of_one_moment_are_drawn_together(probabilities: Maker) -> None:
    order = np.arange(300) // 6
    champion, challenger = probabilities(3, 1.0, order=order), probabilities(4, 2.5, order=order)
    found = paired_bootstrap(champion, challenger, metric("auc"), confidence=0.9, min_gain=0.0, resamples=500)
    assert found.low > 0


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seconds"), [("rmse", 5), ("auc", 15)])
def test_a_million_rows_in_seconds(values: Maker, probabilities: Maker, name: str, seconds: float) -> None:
    maker = values if name == "rmse" else probabilities
    champion, challenger = maker(3, 1.0, rows=1_000_000), maker(4, 1.0, rows=1_000_000)
    begun = time.process_time()
    paired_bootstrap(champion, challenger, metric(name), confidence=0.95, min_gain=0.0)
    assert time.process_time() - begun < seconds


def test_what_cannot_be_drawn_says_so(holdout: Maker) -> None:
    one = holdout([1.0], [2.0])
    with pytest.raises(UndefinedMetricError, match="mae cannot be tested on one row or moment"):
        paired_bootstrap(one, one, metric("mae"), confidence=0.95, min_gain=0.0)
    lonely = holdout([1, 0], np.full((2, 2), 0.5))
    with pytest.raises(UndefinedMetricError, match=r"auc has a value on \d+ of 2000 resamples: too few"):
        paired_bootstrap(lonely, lonely, metric("auc"), confidence=0.95, min_gain=0.0)
