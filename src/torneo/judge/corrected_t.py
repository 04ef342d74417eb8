"""The corrected resampled t-test: for repeated (nested) cross-validation, whose folds share training rows."""

from __future__ import annotations

import numpy as np

from torneo.judge.evidence import Evidence, from_error
from torneo.judge.predictions import Floats, Predictions
from torneo.metrics import Metric, UndefinedMetricError


def corrected_t(
    champion: Predictions, challenger: Predictions, metric: Metric, *, confidence: float, min_gain: float
) -> Evidence:
    """The test of Nadeau and Bengio (2003) on the gain of each fold.

    The variance of J folds' mean is (1/J + scored rows / training rows) times the folds' variance, because models
    trained on overlapping rows err together. So the test compares recipes, not one lucky pair of models. Folds on
    which the metric has no value are left out.

    Raises:
        UndefinedMetricError: the metric has a value on fewer than two folds.
    """
    before, after = fold_scores(champion, metric), fold_scores(challenger, metric)
    defined = ~np.isnan(before)
    if defined.sum() < 2:
        raise UndefinedMetricError(f"{metric.name} has a value on {defined.sum()} of {len(before)} folds: two needed")
    gains = metric.sign * (after - before)[defined]
    error = float(np.sqrt((1 / len(gains) + test_train_ratio(champion)) * gains.var(ddof=1)))
    return from_error(
        float(gains.mean()),
        error,
        len(gains) - 1,
        len(gains),
        confidence=confidence,
        min_gain=min_gain,
        test="corrected resampled t-test",
    )


def fold_scores(predictions: Predictions, metric: Metric) -> Floats:
    """The metric on each fold of each repetition (J,), NaN where it has no value."""
    return np.array([_score(predictions.take(fold), metric) for fold in _folds(predictions)])


def test_train_ratio(predictions: Predictions) -> float:
    """The mean over the folds of scored rows / training rows; a repetition's other rows are training rows."""
    ratios = []
    for fold in _folds(predictions):
        whole = int((predictions.repeat == predictions.repeat[fold][0]).sum())
        scored = int(fold.sum())
        if scored == whole:
            raise ValueError("cross-validation with one fold has no training rows")
        ratios.append(scored / (whole - scored))
    return float(np.mean(ratios))


def _folds(predictions: Predictions) -> list[np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    pairs = np.unique(np.column_stack([predictions.repeat, predictions.fold]), axis=0)
    return [(predictions.repeat == repeat) & (predictions.fold == fold) for repeat, fold in pairs]


def _score(predictions: Predictions, metric: Metric) -> float:
    try:
        return metric(predictions.actual, predictions.predicted)
    except UndefinedMetricError:
        return float("nan")
