"""What the training rows looked like, and the model's answers: what drift is measured against; a sample of rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from torneo.metrics import METRICS
from torneo.spec.project import Scalar
from torneo.spec.records import Feature

BINS = 100
"""At most so many bins between the smallest and the largest value of a numeric column."""
CATEGORIES = 200
"""How many categories a column keeps apart; the rarer ones are counted together."""
ERROR_BINS = 10
ERROR_ROWS = 30
"""A bin of the error model holds at least so many rows."""

Floats = npt.NDArray[np.float64]


def baseline(frame: pl.DataFrame, features: Sequence[Feature], target: str) -> dict[str, dict[str, Any]]:
    """The distribution of each feature, and of the target, over training rows.

    Numeric: `edges` (up to 101, in the middle between two values that occur, so that rounding moves none across; the
    outer ones lie just outside the values), `counts` (one more than edges: up to the first edge, up to each next one,
    beyond the last), `min`, `max`, `mean`, `std` (n - 1). A column with at most 100 distinct values has a bin for each;
    others have the 1 % quantiles. Categorical: `counts` by category, the most frequent first, and `other`, the rows of
    categories beyond 200. Both: `rows` and `missing`; what is not finite is missing.

    >>> frame = pl.DataFrame({"a": [1.0, 2.0, None], "b": ["x", "x", "y"]})
    >>> made = baseline(frame, [Feature(name="a", kind="numeric")], target="b")
    >>> made["b"]
    {'kind': 'categorical', 'rows': 3, 'missing': 0, 'counts': {'x': 2, 'y': 1}, 'other': 0}
    >>> made["a"]["missing"], made["a"]["edges"][1], made["a"]["counts"]
    (1, 1.5, [0, 1, 1, 0])
    """
    describe = {"numeric": _numeric, "categorical": _categorical}
    made = {feature.name: describe[feature.kind](frame[feature.name]) for feature in features}
    outcome = frame[target]
    numbers = outcome.dtype.is_numeric()
    return {**made, target: _numeric(outcome) if numbers else _categorical(outcome)}


def answers_baseline(predicted: Floats, classes: Sequence[str]) -> dict[str, Any]:
    """The distribution of a model's answers to rows that it has not been fitted on.

    Of predictions (n,) where there are no classes, else of probabilities (n, classes): that of the positive one of two
    classes, or of more the most probable class.

    >>> answers_baseline(np.array([[0.9, 0.1], [0.2, 0.8]]), ["no", "yes"])["mean"]
    0.45
    """
    if not classes:
        return _numeric(pl.Series(predicted))
    if len(classes) == 2:
        return _numeric(pl.Series(predicted[:, 1]))
    return _categorical(pl.Series([classes[place] for place in predicted.argmax(axis=1)], dtype=pl.String))


def errors_baseline(actual: Floats, predicted: Floats) -> dict[str, Any]:
    """How large a regression's errors are, by the size of the prediction: what estimates errors before outcomes come.

    Args:
        actual: outcomes (n,).
        predicted: predictions (n,) by models that were not fitted on the row.

    Returns:
        `edges` between up to ten bins of predictions with at least 30 rows each; `rows` per bin; by metric `means` and
        `variances` per bin of the rows' values whose mean, or the root of it, is the metric.
    """
    wanted = max(1, min(ERROR_BINS, len(predicted) // ERROR_ROWS))
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, wanted + 1)[1:-1]))
    places = np.searchsorted(edges, predicted, side="left")
    found: dict[str, Any] = {"edges": edges.tolist(), "rows": np.bincount(places, minlength=len(edges) + 1).tolist()}
    found |= {"means": {}, "variances": {}}
    for each in METRICS.values():
        if "regression" in each.tasks and each.per_row is not None:
            values = each.per_row(actual, predicted)
            bins = [values[(places == place) & ~np.isnan(values)] for place in range(len(edges) + 1)]
            if all(len(inside) > 1 for inside in bins):
                found["means"][each.name] = [float(inside.mean()) for inside in bins]
                found["variances"][each.name] = [float(inside.var(ddof=1)) for inside in bins]
    return found


def _numeric(series: pl.Series) -> dict[str, Any]:
    values = series.cast(pl.Float64).drop_nulls().to_numpy()
    values = values[np.isfinite(values)]
    base: dict[str, Any] = {"kind": "numeric", "rows": len(series), "missing": len(series) - len(values)}
    if len(values) == 0:
        return base | {"edges": [], "counts": [0], "min": None, "max": None, "mean": None, "std": None}
    edges = _edges(values)
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    return base | {
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "min": float(values.min()),
        "max": float(values.max()),
        "mean": float(values.mean()),
        "std": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
    }


def _edges(values: Floats) -> Floats:
    """Where bins end, in ascending order; each bin holds its upper end."""
    distinct = np.unique(values)
    low, high = distinct[0], distinct[-1]
    pad = 1e-6 * max(high - low, abs(low), abs(high)) or 1e-6
    lower = distinct[:-1]
    if len(distinct) > BINS:
        ranks = np.ceil(np.arange(1, BINS) * len(values) / BINS).astype(np.int64) - 1
        ends = np.unique(np.partition(values, ranks)[ranks])
        lower = ends[ends < high]
    upper = distinct[np.searchsorted(distinct, lower, side="right")]
    middle = lower / 2 + upper / 2
    inner = np.where((middle > lower) & (middle < upper), middle, lower)
    return np.unique(np.r_[low - pad, inner, high + pad])


def _categorical(series: pl.Series) -> dict[str, Any]:
    present = series.cast(pl.String).replace("", None).drop_nulls()
    table = present.to_frame("value").group_by("value").len().sort(["len", "value"], descending=[True, False])
    kept = table.head(CATEGORIES)
    return {
        "kind": "categorical",
        "rows": len(series),
        "missing": len(series) - len(present),
        "counts": dict(zip(kept["value"].to_list(), kept["len"].to_list(), strict=True)),
        "other": len(present) - sum(kept["len"].to_list()),
    }


def background(
    frame: pl.DataFrame, names: Sequence[str], *, seed: int, rows: int = 100, personal: Collection[str] = ()
) -> dict[str, tuple[Scalar, ...]]:
    """A random sample of rows, by column, as JSON values, dates in ISO 8601; the same rows for the same seed.

    Args:
        personal: columns whose values are put into another order, each into its own, so that no row is a person's.

    >>> frame = pl.DataFrame({"a": [1.5, None], "b": ["x", "y"]})
    >>> background(frame, ["a"], seed=0)
    {'a': (1.5, None)}
    """
    generator = np.random.default_rng(seed)
    chosen = np.sort(generator.permutation(frame.height)[:rows])
    sample = frame[chosen.tolist()]
    sample = sample.with_columns(
        sample[name].gather(generator.permutation(sample.height)) for name in names if name in personal
    )
    return {name: tuple(_plain(sample[name]).to_list()) for name in names}


def _plain(series: pl.Series) -> pl.Series:
    if series.dtype.is_temporal():
        return series.dt.to_string("iso")
    return series.fill_nan(None) if series.dtype.is_float() else series
