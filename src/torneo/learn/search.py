"""Search for parameters: grid, random, or Optuna's TPE with pruning. The judge's rows are never seen here.

A candidate depends on the seed, its number and the trials before it, never on the clock, so a search that was
killed goes on from its journal and ends as if it had not been.
"""

from __future__ import annotations

import itertools
import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from torneo.errors import TrainError
from torneo.learn.folds import Fold, Rows
from torneo.learn.recipe import Recipe, Split
from torneo.metrics import Metric, UndefinedMetricError
from torneo.ports import Engine, Progress
from torneo.spec.project import Scalar, Search
from torneo.spec.records import Trial
from torneo.spec.space import Choice, Float, Int, Space

Params = Mapping[str, Scalar]
SMALL = 20_000
"""Below so many rows, folds are fitted side by side on a core each; above, one after another on all cores."""
PRUNE_AFTER = 5
"""Trials that must be complete before one may be pruned (Optuna's median rule, Golovin et al. 2017)."""


@dataclass(frozen=True)
class Found:
    """What a search ended with."""

    params: Params
    trials: tuple[Trial, ...]
    stopped: str
    complete: bool = True
    """False where somebody interrupted it: the next run goes on."""


@dataclass(frozen=True, eq=False)
class Bench:
    """Where candidates are tried."""

    recipe: Recipe
    rows: Rows
    folds: Sequence[Fold]
    metric: Metric
    engine: Engine

    @property
    def _side_by_side(self) -> bool:
        return len(self.rows) <= SMALL

    @cached_property
    def _splits(self) -> Sequence[Split]:
        recipe = self.recipe.on_one_core() if self._side_by_side else self.recipe
        return [Split(recipe, self.rows, fold) for fold in self.folds]

    def scores(self, params: Params, worse_than: Callable[[list[float]], bool] | None = None) -> Trial:
        """The metric on each fold, or on the first few if `worse_than` says so, however many cores there are."""
        splits = self._splits

        def one(fold: int) -> float:
            test = self.folds[fold][1]
            try:
                return self.metric(self.rows.y[test], splits[fold].answers(params))
            except UndefinedMetricError as error:
                fix = "choose another judge.metric, or fewer folds"
                raise TrainError(f"a fold of {len(test)} rows cannot be scored: {error}", fix=fix) from None

        size = max(1, self.recipe.jobs) if self._side_by_side else 1
        scores: list[float] = []
        for start in range(0, len(self.folds), size):
            part = range(len(self.folds))[start : start + size]
            scores += list(self.engine.each(one, part)) if len(part) > 1 else [one(part[0])]
            for done in range(start + 1, min(len(scores), len(self.folds) - 1) + 1):
                if worse_than is not None and worse_than(scores[:done]):
                    return Trial(params=dict(params), scores=tuple(scores[:done]), pruned=True)
        return Trial(params=dict(params), scores=tuple(scores))

    def value(self, trial: Trial) -> float:
        """The mean score, turned so that larger is better."""
        mean = float(np.mean(trial.scores))
        return mean * self.metric.sign


def search(
    bench: Bench,
    settings: Search,
    space: Space,
    *,
    known: Iterable[Trial] = (),
    save: Callable[[Sequence[Trial]], None] | None = None,
    progress: Progress,
) -> Found:
    """Try candidates and keep the best by mean score over the folds; the first one is always the family's defaults.

    `known` are the trials of an earlier, killed search with the same inputs; `save` is called after each new one.

    Raises:
        TrainError: not one candidate could be fitted.
        KeyboardInterrupt: somebody interrupted it before one was.
    """
    trials = list(known)
    candidates = _candidates(settings, space, bench, trials)
    total = min(settings.trials, _grid_size(settings)) if settings.sampler == "grid" else settings.trials
    bar = progress.step(f"search {bench.recipe.challenger.model}", total)
    bar.advance(len(trials))
    started, stopped, complete, failure = time.monotonic(), f"all {total} trials done", True, None
    try:
        while len(trials) < total:
            if settings.seconds is not None and time.monotonic() - started > settings.seconds:
                stopped = f"time was up after {len(trials)} of {total} trials ({settings.seconds:g} s)"
                break
            params = next(candidates)
            try:
                trials.append(bench.scores(params, _pruner(settings, bench, trials)))
            except TrainError as error:
                failure = error
                trials.append(Trial(params=dict(params), scores=(), pruned=True))
            if save is not None:
                save(trials)
            bar.advance(1, _note(bench, trials))
    except KeyboardInterrupt:
        stopped, complete = f"interrupted after {len(trials)} of {total} trials", False
    best = _best(bench, trials)
    if best is None and not complete:
        raise KeyboardInterrupt
    if best is None:
        raise failure or TrainError(f"none of {len(trials)} candidates could be fitted")
    bar.done(_note(bench, trials))
    return Found(best.params, tuple(trials), stopped, complete)


