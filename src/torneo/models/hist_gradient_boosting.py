"""Histogram gradient boosting of scikit-learn: trees in sequence, on at most 255 bins per input.

Reference: Friedman (2001), Greedy Function Approximation: A Gradient Boosting Machine, Annals of Statistics 29(5).

>>> import numpy as np
>>> X, y = np.arange(200.0).reshape(-1, 1), np.arange(200.0) // 100
>>> model = build("regression", {"max_iter": 100}, seed=0, jobs=1).fit(X, y)
>>> model.predict([[20.0], [180.0]]).round(1).tolist()
[0.0, 1.0]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torneo.models._parameters import parameters_of
from torneo.models._trees import tree_contributions
from torneo.spec.project import Scalar, Task
from torneo.spec.space import Float, Int, Space

TASKS: tuple[Task, ...] = ("regression", "classification")
SCALES = False
HANDLES_MISSING = True


def build(task: Task, params: Mapping[str, Scalar], *, seed: int, jobs: int) -> Any:  # noqa: ARG001 - see below
    """Boosted trees without early stopping, so that the validation rows it would take train as well.

    The estimator has no number of threads: whoever fits it limits OpenMP's (`torneo.learn.preparation.fit`).
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    defaults = {
        "learning_rate": 0.06,
        "max_iter": 200,
        "max_leaf_nodes": 15,
        "min_samples_leaf": 10,
        "l2_regularization": 1.0,
        "early_stopping": False,
    }
    return kind(**{**defaults, **params}, random_state=seed)


def parameters(task: Task) -> frozenset[str]:
    """The estimator's own parameters; the preparation encodes categories."""
    return parameters_of(build(task, {}, seed=0, jobs=1)) - {"categorical_features"}


def space(task: Task, rows: int, columns: int) -> Space:  # noqa: ARG001 - the same for both tasks
    """Speed, size and smoothness of the trees."""
    return {
        "learning_rate": Float(0.01, 0.3, log=True),
        "max_iter": Int(50, 500, log=True),
        "max_leaf_nodes": Int(4, 63, log=True),
        "min_samples_leaf": Int(2, max(5, min(100, rows // 10)), log=True),
        "l2_regularization": Float(1e-3, 100.0, log=True),
        "max_features": Float(0.3, 1.0),
    }


def refuse(params: Mapping[str, Scalar]) -> str | None:
    """Losses with a logarithmic link are exported without it."""
    loss = params.get("loss")
    if loss in ("poisson", "gamma"):
        return f"loss: {loss} cannot be exported to ONNX; use squared_error, absolute_error or quantile"
    return None


def contributions(estimator: Any, Z: Any) -> Any:
    """Tree SHAP, in units of the outcome or of the log-odds."""
    return tree_contributions(estimator, Z)
