"""The paired bootstrap of the difference of any metric; in blocks where rows are ordered in time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from torneo.judge.evidence import Evidence, student_quantile, student_upper
from torneo.judge.predictions import Floats, Integers, Predictions
from torneo.judge.row_gains import per_row
from torneo.metrics import Metric, UndefinedMetricError

UNITS = 5_000
"""Means over rows are resampled as sums of at most so many random groups of rows."""
DRAWN = 5_000
"""Other metrics are computed on at most so many drawn rows, more if a class is rare."""
WORK = 5_000_000
"""Drawn rows in all resamples of such a metric."""


@dataclass(frozen=True, eq=False)
class _Units:
    """Rows sorted into units that are drawn whole: single rows, or the moments of a time series."""

    rows: Integers
    """Row indices, unit after unit."""
    starts: Integers
    sizes: Integers
    block: int
    """How many neighbouring units are drawn together."""

    def __len__(self) -> int:
        return len(self.starts)

    def draw(self, count: int, random: np.random.Generator) -> Integers:
        """Indices of `count` units, with replacement, in blocks that wrap around the end."""
        if self.block == 1:
            return random.integers(0, len(self), count)
        heads = random.integers(0, len(self), math.ceil(count / self.block))
        return ((heads[:, None] + np.arange(self.block)) % len(self)).ravel()[:count]

    def rows_of(self, drawn: Integers) -> Integers:
        """The row indices of the drawn units."""
        sizes = self.sizes[drawn]
        offsets = np.repeat(self.starts[drawn] - np.r_[0, np.cumsum(sizes)[:-1]], sizes)
        return np.asarray(self.rows[offsets + np.arange(sizes.sum())], dtype=np.int64)


def paired_bootstrap(
    champion: Predictions,
    challenger: Predictions,
    metric: Metric,
    *,
    confidence: float,
    min_gain: float,
    resamples: int = 2_000,
    seed: int = 0,
) -> Evidence:
    """The paired percentile bootstrap (Efron 1979), widened for small samples (Hesterberg 2015).

    Rows ordered in time are drawn in circular blocks of T^(1/3) moments (Politis and Romano 1992). Large inputs are
    drawn m out of n, and the spread scaled by sqrt(m/n) (Bickel, Goetze and van Zwet 1997).

    Raises:
        UndefinedMetricError: the metric has a value on fewer than half of the resamples.
    """
    random = np.random.default_rng(seed)
    units = _units(champion, random)
    if len(units) < 2:
        raise UndefinedMetricError(f"{metric.name} cannot be tested on one row or moment: two needed")
    gain = metric.sign * (metric(challenger.actual, challenger.predicted) - metric(champion.actual, champion.predicted))
    if metric.per_row is not None:
        gains = _of_means(champion, challenger, metric, _grouped(units), resamples, random)
    else:
        gains = gain + _of_any(champion, challenger, metric, units, resamples, random, gain)
    defined = ~np.isnan(gains)
    if defined.mean() < 0.5:
        raise UndefinedMetricError(f"{metric.name} has a value on {defined.sum()} of {len(gains)} resamples: too few")
    gains = np.sort(gains[defined])
    degrees = len(units) - 1
    narrow = math.sqrt(degrees / len(units))
    tail = NormalDist().cdf(student_quantile((1 - confidence) / 2, degrees) / narrow)
    low, high = (float(end) for end in np.quantile(gains, [tail, 1 - tail]))
    share = (1 + int(np.searchsorted(gains, min_gain, side="right"))) / (len(gains) + 2)
    p_value = student_upper(-NormalDist().inv_cdf(share) * narrow, degrees)
    name = "paired bootstrap" if champion.order is None else "paired block bootstrap"
    return Evidence(gain, low, high, p_value, name)


def _units(predictions: Predictions, random: np.random.Generator) -> _Units:
    if predictions.order is None:
        count = len(predictions)
        return _Units(random.permutation(count), np.arange(count), np.ones(count, dtype=np.int64), 1)
    rows = np.argsort(predictions.order, kind="stable")
    _, starts, sizes = np.unique(predictions.order[rows], return_index=True, return_counts=True)
    return _Units(rows, starts, sizes, max(1, round(len(starts) ** (1 / 3))))


def _grouped(units: _Units) -> _Units:
    """At most UNITS units, neighbours merged (single rows are in random order, moments in time's)."""
    if len(units) <= UNITS:
        return units
    kept = np.linspace(0, len(units), UNITS, endpoint=False).astype(np.int64)
    return _Units(units.rows, units.starts[kept], np.add.reduceat(units.sizes, kept), units.block)


def _of_means(
    champion: Predictions,
    challenger: Predictions,
    metric: Metric,
    units: _Units,
    resamples: int,
    random: np.random.Generator,
) -> Floats:
    """The gain in each resample, from the units' sums alone."""
    before, after = per_row(champion, metric)[units.rows], per_row(challenger, metric)[units.rows]
    kept = ~np.isnan(before)
    columns = (np.where(kept, before, 0), np.where(kept, after, 0), kept.astype(np.float64))
    sums = np.column_stack([np.add.reduceat(column, units.starts) for column in columns])
    totals = np.empty((resamples, 3))
    for index in range(resamples):
        totals[index] = np.bincount(units.draw(len(units), random), minlength=len(units)) @ sums
    means = totals[:, :2] / np.where(totals[:, 2:] > 0, totals[:, 2:], np.nan)
    scores = np.sqrt(means) if metric.root else means
    return np.asarray(metric.sign * (scores[:, 1] - scores[:, 0]), dtype=np.float64)


def _of_any(
    champion: Predictions,
    challenger: Predictions,
    metric: Metric,
    units: _Units,
    resamples: int,
    random: np.random.Generator,
    gain: float,
) -> Floats:
    """How far the gain in each resample lies from the gain on all rows, scaled to all rows; NaN without a value."""
    drawn = _rows_to_draw(champion)
    count = max(1, math.ceil(len(units) * drawn / len(champion)))
    scale = math.sqrt(count / len(units))
    repetitions = min(resamples, max(200, WORK // drawn))
    return np.array(
        [
            scale * (resampled - gain)
            for resampled in _resampled(champion, challenger, metric, units, count, repetitions, random)
        ]
    )


def _rows_to_draw(predictions: Predictions) -> int:
    rows = len(predictions)
    if predictions.predicted.ndim == 1:
        return min(rows, DRAWN)
    counts = np.bincount(predictions.actual.astype(np.int64))
    return min(rows, max(DRAWN, math.ceil(100 * rows / int(counts[counts > 0].min()))))


def _resampled(
    champion: Predictions,
    challenger: Predictions,
    metric: Metric,
    units: _Units,
    count: int,
    repetitions: int,
    random: np.random.Generator,
) -> Iterator[float]:
    for _ in range(repetitions):
        rows = units.rows_of(units.draw(count, random))
        actual = champion.actual[rows]
        try:
            after, before = metric(actual, challenger.predicted[rows]), metric(actual, champion.predicted[rows])
        except UndefinedMetricError:
            yield math.nan
        else:
            yield metric.sign * (after - before)
