"""Groups of rows for which a challenger must not be worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from torneo.judge.compare import p_worse, score
from torneo.judge.holm import holm
from torneo.judge.predictions import Predictions
from torneo.judge.rules import Rules
from torneo.metrics import UndefinedMetricError

LEAST_ROWS = 30
"""A slice with fewer judged rows is not judged: chance would decide."""

Slices = Mapping[str, npt.NDArray[Any]]
"""Column to its values (n,) for the judged rows."""


@dataclass(frozen=True)
class Slice:
    """How champion and challenger do where a column has a value."""

    column: str
    value: str
    rows: int
    champion_score: float
    challenger_score: float
    p_value: float
    """One-sided: the chance of such a loss if the challenger were not worse here."""
    p_adjusted: float = 1.0
    """After Holm's correction for the number of slices."""


def judge_slices(champion: Predictions, challenger: Predictions, slices: Slices, rules: Rules) -> tuple[Slice, ...]:
    """Every slice with enough rows, tested for the challenger being worse, corrected for their number.

    Slices on which the metric has no value (one class only) are left out.

    Raises:
        ValueError: a column has another number of rows than the predictions.
    """
    found = []
    for column, value, rows in _masks(slices, champion):
        before, after = champion.take(rows), challenger.take(rows)
        if before.rows < LEAST_ROWS:
            continue
        try:
            scores = [score(each, rules.metric, rules.protocol) for each in (before, after)]
            found.append(Slice(column, value, before.rows, scores[0], scores[1], p_worse(before, after, rules)))
        except UndefinedMetricError:
            continue
    adjusted = holm([each.p_value for each in found])
    return tuple(replace(each, p_adjusted=p_value) for each, p_value in zip(found, adjusted, strict=True))


def _masks(slices: Slices, predictions: Predictions) -> Iterator[tuple[str, str, npt.NDArray[np.bool_]]]:
    for column, values in slices.items():
        if len(values) != len(predictions):
            raise ValueError(f"slice column {column} has {len(values)} values for {len(predictions)} judged rows")
        texts = np.array(["(missing)" if value is None else str(value) for value in values])
        for text in np.unique(texts):
            yield column, str(text), texts == text
