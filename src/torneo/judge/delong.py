"""DeLong's test: for the area under the ROC curve of two classes, on independent rows."""

from __future__ import annotations

import numpy as np

from torneo.judge.evidence import Evidence, from_error
from torneo.judge.predictions import Floats, Predictions
from torneo.metrics import Metric, UndefinedMetricError, midranks


def delong(
    champion: Predictions, challenger: Predictions, metric: Metric, *, confidence: float, min_gain: float
) -> Evidence:
    """The test of DeLong, DeLong and Clarke-Pearson (1988), in O(n log n) (Sun and Xu 2014).

    Raises:
        UndefinedMetricError: there are fewer than two rows of a class.
    """
    positive = champion.actual == 1
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if min(positives, negatives) < 2:
        raise UndefinedMetricError(
            f"{metric.name} cannot be tested on {positives} positive and {negatives} negative rows: two of each needed"
        )
    before = placements(positive, champion.predicted[:, 1])
    after = placements(positive, challenger.predicted[:, 1])
    found, spared = after[0] - before[0], after[1] - before[1]
    error = float(np.sqrt(found.var(ddof=1) / positives + spared.var(ddof=1) / negatives))
    rows = min(positives, negatives)
    gain = float(found.mean())
    return from_error(gain, error, np.inf, rows, confidence=confidence, min_gain=min_gain, test="DeLong's test")


def placements(positive: np.ndarray[tuple[int], np.dtype[np.bool_]], score: Floats) -> tuple[Floats, Floats]:
    """For each positive row the share of negatives below it, and for each negative the share of positives above it.

    >>> found, spared = placements(np.array([True, False, False]), np.array([0.5, 0.1, 0.9]))
    >>> found.tolist(), spared.tolist()
    ([0.5], [1.0, 0.0])
    """
    ranks = midranks(score)
    positives, negatives = int(positive.sum()), int((~positive).sum())
    found = (ranks[positive] - midranks(score[positive])) / negatives
    spared = 1 - (ranks[~positive] - midranks(score[~positive])) / positives
    return found, spared
