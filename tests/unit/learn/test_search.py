"""A search depends on its inputs only: not on the clock, not on the cores, not on being killed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

import small
from torneo.engines.local import LocalEngine
from torneo.errors import TrainError
from torneo.learn.folds import folds
from torneo.learn.search import PRUNE_AFTER, Bench, Found, search
from torneo.metrics import metric
from torneo.models import linear
from torneo.spec.project import Search
from torneo.spec.records import Trial
from torneo.spec.space import Choice, Float, Int, Space
from torneo.testing import SilentProgress

SPACE: Space = {"alpha": Float(1e-3, 1e3, log=True), "fit_intercept": Choice((True, False))}
GRID = {"alpha": (0.1, 1.0, 10.0), "fit_intercept": (True, False)}
SEARCHES = {
    "grid": Search(sampler="grid", trials=12, space=GRID),
    "random": Search(sampler="random", trials=9),
    "tpe": Search(sampler="tpe", trials=14),
}


class Watched:
    """Progress that does something after each trial."""

    def __init__(self, then: Callable[[int], None] = lambda units: None) -> None:
        self.units, self.notes, self.then = 0, list[str](), then
        self.total: int | None = None

    def step(self, name: str, total: int | None = None) -> Watched:
        self.total = total
        return self

    def advance(self, units: int = 1, note: str = "") -> None:
        self.units += units
        self.notes.append(note)
        self.then(self.units)

    def done(self, note: str = "") -> None:
        self.notes.append(note)


def bench(*, jobs: int = 1, family: Any = linear, seed: int = 7, rows: int = 60) -> Bench:
    from dataclasses import replace

    given = small.rows(rows)
    recipe = replace(small.recipe(family=family), seed=seed, jobs=jobs)
    return Bench(recipe, given, folds(given, 3, seed=1), metric("rmse", "regression"), LocalEngine(jobs))


def found(settings: Search, known: Sequence[Trial] = (), **parts: Any) -> Found:
    return search(bench(**parts), settings, SPACE, known=known, progress=SilentProgress())


@pytest.mark.parametrize("sampler", SEARCHES)
def test_the_same_seed_gives_the_same_trials(sampler: str) -> None:
    one, other = found(SEARCHES[sampler]), found(SEARCHES[sampler])
    assert one == other
    assert one.complete
    assert len(one.trials) == (6 if sampler == "grid" else SEARCHES[sampler].trials)


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_another_seed_gives_other_trials(sampler: str) -> None:
    assert found(SEARCHES[sampler]).trials[1:] != found(SEARCHES[sampler], seed=8).trials[1:]


@pytest.mark.parametrize("sampler", SEARCHES)
def test_the_number_of_cores_changes_nothing(sampler: str) -> None:
    assert found(SEARCHES[sampler], jobs=2) == found(SEARCHES[sampler], jobs=1)


@pytest.mark.parametrize("sampler", SEARCHES)
def test_a_search_that_was_killed_ends_as_if_it_had_not_been(sampler: str) -> None:
    whole = found(SEARCHES[sampler])
    for done in range(len(whole.trials) + 1):
        journal = [Trial.model_validate_json(trial.model_dump_json()) for trial in whole.trials[:done]]
        assert found(SEARCHES[sampler], journal) == whole, done


def test_the_first_candidate_is_the_family_s_own() -> None:
    assert found(SEARCHES["random"]).trials[0].params == {}
    assert found(SEARCHES["tpe"]).trials[0].params == {}


def test_a_grid_is_tried_in_its_order() -> None:
    trials = found(SEARCHES["grid"]).trials
    assert [tuple(trial.params.values()) for trial in trials] == [
        (alpha, intercept) for alpha in GRID["alpha"] for intercept in GRID["fit_intercept"]
    ]


def test_the_best_is_the_best_mean_of_those_that_finished() -> None:
    result = found(SEARCHES["grid"])
    means = [float(np.mean(trial.scores)) for trial in result.trials]
    assert result.params == result.trials[int(np.argmin(means))].params
    assert result.stopped == "all 6 trials done"


def test_tpe_prunes_what_is_worse_than_the_median() -> None:
    result = found(Search(sampler="tpe", trials=25))
    pruned = [trial for trial in result.trials if trial.pruned]
    assert pruned
    for place, trial in enumerate(result.trials):
        finished = [before for before in result.trials[:place] if not before.pruned]
        if trial.pruned:
            assert len(finished) >= PRUNE_AFTER
            assert 1 <= len(trial.scores) < 3
            median = np.median([np.mean(before.scores[: len(trial.scores)]) for before in finished])
            assert np.mean(trial.scores) > median
        else:
            assert len(trial.scores) == 3
    assert not any(trial.pruned for trial in found(SEARCHES["random"]).trials)


def test_time_is_up() -> None:
    settings = Search(sampler="random", trials=10_000, seconds=0.2)
    result = found(settings)
    assert 1 <= len(result.trials) < 10_000
    assert result.stopped == f"time was up after {len(result.trials)} of 10000 trials (0.2 s)"
    assert result.complete


def test_an_interrupted_search_keeps_what_it_found_and_goes_on_later() -> None:
    saved: list[Trial] = []

    def save(trials: Sequence[Trial]) -> None:
        saved[:] = trials

    def stop(units: int) -> None:
        if units == 4:
            raise KeyboardInterrupt

    settings = SEARCHES["tpe"]
    result = search(bench(), settings, SPACE, save=save, progress=Watched(stop))
    assert (len(result.trials), result.complete) == (4, False)
    assert result.stopped == "interrupted after 4 of 14 trials"
    assert tuple(saved) == result.trials
    assert found(settings, saved) == found(settings)


def test_an_interruption_before_the_first_trial_is_one() -> None:
    def stop(units: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(bench(family=Broken("interrupt")), SEARCHES["random"], SPACE, progress=SilentProgress())


class Broken:
    """The linear family, but for what cannot be built."""

    TASKS = linear.TASKS
    SCALES = True
    HANDLES_MISSING = False

    def __init__(self, how: str) -> None:
        self.how = how

    def build(self, task: Any, params: Mapping[str, Any], *, seed: int, jobs: int) -> Any:
        if self.how == "interrupt":
            raise KeyboardInterrupt
        alpha = "wrong" if self.how == "all" or not params.get("fit_intercept", True) else 1.0
        return linear.build(task, {**params, "alpha": alpha}, seed=seed, jobs=jobs)


def test_candidates_that_cannot_be_fitted_are_passed_over() -> None:
    result = found(SEARCHES["grid"], family=Broken("some"))
    assert [trial.pruned for trial in result.trials] == [False, True] * 3
    assert [trial.scores for trial in result.trials if trial.pruned] == [()] * 3
    assert result.params["fit_intercept"] is True


def test_nothing_can_be_fitted() -> None:
    with pytest.raises(TrainError, match=r"linear with .* cannot be fitted: .*alpha"):
        found(SEARCHES["grid"], family=Broken("all"))
    journal = [Trial(params={"alpha": 1.0}, scores=(), pruned=True)] * 6
    with pytest.raises(TrainError, match="none of 6 candidates could be fitted"):
        found(SEARCHES["grid"], journal)


def test_progress_has_the_best_score() -> None:
    watched = Watched()
    search(bench(), SEARCHES["grid"], SPACE, progress=watched)
    assert (watched.total, watched.units) == (6, 6)
    assert all(note.startswith("best rmse 0.") for note in watched.notes[1:])


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_candidates_stay_in_the_space(sampler: str) -> None:
    space: Space = {"alpha": Float(0.5, 2.0), "max_iter": Int(-2, 3), "solver": Choice(("auto", "svd"))}
    ints: Space = {"max_iter": Int(3, 40, log=True)}
    for given in (space, {**space, **ints}):
        settings = Search.model_validate({"sampler": sampler, "trials": 30})
        trials = search(bench(family=Careless()), settings, given, progress=SilentProgress()).trials[1:]
        for trial in trials:
            assert 0.5 <= float(str(trial.params["alpha"])) <= 2
            drawn, bounds = trial.params["max_iter"], given["max_iter"]
            assert isinstance(bounds, Int)
            assert isinstance(drawn, int)
            assert bounds.low <= drawn <= bounds.high
    assert len({trial.params["max_iter"] for trial in trials}) > 3


class Careless(Broken):
    """The linear family, whatever the parameters."""

    def __init__(self) -> None:
        super().__init__("")

    def build(self, task: Any, params: Mapping[str, Any], *, seed: int, jobs: int) -> Any:
        return linear.build(task, {"alpha": params.get("alpha", 1.0)}, seed=seed, jobs=jobs)


def test_a_metric_without_a_value_on_a_fold_is_told() -> None:
    given = small.rows(12, classes=True, groups=np.arange(12) // 3)
    given.y[:] = [0, 0, 0, 1, 1, 1] * 2
    trial = Bench(small.recipe(classes=True), given, folds(given, 4, seed=1), metric("auc"), LocalEngine(1))
    with pytest.raises(TrainError, match=r"a fold of 3 rows cannot be scored: auc"):
        trial.scores({})
