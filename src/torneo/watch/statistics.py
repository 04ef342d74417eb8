"""Tail probabilities that tests of drift need, and Benjamini and Hochberg's correction."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
EXACT = 10_000
"""Up to so many events the exact test is used; with more the normal distribution says the same."""


def chi_square_upper(statistic: float, degrees: int) -> float:
    """The chance that chi-square with so many degrees of freedom exceeds the statistic; 1 for none.

    >>> round(chi_square_upper(3.841, 1), 3)
    0.05
    """
    from scipy.special import chdtrc

    return float(chdtrc(degrees, statistic)) if degrees > 0 else 1.0


def kolmogorov_upper(distance: float, first: int, second: int) -> float:
    """The chance of a two-sample Kolmogorov-Smirnov distance this large, with Stephens' correction (1970).

    >>> round(kolmogorov_upper(0.5, 20, 20), 3)
    0.008
    """
    from scipy.special import kolmogorov

    root = math.sqrt(first * second / (first + second))
    return float(kolmogorov((root + 0.12 + 0.11 / root) * distance))


def gamma_upper(statistic: float, mean: float, variance: float) -> float:
    """The chance that the gamma distribution with this mean and variance exceeds the statistic.

    >>> round(gamma_upper(3.0, 1.0, 1.0), 3)
    0.05
    """
    from scipy.special import gammaincc

    if not variance > 0:
        return 0.0 if statistic > mean else 1.0
    return float(gammaincc(mean * mean / variance, max(statistic, 0.0) * mean / variance))


def more_often(events: int, rows: int, base_events: int, base_rows: int) -> float:
    """The chance of so many events among the rows, or more, if events are as frequent as in the baseline.

    Fisher's exact test (1935), one-sided; with more than 10,000 events the normal distribution.

    >>> round(more_often(3, 4, 1, 4), 3)
    0.243
    """
    from scipy.special import gammaln, ndtr

    total, everything = events + base_events, rows + base_rows
    if total == 0:
        return 1.0
    if total > EXACT:
        share = total / everything
        error = math.sqrt(rows * base_rows / everything * share * (1 - share)) or 1.0
        return float(ndtr(-(events - 0.5 - rows * share) / error))
    possible = np.arange(events, min(rows, total) + 1, dtype=np.float64)

    def ways(of: float, some: Floats) -> Floats:
        return np.asarray(gammaln(of + 1) - gammaln(some + 1) - gammaln(of - some + 1), dtype=np.float64)

    possible = possible[total - possible <= base_rows]
    logs = ways(rows, possible) + ways(base_rows, total - possible) - ways(everything, np.array(float(total)))
    return min(1.0, float(np.exp(logs).sum()))


def as_often(events: int, rows: int, base_events: int, base_rows: int) -> float:
    """Two-sided: twice the smaller tail of the exact test.

    >>> as_often(2, 100, 2, 100)
    1.0
    """
    more = more_often(events, rows, base_events, base_rows)
    fewer = more_often(base_events, base_rows, events, rows)
    return min(1.0, 2 * min(more, fewer))


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """P-values adjusted so that of those below a level at most that share is false, on average.

    Reference: Benjamini and Hochberg (1995), Controlling the false discovery rate, JRSS B 57(1).

    >>> [round(p, 3) for p in benjamini_hochberg([0.01, 0.04, 0.03, 0.5])]
    [0.04, 0.053, 0.053, 0.5]
    """
    adjusted = [1.0] * len(p_values)
    smallest = 1.0
    by_size = sorted(range(len(p_values)), key=lambda place: p_values[place], reverse=True)
    for place, index in enumerate(by_size):
        smallest = min(smallest, p_values[index] * len(p_values) / (len(p_values) - place))
        adjusted[index] = smallest
    return tuple(adjusted)
