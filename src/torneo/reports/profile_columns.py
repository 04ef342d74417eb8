"""Statistics of one column, over all its rows."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl

from torneo.reports.profile_records import QUANTILES, Histogram, Kind, Numbers
from torneo.reports.profile_types import Typed
from torneo.reports.text import moment, number

Floats = npt.NDArray[np.float64]

BARS = 30
UNIT_BARS = 40
"""Whole numbers over a range up to this have one bar each."""
FAR = 8.0
"""A range so many times that of the inner 98 % of rows is cut, or the histogram would be one bar."""
DUST = 1e-9
"""A range this small, of its values, is rounding."""
TOP = 10
COUNTED = 100_000
"""Above so many different texts, they are estimated and the most frequent ones are taken from a sample."""
SAMPLED = 1_000_000


def number_statistics(
    values: Floats, kind: Kind = "number"
) -> tuple[Numbers, Histogram, int, tuple[tuple[str, int], ...]]:
    """Statistics, histogram, distinct values and the most frequent ones of numbers (n,), n > 0, none missing."""
    ordered = np.sort(values)
    starts = np.flatnonzero(np.diff(ordered, prepend=np.nan) != 0)
    runs = np.diff(np.append(starts, len(ordered)))
    mean, deviation = float(ordered.mean()), float(ordered.std())
    skewness = 0.0
    if deviation > 0:
        scaled = (ordered - mean) / deviation
        skewness = float(np.mean(scaled * scaled * scaled))
    numbers = Numbers(
        mean=mean,
        deviation=deviation,
        skewness=skewness,
        quantiles=tuple(float(value) for value in ordered[_places(len(ordered), np.array(QUANTILES))]),
        zeros=int(np.searchsorted(ordered, 0, "right") - np.searchsorted(ordered, 0, "left")),
        whole=bool((ordered == np.floor(ordered)).all()),
        low_rows=int(runs[0]),
        high_rows=int(runs[-1]),
    )
    best = np.argsort(-runs, kind="stable")[:TOP]
    words = moment if kind == "time" else partial(number, digits=6)
    top = tuple((words(float(ordered[starts[place]])), int(runs[place])) for place in best)
    bars = histogram(ordered, whole=numbers.whole and kind == "number")
    return numbers, bars, len(starts), top


def histogram(ordered: Floats, *, whole: bool) -> Histogram:
    """Rows per bin of sorted values (n,), n > 0.

    >>> histogram(np.array([1.0, 1.0, 3.0]), whole=True)
    Histogram(edges=(0.5, 1.5, 2.5, 3.5), counts=(2, 0, 1), beyond=0)
    """
    low, high = float(ordered[0]), float(ordered[-1])
    if whole and high - low <= UNIT_BARS:
        edges = np.arange(low - 0.5, high + 1.0)
    else:
        inner_low, inner_high = (float(value) for value in ordered[_places(len(ordered), np.array([0.01, 0.99]))])
        inner = inner_high - inner_low
        if 0 < FAR * inner < high - low:
            low, high = max(low, inner_low - inner / 4), min(high, inner_high + inner / 4)
        size = max(abs(low), abs(high))
        if high - low <= DUST * size:
            low, high = low - (size or 1.0) / 2, high + (size or 1.0) / 2
        edges = np.linspace(low, high, int(np.clip(2 * len(ordered) ** 0.4, 8, BARS)) + 1)
    places = np.searchsorted(ordered, edges[1:-1], "left")
    counts = np.diff(np.concatenate([[0], places, [len(ordered)]]))
    beyond = int(
        np.searchsorted(ordered, edges[0], "left") + len(ordered) - np.searchsorted(ordered, edges[-1], "right")
    )
    return Histogram(tuple(edges.tolist()), tuple(int(count) for count in counts), beyond)


def _places(length: int, shares: Floats) -> npt.NDArray[np.int64]:
    """Where quantiles stand among sorted values; always at one of them."""
    return np.rint(shares * (length - 1)).astype(np.int64)


def text_statistics(typed: Typed) -> tuple[int, bool, tuple[tuple[str, int], ...]]:
    """Different texts, whether they were counted exactly, and the most frequent ones with their rows."""
    values = typed.values.drop_nulls()
    exact = len(values) <= SAMPLED or _about(values) <= COUNTED
    counted = values if exact else values.sample(SAMPLED, seed=0)
    counts = counted.alias("value").value_counts(name="rows").sort(["rows", "value"], descending=[True, False])
    distinct = counts.height if exact else _about(values)
    scale = len(values) / max(1, len(counted))
    rows = counts.head(TOP).iter_rows()
    return distinct, exact, tuple((str(value), round(count * scale)) for value, count in rows)


def _about(values: pl.Series) -> int:
    """Roughly how many different values there are (HyperLogLog)."""
    return int(values.to_frame("value").select(pl.col("value").approx_n_unique()).item())


def codes(values: pl.Series, limit: int) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Texts (n,) as places in the most frequent `limit` of them; the others share the next place, -1 is missing."""
    counts = values.drop_nulls().alias("value").value_counts(name="rows")
    names = counts.sort(["rows", "value"], descending=[True, False])["value"].to_list()
    kept = tuple(names[:limit])
    rest = len(kept)
    found = values.replace_strict(list(kept), list(range(rest)), default=rest, return_dtype=pl.Int64)
    result = found.set(values.is_null(), -1).to_numpy()
    return result, kept if len(names) <= limit else (*kept, f"{len(names) - limit:,} others")
