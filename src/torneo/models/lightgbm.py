"""LightGBM: gradient boosting that grows the leaf with the largest gain.

Reference: Ke et al. (2017), LightGBM: A Highly Efficient Gradient Boosting Decision Tree, NeurIPS.
Needs `torneo[boost]`.

>>> refuse({"boosting_type": "dart"})
'boosting_type: dart cannot be exported to ONNX; use gbdt'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torneo.errors import MissingExtraError
from torneo.models._parameters import parameters_of
from torneo.spec.project import Scalar, Task
from torneo.spec.space import Float, Int, Space

TASKS: tuple[Task, ...] = ("regression", "classification")
SCALES = False
HANDLES_MISSING = True

OBJECTIVES = frozenset({"regression", "regression_l1", "huber", "quantile", "binary", "multiclass"})
"""What the exported graph answers in the same way."""


def build(task: Task, params: Mapping[str, Scalar], *, seed: int, jobs: int) -> Any:
    """300 slow trees of 15 leaves; the same trees for any number of threads.

    Raises:
        MissingExtraError: LightGBM is not installed.
    """
    try:
        from lightgbm import LGBMClassifier, LGBMRegressor
    except ImportError as error:
        raise MissingExtraError("lightgbm", "boost", "model: lightgbm") from error

    kind: Any = LGBMRegressor if task == "regression" else LGBMClassifier
    defaults = {
        "n_estimators": 300,
        "learning_rate": 0.05,
        "num_leaves": 15,
        "min_child_samples": 10,
        "subsample": 0.8,
        "subsample_freq": 1,
        "colsample_bytree": 0.8,
        "reg_lambda": 1.0,
    }
    fixed = {"deterministic": True, "force_row_wise": True, "verbosity": -1}
    return kind(**{**defaults, **params}, **fixed, random_state=seed, n_jobs=jobs)


def parameters(task: Task) -> frozenset[str]:
    """The estimator's own parameters, without those that need more than a number or a text."""
    own = parameters_of(build(task, {}, seed=0, jobs=1))
    return own - {"deterministic", "force_row_wise", "importance_type", "subsample_for_bin"}


def space(task: Task, rows: int, columns: int) -> Space:  # noqa: ARG001 - the same for both tasks
    """Speed, size, sampling and penalties of the trees."""
    return {
        "n_estimators": Int(100, 800, log=True),
        "learning_rate": Float(0.01, 0.3, log=True),
        "num_leaves": Int(4, 63, log=True),
        "min_child_samples": Int(2, max(5, min(100, rows // 10)), log=True),
        "subsample": Float(0.5, 1.0),
        "colsample_bytree": Float(0.4, 1.0),
        "reg_lambda": Float(1e-2, 50.0, log=True),
    }


def refuse(params: Mapping[str, Scalar]) -> str | None:
    """Boosting types and objectives whose exported graph is wrong or impossible."""
    boosting = params.get("boosting_type", "gbdt")
    if boosting != "gbdt":
        return f"boosting_type: {boosting} cannot be exported to ONNX; use gbdt"
    objective = params.get("objective")
    if objective is not None and objective not in OBJECTIVES:
        return f"objective: {objective} cannot be exported to ONNX; there are: {', '.join(sorted(OBJECTIVES))}"
    return None


def contributions(estimator: Any, Z: Any) -> Any:
    """LightGBM's own Tree SHAP, in units of the outcome or of the log-odds."""
    import numpy as np

    rows = np.asarray(Z, dtype=np.float64)
    values = np.asarray(estimator.booster_.predict(rows, pred_contrib=True), dtype=np.float64)
    columns = rows.shape[1] + 1
    if values.shape[1] == columns:
        return values[:, :-1]
    return values.reshape(len(rows), -1, columns)[:, :, :-1].transpose(0, 2, 1)
