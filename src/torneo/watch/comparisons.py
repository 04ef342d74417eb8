"""Tests of drift, a function each: from a baseline's sketch and a window's to statistic, effect and p-value.

`statistic` is what the field calls by the test's name, `effect` what is held against the threshold: the same, less
what chance alone adds to it where that is known. Every p-value is the chance of a difference this large between two
samples of one population, of the baseline's and the window's size.

References: Yurdakul and Naranjo (2020), Statistical properties of the population stability index, Journal of Risk Model
Validation 14(4), for the limit of PSI; Cressie and Read (1984), Multinomial goodness-of-fit tests, JRSS B 46(3): PSI,
Jensen-Shannon and Pearson's statistic have the same limit, and Pearson's is nearest to it when counts are small, so
that it gives the p-value of all three.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from torneo.spec.watching import TestName
from torneo.watch.cells import Cells, cells
from torneo.watch.sketch import Categories, Numbers, Sketch
from torneo.watch.statistics import as_often, chi_square_upper, gamma_upper, kolmogorov_upper, more_often

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """What a test says of one column."""

    statistic: float
    effect: float
    p_value: float


@dataclass(frozen=True)
class DriftTest:
    """A test of drift with its domain."""

    name: TestName
    measure: Callable[[Sketch, Sketch], Measured]
    kinds: tuple[Literal["numeric", "categorical"], ...]
    threshold: float
    """The effect from which on a difference matters, where a project does not say it."""
    words: str
    """What the effect is, for people."""


TESTS: dict[TestName, DriftTest] = {}
"""All tests by name."""
AUTO: Mapping[str, TestName] = {"numeric": "wasserstein", "categorical": "jensen_shannon"}
"""How distributions are compared where a project does not say it, by the kind of column."""
BOTH: tuple[Literal["numeric", "categorical"], ...] = ("numeric", "categorical")

Measure = Callable[[Sketch, Sketch], Measured]


def _test(
    name: TestName, kinds: tuple[Literal["numeric", "categorical"], ...], threshold: float, words: str
) -> Callable[[Measure], Measure]:
    def register(measure: Measure) -> Measure:
        TESTS[name] = DriftTest(name, measure, kinds, threshold, words)
        return measure

    return register


@_test("psi", BOTH, 0.1, "population stability index")
def psi(base: Sketch, window: Sketch) -> Measured:
    """Population stability index, Σ (a - b) ln(a / b) over at most 10 bins or 20 categories.

    Without drift it is (bins - 1)(1/n + 1/m) on average, which the effect is less. Half a row is added to every cell.
    """
    both = cells(base, window)
    shares = [(rows + 0.5) / (rows.sum() + 0.5 * len(both)) for rows in (both.window, both.base)]
    index = float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())
    return Measured(index, max(0.0, index - both.degrees * both.noise), _pearson(both))


@_test("jensen_shannon", BOTH, 0.1, "Jensen-Shannon distance")
def jensen_shannon(base: Sketch, window: Sketch) -> Measured:
    """The square root of the Jensen-Shannon divergence in bits, 0 to 1 (Endres and Schindelin 2003).

    The divergence is (bins - 1)(1/n + 1/m) / (8 ln 2) on average without drift, which the effect's is less.
    """
    both = cells(base, window)
    first, second = both.shares
    middle = (first + second) / 2
    bits = [part * np.log2(np.where(part > 0, part / middle, 1)) for part in (first, second)]
    divergence = float(np.sum(bits)) / 2
    chance = both.degrees * both.noise / (8 * math.log(2))
    return Measured(math.sqrt(max(0.0, divergence)), math.sqrt(max(0.0, divergence - chance)), _pearson(both))


@_test("chi_square", BOTH, 0.3, "Cohen's w")
def chi_square(base: Sketch, window: Sketch) -> Measured:
    """Pearson's chi-square of two samples; its effect is Cohen's w (1988), without what chance adds.

    w² is Σ (a - b)² / c over the cells, c being the share in both together: 0.1 is called small, 0.3 medium.
    """
    both = cells(base, window)
    statistic = _chi_square(both)
    return Measured(statistic, math.sqrt(max(0.0, statistic - both.degrees) * both.noise), _pearson(both))


def _chi_square(both: Cells) -> float:
    first, second = both.shares
    together = (both.window + both.base) / (both.window.sum() + both.base.sum())
    return float((np.square(first - second) / together).sum() / both.noise)


def _pearson(both: Cells) -> float:
    return chi_square_upper(_chi_square(both), both.degrees)


@_test("ks", ("numeric",), 0.1, "Kolmogorov-Smirnov distance")
def ks(base: Sketch, window: Sketch) -> Measured:
    """The largest distance of the two distribution functions, at the baseline's edges (Kolmogorov 1933, Smirnov 1939).

    It is at most the exact distance, and less by no more than a bin holds (about 0.01): the p-value is conservative.
    """
    gaps = _gaps(_numbers(base), _numbers(window))
    distance = float(np.abs(gaps).max())
    return Measured(distance, distance, kolmogorov_upper(distance, window.values, base.values))


@_test("wasserstein", ("numeric",), 0.1, "Wasserstein distance in standard deviations")
def wasserstein(base: Sketch, window: Sketch) -> Measured:
    """The area between the two distribution functions, within the baseline's range, by the baseline's deviation.

    The area is that of trapezes over the baseline's edges; its error is at most Σ width · share over the bins, the
    share of the fuller side. Values beyond the range count as its ends. Without drift, the difference of the functions
    is a Brownian bridge in the limit (Donsker 1952); mean and variance of the area under its absolute value are known,
    and the p-value is that of the gamma distribution that has them, whose tail is longer.
    """
    first, second = _numbers(base), _numbers(window)
    gaps, widths = _gaps(first, second), np.diff(np.asarray(first.edges))
    weights = (np.r_[widths, 0] + np.r_[0, widths]) / 2
    area = float(np.abs(gaps) @ weights)
    together = np.cumsum(np.add(first.counts, second.counts))[:-1] / (first.values + second.values)
    mean, variance = _under_chance(together, weights, 1 / first.values + 1 / second.values)
    distance = area / first.std if first.std > 0 else 0.0
    return Measured(distance, distance, gamma_upper(area, mean, variance))


def _under_chance(shares: Floats, weights: Floats, noise: float) -> tuple[float, float]:
    """Mean and variance of Σ w |Z| for a Brownian bridge Z at the shares, times the root of the noise."""
    covariance = np.minimum.outer(shares, shares) - np.outer(shares, shares)
    spread = np.sqrt(np.diag(covariance))
    size = np.outer(spread, spread)
    related = np.clip(np.divide(covariance, size, out=np.zeros_like(size), where=size > 0), -1, 1)
    of_sizes = 2 / math.pi * (np.sqrt(1 - related**2) + related * np.arcsin(related) - 1) * size
    mean = math.sqrt(2 / math.pi * noise) * float(weights @ spread)
    return mean, noise * float(weights @ of_sizes @ weights)


def _gaps(base: Numbers, window: Numbers) -> Floats:
    """The window's distribution function less the baseline's, at the edges."""
    functions = [np.cumsum(side.counts)[:-1] / side.values for side in (window, base)]
    return np.asarray(functions[0] - functions[1], dtype=np.float64)


def _numbers(side: Sketch) -> Numbers:
    assert isinstance(side, Numbers)  # noqa: S101 - DriftTest.kinds says so
    return side


@_test("missing", BOTH, 0.05, "difference of the shares without a value")
def missing(base: Sketch, window: Sketch) -> Measured:
    """The share of rows without a value against the baseline's: Fisher's exact test, two-sided."""
    share, before = window.missing / window.rows, base.missing / base.rows
    p_value = as_often(window.missing, window.rows, base.missing, base.rows)
    return Measured(share, abs(share - before), p_value)


@_test("out_of_range", ("numeric",), 0.01, "share of values beyond those of training")
def out_of_range(base: Sketch, window: Sketch) -> Measured:
    """The share of values below the smallest or above the largest of the baseline.

    That the k largest of all values are the window's has a chance of C(n, k) / C(n + m, k), whatever the distribution
    (Wilks 1942); likewise for the smallest; twice the smaller of both.
    """
    outside = [_numbers(window).counts[place] for place in (0, -1)]
    chances = [more_often(rows, window.values, 0, base.values) for rows in outside]
    share = sum(outside) / window.values
    return Measured(share, share, min(1.0, 2 * min(chances)))


@_test("unseen_category", ("categorical",), 0.01, "share of categories that training did not have")
def unseen_category(base: Sketch, window: Sketch) -> Measured:
    """The share of values in categories that the baseline does not keep apart.

    The share to be expected is that of the baseline's rows which are alone in their category, for each would be unseen
    without itself (Good 1953), and of those it counts together; more than it by chance: Fisher's exact test, one-sided.
    """
    assert isinstance(base, Categories)  # noqa: S101 - DriftTest.kinds says so
    assert isinstance(window, Categories)  # noqa: S101
    expected = base.other + sum(1 for count in base.counts.values() if count == 1)
    share = window.other / window.values
    p_value = more_often(window.other, window.values, expected, base.values)
    return Measured(share, max(0.0, share - expected / base.values), p_value)
