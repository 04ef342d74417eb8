"""How good answers were, by their outcomes: a metric with its interval, by version, role, window and slice."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from torneo.metrics import Metric, UndefinedMetricError
from torneo.spec.frozen import Frozen

Floats = npt.NDArray[np.float64]
RESAMPLES = 400
DRAWN = 5_000
"""At most so many rows are drawn for a resample; its spread is then that of all rows times sqrt(n / drawn)."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Answers with their outcomes."""

    actual: npt.NDArray[Any]
    """(n,) outcomes, or class indices; NaN where none is known yet."""
    predicted: Floats
    """(n,) predictions, or (n, classes) probabilities."""

    def __post_init__(self) -> None:
        if len(self.actual) != len(self.predicted):
            raise ValueError(f"{len(self.actual)} outcomes do not fit {len(self.predicted)} answers")

    def __len__(self) -> int:
        return len(self.actual)

    def take(self, rows: npt.NDArray[Any]) -> Self:
        """Some of them, by index or mask."""
        return type(self)(self.actual[rows], self.predicted[rows])


class Score(Frozen):
    """A metric over some rows."""

    metric: str
    score: float | None
    """None where it has no value: no outcome yet, or outcomes of one class only."""
    low: float | None = None
    high: float | None = None
    confidence: float
    rows: int
    labelled: int
    """Rows whose outcome is known; the score is of these."""
    method: str = "none"
    """How the interval came about."""
    group: Mapping[str, str] = {}
    """Whose rows they are, such as version and role."""


def score(pairs: Pairs, metric: Metric, *, confidence: float = 0.95, seed: int = 0) -> Score:
    """The metric of the rows whose outcomes are known.

    A share of rows has Wilson's interval (1927); another mean over rows, or its root, that of Student's t on the rows'
    values; any other metric the percentile bootstrap (Efron 1979), of at most 5,000 drawn rows, scaled to all (Bickel,
    Goetze and van Zwet 1997). Rows are taken to be independent of each other.
    """
    known = np.flatnonzero(~np.isnan(pairs.actual.astype(np.float64)))
    labelled = pairs.take(known)
    base = Score(metric=metric.name, score=None, confidence=confidence, rows=len(pairs), labelled=len(known))
    try:
        value = metric(labelled.actual, labelled.predicted)
    except UndefinedMetricError:
        return base
    if metric.per_row is None:
        low, high, method = *_bootstrap(labelled, metric, value, confidence, seed), "bootstrap"
    else:
        values = metric.per_row(labelled.actual, labelled.predicted)
        low, high, method = _of_mean(values[~np.isnan(values)], metric, confidence)
    return base.model_copy(update={"score": value, "low": low, "high": high, "method": method})


def scores(
    pairs: Pairs, by: Mapping[str, npt.NDArray[Any]], metric: Metric, *, confidence: float = 0.95, seed: int = 0
) -> tuple[Score, ...]:
    """The metric of every group of rows with equal `by`, such as version and role, in the order of their values.

    Args:
        pairs: answers and outcomes (n,).
        by: name to values (n,); None is a value like any other.

    Raises:
        ValueError: a key has another number of rows.

    >>> from torneo.metrics import metric
    >>> pairs = Pairs(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.5, 2.5, 3.0, 4.2]))
    >>> found = scores(pairs, {"version": np.array([1, 1, 2, 2])}, metric("mae"))
    >>> [(each.group["version"], round(each.score, 3)) for each in found]
    [('1', 0.5), ('2', 0.1)]
    """
    return tuple(
        score(pairs.take(rows), metric, confidence=confidence, seed=seed).model_copy(update={"group": group})
        for group, rows in _groups(by, len(pairs))
    )


def _groups(by: Mapping[str, npt.NDArray[Any]], rows: int) -> Iterator[tuple[Mapping[str, str], npt.NDArray[np.int64]]]:
    import polars as pl

    for name, keys in by.items():
        if len(keys) != rows:
            raise ValueError(f"{name} has {len(keys)} values for {rows} rows")
    names = list(by)
    frame = pl.DataFrame({name: pl.Series(np.asarray(by[name]).tolist(), strict=False) for name in names})
    places = frame.with_row_index("__row__").group_by(names, maintain_order=True).agg("__row__").sort(names)
    for *values, indices in places.iter_rows():
        yield (
            {name: "(missing)" if value is None else str(value) for name, value in zip(names, values, strict=True)},
            np.asarray(indices, dtype=np.int64),
        )


def _of_mean(values: Floats, metric: Metric, confidence: float) -> tuple[float | None, float | None, str]:
    """The interval of a mean of row values, or of its root."""
    if metric.name == "accuracy":
        return *wilson(int(values.sum()), len(values), confidence), "Wilson"
    if len(values) < 2:
        return None, None, "none"
    low, high = mean_interval(
        float(values.mean()), float(values.var(ddof=1)) / len(values), len(values) - 1, confidence
    )
    if metric.root:
        return math.sqrt(max(low, 0.0)), math.sqrt(max(high, 0.0)), "Student"
    return low, high, "Student"


def wilson(hits: int, rows: int, confidence: float) -> tuple[float, float]:
    """Wilson's interval of a share.

    >>> [round(end, 3) for end in wilson(9, 10, 0.95)]
    [0.596, 0.982]
    """
    from scipy.special import ndtri

    z = float(ndtri((1 + confidence) / 2))
    share, spread = hits / rows, z * z / rows
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / rows + spread / rows / 4)
    return middle - half, middle + half


def mean_interval(mean: float, variance: float, degrees: float, confidence: float) -> tuple[float, float]:
    """The interval of a mean with the variance of its error, by Student's t.

    >>> [round(end, 3) for end in mean_interval(0.0, 1.0, 10, 0.95)]
    [-2.228, 2.228]
    """
    from scipy.special import stdtrit

    half = float(stdtrit(degrees, (1 + confidence) / 2)) * math.sqrt(variance)
    return mean - half, mean + half


def _bootstrap(
    pairs: Pairs, metric: Metric, value: float, confidence: float, seed: int
) -> tuple[float | None, float | None]:
    random = np.random.default_rng(seed)
    drawn = min(len(pairs), DRAWN)
    found = []
    for _ in range(RESAMPLES):
        part = pairs.take(random.integers(0, len(pairs), drawn))
        try:
            found.append(metric(part.actual, part.predicted))
        except UndefinedMetricError:
            continue
    if len(found) < RESAMPLES / 2:
        return None, None
    scaled = value + (np.array(found) - value) * math.sqrt(drawn / len(pairs))
    low, high = np.quantile(scaled, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
