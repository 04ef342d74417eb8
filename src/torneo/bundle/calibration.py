"""Probabilities that mean what they say: of rows given 80 %, about 80 % have the class."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from torneo.bundle.scorer import SMALLEST

Floats = npt.NDArray[np.floating[Any]]
FEWEST = 50
"""Below so many rows probabilities stay what the model says."""


def calibration(predicted: Floats, actual: npt.NDArray[np.int64]) -> dict[str, Any]:
    """How probabilities are to be corrected: p ∝ exp(slope · log p + shift), or nothing.

    Two classes have a slope and a shift of the positive class (Platt scaling, on log-odds); more classes have a slope
    alone (temperature scaling). The order of rows by their probability, and so the auc, stays as it is for two classes.

    Args:
        predicted: probabilities (n, classes) of rows that the predicting models have not been fitted on.
        actual: the classes' codes (n,).

    Returns:
        `slope` and `shift` (one number per class); empty if the rows are too few, lack a class, or say that more
        probability goes with fewer hits.

    References: Platt (1999), Probabilistic outputs for support vector machines, with its prior on the outcomes; Guo,
    Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks, ICML.

    >>> from torneo.bundle.scorer import calibrated
    >>> sure = np.repeat([[0.02, 0.98], [0.98, 0.02]], 500, axis=0)
    >>> right = np.concatenate([np.arange(500) % 5 > 0, np.arange(500) % 5 == 0]).astype(int)
    >>> learned = calibration(sure, right)
    >>> [f"{share:.2f}" for share in calibrated(sure[0:1], learned)[0]]
    ['0.20', '0.80']
    """
    from scipy.optimize import minimize

    rows, classes = predicted.shape
    counts = np.bincount(actual, minlength=classes)
    if rows < FEWEST or (counts == 0).any():
        return {}
    logs = np.log(np.clip(predicted, SMALLEST, 1.0))
    wanted = _targets(actual, counts)

    def loss(parameters: Floats) -> float:
        scores = parameters[0] * logs + _shift(parameters, classes)
        peak = scores.max(axis=1, keepdims=True)
        total = peak + np.log(np.exp(scores - peak).sum(axis=1, keepdims=True))
        return float(((total - scores) * wanted).sum() / rows)

    found = minimize(loss, [1.0, 0.0] if classes == 2 else [1.0], method="BFGS").x
    slope, shift = float(f"{found[0]:.6g}"), [float(f"{value:.6g}") for value in _shift(found, classes)]
    if not slope > 0 or not math.isfinite(sum(shift)):
        return {}
    return {"slope": slope, "shift": shift}


def _targets(actual: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> Floats:
    """The classes (n, classes), a little less than sure: each class has been seen once more than it was."""
    rows, classes = len(actual), len(counts)
    hit = (counts + 1.0) / (counts + classes)
    wanted = np.repeat(((1 - hit) / (classes - 1))[actual][:, None], classes, axis=1)
    wanted[np.arange(rows), actual] = hit[actual]
    return wanted


def _shift(parameters: Floats, classes: int) -> Floats:
    return np.array([0.0, parameters[1]]) if classes == 2 else np.zeros(classes)
