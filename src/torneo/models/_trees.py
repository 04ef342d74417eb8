"""Tree SHAP for scikit-learn's trees."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np


def tree_contributions(estimator: Any, Z: Any) -> Any:
    """SHAP values (rows, columns), of the last class of two, or (rows, columns, classes).

    Reference: Lundberg et al. (2020), From local explanations to global understanding with explainable AI for trees.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # of matplotlib's colours, at import
        import shap

    explainer = shap.TreeExplainer(estimator, feature_perturbation="tree_path_dependent")
    values = np.asarray(explainer.shap_values(np.asarray(Z), check_additivity=False), dtype=np.float64)
    return values[:, :, 1] if values.ndim == 3 and values.shape[2] == 2 else values
