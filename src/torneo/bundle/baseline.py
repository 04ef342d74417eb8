"""What the training rows looked like: the standard that drift is measured against, and a sample for explanations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from torneo.spec.project import Scalar
from torneo.spec.records import Feature

BINS = 20
CATEGORIES = 200
"""How many categories a column keeps apart; the rarer ones are counted together."""


def baseline(frame: pl.DataFrame, features: Sequence[Feature], target: str) -> dict[str, dict[str, Any]]:
    """The distribution of each feature, and of the target, over training rows.

    Numeric: `edges` (up to 21, the 5 % quantiles without repeats; the outer ones are min and max), `counts` per bin
    (closed on the left, the last on both sides), `min`, `max`, `mean`, `std` (n - 1). Categorical: `counts` by
    category, the most frequent first, and `other`, the rows of categories beyond 200. Both: `rows` and `missing`.

    >>> frame = pl.DataFrame({"a": [1.0, 2.0, None], "b": ["x", "x", "y"]})
    >>> made = baseline(frame, [Feature(name="a", kind="numeric")], target="b")
    >>> made["b"]
    {'kind': 'categorical', 'rows': 3, 'missing': 0, 'counts': {'x': 2, 'y': 1}, 'other': 0}
    >>> made["a"]["missing"], made["a"]["mean"], sum(made["a"]["counts"])
    (1, 1.5, 2)
    """
    describe = {"numeric": _numeric, "categorical": _categorical}
    made = {feature.name: describe[feature.kind](frame[feature.name]) for feature in features}
    outcome = frame[target]
    numbers = outcome.dtype.is_numeric()
    return {**made, target: _numeric(outcome) if numbers else _categorical(outcome)}


def _numeric(series: pl.Series) -> dict[str, Any]:
    values = series.cast(pl.Float64).drop_nulls().drop_nans().to_numpy()
    base: dict[str, Any] = {"kind": "numeric", "rows": len(series), "missing": len(series) - len(values)}
    if len(values) == 0:
        return base | {"edges": [], "counts": [], "min": None, "max": None, "mean": None, "std": None}
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)))
    if len(edges) == 1:
        edges = np.array([edges[0], edges[0]])
    counts = _counts(values, edges)
    return base | {
        "edges": edges.tolist(),
        "counts": counts,
        "min": float(values.min()),
        "max": float(values.max()),
        "mean": float(values.mean()),
        "std": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
    }


def _counts(values: Any, edges: Any) -> list[int]:
    places = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return [int(count) for count in np.bincount(places, minlength=len(edges) - 1)]


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
    frame: pl.DataFrame, names: Sequence[str], *, seed: int, rows: int = 100
) -> dict[str, tuple[Scalar, ...]]:
    """A random sample of rows, by column, as JSON values, dates in ISO 8601; the same rows for the same seed.

    >>> frame = pl.DataFrame({"a": [1.5, None], "b": ["x", "y"]})
    >>> background(frame, ["a"], seed=0)
    {'a': (1.5, None)}
    """
    chosen = np.sort(np.random.default_rng(seed).permutation(frame.height)[:rows])
    sample = frame[chosen.tolist()]
    return {name: tuple(_plain(sample[name]).to_list()) for name in names}


def _plain(series: pl.Series) -> pl.Series:
    if series.dtype.is_temporal():
        return series.dt.to_string("iso")
    return series.fill_nan(None) if series.dtype.is_float() else series
