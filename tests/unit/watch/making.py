"""Baselines of columns, made as training makes them."""

from __future__ import annotations

import polars as pl

from torneo.bundle.baseline import baseline
from torneo.spec.records import Feature
from torneo.watch.sketch import Baseline


def baseline_of(frame: pl.DataFrame) -> Baseline:
    """The baseline of a frame's columns: numbers and texts."""
    features = [
        Feature(name=name, kind="numeric" if dtype.is_numeric() else "categorical")
        for name, dtype in frame.schema.items()
    ]
    made = baseline(frame.with_columns(__target__=pl.lit(0.0)), features, "__target__")
    return Baseline.read({name: made[name] for name in frame.columns})
