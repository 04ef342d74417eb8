"""What single families refuse, and how they say it."""

from __future__ import annotations

import sys

import pytest

from torneo import plugins
from torneo.errors import MissingExtraError
from torneo.models import gaussian_nb, hist_gradient_boosting, lightgbm, random_forest, svm, xgboost


@pytest.mark.parametrize(
    ("family", "params", "reason"),
    [
        (xgboost, {"booster": "dart"}, "booster: dart cannot be exported to ONNX; use gbtree"),
        (xgboost, {"booster": "gblinear"}, "booster: gblinear"),
        (xgboost, {"objective": "reg:gamma"}, "objective: reg:gamma cannot be exported"),
        (xgboost, {"multi_strategy": "multi_output_tree"}, "multi_strategy"),
        (lightgbm, {"boosting_type": "dart"}, "use gbdt"),
        (lightgbm, {"objective": "poisson"}, "objective: poisson"),
        (hist_gradient_boosting, {"loss": "gamma"}, "loss: gamma"),
        (svm, {"kernel": "precomputed"}, "kernel: precomputed"),
    ],
)
def test_refuses(family: object, params: dict[str, str], reason: str) -> None:
    assert reason in (family.refuse(params) or "")  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", plugins.names("models"))
def test_seeds_and_jobs_are_not_parameters(name: str) -> None:
    family = plugins.load("models", name)
    for task in family.TASKS:
        assert not family.parameters(task) & {"random_state", "n_jobs", "verbose", "verbosity", "kwargs"}


def test_lightgbm_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingExtraError, match=r"model: lightgbm needs lightgbm, .*\n.*torneo\[boost\]"):
        lightgbm.build("regression", {}, seed=0, jobs=1)


def test_long_explanations_are_left_to_sampling() -> None:
    import numpy as np

    X = np.random.default_rng(0).normal(size=(200, 3))
    forest = random_forest.build("regression", {"n_estimators": 10}, seed=0, jobs=1).fit(X, X[:, 0])
    assert random_forest.contributions(forest, X[:5]) is not None
    assert random_forest.contributions(forest, np.broadcast_to(X[:1], (10**6, 3))) is None
    assert gaussian_nb.contributions(None, X) is None
