from __future__ import annotations

import numpy as np
import pytest

from torneo.metrics import metric
from torneo.watch.performance import Pairs, score, scores


def _regression(rows: int, seed: int, spread: float = 1.0) -> Pairs:
    random = np.random.default_rng(seed)
    predicted = random.normal(size=rows)
    return Pairs(predicted + spread * random.normal(size=rows), predicted)


def _classes(rows: int, seed: int) -> Pairs:
    random = np.random.default_rng(seed)
    chance = random.beta(2, 3, rows)
    return Pairs((random.random(rows) < chance).astype(float), np.column_stack([1 - chance, chance]))


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_intervals_of_regression_hold_the_true_score(name: str) -> None:
    truth = {"rmse": 1.0, "mae": np.sqrt(2 / np.pi), "r2": 0.5}[name]
    held = [_holds(_regression(200, seed), name, float(truth)) for seed in range(80)]
    assert np.mean(held) > 0.85, f"{np.mean(held):.0%} of intervals of 95 % hold the score"


@pytest.mark.parametrize("name", ["accuracy", "auc", "brier"])
def test_intervals_of_classification_hold_the_true_score(name: str) -> None:
    everything = _classes(400_000, 999)
    truth = metric(name)(everything.actual, everything.predicted)
    held = [_holds(_classes(200, seed), name, truth) for seed in range(60)]
    assert np.mean(held) > 0.85, f"{np.mean(held):.0%} of intervals of 95 % hold the score"


def _holds(pairs: Pairs, name: str, truth: float) -> bool:
    found = score(pairs, metric(name))
    assert found.low is not None
    assert found.high is not None
    return found.low <= truth <= found.high


def test_rows_whose_outcome_is_not_known_are_counted_and_left_out() -> None:
    pairs = Pairs(np.array([1.0, np.nan, 3.0]), np.array([1.5, 100.0, 3.5]))
    found = score(pairs, metric("mae"))
    assert (found.score, found.rows, found.labelled) == (0.5, 3, 2)


def test_a_metric_without_a_value_is_none() -> None:
    one_class = Pairs(np.array([1.0, 1.0]), np.array([[0.2, 0.8], [0.3, 0.7]]))
    assert score(one_class, metric("auc")).score is None
    nothing = Pairs(np.array([np.nan]), np.array([1.0]))
    found = score(nothing, metric("rmse"))
    assert (found.score, found.low, found.labelled) == (None, None, 0)


def test_scores_by_version_role_and_slice() -> None:
    good, bad = _regression(500, 1, 0.5), _regression(300, 2, 2.0)
    pairs = Pairs(np.r_[good.actual, bad.actual], np.r_[good.predicted, bad.predicted])
    by = {"version": np.r_[np.full(500, 3), np.full(300, 4)], "plan": np.array(["a", None] * 400)}
    found = scores(pairs, by, metric("rmse"))
    assert [(each.group, each.rows) for each in found] == [
        ({"version": "3", "plan": "(missing)"}, 250),
        ({"version": "3", "plan": "a"}, 250),
        ({"version": "4", "plan": "(missing)"}, 150),
        ({"version": "4", "plan": "a"}, 150),
    ]
    assert all(each.score == pytest.approx(0.5 if each.group["version"] == "3" else 2, rel=0.2) for each in found)
    assert sum(each.rows for each in found) == len(pairs)


def test_many_rows_take_a_bounded_time() -> None:
    large, small = _classes(300_000, 5), _classes(3_000, 5)
    widths = [found.high - found.low for found in (score(each, metric("auc")) for each in (large, small)) if found.high and found.low]  # fmt: skip  # noqa: E501
    assert widths[1] / widths[0] == pytest.approx(10, rel=0.3), "the spread of drawn rows is scaled to all"


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="2 outcomes do not fit 3 answers"):
        Pairs(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="version has 1 values for 2 rows"):
        scores(Pairs(np.zeros(2), np.zeros(2)), {"version": np.zeros(1)}, metric("mae"))
