"""Scores of logged rows: all together, by version and role, by slice; and estimates before outcomes are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from torneo.errors import NotFoundError
from torneo.metrics import Metric, UndefinedMetricError
from torneo.watch.estimates import Estimate, confidence_based, error_model
from torneo.watch.logged import ACTUAL
from torneo.watch.performance import Pairs, Score, score
from torneo.watch.report import DriftReport

if TYPE_CHECKING:
    import polars as pl

MOST_SLICES = 20
LEAST_LABELLED = 30
"""A slice with fewer outcomes is not told of."""
SLICE = "__slice__"


@dataclass(frozen=True)
class Scored:
    """How rows are scored: rows have `__actual__` (NaN or null where unknown), and answers by class or `prediction`."""

    metric: Metric
    classes: Sequence[str]

    def pairs(self, rows: pl.DataFrame) -> Pairs:
        """Answers and outcomes of those rows that were answered."""
        answered = rows.drop_nulls(self.answers)
        return Pairs(answered[ACTUAL].fill_null(np.nan).to_numpy(), self.predicted(answered))

    @property
    def answers(self) -> list[str]:
        """The columns of answers."""
        return list(self.classes) or ["prediction"]

    def predicted(self, rows: pl.DataFrame) -> npt.NDArray[np.float64]:
        """Values (n,), or probabilities (n, classes)."""
        values = rows.select(self.answers).to_numpy()
        return np.asarray(values if self.classes else values[:, 0], dtype=np.float64)

    def by(self, rows: pl.DataFrame, names: Sequence[str]) -> Iterator[Score]:
        """The score of each group of rows that agree in all of the names."""
        groups = rows.partition_by(names, as_dict=True, maintain_order=True)
        for keys in sorted(groups, key=str):
            group = dict(zip(names, map(str, keys), strict=True))
            yield score_of(self, groups[keys]).model_copy(update={"group": group})


def score_of(scored: Scored, rows: pl.DataFrame) -> Score:
    """The score of rows whose outcomes are known."""
    pairs = scored.pairs(rows)
    known = ~np.isnan(pairs.actual)
    if scored.classes:
        pairs = Pairs(np.where(known, pairs.actual, np.nan), pairs.predicted)
    if not known.any():
        return Score(metric=scored.metric.name, score=None, confidence=0.95, rows=len(pairs), labelled=0)
    return score(pairs, scored.metric)


def slices_of(scored: Scored, rows: pl.DataFrame, names: Sequence[str]) -> tuple[Score, ...]:
    """The scores of the categories with the most outcomes, at most 20 of all columns together, the worst first."""
    import polars as pl

    labelled = rows.filter(pl.col(ACTUAL).is_not_null())
    sizes = [
        (count, name, value)
        for name in names
        for value, count in labelled[name].value_counts(name="__rows__").iter_rows()
        if count >= LEAST_LABELLED
    ]
    largest = sorted(sizes, key=lambda size: (-size[0], size[1], str(size[2])))[:MOST_SLICES]
    found = [
        score_of(scored, rows.filter(pl.col(name).eq_missing(value))).model_copy(
            update={"group": {name: "(missing)" if value is None else str(value)}}
        )
        for _, name, value in largest
    ]
    told = [each for each in found if each.score is not None]
    return tuple(sorted(told, key=lambda each: scored.metric.sign * (each.score or 0.0)))


def estimated(
    scored: Scored, rows: pl.DataFrame, baseline: Mapping[str, Any], drift: DriftReport | None
) -> Estimate | None:
    """How good answers of the champion probably are, whether or not outcomes are known.

    Returns:
        None if there are no answers, or nothing can be said of the metric before outcomes come.
    """
    answered = rows.drop_nulls(scored.answers)
    if not answered.height:
        return None
    try:
        if scored.classes:
            return confidence_based(scored.predicted(answered), scored.metric, drift=drift)
        return error_model(baseline, scored.predicted(answered), scored.metric, drift=drift)
    except (NotFoundError, UndefinedMetricError):
        return None
