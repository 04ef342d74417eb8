"""XGBoost: regularised gradient boosting with second-order steps.

Reference: Chen and Guestrin (2016), XGBoost: A Scalable Tree Boosting System, KDD.

>>> import numpy as np
>>> X, y = np.arange(200.0).reshape(-1, 1), (np.arange(200) >= 100).astype(int)
>>> model = build("classification", {"n_estimators": 50}, seed=0, jobs=1).fit(X, y)
>>> model.predict([[20.0], [180.0]]).tolist()
[0, 1]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torneo.models._parameters import parameters_of
from torneo.spec.project import Scalar, Task
from torneo.spec.space import Float, Int, Space

TASKS: tuple[Task, ...] = ("regression", "classification")
SCALES = False
HANDLES_MISSING = True

OBJECTIVES = frozenset(
    {"reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "binary:logistic", "multi:softprob"}
)
"""What the exported graph answers in the same way."""
_ELSEWHERE = frozenset(
    {"early_stopping_rounds", "eval_metric", "enable_categorical", "feature_types", "feature_weights",
     "max_cat_threshold", "max_cat_to_onehot", "validate_parameters", "interaction_constraints",
     "monotone_constraints", "importance_type"}
)  # fmt: skip


def build(task: Task, params: Mapping[str, Scalar], *, seed: int, jobs: int) -> Any:
    """300 slow, shallow trees, each on a sample of rows and inputs: a safe start on a few hundred rows and more."""
    from xgboost import XGBClassifier, XGBRegressor

    kind = XGBRegressor if task == "regression" else XGBClassifier
    defaults = {
        "n_estimators": 300,
        "learning_rate": 0.05,
        "max_depth": 4,
        "subsample": 0.8,
        "colsample_bytree": 0.8,
        "tree_method": "hist",
    }
    return kind(**{**defaults, **params}, random_state=seed, n_jobs=jobs)


def parameters(task: Task) -> frozenset[str]:
    """The estimator's own parameters, without those that need more than a number or a text."""
    return parameters_of(build(task, {}, seed=0, jobs=1)) - _ELSEWHERE


def space(task: Task, rows: int, columns: int) -> Space:  # noqa: ARG001 - the same for all data
    """Speed, size, sampling and penalties of the trees."""
    return {
        "n_estimators": Int(100, 800, log=True),
        "learning_rate": Float(0.01, 0.3, log=True),
        "max_depth": Int(2, 8),
        "min_child_weight": Float(0.5, 20.0, log=True),
        "subsample": Float(0.5, 1.0),
        "colsample_bytree": Float(0.4, 1.0),
        "reg_lambda": Float(1e-2, 50.0, log=True),
        "reg_alpha": Float(1e-4, 10.0, log=True),
    }


def refuse(params: Mapping[str, Scalar]) -> str | None:
    """Boosters and objectives whose exported graph is wrong or impossible."""
    booster = params.get("booster", "gbtree")
    if booster != "gbtree":
        return f"booster: {booster} cannot be exported to ONNX; use gbtree"
    if params.get("multi_strategy", "one_output_per_tree") != "one_output_per_tree":
        return f"multi_strategy: {params['multi_strategy']} cannot be exported to ONNX; use one_output_per_tree"
    objective = params.get("objective")
    if objective is not None and objective not in OBJECTIVES:
        return f"objective: {objective} cannot be exported to ONNX; there are: {', '.join(sorted(OBJECTIVES))}"
    return None


def contributions(estimator: Any, Z: Any) -> Any:
    """XGBoost's own Tree SHAP, in units of the outcome or of the log-odds."""
    import numpy as np
    from xgboost import DMatrix

    rows = DMatrix(np.asarray(Z, dtype=np.float32))
    values = np.asarray(estimator.get_booster().predict(rows, pred_contribs=True), dtype=np.float64)
    return values[:, :-1] if values.ndim == 2 else values[:, :, :-1].transpose(0, 2, 1)
