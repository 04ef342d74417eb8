"""The test of Diebold and Mariano: for means over rows that are ordered in time."""

from __future__ import annotations

import math

import numpy as np

from torneo.judge.evidence import Evidence, from_error
from torneo.judge.predictions import Floats, Predictions
from torneo.judge.row_gains import row_gains
from torneo.metrics import Metric, UndefinedMetricError

LEAST_MOMENTS = 5
"""With fewer moments in time the correction for small samples leaves nothing."""


def diebold_mariano(
    champion: Predictions, challenger: Predictions, metric: Metric, *, confidence: float, min_gain: float
) -> Evidence:
    """The test of Diebold and Mariano (1995), corrected for small samples by Harvey, Leybourne and Newbold (1997).

    Rows of one moment are summed first, so that what moves them together (Driscoll and Kraay 1998) counts as error.
    The variance is that of Newey and West (1987) with L = 1.3 sqrt(T) lags, so many that slow autocorrelation is
    seen, and 3 T / (2 (L + 1)) degrees of freedom (Lazarus, Lewis, Stock and Watson 2018). In simulations of 8,000
    series the level of 5 % came out as 2.9 to 5.0 % for T from 30 to 400 and autocorrelation up to 0.5, and as up
    to 7.4 % for 0.7.

    Raises:
        ValueError: the rows have no order.
        UndefinedMetricError: there are too few moments.
    """
    if champion.order is None:
        raise ValueError("the Diebold-Mariano test needs rows with an order in time")
    gain, parts, kept = row_gains(champion, challenger, metric)
    moments, moment_of = np.unique(champion.order[kept], return_inverse=True)
    sums = np.zeros(len(moments))
    np.add.at(sums, moment_of, parts - gain)
    if len(moments) < LEAST_MOMENTS:
        raise UndefinedMetricError(
            f"{metric.name} cannot be tested on {len(moments)} moments in time: {LEAST_MOMENTS} needed"
        )
    error = long_run_deviation(sums) / len(parts)
    degrees = 1.5 * len(moments) / (lags(len(moments)) + 1)
    return from_error(
        gain, error, degrees, len(moments), confidence=confidence, min_gain=min_gain, test="Diebold-Mariano test"
    )


def lags(terms: int) -> int:
    """How many neighbours in time are looked at."""
    return math.ceil(1.3 * math.sqrt(terms))


def long_run_deviation(sums: Floats) -> float:
    """The standard deviation of the total of T >= 5 autocorrelated terms (T,) of mean 0."""
    terms = len(sums)
    horizon = lags(terms) + 1
    variance = float(sums @ sums)
    for lag in range(1, horizon):
        variance += 2 * (1 - lag / horizon) * float(sums[lag:] @ sums[:-lag])
    correction = (terms + 1 - 2 * horizon + horizon * (horizon - 1) / terms) / terms
    return float(np.sqrt(variance / correction))
