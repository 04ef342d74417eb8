"""The corrected resampled t-test against its formula."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from torneo.judge import Predictions
from torneo.judge.corrected_t import corrected_t, fold_scores, test_train_ratio
from torneo.metrics import UndefinedMetricError, metric

test_train_ratio.__test__ = False  # type: ignore[attr-defined]
Maker = Callable[..., Predictions]


def test_as_its_formula(values: Maker, folded: Maker) -> None:
    champion = folded(values(3, 1.2), repeats=3, folds=5)
    challenger = folded(values(4, 1.0), repeats=3, folds=5)
    rmse = metric("rmse")
    gains = fold_scores(champion, rmse) - fold_scores(challenger, rmse)
    assert len(gains) == 15
    error = np.sqrt((1 / 15 + 1 / 4) * gains.var(ddof=1))
    found = corrected_t(champion, challenger, rmse, confidence=0.95, min_gain=0.05)
    assert found.gain == pytest.approx(gains.mean())
    assert found.p_value == pytest.approx(stats.t.sf((gains.mean() - 0.05) / error, 14))
    assert found.high - found.gain == pytest.approx(stats.t.ppf(0.975, 14) * error)


def test_more_repetitions_do_not_make_more_proof(values: Maker, folded: Maker) -> None:
    """The plain t-test's p-value falls without limit when the same rows are folded again and again."""
    widths = []
    for repeats in (5, 40):
        champion, challenger = (folded(values(seed, 1.0), repeats, 5) for seed in (3, 4))
        found = corrected_t(champion, challenger, metric("rmse"), confidence=0.95, min_gain=0.0)
        widths.append(found.high - found.low)
    assert widths[1] > 0.6 * widths[0]


def test_ratio_of_scored_to_training_rows(values: Maker, folded: Maker) -> None:
    assert test_train_ratio(folded(values(3, 1.0), 2, 10)) == pytest.approx(1 / 9)
    with pytest.raises(ValueError, match="one fold has no training rows"):
        test_train_ratio(values(3, 1.0))


def test_folds_of_one_class_are_left_out(holdout: Maker) -> None:
    actual = np.array([0, 0, 0, 1, 0, 1])
    folds = np.array([0, 0, 1, 1, 2, 2])
    predicted = np.column_stack([np.linspace(1, 0, 6), np.linspace(0, 1, 6)])
    predictions = Predictions(actual, predicted, np.zeros(6, dtype=np.int64), folds)
    assert np.isnan(fold_scores(predictions, metric("auc"))).tolist() == [True, False, False]
    few = predictions.take(folds < 2)
    with pytest.raises(UndefinedMetricError, match="auc has a value on 1 of 2 folds"):
        corrected_t(few, few, metric("auc"), confidence=0.95, min_gain=0.0)
