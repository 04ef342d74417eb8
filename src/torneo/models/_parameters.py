"""The names of an estimator's parameters that a project may set."""

from __future__ import annotations

from typing import Any

RESERVED = frozenset(
    {"random_state", "seed", "n_jobs", "nthread", "num_threads", "verbose", "verbosity", "warm_start", "callbacks",
     "device", "missing", "copy_X", "feature_names", "kwargs"}
)  # fmt: skip
"""What Torneo sets itself, or what has no effect on a model."""


def parameters_of(estimator: Any) -> frozenset[str]:
    """All parameters of an estimator but the reserved ones."""
    return frozenset(estimator.get_params(deep=False)) - RESERVED
