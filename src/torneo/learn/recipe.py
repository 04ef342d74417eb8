"""One recipe fitted on some rows: preparation, selection of features and model, all on these rows only."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from torneo.errors import TrainError
from torneo.learn import preparation
from torneo.learn.folds import Rows
from torneo.learn.importance import importance, shap_matrix
from torneo.ports import Family
from torneo.spec.project import Challenger, Prepare, Scalar, Select, Task
from torneo.spec.records import Feature

EXPLAINED = 300
"""Selection by SHAP looks at so many rows at most."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """Everything a fit depends on besides the rows and the searched parameters."""

    challenger: Challenger
    prepare: Prepare
    family: Family
    features: tuple[Feature, ...]
    nullable: frozenset[str]
    """The inputs that rows may lack."""
    task: Task
    classes: int
    """How many classes there are; 0 for regression."""
    seed: int
    jobs: int = 1

    def on_one_core(self) -> Recipe:
        """The same recipe for fits that run side by side."""
        return replace(self, jobs=1)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted pipeline and the inputs it reads."""

    pipeline: Any
    features: tuple[Feature, ...]
    classes: int

    def predict(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Values (n,) for regression, probabilities (n, classes) for classification."""
        inputs = rows.X[[feature.name for feature in self.features]]
        if not self.classes:
            return np.asarray(self.pipeline.predict(inputs), dtype=np.float64).ravel()
        known = np.asarray(self.pipeline.predict_proba(inputs), dtype=np.float64)
        probabilities = np.zeros((len(rows), self.classes))
        probabilities[:, np.asarray(self.pipeline.classes_, dtype=np.int64)] = known
        return probabilities


def fit(recipe: Recipe, rows: Rows, params: Mapping[str, Scalar]) -> Fitted:
    """Fit a recipe.

    Raises:
        TrainError: the model refuses the rows or the parameters.
    """
    fitted = _fit(recipe, rows, params, recipe.features)
    chosen = recipe.challenger.select
    if chosen is None or chosen.keep >= len(recipe.features):
        return fitted
    kept = _most_important(chosen, recipe, fitted, rows)
    return _fit(recipe, rows, params, tuple(feature for feature in recipe.features if feature.name in kept))


def _fit(recipe: Recipe, rows: Rows, params: Mapping[str, Scalar], features: tuple[Feature, ...]) -> Fitted:
    unfitted = preparation.pipeline(
        recipe.prepare,
        features,
        recipe.family,
        task=recipe.task,
        classes=recipe.classes,
        params={**recipe.challenger.params, **params},
        seed=recipe.seed,
        jobs=recipe.jobs,
        nullable=recipe.nullable,
    )
    try:
        with warnings.catch_warnings():
            _quieten()
            inputs = rows.X[[feature.name for feature in features]]
            model = preparation.fit(unfitted, inputs, rows.y, jobs=recipe.jobs)
    except (ValueError, TypeError, ArithmeticError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in params.items()) or "its defaults"
        raise TrainError(f"{recipe.challenger.model} with {given} cannot be fitted: {str(error)[:500]}") from error
    return Fitted(model, features, rows.classes)


def _quieten() -> None:
    """Warnings that a search produces by the hundred and that its scores already answer."""
    from scipy.linalg import LinAlgWarning
    from sklearn.exceptions import ConvergenceWarning

    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("ignore", LinAlgWarning)
    warnings.filterwarnings("ignore", message="Found unknown categories")


def _most_important(chosen: Select, recipe: Recipe, fitted: Fitted, rows: Rows) -> frozenset[str]:
    names = [feature.name for feature in recipe.features]
    if chosen.by == "shap":
        sample = np.random.default_rng(recipe.seed).permutation(len(rows))[:EXPLAINED]
        matrix = shap_matrix(fitted.pipeline, rows.X.iloc[np.sort(sample)], recipe.family, seed=recipe.seed)
        weights = dict(zip(names, np.abs(matrix).mean(axis=0), strict=True))
    else:
        weights = dict(importance(fitted.pipeline, rows.X, rows.y, task=recipe.task, seed=recipe.seed))
    ranked = sorted(names, key=lambda name: (-weights[name], name))
    return frozenset(ranked[: chosen.keep])
