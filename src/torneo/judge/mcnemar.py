"""McNemar's exact test: for the accuracy of two classifiers on independent rows."""

from __future__ import annotations

import math

import numpy as np

from torneo.judge.evidence import Evidence, from_error, student_upper
from torneo.judge.predictions import Predictions
from torneo.judge.row_gains import per_row
from torneo.metrics import Metric


def mcnemar(
    champion: Predictions, challenger: Predictions, metric: Metric, *, confidence: float, min_gain: float
) -> Evidence:
    """McNemar's test (1947), exact by the binomial distribution at any number of rows.

    Only rows that one of the two gets right and the other wrong count. With a `min_gain`, the challenger must also
    pass Tango's score test (1998) for a difference of paired shares, and the larger of the two p-values stands.
    """
    before, after = per_row(champion, metric), per_row(challenger, metric)
    rows = len(before)
    won, lost = int((after > before).sum()), int((after < before).sum())
    gain = (won - lost) / rows
    error = math.sqrt(max(won + lost - (won - lost) ** 2 / rows, 0)) / rows
    spread = from_error(gain, error, np.inf, rows, confidence=confidence, min_gain=min_gain, test="McNemar's test")
    p_value = at_least(won, won + lost)
    if min_gain > 0:
        p_value = max(p_value, tango(won, lost, rows, min_gain))
    return Evidence(gain, spread.low, spread.high, p_value, "McNemar's exact test")


def at_least(heads: int, tosses: int) -> float:
    """The chance of so many heads or more when a fair coin is tossed.

    >>> at_least(2, 3)
    0.5
    """
    from scipy.special import betainc

    return 1.0 if heads == 0 else float(betainc(heads, tosses - heads + 1, 0.5))


def tango(won: int, lost: int, rows: int, margin: float) -> float:
    """The one-sided p-value for a gain in accuracy above a margin > 0 (Tango 1998, Statistics in Medicine 17).

    >>> round(tango(30, 10, 200, 0.02), 3)
    0.005
    """
    linear = -won - lost + (2 * rows - won + lost) * margin
    constant = -lost * margin * (1 - margin)
    lost_share = (math.sqrt(max(linear**2 - 8 * rows * constant, 0)) - linear) / (4 * rows)
    variance = rows * (2 * lost_share + margin * (1 - margin))
    return student_upper((won - lost - rows * margin) / math.sqrt(variance), math.inf)
