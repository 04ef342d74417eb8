"""One recipe fitted on some rows: preparation, selection of features and model, all on these rows only."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from torneo.errors import TrainError
from torneo.learn import preparation
from torneo.learn.folds import Fold, Rows
from torneo.learn.importance import importance, shap_matrix
from torneo.ports import Family
from torneo.spec.project import Challenger, Prepare, Scalar, Select, Task
from torneo.spec.records import Feature

Result = TypeVar("Result")

Matrix = npt.NDArray[Any]

EXPLAINED = 100
"""Selection by SHAP looks at so many rows at most."""
KEPT_BYTES = 32 << 20
"""The prepared training rows of a fold are kept for the next model up to this size."""


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
        return self.answers(self.pipeline.named_steps["prepare"].transform(inputs))

    def answers(self, Z: Matrix) -> npt.NDArray[np.float64]:
        """The same for rows that are prepared."""
        model = self.pipeline.named_steps["model"]
        if not self.classes:
            return np.asarray(model.predict(Z), dtype=np.float64).ravel()
        known = np.asarray(model.predict_proba(Z), dtype=np.float64)
        probabilities = np.zeros((len(Z), self.classes))
        probabilities[:, np.asarray(model.classes_, dtype=np.int64)] = known
        return probabilities


def fit(recipe: Recipe, rows: Rows, params: Mapping[str, Scalar], ready: preparation.Prepared | None = None) -> Fitted:
    """Fit a recipe; `ready` are the rows with all features, if they have been prepared already.

    Raises:
        TrainError: the model refuses the rows or the parameters.
    """
    fitted = _fit(recipe, rows, params, recipe.features, ready)
    chosen = recipe.challenger.select
    if chosen is None or chosen.keep >= len(recipe.features):
        return fitted
    kept = _most_important(chosen, recipe, fitted, rows)
    return _fit(recipe, rows, params, tuple(feature for feature in recipe.features if feature.name in kept), None)


class _Sides(NamedTuple):
    train: Rows
    ready: preparation.Prepared
    """The training rows, prepared."""
    test: Rows
    Z: Matrix
    """The others, prepared."""


class Split:
    """A fold's rows to fit and rows to answer, for many models of one recipe.

    No parameter of a model changes how its rows are prepared, so that is done once if they are not large.
    """

    def __init__(self, recipe: Recipe, rows: Rows, fold: Fold) -> None:
        self._recipe = recipe
        self._rows = rows
        self._fold = fold
        self._kept: _Sides | None = None
        self._large = False

    def answers(self, params: Mapping[str, Scalar]) -> npt.NDArray[np.float64]:
        """What a model with these parameters, fitted on the one side, answers for the other; as `Fitted.predict`.

        Raises:
            TrainError: the model refuses the rows or the parameters.
        """
        if self._kept is None and not self._large:
            self._prepare(params)
        if self._kept is None:
            train, test = (self._rows.take(rows) for rows in self._fold)
            return fit(self._recipe, train, params).predict(test)
        sides = self._kept
        ready = sides.ready._replace(Z=np.copy(sides.ready.Z))  # a model may write into what it is given
        fitted = fit(self._recipe, sides.train, params, ready)
        return fitted.answers(sides.Z) if fitted.features == self._recipe.features else fitted.predict(sides.test)

    def _prepare(self, params: Mapping[str, Scalar]) -> None:
        recipe = self._recipe
        train, test = (self._rows.take(rows) for rows in self._fold)
        names = [feature.name for feature in recipe.features]
        with _fitting(recipe, params):
            unfitted = _unfitted(recipe, params, recipe.features).named_steps["prepare"]
            ready = preparation.prepared(unfitted, train.X[names], train.y)
            self._large = ready.Z.nbytes > KEPT_BYTES
            if not self._large:
                self._kept = _Sides(train, ready, test, ready.preparation.transform(test.X[names]))


def _fit(
    recipe: Recipe,
    rows: Rows,
    params: Mapping[str, Scalar],
    features: tuple[Feature, ...],
    ready: preparation.Prepared | None,
) -> Fitted:
    unfitted = _unfitted(recipe, params, features)
    with _fitting(recipe, params):
        inputs = rows.X[[feature.name for feature in features]]
        model = _whole(partial(preparation.fit, unfitted, inputs, rows.y, jobs=recipe.jobs, ready=ready))
    return Fitted(model, features, rows.classes)


def _unfitted(recipe: Recipe, params: Mapping[str, Scalar], features: tuple[Feature, ...]) -> Any:
    return preparation.pipeline(
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


@contextmanager
def _fitting(recipe: Recipe, params: Mapping[str, Scalar]) -> Iterator[None]:
    """Without warnings; what a library refuses is a TrainError that says with which parameters."""
    try:
        with warnings.catch_warnings():
            _quieten()
            yield
    except (ValueError, TypeError, ArithmeticError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in params.items()) or "its defaults"
        raise TrainError(f"{recipe.challenger.model} with {given} cannot be fitted: {str(error)[:500]}") from error


def _whole(call: Callable[[], Result]) -> Result:
    """The result of a call that Ctrl-C does not break into, but waits for.

    XGBoost reads rows through Python, and a KeyboardInterrupt there becomes an error like that of a bad parameter.
    """
    if threading.current_thread() is not threading.main_thread():
        return call()
    with ThreadPoolExecutor(1, thread_name_prefix="fit") as pool:
        return pool.submit(call).result()


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
