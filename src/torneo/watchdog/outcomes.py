"""Outcomes that are known of a version's answers, in the form that metrics read."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from torneo.judge.predictions import Predictions
from torneo.ports import LogFilter, PredictionLog

if TYPE_CHECKING:
    import polars as pl

MOST = 200_000
"""So many outcomes are looked at together, the last that came; a metric is no surer with more."""
HORIZON = datetime.timedelta(days=90)
"""Outcomes of older predictions are not waited for."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Answers of one version with what really happened, n rows in the order of the predictions."""

    actual: npt.NDArray[Any]
    """Values (n,), or class indices (n,)."""
    predicted: npt.NDArray[np.float64]
    """Values (n,), or probabilities (n, classes)."""
    inputs: Sequence[str]
    """The rows as JSON, as the log has them."""

    def __len__(self) -> int:
        return len(self.actual)

    def predictions(self, predicted: npt.NDArray[np.float64] | None = None) -> Predictions:
        """For the judge; with other answers to the same rows in place of these."""
        nothing = np.zeros(len(self), dtype=np.int64)
        answers = self.predicted if predicted is None else np.asarray(predicted, dtype=np.float64)
        return Predictions(self.actual, answers, nothing, nothing)

    def parsed(self) -> list[Mapping[str, Any]]:
        """The rows."""
        return [json.loads(text) for text in self.inputs]


def labelled(
    log: PredictionLog,
    project: str,
    classes: Sequence[str],
    wanted: LogFilter,
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
) -> Labelled:
    """What is known of the wanted answers; only outcomes that were reported from `since` on and before `until`."""
    import polars as pl

    kept: list[pl.DataFrame] = []
    for frame in log.scan(project, wanted.model_copy(update={"labelled": True})):
        part = frame.filter(pl.col("role") != "shadow").select("inputs", "output", "outcome", "outcome_time")
        if since is not None:
            part = part.filter(pl.col("outcome_time") >= since)
        if until is not None:
            part = part.filter(pl.col("outcome_time") < until)
        kept.append(part)
        while len(kept) > 1 and sum(each.height for each in kept[1:]) >= MOST:
            kept.pop(0)
    rows = pl.concat(kept).tail(MOST) if kept else None
    return _arrays(rows, classes)


def _arrays(rows: pl.DataFrame | None, classes: Sequence[str]) -> Labelled:
    import polars as pl

    if rows is None or not rows.height:
        return Labelled(np.zeros(0), np.zeros((0, len(classes)) if classes else 0), ())
    if not classes:
        answer = pl.col("output").str.json_decode(pl.Struct({"prediction": pl.Float64()}))
        rows = rows.with_columns(answer.struct.field("prediction"), actual=pl.col("outcome").cast(pl.Float64))
        rows = rows.drop_nulls(["prediction", "actual"])
        return Labelled(rows["actual"].to_numpy(), rows["prediction"].to_numpy(), rows["inputs"].to_list())
    known = {name: place for place, name in enumerate(classes)}
    text = pl.col("outcome").str.json_decode(pl.String())
    place = text.replace_strict(known, default=None, return_dtype=pl.Int64())
    shape = pl.Struct({"probabilities": pl.Struct(dict.fromkeys(classes, pl.Float64()))})
    answer = pl.col("output").str.json_decode(shape).struct.field("probabilities")
    rows = rows.with_columns(answer.struct.unnest(), __actual__=place).drop_nulls([*classes, "__actual__"])
    probabilities = rows.select(classes).to_numpy() if rows.height else np.zeros((0, len(classes)))
    return Labelled(rows["__actual__"].to_numpy(), probabilities, rows["inputs"].to_list())