def _best(bench: Bench, trials: Sequence[Trial]) -> Trial | None:
    finished = [trial for trial in trials if not trial.pruned]
    return max(finished, key=bench.value) if finished else None


def _note(bench: Bench, trials: Sequence[Trial]) -> str:
    best = _best(bench, trials)
    return "" if best is None else f"best {bench.metric.name} {np.mean(best.scores):.4g}"


def _pruner(settings: Search, bench: Bench, trials: Sequence[Trial]) -> Callable[[list[float]], bool] | None:
    finished = [trial.scores for trial in trials if not trial.pruned]
    if settings.sampler != "tpe" or len(finished) < PRUNE_AFTER:
        return None

    def worse(scores: list[float]) -> bool:
        median = np.median([np.mean(other[: len(scores)]) for other in finished])
        mean = np.mean(scores)
        return bool(mean < median if bench.metric.bigger_is_better else mean > median)

    return worse


def _candidates(settings: Search, space: Space, bench: Bench, trials: Sequence[Trial]) -> Iterator[Params]:
    """Candidates in order; those of `trials` (which grows) have been taken already."""
    own = settings.space
    if settings.sampler == "grid" and own is not None:
        combinations = itertools.product(*own.values())
        yield from (dict(zip(own, values, strict=True)) for values in itertools.islice(combinations, len(trials), None))
        return
    if own is not None:
        space = {name: Choice(values=tuple(values)) for name, values in own.items()}
    if not trials:
        yield {}
    study = _Study(bench, space) if settings.sampler == "tpe" else None
    while True:
        number = len(trials)
        seed = bench.recipe.seed * 1_000_003 + number
        yield _draw(space, np.random.default_rng(seed)) if study is None else study.ask(trials, seed)


def _grid_size(settings: Search) -> int:
    return int(np.prod([len(values) for values in (settings.space or {}).values()]))


def _draw(space: Space, rng: np.random.Generator) -> Params:
    drawn: dict[str, Scalar] = {}
    for name, dimension in space.items():
        if isinstance(dimension, Choice):
            drawn[name] = dimension.values[int(rng.integers(len(dimension.values)))]
            continue
        low, high = float(dimension.low), float(dimension.high)
        top = high + 1 if isinstance(dimension, Int) else high
        value = float(np.exp(rng.uniform(np.log(low), np.log(top)))) if dimension.log else float(rng.uniform(low, top))
        value = min(max(value, low), top)
        drawn[name] = min(math.floor(value), int(high)) if isinstance(dimension, Int) else value
    return drawn


class _Study:
    """Optuna, told every finished trial and asked for the next with a seed of its own.

    Each question goes to a new study: one that was asked before remembers its own questions, and a search that goes
    on from its journal would get other answers.
    """

    def __init__(self, bench: Bench, space: Space) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.bench = bench
        self.distributions: dict[str, Any] = {name: _distribution(optuna, d) for name, d in space.items()}
        self.finished: list[Any] = []
        self.told = 0

    def ask(self, trials: Sequence[Trial], seed: int) -> Params:
        import optuna

        for trial in trials[self.told :]:
            params = {name: trial.params[name] for name in self.distributions if name in trial.params}
            if len(params) == len(self.distributions) and trial.scores:
                value = self.bench.value(trial)
                finished = optuna.trial.create_trial(params=params, distributions=self.distributions, value=value)
                self.finished.append(finished)
        self.told = len(trials)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=8)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.add_trials(self.finished)
        return dict(study.ask(self.distributions).params)


def _distribution(optuna: Any, dimension: Float | Int | Choice) -> Any:
    if isinstance(dimension, Choice):
        return optuna.distributions.CategoricalDistribution(dimension.values)
    kind = optuna.distributions.IntDistribution if isinstance(dimension, Int) else None
    kind = kind or optuna.distributions.FloatDistribution
    return kind(dimension.low, dimension.high, log=dimension.log)
