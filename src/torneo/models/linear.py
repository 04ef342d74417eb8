"""Ridge regression and logistic regression: the straight line that every other family must beat.

References: Hoerl and Kennard (1970), Ridge Regression, Technometrics 12(1); Cox (1958), The Regression Analysis of
Binary Sequences, JRSS B 20(2).

>>> import numpy as np
>>> X, y = np.arange(20.0).reshape(-1, 1), np.arange(20.0) * 3
>>> model = build("regression", {"alpha": 0.001}, seed=0, jobs=1).fit(X, y)
>>> round(float(model.predict([[10.0]])[0]), 2)
30.0
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from torneo.models._parameters import parameters_of
from torneo.spec.project import Scalar, Task
from torneo.spec.space import Choice, Float, Space

TASKS: tuple[Task, ...] = ("regression", "classification")
SCALES = True
HANDLES_MISSING = False


def build(task: Task, params: Mapping[str, Scalar], *, seed: int, jobs: int) -> Any:  # noqa: ARG001 - one thread is faster
    """Ridge for regression, L2-penalised logistic regression (softmax for several classes) for classification."""
    from sklearn.linear_model import LogisticRegression, Ridge

    if task == "regression":
        return Ridge(**{"alpha": 1.0, **params}, random_state=seed)
    return LogisticRegression(**{"C": 1.0, "max_iter": 2000, **params}, random_state=seed)


def parameters(task: Task) -> frozenset[str]:
    """The estimator's own parameters."""
    return parameters_of(build(task, {}, seed=0, jobs=1))


def space(task: Task, rows: int, columns: int) -> Space:  # noqa: ARG001 - the same for all data
    """The strength of the penalty, over six orders of magnitude."""
    if task == "regression":
        return {"alpha": Float(1e-3, 1e3, log=True)}
    return {"C": Float(1e-3, 1e3, log=True), "class_weight": Choice((None, "balanced"))}


def refuse(params: Mapping[str, Scalar]) -> str | None:  # noqa: ARG001 - nothing is refused
    """Every linear model can be exported."""
    return None


def contributions(estimator: Any, Z: Any) -> Any:
    """Exact for independent inputs: weight times distance from the mean row; classes in log-odds."""
    centred = np.asarray(Z, dtype=np.float64) - np.mean(Z, axis=0, dtype=np.float64)
    weights = np.atleast_2d(estimator.coef_)
    if len(weights) == 1:
        return centred * weights[0]
    return centred[:, :, None] * weights.T[None, :, :]
