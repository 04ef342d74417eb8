"""Random forest: the mean of deep trees, each grown on a bootstrap sample with random candidate inputs per split.

Reference: Breiman (2001), Random Forests, Machine Learning 45(1).

>>> import numpy as np
>>> X, y = np.arange(40.0).reshape(-1, 1), (np.arange(40) >= 20).astype(int)
>>> build("classification", {"n_estimators": 20}, seed=0, jobs=1).fit(X, y).predict([[5.0], [35.0]]).tolist()
[0, 1]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torneo.models._parameters import parameters_of
from torneo.models._trees import tree_contributions
from torneo.spec.project import Scalar, Task
from torneo.spec.space import Choice, Float, Int, Space

TASKS: tuple[Task, ...] = ("regression", "classification")
SCALES = False
HANDLES_MISSING = False
LONG = 1e10
"""About ten seconds of Tree SHAP."""


def build(task: Task, params: Mapping[str, Scalar], *, seed: int, jobs: int) -> Any:
    """A forest of 200 trees of at most 2,048 leaves, which bounds the bundle at some 60 MB whatever the rows."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestRegressor if task == "regression" else RandomForestClassifier
    defaults = {"n_estimators": 200, "max_leaf_nodes": 2048}
    return kind(**{**defaults, **params}, random_state=seed, n_jobs=jobs)


def parameters(task: Task) -> frozenset[str]:
    """The estimator's own parameters."""
    return parameters_of(build(task, {}, seed=0, jobs=1))


def space(task: Task, rows: int, columns: int) -> Space:  # noqa: ARG001 - the same for both tasks
    """How deep trees grow, and how much they differ."""
    return {
        "n_estimators": Int(100, 400),
        "max_features": Float(1 / max(columns, 2), 1.0),
        "min_samples_leaf": Int(1, max(2, min(20, rows // 20)), log=True),
        "max_depth": Choice((None, 6, 10, 16)),
    }


def refuse(params: Mapping[str, Scalar]) -> str | None:  # noqa: ARG001 - nothing is refused
    """Every forest can be exported."""
    return None


def contributions(estimator: Any, Z: Any) -> Any:
    """Tree SHAP (Lundberg et al. 2020), in units of the outcome or of the probability; None if it would take long.

    Its work is rows * leaves * depth², and a core does some 10⁹ of that in a second.
    """
    trees = [tree.tree_ for tree in estimator.estimators_]
    work = len(Z) * sum(float(tree.n_leaves) * tree.max_depth**2 for tree in trees)
    return tree_contributions(estimator, Z) if work < LONG else None
