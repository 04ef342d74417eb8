"""One recipe on some rows; nothing of other rows gets in (fault 5)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import small
from torneo.errors import TrainError
from torneo.learn.recipe import fit
from torneo.models import gaussian_nb


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


def test_searched_parameters_go_before_declared_ones() -> None:
    fitted = fit(small.recipe(declared={"params": {"alpha": 5.0}}), small.rows(30), {"alpha": 7.0})
    assert fitted.pipeline.named_steps["model"].alpha == 7.0


def test_a_model_that_cannot_be_fitted_says_with_what() -> None:
    with pytest.raises(TrainError, match=r"^linear with alpha=-1 cannot be fitted: .*alpha"):
        fit(small.recipe(), small.rows(30), {"alpha": -1})
