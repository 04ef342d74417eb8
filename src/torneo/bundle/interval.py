"""Prediction intervals that hold their share of outcomes, whatever the model."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from torneo.errors import TrainError


def half_width(residuals: npt.NDArray[np.floating], share: float) -> float:
    """Half the width of the split-conformal interval, in units of the outcome.

    For exchangeable rows, prediction ± half width holds the outcome with a chance of at least `share`: the
    ⌈(n + 1) · share⌉-th smallest of n absolute residuals.

    Args:
        residuals: outcome minus prediction (n,) for rows that the predicting model has not been fitted on.
        share: the share of outcomes that intervals should hold, above 0 and below 1.

    Raises:
        TrainError: there are too few residuals for the share, or one is not a number.

    References: Vovk, Gammerman and Shafer (2005), Algorithmic Learning in a Random World; Lei, G'Sell, Rinaldo,
    Tibshirani and Wasserman (2018), Distribution-Free Predictive Inference for Regression, JASA 113(523).

    >>> import numpy as np
    >>> half_width(np.arange(1.0, 20.0), 0.9)
    18.0
    """
    if not np.isfinite(residuals).all():
        raise TrainError("a residual is not a number: the interval cannot be calibrated")
    rank = math.ceil((len(residuals) + 1) * share - 1e-9)
    if rank > len(residuals):
        needed = math.ceil(share / (1 - share) - 1e-9)
        raise TrainError(
            f"{len(residuals)} rows are too few for an interval that holds {share:.0%} of outcomes",
            fix=f"add rows (at least {needed} are needed), or lower serve.interval",
        )
    return float(np.partition(np.abs(residuals), rank - 1)[rank - 1])
