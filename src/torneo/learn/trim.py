"""Outliers left out of training rows; judged and served rows are never trimmed."""

from __future__ import annotations

import numpy as np
import polars as pl

from torneo.learn.folds import Indices
from torneo.spec.project import Trim


def trimmed(train: pl.DataFrame, trim: Trim | None) -> pl.DataFrame:
    """Training rows without those beyond the fences, which these rows themselves set (Tukey 1977).

    >>> frame = pl.DataFrame({"x": [1.0, 2.0, 2.0, 3.0, 99.0]})
    >>> trimmed(frame, Trim(columns=("x",)))["x"].to_list()
    [1.0, 2.0, 2.0, 3.0]
    """
    if trim is None:
        return train
    return train.filter(_inside(train, trim))


def kept_rows(frame: pl.DataFrame, rows: Indices, trim: Trim | None) -> Indices:
    """Those of some rows of a frame that are no outliers among them."""
    if trim is None:
        return rows
    some = frame[rows]
    inside = some.select(pl.all_horizontal(_inside(some, trim))).to_series().to_numpy()
    return rows[np.asarray(inside, dtype=np.bool_)]


def _inside(train: pl.DataFrame, trim: Trim) -> list[pl.Expr]:
    return [pl.col(name).is_between(*_fences(train[name], trim)) | pl.col(name).is_null() for name in trim.columns]


def _fences(series: pl.Series, trim: Trim) -> tuple[float, float]:
    low_share, high_share = (0.25, 0.75) if trim.by == "iqr" else (trim.factor, 1 - trim.factor)
    low, high = series.quantile(low_share, "linear"), series.quantile(high_share, "linear")
    if low is None or high is None:
        return float("-inf"), float("inf")
    reach = trim.factor * (high - low) if trim.by == "iqr" else 0.0
    return low - reach, high + reach
