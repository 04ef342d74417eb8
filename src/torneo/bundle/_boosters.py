"""Teaches skl2onnx the boosters, and makes the trees of LightGBM and scikit-learn exact in 32 bits."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

_DEFAULT_LEFT = 2
_MISSING_KIND = 0b1100
_MISSING_IS_NAN = 0b1000


@cache
def register() -> None:
    """Register the converters of the boosters that are installed."""
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
    from skl2onnx import update_registered_converter
    from skl2onnx.common import shape_calculator
    from xgboost import XGBClassifier, XGBRegressor

    classifier = shape_calculator.calculate_linear_classifier_output_shapes
    regressor = shape_calculator.calculate_linear_regressor_output_shapes
    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    update_registered_converter(XGBClassifier, "XGBoostXGBClassifier", classifier, convert_xgboost, options=options)
    update_registered_converter(XGBRegressor, "XGBoostXGBRegressor", regressor, convert_xgboost)
    try:
        from lightgbm import LGBMClassifier, LGBMRegressor
    except ImportError:
        return
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

    update_registered_converter(LGBMClassifier, "LightGbmLGBMClassifier", classifier, convert_lightgbm, options=options)
    update_registered_converter(
        LGBMRegressor, "LightGbmLGBMRegressor", regressor, convert_lightgbm, options={"split": None}
    )


def exact(estimator: Any) -> Any:
    """An estimator that answers alike for 32-bit inputs and whose converted graph does as well; others as they are.

    The thresholds of LightGBM and of scikit-learn's histogram boosting have 64 bits: rounded to the nearest 32-bit
    number, as their converters do, some fall on the other side of a value. Rounded down, `x <= threshold` stays the
    same for every 32-bit x. Where LightGBM saw nothing missing in training it takes NaN for 0, which its converter
    does not: such splits get the direction of 0 as that of NaN.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    if isinstance(estimator, HistGradientBoostingClassifier | HistGradientBoostingRegressor):
        same = copy.deepcopy(estimator)
        for predictor in (one for iteration in same._predictors for one in iteration):
            predictor.nodes["num_threshold"] = _round_down(predictor.nodes["num_threshold"])
        return same
    if not type(estimator).__module__.startswith("lightgbm."):
        return estimator
    from lightgbm import Booster

    same = copy.copy(estimator)
    same._Booster = Booster(model_str="\n".join(_exact_lines(estimator.booster_.model_to_string(num_iteration=-1))))
    return same


def _exact_lines(text: str) -> Iterator[str]:
    thresholds = np.empty(0, dtype=np.float32)
    for line in text.split("\n"):
        key, _, values = line.partition("=")
        if key == "tree_sizes":  # the sizes of the trees' texts, which change
            continue
        if key == "threshold" and values:
            thresholds = _round_down(np.array([float(value) for value in values.split(" ")]))
            yield "threshold=" + " ".join(repr(float(value)) for value in thresholds)
        elif key == "decision_type" and values:
            pairs = zip(values.split(" "), thresholds, strict=True)
            yield "decision_type=" + " ".join(str(_direction(int(kind), float(value))) for kind, value in pairs)
        else:
            yield line


def _direction(kind: int, threshold: float) -> int:
    """A split's bits: LightGBM's 0 (none seen missing) becomes 2 (NaN has a direction), the one that 0 goes."""
    if kind & _MISSING_KIND:
        return kind
    return _MISSING_IS_NAN | (_DEFAULT_LEFT if threshold >= 0 else 0)


def _round_down(values: Any) -> Any:
    """The largest 32-bit number that is not above each value."""
    near = values.astype(np.float32)
    return np.where(near.astype(np.float64) > values, np.nextafter(near, np.float32(-np.inf)), near)
