"""From names to families, and challengers that are refused before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from torneo.errors import HookError, NotFoundError, TrainError
from torneo.hooks import load_hooks
from torneo.learn.families import FunctionFamily, check_challenger, family_of
from torneo.models import gaussian_nb, linear, xgboost
from torneo.spec.project import Challenger

MINE = """
from sklearn.tree import DecisionTreeRegressor

def tree(task, params, seed):
    return DecisionTreeRegressor(random_state=seed, **params)

def nothing(task, params, seed):
    return None

def broken(task, params, seed):
    return 1 / 0
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "models.py").write_text(MINE, encoding="utf-8")
    return tmp_path


def test_a_family_of_ours() -> None:
    assert family_of(Challenger(model="linear"), load_hooks(Path("/nowhere"))) is linear


def test_a_function_of_the_project_is_a_family(own: Path) -> None:
    family = family_of(Challenger(model="tree"), load_hooks(own))
    assert isinstance(family, FunctionFamily)
    assert "max_depth" in family.parameters("regression")
    built = family.build("regression", {"max_depth": 3}, seed=9, jobs=1)
    assert (built.max_depth, built.random_state) == (3, 9)
    assert family.space("regression", 10, 2) == {}
    check_challenger("t", Challenger(model="tree", params={"max_depth": 3}), family, "regression")


def test_a_function_that_fails_or_gives_no_estimator(own: Path) -> None:
    hooks = load_hooks(own)
    with pytest.raises(HookError, match=r"models\.py: nothing\(\) must give an estimator .*, not NoneType"):
        family_of(Challenger(model="nothing"), hooks).parameters("regression")
    with pytest.raises(HookError, match=r"models\.py:11: ZeroDivisionError"):
        family_of(Challenger(model="broken"), hooks).parameters("regression")


def test_a_family_that_is_not_there(own: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no model 'xgbost' \(did you mean 'xgboost'\? there are: .*linear"):
        family_of(Challenger(model="xgbost"), load_hooks(own))


def test_a_task_that_a_family_cannot_learn() -> None:
    with pytest.raises(TrainError, match=r"challengers\.nb: gaussian_nb cannot learn regression"):
        check_challenger("nb", Challenger(model="gaussian_nb"), gaussian_nb, "regression")


@pytest.mark.parametrize(
    "declared",
    [
        {"model": "xgboost", "params": {"max_dept": 3}},
        {"model": "xgboost", "search": {"sampler": "random", "space": {"max_dept": [3]}}},
    ],
)
def test_a_parameter_that_does_not_exist(declared: dict[str, object]) -> None:
    challenger = Challenger.model_validate(declared)
    with pytest.raises(
        NotFoundError, match=r"challengers\.x: xgboost has no parameter 'max_dept' \(did you mean 'max_dep"
    ):
        check_challenger("x", challenger, xgboost, "regression")


@pytest.mark.parametrize(
    "declared",
    [
        {"model": "xgboost", "params": {"booster": "gblinear"}},
        {"model": "xgboost", "search": {"sampler": "random", "space": {"booster": ["gbtree", "dart"]}}},
    ],
)
def test_what_cannot_be_exported_is_refused_before_training(declared: dict[str, object]) -> None:
    with pytest.raises(TrainError, match=r"challengers\.x: .*booster"):
        check_challenger("x", Challenger.model_validate(declared), xgboost, "regression")
