"""Predictions by models that had not seen the rows (faults 3 and 17)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import small
from torneo.engines.local import LocalEngine
from torneo.learn.folds import Indices, Rows, folds
from torneo.learn.outside import OUTER_FOLDS, Outside, nested, out_of_fold
from torneo.metrics import metric
from torneo.models import linear
from torneo.spec.space import Float
from torneo.testing import SilentProgress

SPACE = {"alpha": Float(0.1, 10.0)}


class Remembering:
    """Predicts 1 for a row that it was fitted on, else 0."""

    TASKS = linear.TASKS
    SCALES = False
    HANDLES_MISSING = True

    def build(self, task: Any, params: Any, *, seed: int, jobs: int) -> Any:
        from sklearn.base import BaseEstimator, RegressorMixin

        class Memory(RegressorMixin, BaseEstimator):
            def fit(self, X: Any, y: Any) -> Any:
                self.seen_ = {row.tobytes() for row in np.asarray(X)}
                return self

            def predict(self, X: Any) -> Any:
                return np.array([float(row.tobytes() in self.seen_) for row in np.asarray(X)])

        return Memory()


def nested_of(rows: Rows, *, repeats: int = 2, declared: Any = None, family: Any = linear, trim: Any = None) -> Outside:
    return nested(
        small.recipe(family=family, declared=declared),
        rows,
        seed=3,
        repeats=repeats,
        metric=metric("rmse"),
        space=SPACE,
        engine=LocalEngine(1),
        progress=SilentProgress(),
        trim=trim or (lambda some: some),
    )


@pytest.mark.parametrize("declared", [{}, {"search": {"sampler": "random", "trials": 3, "folds": 2}}])
def test_faults_3_and_17_no_row_is_predicted_by_a_model_that_saw_it(declared: dict[str, Any]) -> None:
    found = nested_of(small.rows(60), declared=declared, family=Remembering())
    assert found.predicted.tolist() == [0.0] * 120
    seen = small.recipe(family=Remembering())
    pairs = folds(small.rows(60), 5, seed=1)
    assert out_of_fold(seen, small.rows(60), {}, pairs, LocalEngine(1)).predicted.tolist() == [0.0] * 60


def test_every_row_is_predicted_once_in_each_repetition() -> None:
    found = nested_of(small.rows(50), repeats=3)
    for repeat in range(3):
        assert sorted(found.row[found.repeat == repeat]) == list(range(50))
    assert set(found.fold) == set(range(OUTER_FOLDS))


def test_two_recipes_are_scored_on_the_same_folds() -> None:
    rows = small.rows(50)
    one, other = nested_of(rows), nested_of(rows, declared={"params": {"alpha": 50.0}})
    assert (one.row == other.row).all()
    assert (one.fold == other.fold).all()
    assert (one.predicted != other.predicted).any()


def test_what_a_row_says_of_itself_does_not_reach_its_prediction() -> None:
    """Fault 3: the winner of the search was picked and reported on the same rows."""
    rows = small.rows(40)
    declared = {"search": {"sampler": "random", "trials": 4, "folds": 2}}
    before = nested_of(rows, declared=declared)
    changed = rows.y.copy()
    inside = before.row[(before.repeat == 0) & (before.fold == 2)]
    changed[inside] += 1000
    after = nested_of(replace(rows, y=changed), declared=declared)
    same = (before.repeat == 0) & (before.fold == 2)
    assert (before.predicted[same] == after.predicted[same]).all()
    assert (before.predicted[~same] != after.predicted[~same]).any()


def test_outliers_leave_training_and_are_judged_all_the_same() -> None:
    rows = small.rows(50)
    asked: list[int] = []

    def trim(some: Indices) -> Indices:
        asked.append(len(some))
        return some[some != 7]

    found = nested_of(rows, repeats=1, trim=trim)
    assert asked == [40] * 5
    assert sorted(found.row) == list(range(50))
    wild = rows.y.copy()
    wild[7] = 1e9
    assert (nested_of(replace(rows, y=wild), repeats=1, trim=trim).predicted == found.predicted).all()


def test_by_time_there_is_one_pass_that_never_looks_ahead() -> None:
    times = np.arange(60, dtype=np.int64)
    found = nested_of(small.rows(60, times=times), repeats=3, family=Remembering())
    assert set(found.repeat) == {0}
    assert found.row.min() >= 10
    assert found.predicted.tolist() == [0.0] * len(found.row)


def test_an_interrupted_search_ends_the_whole() -> None:
    class Impatient(SilentProgress):
        def advance(self, units: int = 1, note: str = "") -> None:
            if note:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nested(
            small.recipe(declared={"search": {"sampler": "random", "trials": 3, "folds": 2}}),
            small.rows(40),
            seed=3,
            repeats=1,
            metric=metric("rmse"),
            space=SPACE,
            engine=LocalEngine(1),
            progress=Impatient(),
            trim=lambda some: some,
        )
