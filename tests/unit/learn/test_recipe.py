"""One recipe on some rows; nothing of other rows gets in (fault 5)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import small
from torneo.errors import TrainError
from torneo.learn import recipe as recipe_module
from torneo.learn.folds import Rows
from torneo.learn.recipe import Split, fit
from torneo.models import gaussian_nb, linear
from torneo.spec.preparation import Prepare
from torneo.spec.records import Feature


def test_probabilities_have_a_column_for_each_class() -> None:
    rows = small.rows(40, classes=True)
    three = replace(rows, y=np.where(rows.y == 1, 2, 0), classes=3)
    fitted = fit(replace(small.recipe(classes=True, family=gaussian_nb), classes=3), three, {})
    predicted = fitted.predict(three)
    assert predicted.shape == (40, 3)
    assert predicted[:, 1].tolist() == [0.0] * 40
    assert predicted.sum(axis=1) == pytest.approx(np.ones(40))


def test_fault_5_statistics_come_from_the_rows_that_are_fitted() -> None:
    """Fault 5: imputation was fitted on all rows before the split."""
    rows = small.rows(40)
    rows.X.loc[3, "a"] = np.nan
    train = np.arange(30)
    one = fit(small.recipe(), rows.take(train), {})
    others = rows.X.copy()
    others.iloc[30:] = 1e6
    other_rows = replace(rows, X=others)
    other = fit(small.recipe(), other_rows.take(train), {})
    steps = one.pipeline.named_steps["prepare"].named_transformers_["numeric"]
    assert steps.steps[0][1].statistics_[0] == pytest.approx(np.nanmedian(rows.X["a"].iloc[:30]))
    assert (one.predict(rows.take(train)) == other.predict(rows.take(train))).all()


@pytest.mark.parametrize("by", ["shap", "importance"])
def test_the_most_important_inputs_are_kept(by: str) -> None:
    rows = small.rows(200)
    recipe = small.recipe(declared={"select": {"by": by, "keep": 1}})
    fitted = fit(recipe, rows, {})
    assert [feature.name for feature in fitted.features] == ["a"]  # it weighs twice as much as b
    assert fitted.pipeline.n_features_in_ == 1
    assert len(fitted.predict(rows)) == 200


def test_keeping_all_is_no_selection() -> None:
    fitted = fit(small.recipe(declared={"select": {"by": "shap", "keep": 2}}), small.rows(30), {})
    assert [feature.name for feature in fitted.features] == ["a", "b"]


def _texts(rows: Rows) -> Rows:
    colours = np.where(rows.X["a"] > 0, "red", "green").astype(object)
    return replace(rows, X=rows.X.assign(colour=colours))


@pytest.mark.parametrize("kept", [0, 1 << 20])
@pytest.mark.parametrize("declared", [{}, {"select": {"by": "shap", "keep": 1}}])
@pytest.mark.parametrize("encode", ["onehot", "target"])
def test_a_split_answers_as_a_fit_does(
    monkeypatch: pytest.MonkeyPatch, declared: dict[str, Any], encode: str, kept: int
) -> None:
    monkeypatch.setattr(recipe_module, "KEPT_BYTES", kept)
    colour = Feature(name="colour", kind="categorical", categories=("red", "green"))
    recipe = replace(
        small.recipe(declared=declared),
        prepare=Prepare.model_validate({"categorical": [{"encode": encode}]}),
        features=(*small.FEATURES, colour),
    )
    rows, fold = _texts(small.rows(90)), (np.arange(0, 60), np.arange(60, 90))
    split = Split(recipe, rows, fold)
    for alpha in (0.1, 30.0, 0.1):
        fitted = fit(recipe, rows.take(fold[0]), {"alpha": alpha})
        assert (split.answers({"alpha": alpha}) == fitted.predict(rows.take(fold[1]))).all()


def test_a_model_that_writes_into_its_rows_does_not_disturb_the_next() -> None:
    class Writes(LinearRegression):  # type: ignore[misc]
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
            super().fit(X, y, sample_weight)
            X[:] = 0
            return self

    family = SimpleNamespace(**vars(linear) | {"build": lambda *_, **__: Writes()})
    rows, fold = small.rows(60), (np.arange(0, 40), np.arange(40, 60))
    split = Split(small.recipe(family=family), rows, fold)
    assert (split.answers({}) == split.answers({})).all()


def test_what_cannot_be_prepared_says_with_what() -> None:
    recipe = replace(small.recipe(), prepare=Prepare.model_validate({"numeric": [{"scale": "standard"}]}))
    rows = small.rows(60)
    rows.X.loc[3, "b"] = np.inf
    with pytest.raises(TrainError, match=r"^linear with alpha=2 cannot be fitted: .*infinity"):
        Split(replace(recipe, nullable=frozenset()), rows, (np.arange(40), np.arange(40, 60))).answers({"alpha": 2})


def test_searched_parameters_go_before_declared_ones() -> None:
    fitted = fit(small.recipe(declared={"params": {"alpha": 5.0}}), small.rows(30), {"alpha": 7.0})
    assert fitted.pipeline.named_steps["model"].alpha == 7.0


def test_a_model_that_cannot_be_fitted_says_with_what() -> None:
    with pytest.raises(TrainError, match=r"^linear with alpha=-1 cannot be fitted: .*alpha"):
        fit(small.recipe(), small.rows(30), {"alpha": -1})


INTERRUPTED = """
import json, os, random, signal, threading, time
import small
from torneo.learn.recipe import fit
from torneo.models import xgboost

two_trees = {"model": "xgboost", "params": {"n_estimators": 2}}
recipe, rows = small.recipe(family=xgboost, declared=two_trees), small.rows(60)
fit(recipe, rows, {})
chance, ends = random.Random(1), []

def interrupt(delay):
    time.sleep(delay)
    os.kill(os.getpid(), signal.SIGINT)

for _ in range(60):
    sender = threading.Thread(target=interrupt, args=[chance.uniform(0.005, 0.02)])
    ends.append("lost")
    try:
        sender.start()
        end = time.monotonic() + 2
        while time.monotonic() < end:
            fit(recipe, rows, {})
    except KeyboardInterrupt:
        ends[-1] = "told"
    except Exception as error:
        ends[-1] = type(error).__name__
    sender.join()
print(json.dumps(ends))
"""


def test_ctrl_c_while_a_model_is_fitted_is_no_error_of_the_model() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(small.__file__).parent)}
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    ends = json.loads(done.stdout)
    assert set(ends) <= {"told", "lost"}, "a KeyboardInterrupt has become another error"
    assert ends.count("lost") <= 3, "only one that meets XGBoost's own __del__ may be lost"
