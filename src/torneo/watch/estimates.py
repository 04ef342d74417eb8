"""How good answers probably are, before their outcomes are known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from torneo.errors import NotFoundError
from torneo.metrics import Metric, UndefinedMetricError
from torneo.spec.frozen import Frozen
from torneo.spec.records import ANSWERS, ERRORS
from torneo.watch.performance import DRAWN, mean_interval
from torneo.watch.report import DriftReport

Floats = npt.NDArray[np.float64]
DRAWS = 200
"""So many times outcomes are drawn from the probabilities."""
OUTSIDE = 0.05
"""With a larger share of answers beyond those of the baseline nothing is known of their errors."""
FAR = 3.0
"""An effect of so many thresholds is large drift."""

Reliability = Literal["reliable", "doubtful", "unreliable"]


class Estimate(Frozen):
    """A metric as it is to be expected."""

    metric: str
    score: float | None
    low: float | None = None
    high: float | None = None
    confidence: float
    rows: int
    method: Literal["confidence", "error model"]
    reliability: Reliability = "doubtful"
    why: str = "the window has not been held against the training baseline"


def confidence_based(
    probabilities: Floats, metric: Metric, *, drift: DriftReport | None = None, confidence: float = 0.95, seed: int = 0
) -> Estimate:
    """Estimate a classifier's metric from its calibrated probabilities (n, classes), as if they were true.

    A mean over rows has its expectation, exactly; another metric the mean over outcomes that are drawn 200 times. The
    interval has the chance of the outcomes and of the rows in it, not that the probabilities may be wrong.

    Reference: Guillory, Shankar, Ebrahimi, Darrell and Schmidt (2021), Predicting with confidence on unseen
    distributions, ICCV; for other metrics than accuracy, the confidence-based performance estimation of NannyML.

    Raises:
        ValueError: no probabilities (n, classes), or there are no rows.

    >>> from torneo.metrics import metric
    >>> round(confidence_based(np.array([[0.9, 0.1], [0.3, 0.7]] * 50), metric("accuracy")).score, 6)
    0.8
    """
    if probabilities.ndim != 2 or len(probabilities) == 0:
        raise ValueError(f"estimates need probabilities (n, classes), not {probabilities.shape}")
    shares = probabilities.astype(np.float64)
    shares = shares / shares.sum(axis=1, keepdims=True)
    found = (
        _expected(shares, metric, confidence)
        if metric.per_row is not None
        else _drawn(shares, metric, confidence, seed)
    )
    reliability, why = reliability_of(drift)
    return Estimate(
        metric=metric.name,
        score=found[0],
        low=found[1],
        high=found[2],
        confidence=confidence,
        rows=len(shares),
        method="confidence",
        reliability=reliability,
        why=why,
    )


def _expected(shares: Floats, metric: Metric, confidence: float) -> tuple[float, float | None, float | None]:
    assert metric.per_row is not None  # noqa: S101 - the caller looked
    classes = range(shares.shape[1])
    values = np.stack([metric.per_row(np.full(len(shares), each), shares) for each in classes], axis=1)
    expected = (values * shares).sum(axis=1)
    spread = ((values - expected[:, None]) ** 2 * shares).sum(axis=1)
    mean, rows = float(expected.mean()), len(shares)
    if rows < 2:
        return mean, None, None
    low, high = mean_interval(mean, (float(expected.var(ddof=1)) + float(spread.mean())) / rows, rows - 1, confidence)
    return mean, max(low, 0.0), min(high, 1.0) if metric.bigger_is_better else high


def _drawn(
    shares: Floats, metric: Metric, confidence: float, seed: int
) -> tuple[float | None, float | None, float | None]:
    random = np.random.default_rng(seed)
    drawn = min(len(shares), DRAWN)
    found = []
    for _ in range(DRAWS):
        part = shares[random.integers(0, len(shares), drawn)]
        outcomes = (random.random(drawn)[:, None] > part.cumsum(axis=1)).sum(axis=1).clip(max=part.shape[1] - 1)
        try:
            found.append(metric(outcomes, part))
        except UndefinedMetricError:
            continue
    if len(found) < DRAWS / 2:
        return None, None, None
    mean = float(np.mean(found))
    scaled = mean + (np.array(found) - mean) * math.sqrt(drawn / len(shares))
    low, high = np.quantile(scaled, [(1 - confidence) / 2, (1 + confidence) / 2])
    return mean, float(low), float(high)


def error_model(
    baseline: Mapping[str, Any],
    predicted: Floats,
    metric: Metric,
    *,
    drift: DriftReport | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Estimate a regression's metric from the errors that predictions of their size had out of fold.

    The interval has in it the chance of the rows' errors and that bins had few rows, not that errors may differ now.

    Args:
        baseline: `BundleInfo.baseline`, with its `__errors__`.
        predicted: the window's predictions (n,).

    Raises:
        NotFoundError: the bundle has no errors of the metric (r2 is no mean over rows, for one).
        ValueError: there are no predictions (n,).
    """
    if predicted.ndim != 1 or len(predicted) == 0:
        raise ValueError(f"estimates need predictions (n,), not {predicted.shape}")
    errors = baseline.get(ERRORS, {"means": {}})
    if metric.name not in errors["means"]:
        known = ", ".join(errors["means"]) or "none: train again"
        raise NotFoundError(f"{metric.name} cannot be estimated before outcomes come (there are: {known})")
    means, variances = (np.array(errors[name][metric.name]) for name in ("means", "variances"))
    rows = np.bincount(np.searchsorted(errors["edges"], predicted, side="left"), minlength=len(means))
    shares = rows / rows.sum()
    mean = float(shares @ means)
    variance = float(shares @ variances) / len(predicted) + float(shares**2 @ (variances / np.array(errors["rows"])))
    low, high = mean_interval(mean, variance, max(1, min(len(predicted), sum(errors["rows"])) - 1), confidence)
    ends = [math.sqrt(max(end, 0.0)) if metric.root else end for end in (mean, low, high)]
    reliability, why = reliability_of(drift)
    return Estimate(
        metric=metric.name,
        score=ends[0],
        low=ends[1],
        high=ends[2],
        confidence=confidence,
        rows=len(predicted),
        method="error model",
        reliability=reliability,
        why=why,
    )


def reliability_of(drift: DriftReport | None) -> tuple[Reliability, str]:
    """Whether an estimate can be relied on, and why: drift is what makes probabilities and errors other than they were.

    No estimate can see that outcomes have come to depend on the columns in another way.
    """
    if drift is None or drift.verdict == "not enough rows":
        return "doubtful", "whether columns drifted is not known"
    drifted = [test for test in drift.tests if test.drifted]
    outside = [test for test in drifted if test.column == ANSWERS and test.test == "out_of_range"]
    if any((test.statistic or 0.0) > OUTSIDE for test in outside):
        return "unreliable", f"{outside[0].statistic:.1%} of the answers are beyond those that the model was judged on"
    far = [test.column for test in drifted if (test.effect or 0.0) >= FAR * test.threshold]
    if far:
        return "unreliable", f"large drift of {', '.join(dict.fromkeys(far[:3]))}"
    if drifted:
        return "doubtful", f"drift of {', '.join(drift.columns[:3])}"
    return "reliable", "no column drifted; whether outcomes still follow from them as before only outcomes can tell"
