"""Support vector machines with a radial kernel: for few rows, and smooth relations.

References: Cortes and Vapnik (1995), Support-Vector Networks, Machine Learning 20; Platt (1999), Probabilistic Outputs
for Support Vector Machines.

>>> import numpy as np
>>> X, y = np.arange(40.0).reshape(-1, 1), (np.arange(40) >= 20).astype(int)
>>> model = build("classification", {}, seed=0, jobs=1).fit(X, y)
>>> model.predict_proba([[5.0], [35.0]])[:, 1].round(1).tolist()
[0.0, 1.0]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torneo.models._parameters import parameters_of
from torneo.spec.project import Scalar, Task
from torneo.spec.space import Choice, Float, Space

TASKS: tuple[Task, ...] = ("regression", "classification")
SCALES = True
HANDLES_MISSING = False


def build(task: Task, params: Mapping[str, Scalar], *, seed: int, jobs: int) -> Any:  # noqa: ARG001 - libsvm has one thread
    """SVR on the standardised outcome, or an SVC whose out-of-fold scores become probabilities by Platt's sigmoid."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC, SVR

    if task == "regression":
        return TransformedTargetRegressor(SVR(**params), transformer=StandardScaler())
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    return CalibratedClassifierCV(SVC(**params), method="sigmoid", cv=folds, ensemble=False)


def parameters(task: Task) -> frozenset[str]:
    """The parameters of SVR or SVC."""
    from sklearn.svm import SVC, SVR

    own = parameters_of(SVR() if task == "regression" else SVC())
    return own - {"probability", "decision_function_shape", "break_ties", "cache_size"}


def space(task: Task, rows: int, columns: int) -> Space:  # noqa: ARG001 - the same for any number of rows
    """Penalty, width of the kernel, and for regression the width of the tube."""
    width = Float(0.05 / columns, 10.0 / columns, log=True)
    if task == "regression":
        return {"C": Float(1e-1, 1e3, log=True), "gamma": width, "epsilon": Float(1e-3, 1.0, log=True)}
    return {"C": Float(1e-2, 1e3, log=True), "gamma": width, "class_weight": Choice((None, "balanced"))}


def refuse(params: Mapping[str, Scalar]) -> str | None:
    """A kernel of one's own has no graph."""
    kernel = params.get("kernel", "rbf")
    if kernel not in ("rbf", "linear", "poly", "sigmoid"):
        return f"kernel: {kernel} cannot be exported to ONNX; use rbf, linear, poly or sigmoid"
    return None


def contributions(estimator: Any, Z: Any) -> Any:  # noqa: ARG001 - there is no quick way
    """None: sampled instead."""
    return None
