"""The gain of a metric that is a mean over rows, or the root of one, split up by row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from torneo.judge.predictions import Floats, Predictions
from torneo.metrics import Metric


def row_gains(
    champion: Predictions, challenger: Predictions, metric: Metric
) -> tuple[float, Floats, npt.NDArray[np.bool_]]:
    """The gain, its parts (m,) whose mean it is, and the mask (n,) of the m rows that the metric does not leave out.

    For the root of a mean (rmse) the parts are those of the linearised gain (delta method): with A and B the mean
    squared errors, sqrt(A) - sqrt(B) + (a - A) / (2 sqrt(A)) - (b - B) / (2 sqrt(B)) for each row's a and b.
    """
    before, after = per_row(champion, metric), per_row(challenger, metric)
    kept = ~np.isnan(before)
    before, after = before[kept], after[kept]
    if not metric.root:
        parts = metric.sign * (after - before)
        return float(parts.mean()), parts, kept
    first, second = float(np.sqrt(before.mean())), float(np.sqrt(after.mean()))
    gain = metric.sign * (second - first)
    return gain, gain + metric.sign * (_linear(after, second) - _linear(before, first)), kept


def per_row(predictions: Predictions, metric: Metric) -> Floats:
    """The metric's value per row (n,), NaN for rows that it leaves out.

    Raises:
        ValueError: the metric is not a mean over rows.
    """
    if metric.per_row is None:
        raise ValueError(f"{metric.name} is not a mean over rows")
    return metric.per_row(predictions.actual, predictions.predicted)


def _linear(values: Floats, root: float) -> Floats:
    return np.zeros_like(values) if root == 0 else (values - root**2) / (2 * root)
