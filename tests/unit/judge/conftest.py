"""Makers of predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from torneo.judge import Predictions

Maker = Callable[..., Predictions]


def _holdout(actual: Any, predicted: Any, order: Any = None) -> Predictions:
    zeros = np.zeros(len(actual), dtype=np.int64)
    return Predictions(np.asarray(actual), np.asarray(predicted, dtype=float), zeros, zeros, order)


@pytest.fixture(scope="session")
def holdout() -> Maker:
    """Predictions for a holdout: (actual, predicted, order=None)."""
    return _holdout


@pytest.fixture(scope="session")
def values() -> Maker:
    """Regression on n rows with an error of a given size: (seed, error, rows=200); actual values are the same."""

    def make(seed: int, error: float, rows: int = 200, order: Any = None) -> Predictions:
        actual = np.random.default_rng(1).normal(10, 3, rows)
        return _holdout(actual, actual + error * np.random.default_rng(seed).normal(size=rows), order)

    return make


@pytest.fixture(scope="session")
def probabilities() -> Maker:
    """Two classes told apart by a given distance: (seed, distance, rows=300); actual classes are the same."""

    def make(seed: int, distance: float, rows: int = 300, order: Any = None) -> Predictions:
        actual = np.random.default_rng(2).integers(0, 2, rows)
        score = np.random.default_rng(seed).normal(size=rows) + distance * (actual - 0.5)
        positive = 1 / (1 + np.exp(-score))
        return _holdout(actual, np.column_stack([1 - positive, positive]), order)

    return make


@pytest.fixture(scope="session")
def folded() -> Maker:
    """Holdout predictions seen as nested cross-validation: (predictions, repeats, folds)."""

    def make(predictions: Predictions, repeats: int, folds: int) -> Predictions:
        rows = len(predictions)
        return Predictions(
            np.tile(predictions.actual, repeats),
            np.concatenate([predictions.predicted] * repeats),
            np.repeat(np.arange(repeats), rows),
            np.concatenate([np.random.default_rng(r).permutation(rows) % folds for r in range(repeats)]),
            None if predictions.order is None else np.tile(predictions.order, repeats),
            np.tile(np.arange(rows), repeats),
        )

    return make
