"""Predictions for rows that the predicting model has not seen: out of fold, and nested for the judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from torneo.learn.folds import Fold, Indices, Rows, folds
from torneo.learn.recipe import Recipe, fit
from torneo.learn.search import SMALL, Bench, search
from torneo.metrics import Metric
from torneo.ports import Engine, Progress
from torneo.spec.project import Scalar
from torneo.spec.space import Space

OUTER_FOLDS = 5


@dataclass(frozen=True, eq=False)
class Outside:
    """Predictions of rows by models that had not seen them."""

    row: npt.NDArray[np.int64]
    """Which row was predicted; several times where folds are repeated."""
    predicted: npt.NDArray[np.float64]
    """(n,) values or (n, classes) probabilities."""
    repeat: npt.NDArray[np.int64]
    fold: npt.NDArray[np.int64]


def out_of_fold(
    recipe: Recipe, rows: Rows, params: Mapping[str, Scalar], pairs: Sequence[Fold], engine: Engine
) -> Outside:
    """Each fold's rows predicted by a model fitted on its training rows with the same parameters."""
    side_by_side = len(rows) <= SMALL
    single = recipe.on_one_core() if side_by_side else recipe

    def one(pair: Fold) -> npt.NDArray[np.float64]:
        return fit(single, rows.take(pair[0]), params).predict(rows.take(pair[1]))

    predicted = list(engine.each(one, pairs)) if side_by_side else [one(pair) for pair in pairs]
    return _joined([(0, fold, pair[1], part) for fold, (pair, part) in enumerate(zip(pairs, predicted, strict=True))])


def nested(
    recipe: Recipe,
    rows: Rows,
    *,
    seed: int,
    repeats: int,
    metric: Metric,
    space: Space,
    engine: Engine,
    progress: Progress,
    trim: Callable[[Indices], Indices],
) -> Outside:
    """Repeated nested cross-validation (Stone 1974; Varma and Simon 2006).

    In each outer fold the whole recipe runs again on the training rows: trimming, preparation, search, selection
    and fit; `trim` gives the training rows that are not outliers among those it is given. The folds depend on the rows
    and the seed only, so that two recipes are scored on the same ones. By time there is one pass, for time cannot be
    shuffled.
    """
    parts: list[tuple[int, int, npt.NDArray[np.int64], npt.NDArray[np.float64]]] = []
    passes = 1 if rows.times is not None else repeats
    bar = progress.step(f"nested cross-validation of {recipe.challenger.model}", passes * OUTER_FOLDS)
    for repeat in range(passes):
        for number, (train, test) in enumerate(folds(rows, OUTER_FOLDS, seed=seed + 1000 * (repeat + 1))):
            inner = rows.take(trim(train))
            settings = recipe.challenger.search
            params: Mapping[str, Scalar] = {}
            if settings is not None:
                pairs = folds(inner, settings.folds, seed=seed)
                bench = Bench(recipe, inner, pairs, metric, engine)
                found = search(bench, settings, space, progress=progress)
                if not found.complete:
                    raise KeyboardInterrupt  # half a search would be another recipe than the one before the judge
                params = found.params
            parts.append((repeat, number, test, fit(recipe, inner, params).predict(rows.take(test))))
            bar.advance()
    bar.done()
    return _joined(parts)


def _joined(parts: Sequence[tuple[int, int, npt.NDArray[np.int64], npt.NDArray[np.float64]]]) -> Outside:
    return Outside(
        row=np.concatenate([rows for _, _, rows, _ in parts]),
        predicted=np.concatenate([predicted for _, _, _, predicted in parts]),
        repeat=np.concatenate([np.full(len(rows), repeat) for repeat, _, rows, _ in parts]),
        fold=np.concatenate([np.full(len(rows), fold) for _, fold, rows, _ in parts]),
    )
